//! Lines about sockets.

use lapwing_common::event::{Accept, Address, Bind, Connect, Setsockopt, Socket};
use lapwing_common::record::SocketKind;

use super::shown;

const TCP: Option<SocketKind> = Some(SocketKind { family: 2, kind: 1, protocol: 6 });

fn internet(ip: &str, port: u16) -> Address {
    Address { family: 2, ip: Some(ip.parse().unwrap()), port, path: Box::default() }
}

#[test]
fn socket() {
    assert_eq!(shown(Socket { domain: 2, kind: 1, protocol: 6, retval: 5 }), "socket AF_INET SOCK_STREAM tcp → 5");
    assert_eq!(shown(Socket { domain: 1, kind: 2, protocol: 0, retval: 5 }), "socket AF_UNIX SOCK_DGRAM → 5");
    assert_eq!(
        shown(Socket { domain: 16, kind: 3, protocol: 6, retval: 5 }),
        "socket AF_NETLINK SOCK_RAW protocol 6 → 5"
    );
}

#[test]
fn addresses() {
    assert_eq!(
        shown(Connect { address: internet("1.2.3.4", 443), socket: TCP, retval: -115 }),
        "connect 1.2.3.4:443 tcp EINPROGRESS"
    );
    assert_eq!(shown(Bind { address: internet("::1", 80), socket: None, retval: -13 }), "bind [::1]:80 EACCES");
    assert_eq!(shown(Accept { address: internet("10.0.0.1", 5), socket: TCP, retval: 7 }), "accept 10.0.0.1:5 tcp → 7");
    let unix = |path: &[u8]| Address { family: 1, ip: None, port: 0, path: path.into() };
    let connect = |address| Connect { address, socket: None, retval: 0 };
    assert_eq!(shown(connect(unix(b"/run/a b.sock"))), "connect '/run/a b.sock'");
    assert_eq!(shown(connect(unix(b"@abstract\n"))), r"connect $'@abstract\x0a'");
    assert_eq!(shown(connect(unix(b""))), "connect AF_UNIX");
    assert_eq!(shown(connect(Address::default())), "connect ?");
}

#[test]
fn setsockopt() {
    let option = |level, option, filter_len| Setsockopt { level, option, socket: TCP, filter_len, retval: 0 };
    assert_eq!(shown(option(1, 26, Some(4))), "setsockopt SOL_SOCKET SO_ATTACH_FILTER (4 instructions)");
    assert_eq!(shown(option(6, 26, None)), "setsockopt IPPROTO_TCP 26");
}
