//! "Did you mean".

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

/// The candidate that is most like `name`, if one is like it at all.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let near = 1 + name.len() / 4;
    candidates
        .into_iter()
        .map(|candidate| (distance(name.as_bytes(), candidate.as_bytes()), candidate))
        .filter(|(distance, _)| *distance <= near)
        .min()
        .map(|(_, candidate)| candidate.into())
}

/// How many bytes to insert, remove, replace or exchange with the next.
fn distance(one: &[u8], other: &[u8]) -> usize {
    let mut before: Vec<usize> = vec![0; other.len() + 1];
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (row, a) in one.iter().enumerate() {
        let mut line = vec![row + 1];
        for (column, b) in other.iter().enumerate() {
            let mut cost = (last[column] + usize::from(a != b)).min(last[column + 1] + 1).min(line[column] + 1);
            if row > 0 && column > 0 && *a == other[column - 1] && one[row - 1] == *b {
                cost = cost.min(before[column - 1] + 1);
            }
            line.push(cost);
        }
        before = core::mem::replace(&mut last, line);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_errors_are_near() {
        let names = ["open.file.path", "open.file.name", "exec.file.path"];
        assert_eq!(nearest("open.file.pth", names).as_deref(), Some("open.file.path"));
        assert_eq!(nearest("opne.file.name", names).as_deref(), Some("open.file.name"));
        assert_eq!(nearest("something.else", names), None);
    }
}
