//! What a process holds, as messages that fit, and read again with every field checked.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use prost::Message as _;

use super::decode::{narrow, socket};
use super::encode::{of_file, of_socket};
use super::{Malformed, Reader, proto};
use crate::event::Address;
use crate::holdings::Held;
use crate::ids::Pid;

/// Bytes after which a part is full: one more entry, whatever its path, still fits into a message.
const FULL: usize = 32 * 1024;
/// `AF_INET` and `AF_INET6` of linux/socket.h.
const FAMILIES: [u16; 2] = [2, 10];

/// The messages that tell what a process holds, in order; none if that is nothing.
#[must_use]
pub fn parts(id: u64, pid: Pid, held: &Held) -> VecDeque<proto::Holdings> {
    let empty = || proto::Holdings { id, pid: pid.0, ..proto::Holdings::default() };
    let mut parts = VecDeque::new();
    let mut part = empty();
    let mut room = FULL;
    let mut turn = |length: usize, part: &mut proto::Holdings| {
        if room < length {
            parts.push_back(core::mem::replace(part, empty()));
            room = FULL;
        }
        room = room.saturating_sub(length);
    };
    for (file, flags) in &held.files {
        // The flags that are kept have numbers below 2^16 everywhere.
        let message = proto::HeldFile { file: Some(of_file(file)), flags: u32::try_from(*flags).unwrap_or(0) };
        turn(message.encoded_len(), &mut part);
        part.files.push(message);
    }
    for (address, kind) in &held.ports {
        let ip = match address.ip {
            Some(IpAddr::V4(ip)) => ip.octets().to_vec(),
            Some(IpAddr::V6(ip)) => ip.octets().to_vec(),
            None => continue,
        };
        let message = proto::HeldPort { ip, port: address.port.into(), socket: Some(of_socket(*kind)) };
        turn(message.encoded_len(), &mut part);
        part.ports.push(message);
    }
    part.left_out = u32::try_from(held.left_out).unwrap_or(u32::MAX);
    if part != empty() {
        parts.push_back(part);
    }
    parts
}

impl Reader {
    /// Reads what a process holds, or a part of it.
    ///
    /// # Errors
    ///
    /// When it says what cannot be.
    pub fn held(&mut self, message: proto::Holdings) -> Result<(Pid, Held), Malformed> {
        let mut held = Held { left_out: usize::try_from(message.left_out).unwrap_or(usize::MAX), ..Held::default() };
        for file in message.files {
            let flags = file.flags.into();
            held.files.push((self.file(file.file.ok_or(Malformed::Absent("file"))?)?, flags));
        }
        for port in message.ports {
            let ip = match (<[u8; 4]>::try_from(&*port.ip), <[u8; 16]>::try_from(&*port.ip)) {
                (Ok(ip), _) => IpAddr::V4(Ipv4Addr::from(ip)),
                (_, Ok(ip)) => IpAddr::V6(Ipv6Addr::from(ip)),
                _ => return Err(Malformed::Impossible("address")),
            };
            let family = FAMILIES[usize::from(ip.is_ipv6())];
            let address = Address { family, ip: Some(ip), port: narrow(port.port, "port")?, path: Box::default() };
            held.ports.push((address, socket(port.socket.ok_or(Malformed::Absent("socket"))?)?));
        }
        Ok((Pid(message.pid), held))
    }
}
