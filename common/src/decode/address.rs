//! Socket addresses.

use alloc::boxed::Box;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::u16_at;
use crate::event::Address;

// Families of linux/socket.h.
const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// Reads a `struct sockaddr` of any family. What is too short for its family keeps the family alone.
pub(super) fn parse(bytes: &[u8]) -> Address {
    let Some(family) = u16_at(bytes, 0) else { return Address::default() };
    let port = || bytes.get(2..4).and_then(|port| port.try_into().ok()).map_or(0, u16::from_be_bytes);
    match family {
        AF_INET => {
            let ip = bytes.get(4..8).and_then(|ip| <[u8; 4]>::try_from(ip).ok()).map(Ipv4Addr::from);
            Address { family, ip: ip.map(IpAddr::V4), port: port(), ..Address::default() }
        }
        AF_INET6 => {
            let ip = bytes.get(8..24).and_then(|ip| <[u8; 16]>::try_from(ip).ok()).map(Ipv6Addr::from);
            Address { family, ip: ip.map(IpAddr::V6), port: port(), ..Address::default() }
        }
        AF_UNIX => Address { family, path: unix_path(&bytes[2..]), ..Address::default() },
        _ => Address { family, ..Address::default() },
    }
}

/// A path ends at its NUL; an abstract name begins with one and is as long as the address (unix(7)).
fn unix_path(bytes: &[u8]) -> Box<[u8]> {
    match bytes.split_first() {
        None => Box::default(),
        Some((0, [])) => Box::default(),
        Some((0, name)) => [b"@", name].concat().into_boxed_slice(),
        Some(_) => bytes.split(|byte| *byte == 0).next().unwrap_or(&[]).into(),
    }
}
