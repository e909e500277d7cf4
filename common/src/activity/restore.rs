//! A tree from messages: a profile that was saved lives on.

use alloc::boxed::Box;
use alloc::vec::Vec;

use lapwing_proto::dumps::{FileActivityNode, ProcessActivityNode};

use super::Generation;
use super::file::{Above, Facts as FileFacts, Opened};
use super::network::{BindKey, BindNode, DnsNode, Family, ImdsNode, Ip};
use super::process::{Facts, ProcessId, ProcessNode, ToldProcess};
use super::rules::Rules;
use super::seen::Seen;
use super::tree::{ActivityTree, Options};
use crate::ids::Timestamp;

impl ActivityTree {
    /// The tree that messages tell of. What they say of a process or file is kept as it is, so that writing the tree
    /// again loses nothing. The limit of the options does not apply to what is there already.
    #[must_use]
    pub fn from_messages(options: Options, messages: Vec<ProcessActivityNode>) -> Self {
        let mut tree = Self::new(options);
        for message in messages {
            tree.restore_process(None, message);
        }
        tree
    }

    fn restore_process(&mut self, parent: Option<ProcessId>, message: ProcessActivityNode) {
        #[expect(deprecated, reason = "older files have versions here only")]
        let older = message.image_tags;
        let told = ToldProcess::new(message.process.unwrap_or_default());
        let generation = Generation::from_number(message.generation_type);
        let mut node = ProcessNode::new(parent, Facts::Told(Box::new(told)), generation);
        node.seen = Seen::from_message(message.node_base.as_ref(), &older, &mut self.tags);
        node.rules = Rules::from_messages(&message.matched_rules, &mut self.rules);
        node.devices = message.network_devices;
        for dns in message.dns_names {
            let seen = Seen::from_message(dns.node_base.as_ref(), &[], &mut self.tags);
            let rules = Rules::from_messages(&dns.matched_rules, &mut self.rules);
            node.dns.push(DnsNode { requests: dns.requests, seen, rules });
        }
        for imds in message.imds_events {
            let seen = Seen::from_message(imds.node_base.as_ref(), &[], &mut self.tags);
            let rules = Rules::from_messages(&imds.matched_rules, &mut self.rules);
            node.imds.push(ImdsNode { event: imds.event.unwrap_or_default(), seen, rules });
        }
        for socket in message.sockets {
            for bind in socket.bind {
                let ip = bind.ip.parse().map_or_else(|_| Ip::Other(bind.ip.as_str().into()), Ip::Known);
                let family = Family::named(&socket.family);
                let seen = Seen::from_message(bind.node_base.as_ref(), &[], &mut self.tags);
                let rules = Rules::from_messages(&bind.matched_rules, &mut self.rules);
                let key = BindKey { family, port: bind.port, ip, protocol: bind.protocol };
                node.binds.push(BindNode { key, seen, rules });
            }
        }
        for call in message.syscall_nodes {
            node.syscalls.push((call.syscall, Seen::from_message(call.node_base.as_ref(), &[], &mut self.tags)));
        }
        for capability in message.capability_nodes {
            let seen = Seen::from_message(capability.node_base.as_ref(), &[], &mut self.tags);
            node.capabilities.push((capability.capability, capability.is_capable, seen));
        }
        // Whoever wrote the file need not have kept to our order, or to one entry of each.
        node.binds.sort_by(|one, other| one.key.cmp(&other.key));
        node.binds.dedup_by(|one, other| one.key == other.key);
        node.syscalls.sort_by_key(|(number, _)| *number);
        node.syscalls.dedup_by_key(|(number, _)| *number);
        node.capabilities.sort_by_key(|(capability, granted, _)| (*capability, *granted));
        node.capabilities.dedup_by_key(|(capability, granted, _)| (*capability, *granted));
        let id = self.add_node(node);
        for file in message.files {
            self.restore_file(id, None, file);
        }
        for child in message.children {
            self.restore_process(Some(id), child);
        }
    }

    fn restore_file(&mut self, process: ProcessId, directory: Option<u32>, message: FileActivityNode) {
        let above = match directory {
            Some(directory) => Above::Directory(directory),
            None if is_rooted(&message) => Above::Root(process),
            None => Above::Nothing(process),
        };
        let Self { processes, files, heap, tags, rules, .. } = self;
        let Some(node) = processes.get_mut(process.0) else { return };
        let name = message.name.as_bytes();
        let at = files.child(above, name).unwrap_or_else(|| files.add(above, name, &mut node.files, heap));
        if let Some(info) = message.file {
            let open = message.open;
            let opened = Opened {
                facts: FileFacts::Told(Box::new(info)),
                retval: open.map_or(0, |open| open.retval),
                flags: open.map_or(0, |open| open.flags),
                mode: open.map_or(0, |open| open.mode),
                has_open: open.is_some(),
                first_seen: Timestamp(message.first_seen),
                generation: Generation::from_number(message.generation_type),
                seen: Seen::from_message(message.node_base.as_ref(), &[], tags),
                rules: Rules::from_messages(&message.matched_rules, rules),
            };
            if let Some(node) = files.get_mut(at) {
                *heap -= node.opened.take().map_or(0, |before| before.heap());
                *heap += opened.heap();
                node.opened = Some(Box::new(opened));
            }
        }
        for child in message.children {
            self.restore_file(process, Some(at), child);
        }
    }
}

/// Whether a first component begins at the root: what lies below it does, or else its path says so.
fn is_rooted(message: &FileActivityNode) -> bool {
    match &message.file {
        Some(file) if message.children.is_empty() => file.path.is_empty() || file.path.starts_with('/'),
        _ => true,
    }
}
