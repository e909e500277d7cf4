//! What processes did on the network, as a tree holds it.

use core::cmp::Ordering;

use alloc::boxed::Box;
use core::net::IpAddr;

use lapwing_proto::dumps::{DnsInfo, ImdsEvent, NetworkDeviceNode};

use super::rules::Rules;
use super::seen::Seen;
use super::size;

/// `AF_INET` of sys/socket.h.
pub(super) const AF_INET: u16 = 2;
/// `AF_INET6`.
pub(super) const AF_INET6: u16 = 10;

/// A port that was bound.
#[derive(Debug)]
pub(super) struct BindNode {
    pub(super) key: BindKey,
    pub(super) seen: Seen,
    pub(super) rules: Rules,
}

/// What tells two bound ports apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct BindKey {
    pub(super) family: Family,
    pub(super) port: u32,
    pub(super) ip: Ip,
    pub(super) protocol: u32,
}

/// A family of addresses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    V4,
    V6,
    /// One that a file tells of.
    Other(Box<str>),
}

/// An address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ip {
    Known(IpAddr),
    /// What a file has in its place.
    Other(Box<str>),
}

/// A name that was asked for.
#[derive(Debug)]
pub(super) struct DnsNode {
    /// A request for each type; all have the node's name.
    pub(super) requests: alloc::vec::Vec<DnsInfo>,
    pub(super) seen: Seen,
    pub(super) rules: Rules,
}

/// A request to the metadata service of a cloud, or its answer.
#[derive(Debug)]
pub(super) struct ImdsNode {
    pub(super) event: ImdsEvent,
    pub(super) seen: Seen,
    pub(super) rules: Rules,
}

impl Family {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::V4 => "AF_INET",
            Self::V6 => "AF_INET6",
            Self::Other(name) => name,
        }
    }

    pub(super) fn named(name: &str) -> Self {
        match name {
            "AF_INET" => Self::V4,
            "AF_INET6" => Self::V6,
            other => Self::Other(other.into()),
        }
    }
}

impl BindNode {
    pub(super) fn new(key: BindKey) -> Self {
        Self { key, seen: Seen::default(), rules: Rules::default() }
    }

    pub(super) fn heap(&self) -> usize {
        let family = if let Family::Other(name) = &self.key.family { size::block(name.len()) } else { 0 };
        let ip = if let Ip::Other(text) = &self.key.ip { size::block(text.len()) } else { 0 };
        family + ip + self.seen.heap() + self.rules.heap()
    }
}

impl DnsNode {
    pub(super) fn name(&self) -> &str {
        self.requests.first().map_or("", |request| &request.name)
    }

    pub(super) fn heap(&self) -> usize {
        let names = self.requests.iter().map(|request| size::text(&request.name)).sum::<usize>();
        size::vec(&self.requests) + names + self.seen.heap() + self.rules.heap()
    }
}

/// Whether two names are the same up to their last labels; 0 compares them whole. Names of hosts have no case.
pub(super) fn same_name(one: &str, other: &str, labels: usize) -> bool {
    one.eq_ignore_ascii_case(other) || (labels > 0 && last(one, labels).eq_ignore_ascii_case(last(other, labels)))
}

/// The last labels of a name.
fn last(name: &str, labels: usize) -> &str {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rmatch_indices('.').nth(labels - 1).map_or(name, |(dot, _)| &name[dot + 1..])
}

impl ImdsNode {
    pub(super) fn heap(&self) -> usize {
        let event = &self.event;
        let texts = [&event.r#type, &event.cloud_provider, &event.url, &event.host, &event.user_agent, &event.server];
        let credentials = event.aws.iter().filter_map(|aws| aws.security_credentials.as_ref());
        let secrets = credentials
            .flat_map(|all| [&all.code, &all.r#type, &all.access_key_id, &all.last_updated, &all.expiration_raw]);
        texts.into_iter().chain(secrets).map(size::text).sum::<usize>() + self.seen.heap() + self.rules.heap()
    }
}

/// Bytes of heap that a device of a file holds.
pub(super) fn heap_of_device(device: &NetworkDeviceNode) -> usize {
    let ends = device.flow_nodes.iter().flat_map(|flow| [&flow.source, &flow.destination]).flatten();
    size::text(&device.ifname) + size::vec(&device.flow_nodes) + ends.map(|end| size::text(&end.ip)).sum::<usize>()
}

/// Where a key is in a list that it orders, or where it belongs.
pub(super) fn place<T>(list: &[T], order: impl FnMut(&T) -> Ordering) -> Result<usize, usize> {
    list.binary_search_by(order)
}

#[cfg(test)]
mod tests {
    use super::same_name;

    #[test]
    fn names_are_compared_by_their_last_labels() {
        assert!(same_name("A.example.org", "a.EXAMPLE.org", 0));
        assert!(!same_name("a.example.org", "b.example.org", 0));
        assert!(!same_name("a.example.org", "b.example.org", 3));
        assert!(same_name("a.b.example.org", "c.b.example.org", 3));
        assert!(!same_name("org", "example.org", 3));
    }
}
