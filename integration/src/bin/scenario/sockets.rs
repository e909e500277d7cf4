//! Internet sockets on the loopback interface. Ports are chosen by the kernel, so that scenarios may run
//! side by side.

use crate::Scenario;
use crate::raw::{NULL, fails, fd, ok, sys};
use crate::stage::{act, become_nobody};

/// An address of one of the two families, as the kernel takes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    pub(crate) bytes: [u8; 28],
    pub(crate) length: usize,
}

impl Address {
    pub(crate) fn v4(ip: [u8; 4], port: u16) -> Self {
        let mut bytes = [0; 28];
        bytes[..2].copy_from_slice(&2_u16.to_ne_bytes());
        bytes[2..4].copy_from_slice(&port.to_be_bytes());
        bytes[4..8].copy_from_slice(&ip);
        Self { bytes, length: 16 }
    }

    pub(crate) fn v6(port: u16) -> Self {
        let mut bytes = [0; 28];
        bytes[..2].copy_from_slice(&10_u16.to_ne_bytes());
        bytes[2..4].copy_from_slice(&port.to_be_bytes());
        bytes[23] = 1;
        Self { bytes, length: 28 }
    }

    /// As the operations of an io_uring take it.
    pub(crate) fn length(&self) -> u32 {
        u32::try_from(self.length).unwrap_or(0)
    }

    fn of(socket: i32) -> Self {
        let mut address = Self { bytes: [0; 28], length: 28 };
        let mut length: u32 = 28;
        ok(sys!(libc::SYS_getsockname, socket, address.bytes.as_mut_ptr(), &raw mut length));
        address.length = usize::try_from(length).unwrap_or(0);
        address
    }
}

fn socket(family: i32, kind: i32) -> i32 {
    fd(sys!(libc::SYS_socket, family, kind | libc::SOCK_CLOEXEC, 0))
}

pub(crate) fn tcp() -> i32 {
    socket(libc::AF_INET, libc::SOCK_STREAM)
}

fn bind(socket: i32, address: &Address) -> i64 {
    sys!(libc::SYS_bind, socket, &address.bytes, address.length)
}

fn connect(socket: i32, address: &Address) -> i64 {
    sys!(libc::SYS_connect, socket, &address.bytes, address.length)
}

pub(crate) const LOCAL: [u8; 4] = [127, 0, 0, 1];

/// A socket that listens, and its address.
pub(crate) fn listener(family: i32) -> (i32, Address) {
    let address = if family == libc::AF_INET { Address::v4(LOCAL, 0) } else { Address::v6(0) };
    let listener = socket(family, libc::SOCK_STREAM);
    ok(bind(listener, &address));
    ok(sys!(libc::SYS_listen, listener, 5));
    (listener, Address::of(listener))
}

/// A listener with a connection that waits to be accepted, and a buffer for its address. Prints the port
/// from which it was made.
fn waiting(family: i32) -> (i32, [u8; 28], u32) {
    let (listener, address) = listener(family);
    let peer = socket(family, libc::SOCK_STREAM);
    ok(connect(peer, &address));
    let bytes = Address::of(peer).bytes;
    let port = format!("{}\n", u16::from_be_bytes([bytes[2], bytes[3]]));
    ok(sys!(libc::SYS_write, 1, port.as_ptr(), port.len()));
    (listener, [0; 28], 28)
}

/// `struct sock_fprog`: two instructions that accept everything.
fn filter() -> ([u64; 2], [usize; 2]) {
    ([0x0000_ffff_0000_0006; 2], [2, 0])
}

pub(crate) const ALL: &[Scenario] = &[
    ("socket/tcp", |_| {
        act(|| {
            ok(sys!(libc::SYS_socket, libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 6))
        });
    }),
    ("socket/udp6", |_| act(|| ok(sys!(libc::SYS_socket, libc::AF_INET6, libc::SOCK_DGRAM, 17)))),
    ("socket/netlink", |_| act(|| ok(sys!(libc::SYS_socket, libc::AF_NETLINK, libc::SOCK_RAW, 0)))),
    ("socket/denied", |_| {
        become_nobody();
        act(|| fails(sys!(libc::SYS_socket, libc::AF_INET, libc::SOCK_RAW, 1), libc::EPERM));
    }),
    ("bind/v4", |_| {
        let socket = tcp();
        act(|| ok(bind(socket, &Address::v4(LOCAL, 0))));
    }),
    ("bind/v6", |_| {
        let socket = socket(libc::AF_INET6, libc::SOCK_DGRAM);
        act(|| ok(bind(socket, &Address::v6(0))));
    }),
    ("bind/in-use", |_| {
        let (_listener, address) = listener(libc::AF_INET);
        let socket = tcp();
        act(|| fails(bind(socket, &address), libc::EADDRINUSE));
    }),
    ("bind/denied", |_| {
        let socket = tcp();
        become_nobody();
        act(|| fails(bind(socket, &Address::v4(LOCAL, 1)), libc::EACCES));
    }),
    ("bind/bad-pointer", |_| {
        let socket = tcp();
        act(|| fails(sys!(libc::SYS_bind, socket, 8, 16), libc::EFAULT));
    }),
    ("bind/short", |_| {
        let socket = tcp();
        act(|| fails(sys!(libc::SYS_bind, socket, &Address::v4(LOCAL, 0).bytes, 3), libc::EINVAL));
    }),
    ("connect/v4", |_| {
        let (_listener, address) = listener(libc::AF_INET);
        let socket = tcp();
        act(|| ok(connect(socket, &address)));
    }),
    ("connect/v6", |_| {
        let (_listener, address) = listener(libc::AF_INET6);
        let socket = socket(libc::AF_INET6, libc::SOCK_STREAM);
        act(|| ok(connect(socket, &address)));
    }),
    ("connect/udp", |_| {
        let socket = socket(libc::AF_INET, libc::SOCK_DGRAM);
        act(|| ok(connect(socket, &Address::v4([127, 0, 0, 53], 53))));
    }),
    ("connect/unspecified", |_| {
        // Dissolves the association.
        let socket = socket(libc::AF_INET, libc::SOCK_DGRAM);
        act(|| ok(sys!(libc::SYS_connect, socket, &[0_u8; 16], 16)));
    }),
    ("connect/refused", |_| {
        let bound = tcp();
        ok(bind(bound, &Address::v4(LOCAL, 0)));
        let socket = tcp();
        act(|| fails(connect(socket, &Address::of(bound)), libc::ECONNREFUSED));
    }),
    ("connect/in-progress", |_| {
        let (_listener, address) = listener(libc::AF_INET);
        let socket = socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_NONBLOCK);
        act(|| fails(connect(socket, &address), libc::EINPROGRESS));
    }),
    ("connect/denied", |_| {
        // A broadcast that was not asked for.
        let socket = socket(libc::AF_INET, libc::SOCK_DGRAM);
        act(|| fails(connect(socket, &Address::v4([127, 255, 255, 255], 9)), libc::EACCES));
    }),
    ("connect/duplicate", |_| {
        // A descriptor whose socket call was not its own (B11).
        let (_listener, address) = listener(libc::AF_INET);
        let socket = tcp();
        let copy = fd(sys!(libc::SYS_fcntl, socket, libc::F_DUPFD, 100));
        ok(sys!(libc::SYS_close, socket));
        act(|| ok(connect(copy, &address)));
    }),
    // A refusal of accept with EPERM takes a firewall (accept(2)), and ECONNABORTED good timing.
    ("accept/v4", |_| {
        let (listener, mut peer, mut length) = waiting(libc::AF_INET);
        act(|| ok(sys!(libc::SYS_accept, listener, peer.as_mut_ptr(), &raw mut length)));
    }),
    ("accept/null", |_| {
        let (listener, ..) = waiting(libc::AF_INET);
        act(|| ok(sys!(libc::SYS_accept, listener, NULL, NULL)));
    }),
    ("accept4/v6", |_| {
        let (listener, mut peer, mut length) = waiting(libc::AF_INET6);
        act(|| ok(sys!(libc::SYS_accept4, listener, peer.as_mut_ptr(), &raw mut length, libc::SOCK_CLOEXEC)));
    }),
    ("accept4/null", |_| {
        let (listener, ..) = waiting(libc::AF_INET6);
        act(|| ok(sys!(libc::SYS_accept4, listener, NULL, NULL, 0)));
    }),
    ("accept4/nobody-there", |_| {
        let (listener, _) = listener(libc::AF_INET);
        ok(sys!(libc::SYS_fcntl, listener, libc::F_SETFL, libc::O_NONBLOCK));
        act(|| fails(sys!(libc::SYS_accept4, listener, NULL, NULL, 0), libc::EAGAIN));
    }),
    ("setsockopt/success", |_| {
        let socket = tcp();
        act(|| ok(sys!(libc::SYS_setsockopt, socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, &[1_i32], 4)));
    }),
    ("setsockopt/filter", |_| {
        let socket = socket(libc::AF_INET, libc::SOCK_DGRAM);
        let (code, mut program) = filter();
        program[1] = code.as_ptr().addr();
        act(|| ok(sys!(libc::SYS_setsockopt, socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program, 16)));
    }),
    ("setsockopt/other-level", |_| {
        // 26 is SO_ATTACH_FILTER of SOL_SOCKET only; of IPPROTO_IPV6 it is IPV6_V6ONLY (B12).
        let socket = socket(libc::AF_INET6, libc::SOCK_DGRAM);
        act(|| ok(sys!(libc::SYS_setsockopt, socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, &[1_i32], 4)));
    }),
    ("setsockopt/denied", |_| {
        let socket = tcp();
        become_nobody();
        act(|| fails(sys!(libc::SYS_setsockopt, socket, libc::SOL_SOCKET, libc::SO_MARK, &[1_i32], 4), libc::EPERM));
    }),
];
