//! System calls.

use lapwing_common::event::{EventType, File, Text};
use lapwing_common::ids::Pid;
use lapwing_common::procfs::status::Status;
use lapwing_common::record::{Record, Sighting, SocketKind};
use lapwing_common::syscall::{Arch, CATALOGUE, Last, Product, Role, Slot};
use smallvec::SmallVec;
use zerocopy::FromBytes as _;

use super::file::{self, Found};
use super::program::credentials;
use super::{Decoder, Early};
use crate::abi::{self, Interface, PartFlags, PartKind, Parts};

impl Decoder {
    /// What a call is about to act on.
    pub(super) fn early(&mut self, head: &abi::Record, bytes: &[u8]) -> Option<Early> {
        let mut early = Early { row: head.row, ..Early::default() };
        for part in Parts::of(bytes) {
            let (part, content) = part.ok()?;
            if PartKind::try_from(part.kind) == Ok(PartKind::File) {
                *early.files.get_mut(usize::from(part.arg))? = Some(self.found(content)?);
            }
        }
        Some(early)
    }

    /// A call that returned.
    pub(super) fn call(&mut self, head: &abi::Record, bytes: &[u8]) -> Option<Sighting> {
        let row = CATALOGUE.get(usize::from(head.row))?;
        let mut record = Box::new(Record::new(row, arch(head.interface)?, head.args));
        record.result = head.result;
        record.unreadable = head.unreadable;
        record.cut = head.omitted != 0;
        for part in Parts::of(bytes) {
            let (part, content) = part.ok()?;
            match PartKind::try_from(part.kind).ok()? {
                PartKind::Text => {
                    let truncated = part.flags & PartFlags::TRUNCATED.bits() != 0;
                    record.texts.push((part.arg, Text { bytes: content.into(), truncated }));
                }
                PartKind::Data => record.data.push((part.arg, SmallVec::from_slice(content))),
                PartKind::File if part.arg == abi::SLOT_ROOT => {
                    record.mount_root = Some(self.found(content)?.file.path)
                }
                PartKind::File => {
                    let slot = if part.arg == 0 { Slot::File } else { Slot::Destination };
                    let found = self.found(content)?;
                    let mut file = settled(found, &record, slot);
                    // Looked at too late to be sure, where names start elsewhere by now.
                    file.unresolved |= part.flags & PartFlags::LATE.bits() != 0
                        && record.succeeded()
                        && matches!(row.yields[0].event, EventType::Chroot | EventType::PivotRoot);
                    record.set_file(slot, file);
                }
                PartKind::Socket => {
                    let (kind, _) = abi::Socket::read_from_prefix(content).ok()?;
                    record.socket =
                        Some(SocketKind { family: kind.family, kind: kind.r#type, protocol: kind.protocol });
                }
                PartKind::Credentials => record.credentials = Some(credentials(content)?),
                PartKind::Target => {
                    let (pid, _) = u32::read_from_prefix(content).ok()?;
                    record.target = (pid != 0).then(|| Pid(pid.cast_signed()));
                }
                PartKind::Peer => {
                    let arg = row.position(Role::SockAddrOut).and_then(|index| u8::try_from(index).ok())?;
                    record.data.push((arg, SmallVec::from_slice(content)));
                }
                // Whoever knows what to expect looks for it.
                PartKind::Operation => {}
                PartKind::Program | PartKind::Argv | PartKind::Envp => return None,
            }
        }
        if let Some(index) = row.position(Role::TargetTid)
            && record.target.is_none()
        {
            record.target = self.process_of(low_int(record.args[index]));
        }
        Some(if row.product == Product::Program { Sighting::Exec(record) } else { Sighting::Call(record) })
    }

    /// Puts what was found before a call into its record.
    pub(super) fn complete(&mut self, record: &mut Record, early: Early) {
        if !CATALOGUE.get(usize::from(early.row)).is_some_and(|row| std::ptr::eq(row, record.row)) {
            return;
        }
        for (slot, found) in [Slot::File, Slot::Destination].into_iter().zip(early.files) {
            let Some(found) = found else { continue };
            // What was not in the cache before may be now, or be known otherwise.
            let found_later = record.files[slot as usize].as_ref().is_some_and(|file| file.inode.is_some());
            if !(found.uncertain && found_later) {
                let file = settled(found, record, slot);
                record.set_file(slot, file);
            }
        }
    }

    pub(super) fn found(&mut self, content: &[u8]) -> Option<Found> {
        let (head, rest) = abi::FileHead::read_from_prefix(content).ok()?;
        file::file(&head, rest, &mut self.names)
    }

    /// The process of a thread that a call names.
    fn process_of(&self, tid: i32) -> Option<Pid> {
        if tid <= 0 {
            return None;
        }
        if self.alive.contains(&tid) {
            return Some(Pid(tid));
        }
        let text = std::fs::read(format!("/proc/{tid}/status")).ok()?;
        Some(Status::parse(&text).tgid)
    }
}

/// Whether a path is established although its end could not be looked up depends on the call. A name that
/// is acted on itself is at the end of its path, whatever it names; one that is followed may be a link, if
/// it exists.
pub(super) fn settled(found: Found, record: &Record, slot: Slot) -> File {
    let mut file = found.file;
    let follows = record.row.args.contains(&Role::Path(slot, Last::Follow));
    file.unresolved |= found.uncertain && (found.deep || (follows && record.succeeded()));
    file
}

fn arch(interface: u8) -> Option<Arch> {
    Some(match (Interface::try_from(interface).ok()?, Arch::NATIVE) {
        (Interface::Native, native) => native,
        (Interface::Compat, Arch::Aarch64) => Arch::Arm,
        (Interface::Compat, _) => Arch::I386,
        (Interface::X32, _) => Arch::X32,
    })
}

/// An `int` argument.
fn low_int(raw: u64) -> i32 {
    let [a, b, c, d, ..] = raw.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}
