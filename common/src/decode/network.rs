//! Sockets.

use super::{address, u16_at};
use crate::event::{Accept, Address, Bind, Connect, Setsockopt, Socket};
use crate::record::Record;
use crate::syscall::Role;

/// `SOCK_TYPE_MASK` of linux/net.h: what is left are `SOCK_CLOEXEC` and `SOCK_NONBLOCK`.
const TYPE_MASK: i64 = 0xf;

pub(super) fn socket(record: &mut Record) -> Socket {
    Socket {
        domain: record.int(Role::Selector),
        kind: record.int(Role::SubSelector) & TYPE_MASK,
        protocol: record.int(Role::Protocol),
        retval: record.result,
    }
}

pub(super) fn bind(record: &mut Record) -> Bind {
    Bind { address: passed(record, Role::SockAddr), socket: record.socket, retval: record.result }
}

pub(super) fn connect(record: &mut Record) -> Connect {
    Connect { address: passed(record, Role::SockAddr), socket: record.socket, retval: record.result }
}

pub(super) fn accept(record: &mut Record) -> Accept {
    Accept { address: passed(record, Role::SockAddrOut), socket: record.socket, retval: record.result }
}

/// The address of a call. Where none could be read, the socket still tells its family.
fn passed(record: &Record, role: Role) -> Address {
    let bytes = record.row.position(role).and_then(|index| record.bytes(index));
    match bytes {
        Some(bytes) if bytes.len() >= 2 => address::parse(bytes),
        _ => Address { family: record.socket.map_or(0, |socket| socket.family), ..Address::default() },
    }
}

pub(super) fn setsockopt(record: &mut Record) -> Setsockopt {
    let (level, option) = (record.int(Role::Selector), record.int(Role::SubSelector));
    // The number alone means nothing: other levels have an option 26 too (B12).
    let attaches = level == crate::event::SOL_SOCKET && option == crate::event::SO_ATTACH_FILTER;
    let filter_len = record.structure().filter(|_| attaches).and_then(|program| u16_at(program, 0));
    Setsockopt { level, option, socket: record.socket, filter_len, retval: record.result }
}
