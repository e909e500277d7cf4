//! Going through the parts of a record.

use zerocopy::FromBytes as _;

use super::{Part, Record};

/// Parts are padded to this many bytes.
const ALIGNMENT: usize = 8;

/// The parts behind a record's head, with their contents. After an error there are no more.
#[derive(Clone, Debug)]
pub struct Parts<'a> {
    rest: &'a [u8],
    at: usize,
    error: Option<Malformed>,
}

/// A record whose sizes contradict one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not even the head is there.
    #[error("a record of {have} bytes is shorter than its head")]
    NoHead {
        /// Bytes that there are.
        have: usize,
    },
    /// The head states more than there is, or less than itself.
    #[error("a record says that it has {stated} bytes, but {have} came")]
    Size {
        /// What the head says.
        stated: u32,
        /// Bytes that there are.
        have: usize,
    },
    /// A part reaches past the end of the record.
    #[error("the part at byte {at} of a record reaches past its end")]
    Part {
        /// Where it begins, from the start of the record.
        at: usize,
    },
}

impl<'a> Parts<'a> {
    /// The parts of the record that these bytes are, head included. Bytes behind the stated size are
    /// left alone. What is wrong with the head is the first item.
    #[must_use]
    pub fn of(record: &'a [u8]) -> Self {
        let at = size_of::<Record>();
        match bounds(record) {
            Ok(rest) => Self { rest, at, error: None },
            Err(error) => Self { rest: &[], at, error: Some(error) },
        }
    }
}

fn bounds(record: &[u8]) -> Result<&[u8], Malformed> {
    let have = record.len();
    let Ok((head, _)) = Record::read_from_prefix(record) else { return Err(Malformed::NoHead { have }) };
    let stated = usize::try_from(head.size).unwrap_or(usize::MAX);
    record.get(size_of::<Record>()..stated).ok_or(Malformed::Size { stated: head.size, have })
}

/// The first part, its content, and what follows it.
fn split(bytes: &[u8]) -> Option<(Part, &[u8], &[u8])> {
    let (part, content) = Part::read_from_prefix(bytes).ok()?;
    let size = usize::try_from(part.size).ok()?;
    let padded = size.checked_next_multiple_of(ALIGNMENT)?;
    let (content, rest) = content.split_at_checked(padded)?;
    Some((part, &content[..size], rest))
}

impl<'a> Iterator for Parts<'a> {
    type Item = Result<(Part, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.error.take() {
            return Some(Err(error));
        }
        if self.rest.is_empty() {
            return None;
        }
        let Some((part, content, rest)) = split(self.rest) else {
            self.rest = &[];
            return Some(Err(Malformed::Part { at: self.at }));
        };
        self.at += self.rest.len() - rest.len();
        self.rest = rest;
        Some(Ok((part, content)))
    }
}

impl std::iter::FusedIterator for Parts<'_> {}

#[cfg(test)]
mod tests {
    use zerocopy::IntoBytes as _;

    use super::*;
    use crate::abi::PartKind;

    fn part(arg: u8, content: &[u8]) -> Vec<u8> {
        let size = u32::try_from(content.len()).unwrap();
        let mut bytes = Part { kind: PartKind::Text.into(), arg, size, ..Part::default() }.as_bytes().to_vec();
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    fn record(parts: &[Vec<u8>]) -> Vec<u8> {
        let parts = parts.concat();
        let size = u32::try_from(size_of::<Record>() + parts.len()).unwrap();
        let mut bytes = Record { size, ..Record::default() }.as_bytes().to_vec();
        bytes.extend(parts);
        bytes
    }

    fn found(bytes: &[u8]) -> Vec<Result<(u8, &[u8]), Malformed>> {
        Parts::of(bytes).map(|item| item.map(|(part, content)| (part.arg, content))).collect()
    }

    #[test]
    fn contents_come_without_their_padding() {
        let bytes = record(&[part(0, b"abc"), part(1, b""), part(2, b"12345678"), part(3, b"123456789")]);
        let expected: [(u8, &[u8]); 4] = [(0, b"abc"), (1, b""), (2, b"12345678"), (3, b"123456789")];
        assert_eq!(found(&bytes), expected.map(Ok));
    }

    #[test]
    fn a_record_need_not_be_aligned_nor_alone() {
        let mut bytes = vec![0];
        bytes.extend(record(&[part(0, b"abc")]));
        bytes.extend([0xff; 16]);
        assert_eq!(found(&bytes[1..]), [Ok((0, b"abc".as_slice()))]);
    }

    #[test]
    fn no_parts() {
        assert_eq!(found(&record(&[])), []);
    }

    #[test]
    fn a_cut_record_is_an_error_wherever_it_is_cut() {
        let whole = record(&[part(0, b"abc"), part(1, b"0123456789")]);
        for length in 0..whole.len() {
            let stated = u32::try_from(whole.len()).unwrap();
            let expected = match length {
                0..88 => Malformed::NoHead { have: length },
                _ => Malformed::Size { stated, have: length },
            };
            assert_eq!(found(&whole[..length]), [Err(expected)]);
        }
    }

    #[test]
    fn a_stated_size_that_cuts_a_part_is_an_error_behind_the_parts_before() {
        let mut bytes = record(&[part(0, b"abc"), part(1, b"0123456789")]);
        let whole = bytes.len();
        for stated in 105..whole {
            bytes[..4].copy_from_slice(&u32::try_from(stated).unwrap().to_ne_bytes());
            assert_eq!(found(&bytes), [Ok((0, b"abc".as_slice())), Err(Malformed::Part { at: 104 })]);
        }
        bytes[..4].copy_from_slice(&80_u32.to_ne_bytes());
        assert_eq!(found(&bytes), [Err(Malformed::Size { stated: 80, have: whole })]);
    }

    #[test]
    fn a_part_of_enormous_size_ends_it() {
        for size in [17, u32::MAX, u32::MAX - 7] {
            let mut bytes = record(&[part(0, b"0123456789abcdef")]);
            bytes[92..96].copy_from_slice(&size.to_ne_bytes());
            assert_eq!(found(&bytes), [Err(Malformed::Part { at: 88 })]);
        }
    }
}
