//! From the roles of a call's arguments to what is captured for each.

use lapwing_common::event::EventType;
use lapwing_common::syscall::{Arch, Last, Role, Slot, Syscall};

use super::Limit;
use crate::abi::{self, Argument, ArgumentFlags, NO_ARGUMENT};

/// Bytes of a path without its NUL: `PATH_MAX` of linux/limits.h less one.
const PATH: usize = 4095;
/// Bytes of a name that are kept, of whatever it is the name.
const NAME: usize = 1024;
/// `sizeof(struct sockaddr_storage)`: no address is longer.
const ADDRESS: usize = 128;
/// The flags of `struct clone_args`.
const CLONE_FLAGS: usize = 8;

/// What is captured for each argument of a row on an interface. With discarders, what will have another name is
/// looked at before it has.
pub(super) fn of(row: &Syscall, arch: Arch, discarders: bool) -> Result<[Argument; 6], Limit> {
    let mut args = [Argument { at_flags: NO_ARGUMENT, ..Argument::default() }; 6];
    for (index, role) in row.args.iter().enumerate() {
        let (code, size) = code(*role, arch);
        *args.get_mut(index).ok_or(Limit::Arguments)? = Argument {
            role: code.into(),
            slot: slot(*role),
            flags: flags(row, index, discarders).bits(),
            at_flags: at_flags(row, index)?,
            size: u16::try_from(size).ok().ok_or(Limit::Size)?,
            ..Argument::default()
        };
    }
    Ok(args)
}

/// How an argument is read, and how many bytes at most.
fn code(role: Role, arch: Arch) -> (abi::Role, usize) {
    match role {
        Role::Path(..) => (abi::Role::Path, PATH),
        Role::LinkText | Role::Source => (abi::Role::Text, PATH),
        Role::Name => (abi::Role::Text, NAME),
        Role::Data(layout) => (abi::Role::Data, layout.size(arch)),
        Role::SockAddr => (abi::Role::Data, ADDRESS),
        Role::CloneArgs => (abi::Role::Data, CLONE_FLAGS),
        Role::Fd(_) => (abi::Role::Fd, 0),
        Role::Socket => (abi::Role::Socket, 0),
        Role::TargetPidfd => (abi::Role::Pidfd, 0),
        Role::TargetTid => (abi::Role::Tid, 0),
        // Their values say it all, or something else is looked at instead: the socket that was accepted,
        // the program that runs.
        Role::Ignored
        | Role::DirFd
        | Role::AtFlags
        | Role::Flags
        | Role::Mode
        | Role::Uid
        | Role::Gid
        | Role::EffectiveId
        | Role::SavedId
        | Role::FsId
        | Role::Length
        | Role::SockAddrOut
        | Role::TargetPid
        | Role::Selector
        | Role::SubSelector
        | Role::Protocol
        | Role::Image
        | Role::Argv
        | Role::Envp
        | Role::Indirect => (abi::Role::None, 0),
    }
}

fn slot(role: Role) -> u8 {
    match role {
        Role::Path(Slot::Destination, _) | Role::Fd(Slot::Destination) => 1,
        _ => 0,
    }
}

/// The next argument with `AT_*` flags, if this one is a path.
fn at_flags(row: &Syscall, index: usize) -> Result<u8, Limit> {
    if !matches!(row.args[index], Role::Path(..)) {
        return Ok(NO_ARGUMENT);
    }
    let found = row.args[index..].iter().position(|role| *role == Role::AtFlags);
    found.map_or(Ok(NO_ARGUMENT), |distance| u8::try_from(index + distance).ok().ok_or(Limit::Arguments))
}

fn flags(row: &Syscall, index: usize, discarders: bool) -> ArgumentFlags {
    let mut flags = ArgumentFlags::empty();
    match row.args[index] {
        Role::Path(slot, last) => {
            let from_directory = index > 0 && row.args[index - 1] == Role::DirFd;
            // `utimensat` takes no path at all for the file that the descriptor is of.
            flags.set(ArgumentFlags::DIRFD | ArgumentFlags::NULL_OK, from_directory);
            // `move_mount` says by flags of its own that a path may be empty.
            flags.set(ArgumentFlags::EMPTY, from_directory && yields(row, |event| event == EventType::Mount));
            flags.set(ArgumentFlags::NOFOLLOW, last == Last::Keep);
            flags.set(ArgumentFlags::CREATE, last == Last::Create);
            let linked = discarders && slot == Slot::File && yields(row, |event| event == EventType::Link);
            flags.set(ArgumentFlags::EARLY, linked || yields(row, |event| changes(event, slot)));
            flags.set(ArgumentFlags::MOUNTED, slot == Slot::File && yields(row, |event| event == EventType::Mount));
        }
        Role::Fd(slot) => {
            let before = yields(row, |event| event != EventType::Chdir && changes(event, slot));
            flags.set(ArgumentFlags::EARLY, before);
        }
        Role::Data(_) | Role::SockAddr => {
            flags.set(ArgumentFlags::LENGTH, row.args.get(index + 1) == Some(&Role::Length));
        }
        _ => {}
    }
    flags
}

fn yields(row: &Syscall, which: impl Fn(EventType) -> bool) -> bool {
    row.yields.iter().any(|candidate| which(candidate.event))
}

/// Whether a path may lead elsewhere once the call was made: what it names is removed, moved or hidden,
/// or names start elsewhere.
fn changes(event: EventType, slot: Slot) -> bool {
    match event {
        EventType::Rename => slot == Slot::File,
        EventType::Unlink
        | EventType::Rmdir
        | EventType::Umount
        | EventType::Mount
        | EventType::PivotRoot
        | EventType::Chroot
        | EventType::Chdir
        // What is changed is shown as it was.
        | EventType::Chmod
        | EventType::Chown
        | EventType::Utimes => true,
        _ => false,
    }
}
