//! Statistics, sent at intervals to a statsd server: lines in datagrams, with tags as DogStatsD has them.
//!
//! Nothing waits for the server: what it does not take is counted and gone, as it is with statsd. Counters are sent
//! as what has been added since the last time.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::time::Instant;

use super::metrics::{Kind, Metric};
use crate::config::{Statsd, StatsdAddress};

/// What surely fits into a packet of an Ethernet, and what DogStatsD takes from a Unix socket.
const UDP: usize = 1432;
const UNIX: usize = 8192;

/// Sends to a server.
#[derive(Debug)]
pub(super) struct Sender {
    config: Statsd,
    socket: Option<Socket>,
    due: Instant,
    /// Values of counters that have been sent, by name and labels.
    sent: HashMap<String, u64>,
    failed: u64,
}

#[derive(Debug)]
enum Socket {
    Udp(UdpSocket),
    Unix(UnixDatagram),
}

impl Sender {
    /// Sends at every interval, at first when one has passed.
    pub(super) fn new(config: Statsd, now: Instant) -> Self {
        let due = now + config.interval;
        Self { config, socket: None, due, sent: HashMap::new(), failed: 0 }
    }

    /// Sends by another configuration from now on. What was sent is not sent again.
    pub(super) fn reconfigured(self, config: Statsd, now: Instant) -> Self {
        let Self { sent, failed, .. } = self;
        Self { sent, failed, ..Self::new(config, now) }
    }

    /// When to send.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Datagrams that could not be sent.
    pub(super) fn failed(&self) -> u64 {
        self.failed
    }

    /// Sends all.
    pub(super) fn send(&mut self, metrics: &[Metric], now: Instant) {
        self.due = now + self.config.interval;
        let limit = match self.config.address {
            StatsdAddress::Udp(_) => UDP,
            StatsdAddress::Unix(_) => UNIX,
        };
        let mut packet = String::new();
        for metric in metrics {
            let Some(line) = self.line(metric) else { continue };
            if !packet.is_empty() && packet.len() + 1 + line.len() > limit {
                self.transmit(&packet);
                packet.clear();
            }
            if !packet.is_empty() {
                packet.push('\n');
            }
            packet.push_str(&line);
        }
        if !packet.is_empty() {
            self.transmit(&packet);
        }
    }

    /// `None` for a counter that has not changed.
    fn line(&mut self, metric: &Metric) -> Option<String> {
        let Metric { name, kind, labels, value, .. } = metric;
        let mut tags = self.config.tags.join(",");
        for (label, value) in labels {
            // What would end a tag or a line.
            let value = value.replace([',', '|', '#', '\n'], "_");
            let _ = write!(tags, "{}{label}:{value}", if tags.is_empty() { "" } else { "," });
        }
        let name = format!("{}.{name}", self.config.prefix);
        let (value, letter) = match kind {
            Kind::Gauge => (*value, 'g'),
            Kind::Counter => {
                let before = self.sent.insert(format!("{}|{labels:?}", metric.name), *value).unwrap_or(0);
                (value.checked_sub(before).filter(|added| *added > 0)?, 'c')
            }
        };
        let sign = if tags.is_empty() { "" } else { "|#" };
        Some(format!("{name}:{value}|{letter}{sign}{tags}"))
    }

    fn transmit(&mut self, packet: &str) {
        let sent = match self.socket.take().map_or_else(|| connect(&self.config.address), Ok) {
            Ok(socket) => socket.send(packet.as_bytes()).map(|()| socket),
            Err(error) => Err(error),
        };
        match sent {
            Ok(socket) => self.socket = Some(socket),
            // The next one is tried with a new socket: the server may have made its own anew.
            Err(_) => self.failed += 1,
        }
    }
}

impl Socket {
    fn send(&self, packet: &[u8]) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.send(packet).map(drop),
            Self::Unix(socket) => socket.send(packet).map(drop),
        }
    }
}

fn connect(address: &StatsdAddress) -> io::Result<Socket> {
    match address {
        StatsdAddress::Udp(address) => {
            let any = if address.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
            let socket = UdpSocket::bind((any, 0))?;
            socket.set_nonblocking(true)?;
            socket.connect(address)?;
            Ok(Socket::Udp(socket))
        }
        StatsdAddress::Unix(path) => {
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?;
            socket.connect(path)?;
            Ok(Socket::Unix(socket))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn metric(name: &str, kind: Kind, labels: &[(&'static str, &str)], value: u64) -> Metric {
        let labels = labels.iter().map(|(label, value)| (*label, (*value).to_owned())).collect();
        Metric { name: name.to_owned(), kind, help: "", labels, value }
    }

    fn sender(address: StatsdAddress, tags: &[&str]) -> Sender {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        let config = Statsd { address, interval: Duration::from_secs(20), prefix: "lapwing".to_owned(), tags };
        Sender::new(config, Instant::now())
    }

    #[test]
    fn counters_are_sent_as_what_was_added_and_gauges_as_they_are() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut sender = sender(StatsdAddress::Udp(server.local_addr().unwrap()), &["env:test"]);
        let told = |server: &UdpSocket| {
            let mut bytes = [0; 2000];
            let count = server.recv(&mut bytes).unwrap();
            String::from_utf8_lossy(&bytes[..count]).into_owned()
        };
        let metrics = |opens| {
            [
                metric("events", Kind::Counter, &[("type", "open")], opens),
                metric("lost", Kind::Counter, &[("place", "a|b,c")], 2),
                metric("tracers", Kind::Gauge, &[], 7),
            ]
        };
        sender.send(&metrics(5), Instant::now());
        let all = "lapwing.events:5|c|#env:test,type:open\nlapwing.lost:2|c|#env:test,place:a_b_c\nlapwing.tracers:7|g|#env:test";
        assert_eq!(told(&server), all);
        sender.send(&metrics(6), Instant::now());
        assert_eq!(told(&server), "lapwing.events:1|c|#env:test,type:open\nlapwing.tracers:7|g|#env:test");
        assert_eq!(sender.failed(), 0);
    }

    #[test]
    fn a_packet_ends_where_it_would_get_too_long() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dsd.socket");
        let server = UnixDatagram::bind(&path).unwrap();
        let mut sender = sender(StatsdAddress::Unix(path), &[]);
        let metrics: Vec<_> = (0..500).map(|number| metric(&format!("m{number}"), Kind::Gauge, &[], 1)).collect();
        sender.send(&metrics, Instant::now());
        let (mut bytes, mut lines) = (vec![0; 1 << 16], 0);
        while lines < 500 {
            let count = server.recv(&mut bytes).unwrap();
            assert!(count <= UNIX);
            lines += String::from_utf8_lossy(&bytes[..count]).lines().count();
        }
        assert_eq!(lines, 500);
    }

    #[test]
    fn a_server_that_is_not_there_is_tried_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("dsd.socket");
        let mut sender = sender(StatsdAddress::Unix(path.clone()), &[]);
        let metrics = [metric("tracers", Kind::Gauge, &[], 7)];
        sender.send(&metrics, Instant::now());
        assert_eq!(sender.failed(), 1);
        let server = UnixDatagram::bind(&path).unwrap();
        sender.send(&metrics, Instant::now());
        let mut bytes = [0; 100];
        assert_eq!(server.recv(&mut bytes).unwrap(), "lapwing.tracers:7|g".len());
        assert_eq!(sender.failed(), 1);
    }
}
