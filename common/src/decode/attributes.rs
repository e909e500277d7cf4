//! Permissions, owners, times and extended attributes.

use super::bytes_of;
use crate::accounts::Naming;
use crate::event::{Chmod, Chown, Removexattr, Setxattr, Utimes};
use crate::ids::Timestamp;
use crate::record::Record;
use crate::syscall::{Layout, Role, Slot};

/// `UTIME_NOW` and `UTIME_OMIT` of linux/stat.h: values of the nanoseconds, not of the seconds.
const UTIME_NOW: i64 = (1 << 30) - 1;
const UTIME_OMIT: i64 = (1 << 30) - 2;

pub(super) fn chmod(record: &mut Record) -> Chmod {
    Chmod {
        file: record.take_file(Slot::File),
        mode: record.mode(),
        path: record.take_path(Slot::File),
        retval: record.result,
    }
}

pub(super) fn chown(record: &mut Record) -> Chown {
    Chown {
        file: record.take_file(Slot::File),
        uid: record.id(Role::Uid),
        gid: record.id(Role::Gid),
        path: record.take_path(Slot::File),
        retval: record.result,
        naming: Naming::default(),
    }
}

pub(super) fn utimes(record: &mut Record) -> Utimes {
    let [accessed, modified] = times(record).unwrap_or([None, None]);
    Utimes {
        file: record.take_file(Slot::File),
        accessed,
        modified,
        path: record.take_path(Slot::File),
        retval: record.result,
    }
}

/// The two times that were passed, `None` for now, for "leave it", and where no structure was.
fn times(record: &Record) -> Option<[Option<Timestamp>; 2]> {
    let index = record.row.args.iter().position(|role| matches!(role, Role::Data(_)))?;
    let Role::Data(layout) = record.row.args[index] else { return None };
    let bytes = record.bytes(index)?;
    let long = if layout == Layout::Timespec64 { 8 } else { record.arch.long_size() };
    let read = |at: usize| super::signed_long_at(bytes, at, long);
    match layout {
        Layout::Utimbuf => Some([timestamp(read(0)?, 0), timestamp(read(1)?, 0)]),
        Layout::Timeval => {
            let micros = |at: usize| Some(timestamp(read(at)?, read(at + 1)?.checked_mul(1000)?));
            Some([micros(0)?, micros(2)?])
        }
        _ => {
            let nanos = |at: usize| {
                let (seconds, nanoseconds) = (read(at)?, read(at + 1)?);
                Some(match nanoseconds {
                    UTIME_NOW | UTIME_OMIT => None,
                    _ => timestamp(seconds, nanoseconds),
                })
            };
            Some([nanos(0)?, nanos(2)?])
        }
    }
}

/// A point in time; `None` before the epoch, which a [`Timestamp`] cannot hold.
fn timestamp(seconds: i64, nanoseconds: i64) -> Option<Timestamp> {
    let nanoseconds = seconds.checked_mul(1_000_000_000)?.checked_add(nanoseconds)?;
    u64::try_from(nanoseconds).ok().map(Timestamp)
}

pub(super) fn setxattr(record: &mut Record) -> Setxattr {
    Setxattr {
        file: record.take_file(Slot::File),
        attribute: bytes_of(record.take_name()),
        path: record.take_path(Slot::File),
        retval: record.result,
    }
}

pub(super) fn removexattr(record: &mut Record) -> Removexattr {
    Removexattr {
        file: record.take_file(Slot::File),
        attribute: bytes_of(record.take_name()),
        path: record.take_path(Slot::File),
        retval: record.result,
    }
}
