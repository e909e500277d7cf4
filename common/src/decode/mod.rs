//! From a raw record to what happened.
//!
//! The decoder finds arguments by their role in the catalogue, never by the name of the call, so a
//! new variant of a known call needs no code here. Only a new event type does.

mod address;
mod attributes;
mod filesystem;
mod kernel;
mod memory;
mod network;
mod task;

use alloc::boxed::Box;

use crate::event::{EventType, File, Payload, Quality, Text};
use crate::process::Cache;
use crate::record::{Record, Task};
use crate::syscall::{Role, Slot};

/// Turns the record of a call into the payload of an event of this type, which must be one that the
/// record's row yields. Takes the captured files and texts out of the record.
#[must_use]
pub fn decode(record: &mut Record, event: EventType, task: Task, processes: &Cache) -> Payload {
    match event {
        EventType::Open => filesystem::open(record).into(),
        EventType::Mkdir => filesystem::mkdir(record).into(),
        EventType::Rmdir => filesystem::rmdir(record).into(),
        EventType::Unlink => filesystem::unlink(record).into(),
        EventType::Rename => filesystem::rename(record).into(),
        EventType::Link => filesystem::link(record).into(),
        EventType::Mount => filesystem::mount(record).into(),
        EventType::Umount => filesystem::umount(record).into(),
        EventType::PivotRoot => filesystem::pivot_root(record).into(),
        EventType::Splice => filesystem::splice(record).into(),
        EventType::Chmod => attributes::chmod(record).into(),
        EventType::Chown => attributes::chown(record).into(),
        EventType::Utimes => attributes::utimes(record).into(),
        EventType::Setxattr => attributes::setxattr(record).into(),
        EventType::Removexattr => attributes::removexattr(record).into(),
        EventType::Mmap => memory::mmap(record).into(),
        EventType::Mprotect => memory::mprotect(record).into(),
        EventType::LoadModule => kernel::load_module(record).into(),
        EventType::UnloadModule => kernel::unload_module(record).into(),
        EventType::Bpf => kernel::bpf(record).into(),
        EventType::Socket => network::socket(record).into(),
        EventType::Bind => network::bind(record).into(),
        EventType::Connect => network::connect(record).into(),
        EventType::Accept => network::accept(record).into(),
        EventType::Setsockopt => network::setsockopt(record).into(),
        EventType::Setuid => task::setuid(record).into(),
        EventType::Setgid => task::setgid(record).into(),
        EventType::Capset => task::capset(record).into(),
        EventType::Setrlimit => task::setrlimit(record, task, processes).into(),
        EventType::Prctl => task::prctl(record).into(),
        EventType::Signal => task::signal(record, task, processes).into(),
        EventType::Ptrace => task::ptrace(record, task, processes).into(),
        EventType::Chdir => task::chdir(record).into(),
        EventType::Chroot => task::chroot(record).into(),
        EventType::Setns => task::setns(record).into(),
        EventType::Unshare => task::unshare(record).into(),
        // Fork and exit are no system calls, exec needs the cache to change first: the engine makes
        // those three.
        EventType::Blind | EventType::Syscalls | EventType::Exec | EventType::Fork | EventType::Exit => {
            task::blind(record).into()
        }
    }
}

/// What is uncertain about a record. To be asked before it is decoded.
#[must_use]
pub fn quality(record: &Record) -> Quality {
    let mut quality = Quality::default();
    quality.set(Quality::TRUNCATED, record.cut || record.texts.iter().any(|(_, text)| text.truncated));
    quality.set(Quality::USER_READ, !record.copied && (!record.texts.is_empty() || !record.data.is_empty()));
    let lost_file = record.files.iter().flatten().any(|file| file.unresolved);
    // By a handle alone nobody knows which file it would have been.
    let opens = record.row.yields.iter().any(|candidate| candidate.event == EventType::Open);
    let no_file = opens && record.files[Slot::File as usize].is_none();
    quality.set(Quality::UNRESOLVED, record.unreadable != 0 || record.assumed || lost_file || no_file);
    quality
}

/// The file that an event of this type is about, as its `file` will show it.
#[must_use]
pub fn subject(record: &Record, event: EventType) -> Option<&File> {
    let file = record.files[Slot::File as usize].as_ref();
    match event {
        EventType::Splice => filesystem::spliced(file, record.files[Slot::Destination as usize].as_ref()),
        _ => file,
    }
}

/// The flags that an event of the record will show, those that the call implies included.
#[must_use]
pub fn flags(record: &Record) -> u64 {
    filesystem::open_how(record).map_or_else(|| record.flags(), |(flags, _mode)| flags)
}

impl Record {
    /// The value of the argument with this role, as wide as the interface's registers.
    fn value(&self, role: Role) -> Option<u64> {
        self.row.position(role).map(|index| self.args[index])
    }

    /// The value of an `int` argument, sign-extended; 0 when the call has none.
    fn int(&self, role: Role) -> i64 {
        self.value(role).map_or(0, low_int)
    }

    /// The value of an `unsigned int` argument; 0 when the call has none.
    fn uint(&self, role: Role) -> u64 {
        self.value(role).unwrap_or(0) & 0xffff_ffff
    }

    /// The flags of the call, those that it implies included.
    fn flags(&self) -> u64 {
        self.uint(Role::Flags) | self.row.implied_flags
    }

    /// Permission bits.
    fn mode(&self) -> u16 {
        low_bits(self.value(Role::Mode).unwrap_or(0)) & 0o7777
    }

    /// A user or group id: −1 for "leave it", whatever its width on this interface.
    fn id(&self, role: Role) -> i64 {
        let Some(raw) = self.value(role) else { return -1 };
        let mask = (1_u64 << self.row.id_bits(self.arch)) - 1;
        if raw & mask == mask { -1 } else { i64::try_from(raw & mask).unwrap_or(-1) }
    }

    /// Takes the file of a slot; an empty one when nothing was captured.
    fn take_file(&mut self, slot: Slot) -> File {
        self.files[slot as usize].take().unwrap_or(File { unresolved: true, ..File::default() })
    }

    /// Takes the string that was passed as the path of a slot.
    fn take_path(&mut self, slot: Slot) -> Option<Text> {
        let index = self.row.args.iter().position(|role| matches!(role, Role::Path(at, _) if *at == slot))?;
        self.take_text(index)
    }

    /// Takes the string behind an argument.
    fn take_text(&mut self, index: usize) -> Option<Text> {
        let found = self.texts.iter().position(|(at, _)| usize::from(*at) == index)?;
        Some(self.texts.swap_remove(found).1)
    }

    /// Takes the first string that is no path.
    fn take_name(&mut self) -> Option<Text> {
        self.row.position(Role::Name).and_then(|index| self.take_text(index))
    }

    /// The bytes of a structure.
    fn structure(&self) -> Option<&[u8]> {
        let index = self.row.args.iter().position(|role| matches!(role, Role::Data(_)))?;
        self.bytes(index)
    }
}

/// The bytes of a text, empty when there is none.
fn bytes_of(text: Option<Text>) -> Box<[u8]> {
    text.map(|text| text.bytes).unwrap_or_default()
}

/// An `int`, sign-extended.
fn low_int(raw: u64) -> i64 {
    let bytes = raw.to_le_bytes();
    i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]).into()
}

/// The low 16 bits.
fn low_bits(raw: u64) -> u16 {
    let bytes = raw.to_le_bytes();
    u16::from_le_bytes([bytes[0], bytes[1]])
}

/// The little-endian `u64` at an offset of a structure. Every interface in the catalogue is
/// little-endian.
fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    bytes.get(offset..offset + 8)?.try_into().ok().map(u64::from_le_bytes)
}

/// The little-endian `u32` at an offset of a structure.
fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..offset + 4)?.try_into().ok().map(u32::from_le_bytes)
}

/// The little-endian `u16` at an offset of a structure.
fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..offset + 2)?.try_into().ok().map(u16::from_le_bytes)
}

/// The `unsigned long` at an index of a structure made of them.
fn long_at(bytes: &[u8], index: usize, size: usize) -> Option<u64> {
    if size == 8 { u64_at(bytes, index * 8) } else { u32_at(bytes, index * 4).map(u64::from) }
}

/// The `long` at an index of a structure made of them.
fn signed_long_at(bytes: &[u8], index: usize, size: usize) -> Option<i64> {
    let raw = long_at(bytes, index, size)?;
    Some(if size == 8 { raw.cast_signed() } else { low_int(raw) })
}

#[cfg(test)]
mod tests;
