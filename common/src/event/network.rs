//! Events about sockets.

use alloc::boxed::Box;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::names;
use crate::record::SocketKind;
use crate::schema::group;
use crate::schema::{Embedded, Kind, Member, Record, Value, field, worded};

/// A socket address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// `AF_*`; 0 if unknown.
    pub family: u16,
    /// Address, for the internet families.
    pub ip: Option<IpAddr>,
    /// Port, for the internet families.
    pub port: u16,
    /// Path of a Unix socket; an abstract name starts with `@`.
    pub path: Box<[u8]>,
}

impl Address {
    /// Whether the address is reachable from the internet: neither private nor local nor reserved.
    #[must_use]
    pub fn is_public(&self) -> bool {
        match self.ip {
            Some(IpAddr::V4(ip)) => is_public_v4(ip),
            Some(IpAddr::V6(ip)) => ip.to_ipv4_mapped().map_or_else(|| is_public_v6(ip), is_public_v4),
            None => false,
        }
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b); // 100.64.0.0/10, RFC 6598
    !(ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_documentation()
        || ip.is_unspecified()
        || ip.is_multicast()
        || shared
        || a == 0
        || a >= 240)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let first = ip.segments()[0];
    let documentation = first == 0x2001 && ip.segments()[1] == 0xdb8;
    !(ip.is_loopback()
        || ip.is_unspecified()
        || ip.is_multicast()
        || first & 0xfe00 == 0xfc00 // unique local, RFC 4193
        || first & 0xffc0 == 0xfe80 // link-local
        || documentation)
}

impl Record for Address {
    const MEMBERS: &'static [Member<Self>] = &[
        worded("family", "family_str", Kind::Symbol(&names::SOCKET_FAMILIES), "Address family", |address| {
            if address.family == 0 {
                Value::Absent
            } else {
                Value::Symbol(address.family.into(), &names::SOCKET_FAMILIES)
            }
        }),
        field("ip", Kind::Ip, "IP address", |address| address.ip.map_or(Value::Absent, Value::Ip)),
        field("port", Kind::Int, "Port", |address| {
            if address.ip.is_some() { Value::Uint(address.port.into()) } else { Value::Absent }
        }),
        field("is_public", Kind::Bool, "Neither private nor local nor reserved", |address| {
            if address.ip.is_some() { Value::Bool(address.is_public()) } else { Value::Absent }
        }),
        field("path", Kind::String, "Path of a Unix socket, `@` first for an abstract name", |address| {
            Value::text(&address.path)
        }),
    ];
}

macro_rules! protocol {
    () => {
        worded("protocol", "protocol_str", Kind::Symbol(&names::L4_PROTOCOLS), "Protocol of the socket", |event| {
            event.socket.map_or(Value::Absent, |socket| Value::Symbol(socket.protocol.into(), &names::L4_PROTOCOLS))
        })
    };
}

macro_rules! address_events {
    ($($(#[$doc:meta])* $name:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            /// The address.
            pub address: Address,
            /// The socket, when it could be looked at.
            pub socket: Option<SocketKind>,
            /// The result.
            pub retval: i64,
        }

        impl Record for $name {
            const MEMBERS: &'static [Member<Self>] = &[
                group!("addr", [Member::Inline(&Embedded { get: |event: &Self| Some(&event.address) })]),
                protocol!(),
                retval!(),
            ];
        }
    )* };
}

address_events! {
    /// `bind`: the address is the caller's own.
    Bind;
    /// `connect`: the address is the peer's.
    Connect;
    /// `accept`, `accept4`: the address is the peer's, whether the caller asked for it or not.
    Accept;
}

/// `socket`.
#[derive(Clone, Debug)]
pub struct Socket {
    /// `AF_*`.
    pub domain: i64,
    /// `SOCK_*`, without its flags.
    pub kind: i64,
    /// Protocol number; 0 is the family's own.
    pub protocol: i64,
    /// The result.
    pub retval: i64,
}

impl Record for Socket {
    const MEMBERS: &'static [Member<Self>] = &[
        worded("domain", "domain_str", Kind::Symbol(&names::SOCKET_FAMILIES), "Address family", |event| {
            Value::Symbol(event.domain, &names::SOCKET_FAMILIES)
        }),
        worded("type", "type_str", Kind::Symbol(&names::SOCKET_TYPES), "Type of the socket", |event| {
            Value::Symbol(event.kind, &names::SOCKET_TYPES)
        }),
        worded("protocol", "protocol_str", Kind::Symbol(&names::L4_PROTOCOLS), "Protocol", |event| {
            Value::Symbol(event.protocol, &names::L4_PROTOCOLS)
        }),
        retval!(),
    ];
}

/// `setsockopt`.
#[derive(Clone, Debug)]
pub struct Setsockopt {
    /// `SOL_*` or a protocol number.
    pub level: i64,
    /// The option, whose meaning depends on the level.
    pub option: i64,
    /// The socket, when it could be looked at.
    pub socket: Option<SocketKind>,
    /// Instructions of the filter that `SO_ATTACH_FILTER` installs.
    pub filter_len: Option<u16>,
    /// The result.
    pub retval: i64,
}

impl Record for Setsockopt {
    const MEMBERS: &'static [Member<Self>] = &[
        worded("level", "level_str", Kind::Symbol(&names::SOCKOPT_LEVELS), "Level of the option", |event| {
            Value::Symbol(event.level, &names::SOCKOPT_LEVELS)
        }),
        worded("optname", "optname_str", Kind::Symbol(&names::SOCKET_OPTIONS), "The option", |event| {
            if event.level == SOL_SOCKET {
                Value::Symbol(event.option, &names::SOCKET_OPTIONS)
            } else {
                Value::Int(event.option)
            }
        }),
        worded(
            "socket_family",
            "socket_family_str",
            Kind::Symbol(&names::SOCKET_FAMILIES),
            "Family of the socket",
            |event| {
                event
                    .socket
                    .map_or(Value::Absent, |socket| Value::Symbol(socket.family.into(), &names::SOCKET_FAMILIES))
            },
        ),
        worded("socket_type", "socket_type_str", Kind::Symbol(&names::SOCKET_TYPES), "Type of the socket", |event| {
            event.socket.map_or(Value::Absent, |socket| Value::Symbol(socket.kind.into(), &names::SOCKET_TYPES))
        }),
        worded(
            "socket_protocol",
            "socket_protocol_str",
            Kind::Symbol(&names::L4_PROTOCOLS),
            "Protocol of the socket",
            |event| {
                event.socket.map_or(Value::Absent, |socket| Value::Symbol(socket.protocol.into(), &names::L4_PROTOCOLS))
            },
        ),
        field("filter_len", Kind::Int, "Instructions of the filter that SO_ATTACH_FILTER installs", |event| {
            event.filter_len.map_or(Value::Absent, |count| Value::Uint(count.into()))
        }),
        retval!(),
    ];
}

/// `SOL_SOCKET` of asm-generic/socket.h.
pub(crate) const SOL_SOCKET: i64 = 1;
/// `SO_ATTACH_FILTER`.
pub(crate) const SO_ATTACH_FILTER: i64 = 26;
