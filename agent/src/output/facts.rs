//! What events of different types have in common: a result, a file, an address.

use std::io::Write as _;

use lapwing_common::event::{Address, File, Payload};
use lapwing_common::names;

use super::quote::quote;

const EPERM: i64 = 1;
const EACCES: i64 = 13;

/// What the call returned, for events of a call.
pub(crate) fn retval(payload: &Payload) -> Option<i64> {
    macro_rules! retval_of {
        ($($variant:ident)*) => {
            match payload {
                $(Payload::$variant(event) => Some(event.retval),)*
                Payload::Fork(_) | Payload::Exit(_) | Payload::Syscalls(_) => None,
            }
        };
    }
    retval_of! {
        Exec Setuid Setgid Capset Setrlimit Prctl Signal Ptrace Chdir Chroot Setns Unshare
        Open Mkdir Rmdir Unlink Rename Link Chmod Chown Utimes Setxattr Removexattr Mount Umount PivotRoot Splice
        Mmap Mprotect LoadModule UnloadModule Bpf Socket Bind Connect Accept Setsockopt Blind
    }
}

/// Whether the call failed for lack of rights.
pub(crate) fn is_denied(payload: &Payload) -> bool {
    retval(payload).is_some_and(|retval| retval == -EACCES || retval == -EPERM)
}

/// The file that the event is about, the first of two.
pub(crate) fn file(payload: &Payload) -> Option<&File> {
    macro_rules! file_of {
        ($($variant:ident)*) => {
            match payload {
                $(Payload::$variant(event) => Some(&event.file),)*
                Payload::Exec(exec) => Some(exec.refused.as_ref().unwrap_or_else(|| &exec.process.image().file)),
                Payload::Mmap(mmap) => mmap.file.as_ref(),
                Payload::LoadModule(module) => module.file.as_ref(),
                Payload::Mount(mount) => Some(&mount.mountpoint),
                Payload::Umount(umount) => Some(&umount.mountpoint),
                _ => None,
            }
        };
    }
    let file = file_of! {
        Chdir Chroot Open Mkdir Rmdir Unlink Rename Link Chmod Chown Utimes Setxattr Removexattr PivotRoot Splice
    };
    file.filter(|file| !file.path.is_empty())
}

/// The address that the event is about.
pub(crate) fn address(payload: &Payload) -> Option<&Address> {
    match payload {
        Payload::Bind(event) => Some(&event.address),
        Payload::Connect(event) => Some(&event.address),
        Payload::Accept(event) => Some(&event.address),
        _ => None,
    }
}

/// Appends an address: `1.2.3.4:443`, `[::1]:80`, a path, or the family where there is no more.
pub(crate) fn write_address(out: &mut Vec<u8>, address: &Address) {
    match address.ip {
        // Writing to a `Vec` cannot fail.
        Some(ip) => drop(write!(out, "{}", std::net::SocketAddr::new(ip, address.port))),
        None if !address.path.is_empty() => quote(out, &address.path),
        None if address.family == 0 => out.push(b'?'),
        None => write_symbol(out, address.family.into(), &names::SOCKET_FAMILIES),
    }
}

/// Appends the name of a number, or the number.
pub(crate) fn write_symbol(out: &mut Vec<u8>, value: i64, symbols: &lapwing_common::schema::Symbols) {
    match symbols.name_of(value) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        // Writing to a `Vec` cannot fail.
        None => drop(write!(out, "{value}")),
    }
}
