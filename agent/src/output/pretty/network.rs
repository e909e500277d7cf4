//! Sentences about sockets.

use std::borrow::Cow;

use anstyle::Style;
use lapwing_common::event::{Accept, Address, Bind, Connect, Setsockopt, Socket};
use lapwing_common::names;
use lapwing_common::record::SocketKind;

use super::line::Line;
use crate::output::facts::write_address;

const SOL_SOCKET: i64 = 1;
/// `AF_INET` and `AF_INET6`.
const INTERNET: [i64; 2] = [2, 10];

pub(super) fn socket(line: &mut Line<'_>, event: &Socket) {
    line.symbol(event.domain, &names::SOCKET_FAMILIES);
    line.symbol(event.kind, &names::SOCKET_TYPES);
    if event.protocol != 0 {
        line.word(&protocol(event.domain, event.protocol));
    }
    line.descriptor(event.retval);
}

pub(super) fn bind(line: &mut Line<'_>, event: &Bind) {
    peer(line, &event.address, event.socket);
}

pub(super) fn connect(line: &mut Line<'_>, event: &Connect) {
    peer(line, &event.address, event.socket);
}

pub(super) fn accept(line: &mut Line<'_>, event: &Accept) {
    peer(line, &event.address, event.socket);
    line.descriptor(event.retval);
}

fn peer(line: &mut Line<'_>, address: &Address, socket: Option<SocketKind>) {
    line.styled(Style::new(), |out| write_address(out, address));
    if let Some(socket) = socket.filter(|socket| socket.protocol != 0) {
        line.word(&protocol(socket.family.into(), socket.protocol.into()));
    }
}

/// `tcp` for `IP_PROTO_TCP`. Other families number their protocols themselves.
fn protocol(family: i64, number: i64) -> Cow<'static, str> {
    let name = if INTERNET.contains(&family) { names::L4_PROTOCOLS.name_of(number) } else { None };
    match name {
        Some(name) => name.trim_start_matches("IP_PROTO_").to_lowercase().into(),
        None => format!("protocol {number}").into(),
    }
}

pub(super) fn setsockopt(line: &mut Line<'_>, event: &Setsockopt) {
    line.symbol(event.level, &names::SOCKOPT_LEVELS);
    // Other levels number their options anew.
    if event.level == SOL_SOCKET {
        line.symbol(event.option, &names::SOCKET_OPTIONS);
    } else {
        line.number(event.option);
    }
    if let Some(count) = event.filter_len {
        line.note(&format!("{count} instructions"));
    }
}
