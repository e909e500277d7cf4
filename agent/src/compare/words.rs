//! Texts taken apart into words: runs of letters, digits and underscores. It is what makers of temporary names put
//! together at random, and punctuation is what they leave as it is.

use std::ops::Range;

/// The words of a text with where they are.
pub(super) fn of(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let begin = at + text[at..].find(is_letter)?;
        let length = text[begin..].find(|letter| !is_letter(letter)).unwrap_or(text.len() - begin);
        at = begin + length;
        Some((begin..at, &text[begin..at]))
    })
}

/// The text with some of its words replaced.
pub(super) fn replace(text: &str, mut by: impl FnMut(&str, &str) -> Option<String>) -> Option<String> {
    let mut out: Option<String> = None;
    let mut copied = 0;
    for (range, word) in of(text) {
        if let Some(other) = by(&text[..range.start], word) {
            let out = out.get_or_insert_default();
            out.push_str(&text[copied..range.start]);
            out.push_str(&other);
            copied = range.end;
        }
    }
    out.map(|mut out| {
        out.push_str(&text[copied..]);
        out
    })
}

/// A word with the numbers in it that are wanted replaced.
pub(super) fn replace_numbers(word: &str, wanted: impl Fn(i64) -> bool, by: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = word;
    let mut replaced = false;
    while let Some(begin) = rest.find(|letter: char| letter.is_ascii_digit()) {
        let length = rest[begin..].find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len() - begin);
        let (before, digits) = (&rest[..begin], &rest[begin..begin + length]);
        out.push_str(before);
        let known = !digits.starts_with('0') && digits.parse().is_ok_and(&wanted);
        out.push_str(if known { by } else { digits });
        replaced |= known;
        rest = &rest[begin + length..];
    }
    out.push_str(rest);
    replaced.then_some(out)
}

fn is_letter(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_letters_digits_and_underscores() {
        let text = "/tmp/.a_b-2775 c=ü!";
        assert_eq!(of(text).map(|(_, word)| word).collect::<Vec<_>>(), ["tmp", "a_b", "2775", "c", "ü"]);
        assert!(of(text).all(|(range, word)| &text[range] == word));
        assert_eq!(of("").count() + of("/..").count(), 0);
    }

    #[test]
    fn words_are_replaced_where_they_stand() {
        let by = |before: &str, word: &str| (word == "b").then(|| before.len().to_string());
        assert_eq!(replace("a/b-b/c", by).as_deref(), Some("a/2-4/c"));
        assert_eq!(replace("a/c", by), None);
    }

    #[test]
    fn numbers_are_replaced_within_a_word() {
        let wanted = |number| number == 27;
        assert_eq!(replace_numbers("gc27_27x", wanted, "N").as_deref(), Some("gcN_Nx"));
        assert_eq!(replace_numbers("gc270", wanted, "N"), None);
        assert_eq!(replace_numbers("027", wanted, "N"), None);
    }
}
