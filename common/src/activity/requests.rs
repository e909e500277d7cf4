//! What processes asked for: names, keys of clouds, and capabilities. No backend reports these so far.

use alloc::sync::Arc;
use alloc::vec::Vec;

use lapwing_proto::dumps::{DnsInfo, ImdsEvent};

use super::counters::Dropped;
use super::network::{DnsNode, ImdsNode, place, same_name};
use super::rules::Rules;
use super::seen::Seen;
use super::size;
use super::tree::{ActivityTree, Mark, Novelty};
use crate::ids::Timestamp;
use crate::process::Process;

impl ActivityTree {
    /// A name that a process asked the DNS for.
    ///
    /// # Errors
    ///
    /// As [`Self::insert`].
    pub fn insert_dns(
        &mut self,
        process: &Arc<Process>,
        request: &DnsInfo,
        at: Timestamp,
        mark: &Mark<'_>,
    ) -> Result<Novelty, Dropped> {
        let (id, is_new) = self.process_of(process, at, mark)?;
        self.make_room(2 * size_of::<DnsNode>() + 2 * size::block(size_of::<DnsInfo>() + request.name.len()))?;
        let labels = self.options.dns_labels;
        let entry = self.change(id, |node| {
            let found = node.dns.iter().position(|known| same_name(known.name(), &request.name, labels));
            let index = found.unwrap_or_else(|| {
                let (requests, seen, rules) = (Vec::new(), Seen::default(), Rules::default());
                node.dns.push(DnsNode { requests, seen, rules });
                node.dns.len() - 1
            });
            let dns = &mut node.dns[index];
            dns.seen.see(mark.tag, at);
            dns.rules.add(mark.rules);
            let is_new_type = dns.requests.iter().all(|known| known.r#type != request.r#type);
            if is_new_type {
                let name = dns.requests.first().map_or(&request.name, |first| &first.name).clone();
                dns.requests.push(DnsInfo { name, ..request.clone() });
            }
            is_new_type
        });
        Ok(Novelty { process: is_new, entry })
    }

    /// A request of a process to the metadata service of a cloud, or the answer.
    ///
    /// # Errors
    ///
    /// As [`Self::insert`]. A request needs an address, and an answer a key's id; else the event is broken.
    pub fn insert_imds(
        &mut self,
        process: &Arc<Process>,
        event: &ImdsEvent,
        at: Timestamp,
        mark: &Mark<'_>,
    ) -> Result<Novelty, Dropped> {
        let keys = event.aws.as_ref().and_then(|aws| aws.security_credentials.as_ref());
        if event.url.is_empty() && keys.is_none_or(|keys| keys.access_key_id.is_empty()) {
            return Err(Dropped::BrokenEvent);
        }
        let (id, is_new) = self.process_of(process, at, mark)?;
        self.make_room(2 * size_of::<ImdsNode>() + 2048)?;
        let entry = self.change(id, |node| {
            let found = node.imds.iter().position(|known| known.event == *event);
            let index = found.unwrap_or_else(|| {
                let (seen, rules) = (Seen::default(), Rules::default());
                node.imds.push(ImdsNode { event: event.clone(), seen, rules });
                node.imds.len() - 1
            });
            node.imds[index].seen.see(mark.tag, at);
            node.imds[index].rules.add(mark.rules);
            found.is_none()
        });
        Ok(Novelty { process: is_new, entry })
    }

    /// A capability that a process used, or tried to.
    ///
    /// # Errors
    ///
    /// As [`Self::insert`].
    pub fn insert_capability(
        &mut self,
        process: &Arc<Process>,
        capability: u64,
        is_granted: bool,
        at: Timestamp,
        mark: &Mark<'_>,
    ) -> Result<Novelty, Dropped> {
        let (id, is_new) = self.process_of(process, at, mark)?;
        self.make_room(size_of::<(u64, bool, Seen)>() * 16)?;
        let entry = self.change(id, |node| {
            let key = (capability, is_granted);
            let found = place(&node.capabilities, |(known, granted, _)| (*known, *granted).cmp(&key));
            let index = found.unwrap_or_else(|index| {
                node.capabilities.insert(index, (capability, is_granted, Seen::default()));
                index
            });
            node.capabilities[index].2.see(mark.tag, at);
            found.is_err()
        });
        Ok(Novelty { process: is_new, entry })
    }
}
