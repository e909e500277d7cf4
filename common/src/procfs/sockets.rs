//! `/proc/PID/net/tcp` and its siblings: the ports that are bound in a network namespace.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A table of sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `tcp` and `tcp6`.
    Tcp,
    /// `udp` and `udp6`.
    Udp,
}

/// A port that somebody waits at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The number of the socket's inode, as links in `/proc/PID/fd` have it: `socket:[NUMBER]`.
    pub inode: u64,
    /// The address; unspecified for all.
    pub ip: IpAddr,
    /// The port.
    pub port: u16,
}

/// `TCP_LISTEN` of net/tcp_states.h.
const LISTEN: u8 = 0x0a;
/// `TCP_CLOSE`, which also says of a UDP socket that it is connected to nobody.
const CLOSE: u8 = 0x07;

/// What a line tells of a socket that was bound: one that listens, or a UDP socket without a peer. `None` for the
/// table's head, and for what is one end of a connection.
#[must_use]
pub fn bound(table: Table, line: &[u8]) -> Option<Bound> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (local, _remote, state) = (words.nth(1)?, words.next()?, words.next()?);
    let wanted = if table == Table::Tcp { LISTEN } else { CLOSE };
    if hexadecimal(state)? != u32::from(wanted) {
        return None;
    }
    // Queues, timer, retransmissions, user, and timeouts lie between.
    let inode = super::number(words.nth(5)?)?;
    let colon = local.iter().position(|byte| *byte == b':')?;
    let port = u16::try_from(hexadecimal(&local[colon + 1..])?).ok()?;
    Some(Bound { inode, ip: address(&local[..colon])?, port })
}

/// Words of 32 bits as this machine reads them, each of four bytes in the order of the network: `tcp4_seq_show` and
/// `tcp6_seq_show` of the kernel.
fn address(text: &[u8]) -> Option<IpAddr> {
    let mut bytes = [0; 16];
    let words = text.chunks(8).zip(bytes.chunks_mut(4));
    for (word, place) in words {
        place.copy_from_slice(&hexadecimal(word)?.to_ne_bytes());
    }
    match text.len() {
        8 => Some(Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3]).into()),
        32 => Some(Ipv6Addr::from(bytes).into()),
        _ => None,
    }
}

fn hexadecimal(text: &[u8]) -> Option<u32> {
    u32::from_str_radix(core::str::from_utf8(text).ok()?, 16).ok()
}

#[cfg(test)]
#[cfg(target_endian = "little")]
mod tests {
    use super::*;

    #[test]
    fn who_waits_at_a_port_is_told_from_who_is_connected() {
        let listens = b"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0";
        let ip = IpAddr::from([127, 0, 0, 1]);
        assert_eq!(bound(Table::Tcp, listens), Some(Bound { inode: 4711, ip, port: 8080 }));
        assert_eq!(bound(Table::Udp, listens), None);
        let connected =
            b"   1: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0";
        assert_eq!(bound(Table::Tcp, connected), None);
        let six =
            b"  1: B80D0120000000000000000001000000:0035 00000000000000000000000000000000:0000 07 0:0 0:0 0 0 0 12 2 0";
        let expected = Bound { inode: 12, ip: "2001:db8::1".parse().unwrap(), port: 53 };
        assert_eq!(bound(Table::Udp, six), Some(expected));
    }

    #[test]
    fn other_lines_tell_nothing() {
        let head = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
        for line in [
            &head[..],
            b"",
            b"0: 0100007F:1F90",
            b"0: 01:1F90 0:0 0A 0 0 0 0 0 7",
            b"0: 0100007F:1F90 0:0 0A 0 0 0 0 0",
        ] {
            assert_eq!(bound(Table::Tcp, line), None);
        }
    }
}
