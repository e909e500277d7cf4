//! A profile as one of AppArmor: programs, files, sockets and capabilities that were seen, and nothing else.
//!
//! Removing, renaming and making directories is not in profiles, so that a workload that does them needs rules by hand;
//! the text says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use lapwing_common::syscall::{Arch, Syscall};
use lapwing_proto::dumps::{FileActivityNode, OpenNode, ProcessActivityNode, SecurityProfile};

/// `O_ACCMODE`, `O_CREAT`, `O_TRUNC` and `O_APPEND` of asm-generic/fcntl.h: any of them means writing.
const WRITES: u32 = 0o3 | 0o100 | 0o1000 | 0o2000;
/// `S_IFMT` and `S_IFDIR` of linux/stat.h.
const FORMAT: u32 = 0o170_000;
const DIRECTORY: u32 = 0o040_000;
/// IPPROTO_TCP and IPPROTO_UDP.
const TCP: u32 = 6;
const UDP: u32 = 17;

/// Capabilities (linux/capability.h) by the calls that need them. Used where the program had them.
const CAPABILITIES: &[(u32, &str, &[&str])] = &[
    (0, "chown", &["chown", "fchown", "lchown", "fchownat"]),
    (6, "setgid", &["setgid", "setregid", "setresgid", "setfsgid", "setgroups"]),
    (7, "setuid", &["setuid", "setreuid", "setresuid", "setfsuid"]),
    (16, "sys_module", &["init_module", "finit_module", "delete_module"]),
    (18, "sys_chroot", &["chroot"]),
    (19, "sys_ptrace", &["ptrace"]),
    (21, "sys_admin", &["mount", "umount2", "pivot_root", "setns", "unshare"]),
    (39, "bpf", &["bpf"]),
];
const NET_BIND_SERVICE: u32 = 10;

/// The profile of AppArmor. It is called by the image's name if no other is given.
pub(super) fn export(profile: &SecurityProfile, name: Option<&str>) -> String {
    let image = profile.selector.as_ref().map_or("", |selector| &*selector.image_name);
    let name = name.unwrap_or(if image.is_empty() { "lapwing" } else { image });
    let mut rules = Rules::default();
    super::each(&profile.tree).for_each(|node| rules.add(node));
    rules.render(name)
}

/// What is allowed, ordered.
#[derive(Default)]
struct Rules {
    programs: BTreeSet<String>,
    /// Whether each is written to.
    files: BTreeMap<String, bool>,
    network: BTreeSet<String>,
    capabilities: BTreeSet<String>,
}

impl Rules {
    fn add(&mut self, node: &ProcessActivityNode) {
        let process = node.process.as_ref();
        let path = process.and_then(|process| process.file.as_ref()).map(|file| &*file.path);
        self.programs.extend(path.filter(|path| is_named(path)).map(quoted));
        node.files.iter().for_each(|file| self.file(file));
        let held = process.and_then(|process| process.credentials.as_ref()).map_or(0, |held| held.cap_effective);
        let has = |capability: u32| held & (1 << capability) != 0;
        for socket in &node.sockets {
            let family = if socket.family == "AF_INET6" { "inet6" } else { "inet" };
            for bind in &socket.bind {
                let kind = match bind.protocol {
                    TCP => " stream",
                    UDP => " dgram",
                    _ => "",
                };
                self.network.insert(format!("network {family}{kind},"));
                if bind.port > 0 && bind.port < 1024 && has(NET_BIND_SERVICE) {
                    self.capabilities.insert("net_bind_service".into());
                }
            }
        }
        let made = |names: &[&str]| {
            let number = |name: &&str| Syscall::named(name)?.number(Arch::NATIVE);
            let is_made = |number: u32| node.syscall_nodes.iter().any(|call| call.syscall.cast_unsigned() == number);
            names.iter().filter_map(number).any(is_made)
        };
        for (number, name, calls) in CAPABILITIES {
            if has(*number) && made(calls) {
                self.capabilities.insert((*name).into());
            }
        }
        if made(&["socket"]) {
            // Which were made is not in profiles.
            self.network.extend(["network inet,", "network inet6,", "network netlink,", "unix,"].map(String::from));
        }
    }

    fn file(&mut self, node: &FileActivityNode) {
        if let Some(file) = node.file.as_ref().filter(|file| is_named(&file.path)) {
            let is_directory = file.mode & FORMAT == DIRECTORY && !file.path.ends_with('/');
            let path = if is_directory { file.path.clone() + "/" } else { file.path.clone() };
            // Flags of several opens are together, so that whether some only read cannot be told.
            let is_written = node.open.is_some_and(|OpenNode { flags, .. }| flags & WRITES != 0) && !is_directory;
            *self.files.entry(path).or_default() |= is_written;
        }
        node.children.iter().for_each(|child| self.file(child));
    }

    fn render(&self, name: &str) -> String {
        let mut text = format!(
            "# Learned by Lapwing {}: what is not here was not seen. Try it by aa-complain first. Removing, renaming and\n\
             # making directories is not learned: such rules have to be added.\n\
             abi <abi/3.0>,\n\
             #include <tunables/global>\n\n\
             profile {} flags=(attach_disconnected,mediate_deleted) {{\n",
            env!("CARGO_PKG_VERSION"),
            quoted(name)
        );
        // Writing to a `String` cannot fail.
        for program in &self.programs {
            let _ = writeln!(text, "  {program} mrix,");
        }
        for (path, is_written) in &self.files {
            let mode = match is_library(path) {
                _ if *is_written => "rw",
                // The loader maps them for execution.
                true => "mr",
                false => "r",
            };
            let _ = writeln!(text, "  {} {mode},", quoted(path));
        }
        for rule in &self.network {
            let _ = writeln!(text, "  {rule}");
        }
        for capability in &self.capabilities {
            let _ = writeln!(text, "  capability {capability},");
        }
        text.push_str("  signal peer=@{profile_name},\n}\n");
        text
    }
}

/// `libc.so.6` and the like, not `ld.so.cache`.
fn is_library(path: &str) -> bool {
    let version = path.rsplit_once(".so").map(|(_, version)| version);
    version.is_some_and(|version| version.chars().all(|letter| letter == '.' || letter.is_ascii_digit()))
}

/// Whether a path names something in a file system: pipes and the like need no rule.
fn is_named(path: &str) -> bool {
    path.starts_with('/') && !path.contains(['\n', '\u{fffd}'])
}

/// A path or name between quotes. `*` stays what it is: profiles have it for what differs from run to run.
fn quoted(path: impl AsRef<str>) -> String {
    let mut text = String::from("\"");
    for letter in path.as_ref().chars() {
        if matches!(letter, '"' | '\\' | '?' | '[' | ']' | '{' | '}' | '^') {
            text.push('\\');
        }
        text.push(letter);
    }
    text.push('"');
    text
}
