//! What is shown of a dump.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use lapwing_proto::dumps::{
    FileActivityNode, FileInfo, HashState, ProcessActivityNode, ProcessInfo, SecDump, SecurityProfile,
};

use crate::activity::Generation;
use crate::names;
use crate::syscall::{self, Arch};

/// A command line is cut to so many letters.
const COMMAND: usize = 100;

/// A dump, ready to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Picture {
    /// What it is called.
    pub title: String,
    /// `key:value`.
    pub tags: Vec<String>,
    /// The programs at the top.
    pub programs: Vec<Program>,
}

/// A program at its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// What tells it apart from its siblings: its path, or the name it was called by where many programs are one file.
    pub identity: String,
    /// The command line, cut if it is long.
    pub command: String,
    /// Name and version of its package.
    pub package: String,
    /// Its hashes, or why there are none.
    pub hashes: String,
    /// How it came into the dump.
    pub generation: Generation,
    /// Its part in a difference.
    pub mark: Mark,
    /// What it did.
    pub groups: Vec<Group>,
    /// The programs that it started.
    pub children: Vec<Program>,
}

/// Things of one kind that a program did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The kind.
    pub category: Category,
    /// What they have in common: a directory, a family of addresses.
    pub label: String,
    /// The things.
    pub items: Vec<Item>,
}

/// One thing that a program did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub text: String,
    /// It changes something, or lets somebody in: a file opened for writing, a bound port.
    pub is_strong: bool,
    /// How it came into the dump.
    pub generation: Generation,
    /// Its part in a difference.
    pub mark: Mark,
    /// How many hashes are known of it.
    pub hashes: usize,
    /// Name and version of its package.
    pub package: String,
}

/// A kind of thing that programs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Opened files of a directory.
    Files,
    /// Bound ports.
    Ports,
    /// Names asked for.
    Names,
    /// Requests to a cloud's metadata service.
    Metadata,
    /// Flows of a device.
    Flows,
    /// System calls.
    Syscalls,
    /// Capabilities.
    Capabilities,
}

impl Category {
    /// One word for one of it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Files => "file",
            Self::Ports => "bind",
            Self::Names => "dns",
            Self::Metadata => "imds",
            Self::Flows => "flow",
            Self::Syscalls => "syscall",
            Self::Capabilities => "capability",
        }
    }
}

/// A part in a difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mark {
    /// In both, or no difference is shown.
    #[default]
    Same,
    /// Only in the second.
    Added,
    /// Only in the first.
    Removed,
}

impl From<&SecDump> for Picture {
    fn from(dump: &SecDump) -> Self {
        let title = dump.metadata.as_ref().map_or_else(String::new, |metadata| metadata.name.clone());
        Self { title, tags: dump.tags.clone(), programs: programs(&dump.tree) }
    }
}

impl From<&SecurityProfile> for Picture {
    fn from(profile: &SecurityProfile) -> Self {
        let selector = profile.selector.clone().unwrap_or_default();
        let title = profile.metadata.as_ref().map_or_else(String::new, |metadata| metadata.name.clone());
        let versions = profile.profile_contexts.keys().map(|version| format!("version:{version}"));
        let mut tags = alloc::vec![format!("image_name:{}", selector.image_name)];
        tags.push(format!("image_tag:{}", selector.image_tag));
        tags.extend(versions);
        Self { title, tags, programs: programs(&profile.tree) }
    }
}

fn programs(nodes: &[ProcessActivityNode]) -> Vec<Program> {
    nodes.iter().map(program).collect()
}

fn program(node: &ProcessActivityNode) -> Program {
    let process = node.process.clone().unwrap_or_default();
    let file = process.file.clone().unwrap_or_default();
    let is_busybox = matches!(file.path.as_str(), "/bin/busybox" | "/usr/bin/busybox");
    let identity = if is_busybox { format!("{} ({})", file.path, process.argv0) } else { file.path.clone() };
    let mut groups = Vec::new();
    node.files.iter().for_each(|node| files(node, "", &mut groups));
    groups.extend(node.sockets.iter().map(|socket| Group {
        category: Category::Ports,
        label: socket.family.clone(),
        items: socket.bind.iter().map(|bind| Item { is_strong: true, ..item(port(bind)) }).collect(),
    }));
    let mut lists = |category, label: &str, items: Vec<Item>| {
        if !items.is_empty() {
            groups.push(Group { category, label: label.to_owned(), items });
        }
    };
    lists(Category::Names, "", node.dns_names.iter().map(|dns| item(question(&dns.requests))).collect());
    lists(
        Category::Metadata,
        "",
        node.imds_events
            .iter()
            .filter_map(|imds| imds.event.as_ref())
            .map(|event| {
                item(
                    [&event.cloud_provider, &event.r#type, &event.host, &event.url]
                        .map(String::as_str)
                        .join(" ")
                        .trim()
                        .into(),
                )
            })
            .collect(),
    );
    for device in &node.network_devices {
        let flows = device.flow_nodes.iter().map(|flow| {
            let end = |end: &Option<lapwing_proto::dumps::IpPortContext>| {
                end.as_ref().map_or_else(String::new, |end| address(&end.ip, end.port))
            };
            item(format!("{} → {}", end(&flow.source), end(&flow.destination)))
        });
        lists(Category::Flows, &device.ifname, flows.collect());
    }
    lists(Category::Syscalls, "", node.syscall_nodes.iter().map(|node| item(call(node.syscall))).collect());
    lists(
        Category::Capabilities,
        "",
        node.capability_nodes
            .iter()
            .map(|node| {
                let name = names::CAPABILITIES
                    .flags
                    .iter()
                    .find(|flag| Some(flag.value) == 1_u64.checked_shl(u32::try_from(node.capability).unwrap_or(64)));
                let name = name.map_or_else(|| node.capability.to_string(), |flag| flag.name.to_owned());
                item(if node.is_capable { name } else { format!("{name} (refused)") })
            })
            .collect(),
    );
    Program {
        identity,
        command: command(&process, &file, is_busybox),
        package: package(&file),
        hashes: hashes(&file),
        generation: Generation::from_number(node.generation_type),
        mark: Mark::Same,
        groups,
        children: programs(&node.children),
    }
}

fn item(text: String) -> Item {
    Item { text, generation: Generation::Runtime, ..Item::default() }
}

fn command(process: &ProcessInfo, file: &FileInfo, is_busybox: bool) -> String {
    let mut command = if is_busybox { process.argv0.clone() } else { file.path.clone() };
    for argument in &process.args {
        command.push(' ');
        command.push_str(argument);
    }
    if let Some((end, _)) = command.char_indices().nth(COMMAND) {
        command.truncate(end);
        command.push('…');
    }
    command
}

fn package(file: &FileInfo) -> String {
    if file.package_name.is_empty() { String::new() } else { format!("{}:{}", file.package_name, file.package_version) }
}

fn hashes(file: &FileInfo) -> String {
    if !file.hashes.is_empty() {
        return file.hashes.join(" ");
    }
    match HashState::try_from(file.hash_state) {
        Ok(HashState::NoHash) => String::new(),
        Ok(state) => state.as_str_name().to_owned(),
        Err(_) => file.hash_state.to_string(),
    }
}

/// A list for each directory in which something was opened.
fn files(node: &FileActivityNode, directory: &str, groups: &mut Vec<Group>) {
    if let Some(file) = &node.file {
        let opened = Item {
            text: node.name.clone(),
            is_strong: node.open.is_some_and(|open| open.flags & WRITING != 0),
            generation: Generation::from_number(node.generation_type),
            mark: Mark::Same,
            hashes: file.hashes.len(),
            package: package(file),
        };
        let label = if file.path.starts_with('/') { format!("{directory}/") } else { String::new() };
        match groups.iter_mut().rev().find(|group| group.label == label) {
            Some(group) => group.items.push(opened),
            None => groups.push(Group { category: Category::Files, label, items: alloc::vec![opened] }),
        }
    }
    if !node.children.is_empty() {
        let inside = format!("{directory}/{}", node.name);
        node.children.iter().for_each(|child| files(child, &inside, groups));
    }
}

/// `O_WRONLY`, `O_RDWR`, `O_CREAT` and `O_TRUNC` of fcntl.h: they have the same numbers on all processors that
/// Lapwing runs on.
const WRITING: u32 = 0o1103;

fn port(bind: &lapwing_proto::dumps::BindNode) -> String {
    let protocol = names::L4_PROTOCOLS.name_of(bind.protocol.into()).filter(|_| bind.protocol != 0);
    let protocol = protocol.map_or_else(String::new, |name| format!(" {}", name.trim_start_matches("IP_PROTO_")));
    format!("{}{protocol}", address(&bind.ip, bind.port))
}

fn address(ip: &str, port: u32) -> String {
    if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
}

fn question(requests: &[lapwing_proto::dumps::DnsInfo]) -> String {
    let kinds: Vec<String> = requests.iter().map(|request| kind(request.r#type)).collect();
    format!("{} ({})", requests.first().map_or("", |first| &first.name), kinds.join(", "))
}

/// Types of questions, of RFC 1035 and its successors.
fn kind(number: u32) -> String {
    let name = match number {
        1 => "A",
        2 => "NS",
        5 => "CNAME",
        6 => "SOA",
        12 => "PTR",
        15 => "MX",
        16 => "TXT",
        28 => "AAAA",
        33 => "SRV",
        64 => "SVCB",
        65 => "HTTPS",
        255 => "ANY",
        other => return other.to_string(),
    };
    name.to_owned()
}

/// The name of a system call of this machine's processor.
fn call(number: i32) -> String {
    let name = u32::try_from(number).ok().and_then(|number| syscall::names::name(Arch::NATIVE, number));
    name.map_or_else(|| number.to_string(), str::to_owned)
}
