//! What of an event discarders and approvers look at.

use crate::event::{EventType, File};
use crate::record::Record;
use crate::syscall::Slot;

/// How many directories above a file may discard it.
pub const DEPTH: usize = 3;

/// The directories above a path that may discard it, nearest first. The root is none of them: whoever
/// discards below the root discards everything.
pub fn parents(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let absolute = path.first() == Some(&b'/');
    core::iter::successors(directory(path).filter(|_| absolute), |path| directory(path)).take(DEPTH)
}

fn directory(path: &[u8]) -> Option<&[u8]> {
    let slash = path.iter().rposition(|byte| *byte == b'/')?;
    (slash > 0).then(|| &path[..slash])
}

/// The paths of a record, for approvers; `None` for one that is not certain.
pub fn paths(record: &Record, event: EventType) -> impl Iterator<Item = Option<&[u8]>> {
    let both = matches!(event, EventType::Rename | EventType::Link);
    let subject = crate::decode::subject(record, event);
    let other = record.files[Slot::Destination as usize].as_ref().filter(|_| both);
    subject.into_iter().chain(other).map(path)
}

fn path(file: &File) -> Option<&[u8]> {
    (!file.unresolved).then_some(&*file.path)
}
