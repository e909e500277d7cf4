//! Operations of io_urings, which come in two: what one names as it is submitted, and how it ended.
//!
//! What was found at the end says more, and is taken first: the file that was opened, the name that was made.

use std::collections::BTreeMap;

use lapwing_common::record::{Record, Sighting};
use lapwing_common::syscall::Slot;
use zerocopy::FromBytes as _;

use super::call::settled;
use super::file::Found;
use super::{Decoder, Early};
use crate::abi::{self, OperationFlags, PartKind, Parts};

/// As many operations are awaited: more than the programs remember.
const MOST: usize = 4096;

/// What an operation was submitted with.
#[derive(Debug)]
pub(crate) struct Submission {
    record: Record,
    files: [Option<Found>; 2],
    flags: OperationFlags,
}

/// Operations that are not complete, by token, and so oldest first.
#[derive(Debug, Default)]
pub(super) struct Pending(BTreeMap<u64, Submission>);

/// The part that says which operation a record is about.
pub(super) fn part(bytes: &[u8]) -> Option<abi::Operation> {
    let mut parts = Parts::of(bytes).filter_map(Result::ok);
    let (_, content) = parts.find(|(part, _)| PartKind::try_from(part.kind) == Ok(PartKind::Operation))?;
    abi::Operation::read_from_prefix(content).ok().map(|(operation, _)| operation)
}

impl Decoder {
    pub(super) fn submission(&mut self, head: &abi::Record, bytes: &[u8]) -> Option<Submission> {
        let flags = OperationFlags::from_bits_retain(part(bytes)?.flags);
        // How its files are to be shown depends on the result.
        let Early { files, .. } = self.early(head, bytes)?;
        let Sighting::Call(mut record) = self.call(head, bytes)? else { return None };
        record.copied = !flags.contains(OperationFlags::USER_READ);
        Some(Submission { record: *record, files, flags })
    }

    /// An operation begins. One that will not tell of its success is taken at its word.
    pub(super) fn submitted(&mut self, token: u64, submission: Submission) -> Option<Sighting> {
        if submission.flags.contains(OperationFlags::QUIET) {
            let mut record = Box::new(submission.record);
            record.assumed = true;
            return Some(Sighting::Call(record));
        }
        let Submission { record, files, .. } = &submission;
        if record.texts.is_empty() && record.data.is_empty() && files.iter().all(Option::is_none) {
            // It will all be there at the end; at each of them, where there are many.
            return None;
        }
        if self.pending.0.len() >= MOST {
            self.pending.0.pop_first();
        }
        self.pending.0.insert(token, submission);
        None
    }

    /// An operation ended. `None` if its result is not reported.
    pub(super) fn completed(&mut self, token: u64, ended: Sighting) -> Option<Sighting> {
        let Sighting::Call(mut record) = ended else { return None };
        let submission = self.pending.0.remove(&token);
        if !record.row.reports(record.result) {
            return None;
        }
        record.copied = true;
        if let Some(submission) = submission {
            join(&mut record, submission);
        }
        Some(Sighting::Call(record))
    }
}

fn join(record: &mut Record, submission: Submission) {
    let Submission { record: submitted, files, .. } = submission;
    record.texts = submitted.texts;
    record.data.extend(submitted.data);
    record.unreadable |= submitted.unreadable;
    record.copied = submitted.copied;
    for (slot, found) in [Slot::File, Slot::Destination].into_iter().zip(files) {
        if let (None, Some(found)) = (&record.files[slot as usize], found) {
            let file = settled(found, record, slot);
            record.set_file(slot, file);
        }
    }
}

#[cfg(test)]
mod tests {
    use lapwing_common::ids::PidNs;
    use lapwing_common::process::{ArgumentLimits, Keep};
    use lapwing_common::record::Observation;
    use lapwing_common::syscall::CATALOGUE;
    use zerocopy::IntoBytes as _;

    use super::*;
    use crate::abi::{FileFlags, FileHead, Kind};
    use crate::snapshot::Procfs;

    const DENIED: i64 = -13;
    const ABSENT: i64 = -2;

    fn decoder() -> Decoder {
        let (namespace, limits) = (PidNs::default(), ArgumentLimits::default());
        let time = crate::clock::HostTime::now();
        let procfs = Procfs::new(time.clone(), namespace, limits, Keep::default());
        Decoder::new(namespace, time, limits, Keep::default(), procfs)
    }

    fn parts(bytes: &mut Vec<u8>, kind: PartKind, arg: u8, content: &[u8]) {
        let size = u32::try_from(content.len()).unwrap();
        bytes.extend(abi::Part { kind: kind.into(), arg, flags: 0, size }.as_bytes());
        bytes.extend(content);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    }

    fn file(name: &[u8], inode: u64) -> Vec<u8> {
        let names = u16::try_from(name.len()).unwrap();
        let flags = (FileFlags::ROOTED | FileFlags::INODE).bits();
        [FileHead { inode, names, flags, ..FileHead::default() }.as_bytes(), name].concat()
    }

    /// What is observed of a record about an `openat`.
    fn observe(
        decoder: &mut Decoder,
        kind: Kind,
        result: i64,
        operation: (u64, OperationFlags),
        others: &[(PartKind, u8, Vec<u8>)],
    ) -> Option<Box<Record>> {
        let row = CATALOGUE.iter().position(|row| row.name == "openat").unwrap();
        let head = abi::Record { kind: kind.into(), row: u16::try_from(row).unwrap(), result, ..Default::default() };
        let mut bytes = head.as_bytes().to_vec();
        for (kind, arg, content) in others {
            parts(&mut bytes, *kind, *arg, content);
        }
        let about = abi::Operation { token: operation.0, flags: operation.1.bits(), padding: 0 };
        parts(&mut bytes, PartKind::Operation, 0, about.as_bytes());
        let size = u32::try_from(bytes.len()).unwrap();
        bytes[..4].copy_from_slice(&size.to_le_bytes());
        let (time, read) = decoder.read(&bytes).unwrap();
        let Observation { what: Sighting::Call(record), .. } = decoder.observe(time, read)? else { panic!("no call") };
        Some(record)
    }

    fn submit(decoder: &mut Decoder, token: u64, flags: OperationFlags) -> Option<Box<Record>> {
        let named = [(PartKind::Text, 1, b"link".to_vec()), (PartKind::File, 0, file(b"before\0", 1))];
        observe(decoder, Kind::Uring, 0, (token, flags), &named)
    }

    fn end(decoder: &mut Decoder, token: u64, result: i64, made: &[u8]) -> Option<Box<Record>> {
        let made = (!made.is_empty()).then(|| (PartKind::File, 0, file(made, 2)));
        observe(decoder, Kind::UringEnd, result, (token, OperationFlags::empty()), made.as_slice())
    }

    fn path(record: &Record) -> &[u8] {
        &record.files[0].as_ref().unwrap().path
    }

    #[test]
    fn the_end_knows_better_and_the_beginning_knows_the_rest() {
        let mut decoder = decoder();
        assert!(submit(&mut decoder, 7, OperationFlags::empty()).is_none());
        assert!(submit(&mut decoder, 8, OperationFlags::USER_READ).is_none());
        let refused = end(&mut decoder, 8, DENIED, b"").unwrap();
        assert_eq!((path(&refused), refused.copied), (&b"/before"[..], false));
        let opened = end(&mut decoder, 7, 3, b"after\0").unwrap();
        assert_eq!((path(&opened), &*opened.text(1).unwrap().bytes), (&b"/after"[..], &b"link"[..]));
        assert!(opened.copied && !opened.assumed);
        assert!(decoder.pending.0.is_empty());
    }

    #[test]
    fn a_result_that_is_not_reported_ends_it_all_the_same() {
        let mut decoder = decoder();
        submit(&mut decoder, 7, OperationFlags::empty());
        assert!(end(&mut decoder, 7, ABSENT, b"").is_none());
        assert!(decoder.pending.0.is_empty());
    }

    #[test]
    fn a_success_that_will_not_be_told_is_assumed() {
        let mut decoder = decoder();
        let record = submit(&mut decoder, 7, OperationFlags::QUIET).unwrap();
        assert!(record.assumed && record.succeeded() && decoder.pending.0.is_empty());
    }

    #[test]
    fn what_was_submitted_may_be_lost_or_never_end() {
        let mut decoder = decoder();
        assert_eq!(path(&end(&mut decoder, 7, 3, b"after\0").unwrap()), b"/after");
        for token in 0..=MOST as u64 {
            submit(&mut decoder, token, OperationFlags::empty());
        }
        assert_eq!(decoder.pending.0.first_key_value().map(|(token, _)| *token), Some(1), "the oldest is given up");
    }
}
