//! Ranges of versions, as rules name them: `>= 7.42.0 < 7.50.0 || 7.60.x`.

use alloc::vec::Vec;

/// The release of the reference whose language and fields Lapwing has; rules for other releases are left out.
pub(super) const REFERENCE: Version = Version([7, 83, 0]);

/// Major, minor, patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) [u64; 3]);

/// Whether a version is in a range; `None` if that is no range.
pub(super) fn contains(range: &str, version: Version) -> Option<bool> {
    let mut any = false;
    for alternative in range.split("||") {
        any |= all(alternative, version)?;
    }
    Some(any)
}

fn all(alternative: &str, version: Version) -> Option<bool> {
    let mut words: Vec<(&str, &str)> = Vec::new();
    for word in alternative.split([' ', ',', '\t']).filter(|word| !word.is_empty()) {
        // An operator may stand apart from its version.
        match words.last_mut() {
            Some((operator, number)) if number.is_empty() && !operator.is_empty() => *number = word,
            _ => {
                let digits = word.find(|one: char| one.is_ascii_digit() || one == 'v').unwrap_or(word.len());
                words.push(word.split_at(digits));
            }
        }
    }
    if words.is_empty() {
        return None;
    }
    let mut holds = true;
    for (operator, number) in words {
        holds &= compare(operator, number, version)?;
    }
    Some(holds)
}

fn compare(operator: &str, number: &str, version: Version) -> Option<bool> {
    let number = number.trim_start_matches('v');
    let number = number.split(['-', '+']).next()?;
    let mut parts = [0; 3];
    let mut given = 0;
    for (index, part) in number.split('.').enumerate() {
        if matches!(part, "x" | "X" | "*") {
            break;
        }
        *parts.get_mut(index)? = part.parse().ok()?;
        given = index + 1;
    }
    let wanted = Version(parts);
    let same = version.0[..given] == wanted.0[..given];
    Some(match operator {
        "" | "=" | "==" => same,
        "!" | "!=" => !same,
        ">" => version > wanted && !same,
        ">=" => version >= wanted,
        "<" => version < wanted,
        "<=" => version < wanted || same,
        "~" => version >= wanted && version.0[..given.min(2)] == wanted.0[..given.min(2)],
        "^" => version >= wanted && version.0[0] == wanted.0[0],
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_lie_in_ranges() {
        for (range, expected) in [
            (">= 7.42.0", Some(true)),
            (">=7.42", Some(true)),
            ("< 7.42.0", Some(false)),
            (">= 7.42.0 < 7.50.0", Some(false)),
            (">= 7.42.0, < 8", Some(true)),
            ("< 7.42 || >= 7.80", Some(true)),
            ("7.83.x", Some(true)),
            ("7.82.x || 7.84.x", Some(false)),
            ("7.83.0", Some(true)),
            ("!7.83.0", Some(false)),
            ("> 7.83", Some(false)),
            ("<= 7.83", Some(true)),
            (">= 7.84.0-rc1", Some(false)),
            ("~7.83", Some(true)),
            ("", None),
            (">=", None),
            ("abc", None),
            (">= 7.x.y.z", Some(true)),
            ("=> 7", None),
        ] {
            assert_eq!(contains(range, REFERENCE), expected, "{range}");
        }
    }
}
