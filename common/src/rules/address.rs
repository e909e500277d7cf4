//! IP addresses and networks.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};

/// A network; an address is one of a single member.
///
/// IPv4 is kept as IPv6 (`::ffff:0:0/96`), so that an address equals itself however a program wrote it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Cidr {
    bits: u128,
    prefix: u8,
}

impl Cidr {
    /// The network of one address.
    #[must_use]
    pub fn host(ip: IpAddr) -> Self {
        Self { bits: bits_of(ip), prefix: 128 }
    }

    fn mask(self) -> u128 {
        if self.prefix == 0 { 0 } else { u128::MAX << (128 - u32::from(self.prefix)) }
    }

    /// Whether one of the two contains the other.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        let mask = self.mask() & other.mask();
        self.bits & mask == other.bits & mask
    }
}

/// Reads `10.0.0.0/8`, `2001:db8::/32` or a plain address. Bits beyond the prefix are ignored.
#[must_use]
pub(crate) fn parse(text: &str) -> Option<Cidr> {
    let Some((address, prefix)) = text.split_once('/') else { return Some(Cidr::host(text.parse().ok()?)) };
    let ip: IpAddr = address.parse().ok()?;
    let prefix: u8 = prefix.parse().ok()?;
    let offset = if ip.is_ipv4() { 96 } else { 0 };
    let prefix = prefix.checked_add(offset).filter(|prefix| *prefix <= 128)?;
    let cidr = Cidr { bits: bits_of(ip), prefix };
    Some(Cidr { bits: cidr.bits & cidr.mask(), prefix })
}

fn bits_of(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ip = Ipv6Addr::from_bits(self.bits);
        match ip.to_ipv4_mapped().filter(|_| self.prefix >= 96) {
            Some(ip) if self.prefix == 128 => write!(f, "{ip}"),
            Some(ip) => write!(f, "{ip}/{}", self.prefix - 96),
            None if self.prefix == 128 => write!(f, "{ip}"),
            None => write!(f, "{ip}/{}", self.prefix),
        }
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    fn cidr(text: &str) -> Cidr {
        parse(text).unwrap()
    }

    #[test]
    fn networks_contain_their_members() {
        for (one, other, expected) in [
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.1.0.0/16", "10.0.0.0/8", true),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("2001:db8::/32", "2001:db8::5", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "10.0.0.1", true),
        ] {
            assert_eq!(cidr(one).overlaps(cidr(other)), expected, "{one} {other}");
            assert_eq!(cidr(other).overlaps(cidr(one)), expected, "{other} {one}");
        }
    }

    #[test]
    fn what_is_written_is_shown() {
        for text in ["10.0.0.0/8", "192.0.2.1", "::1", "2001:db8::/32", "0.0.0.0/0"] {
            assert_eq!(cidr(text).to_string(), text);
        }
        assert_eq!(cidr("10.1.2.3/8").to_string(), "10.0.0.0/8");
        assert!(parse("10.0.0.0/33").is_none() && parse("::1/129").is_none() && parse("10.0.0").is_none());
    }
}
