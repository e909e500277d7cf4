//! What processes that run already hold: files that are open or mapped, and ports that are bound.
//!
//! For dumps that begin in the middle of a workload's life. A program that opened its configuration an hour ago tells of it
//! by no event. How much is read of a process is bounded, and whoever asks does so beside the loop: some hundred
//! descriptors take a millisecond.

use std::collections::{BTreeSet, HashMap};
use std::io::{BufRead as _, BufReader};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;

use lapwing_common::event::{Address, File};
use lapwing_common::holdings::{DESCRIPTORS, Held, MAPPINGS};
use lapwing_common::ids::{Pid, PidNs, ProcessKey};
use lapwing_common::procfs::sockets::{self, Bound, Table};
use lapwing_common::procfs::status::Status;
use lapwing_common::procfs::{fdinfo, maps};
use lapwing_common::record::SocketKind;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::Process;
use super::executable::Filesystems;

/// Sockets of a network namespace that are looked at.
const SOCKETS: usize = 1 << 20;
/// `SOCK_STREAM` and `SOCK_DGRAM`, and protocols of netinet/in.h.
const KINDS: [(&str, Table, u16, u16); 4] =
    [("tcp", Table::Tcp, 1, 6), ("tcp6", Table::Tcp, 1, 6), ("udp", Table::Udp, 2, 17), ("udp6", Table::Udp, 2, 17)];

/// Reads what processes hold. One is for a short time, as ids of mounts are reused.
#[derive(Debug)]
pub struct Holders {
    /// The namespace in which `/proc` counts.
    own: Option<PidNs>,
    /// Numbers in `/proc` of processes that are known by another.
    elsewhere: HashMap<ProcessKey, i32>,
    filesystems: Filesystems,
    /// Bound sockets by the inode of their network namespace.
    ports: HashMap<u64, HashMap<u64, (Address, SocketKind)>>,
}

impl Holders {
    /// A reader of these processes. Those of another pid namespace than `own` are searched for once, now: some are
    /// nowhere to be seen.
    #[must_use]
    pub fn of(processes: &[ProcessKey], own: Option<PidNs>) -> Self {
        let wanted: BTreeSet<PidNs> =
            processes.iter().map(|key| key.namespace).filter(|namespace| Some(*namespace) != own).collect();
        let elsewhere = if wanted.is_empty() { HashMap::new() } else { elsewhere(&wanted) };
        Self { own, elsewhere, filesystems: Filesystems::default(), ports: HashMap::new() }
    }

    /// What a process holds; `None` if it is gone, not to be seen from here, or may not be looked at.
    pub fn held(&mut self, key: ProcessKey) -> Option<Held> {
        let pid = if Some(key.namespace) == self.own { key.pid.0 } else { *self.elsewhere.get(&key)? };
        let process = Process::open(pid).ok()?;
        let mut held = Held::default();
        let mut seen = BTreeSet::new();
        let sockets = self.descriptors(&process, &mut held, &mut seen)?;
        self.mappings(&process, &mut held, &mut seen);
        if !sockets.is_empty() {
            let ports = self.ports_of(&process);
            held.ports = sockets.iter().filter_map(|inode| ports.get(inode)).cloned().collect();
        }
        Some(held)
    }

    /// Open files. Returns the inodes of its sockets; `None` if nothing of it may be read.
    fn descriptors(
        &mut self,
        process: &Process,
        held: &mut Held,
        seen: &mut BTreeSet<Box<[u8]>>,
    ) -> Option<BTreeSet<u64>> {
        let mut sockets = BTreeSet::new();
        let mut numbers: Vec<u32> = names(process, "fd").ok()?.filter_map(|name| name.parse().ok()).collect();
        numbers.sort_unstable();
        held.left_out += numbers.len().saturating_sub(DESCRIPTORS);
        for number in numbers.into_iter().take(DESCRIPTORS) {
            let name = format!("fd/{number}");
            let text = match rustix::fs::readlinkat(&process.dir, &*name, Vec::new()) {
                Ok(text) => text,
                // Whether a link may be read depends on the process alone (`proc_fd_access_allowed` of fs/proc/base.c).
                Err(Errno::ACCESS | Errno::PERM) => return None,
                Err(_) => continue,
            };
            if let Some(inode) = socket(text.as_bytes()) {
                sockets.insert(inode);
            } else if text.as_bytes().starts_with(b"/") {
                let info = process.read(&format!("fdinfo/{number}")).unwrap_or_default();
                let kept = (OFlags::ACCMODE | OFlags::APPEND).bits();
                let flags = fdinfo::flags(&info).unwrap_or(0) & u64::from(kept);
                self.take(process, &name, flags, held, seen);
            }
        }
        Some(sockets)
    }

    /// Mapped files, but for the program's own.
    fn mappings(&mut self, process: &Process, held: &mut Held, seen: &mut BTreeSet<Box<[u8]>>) {
        let text = process.read("maps").unwrap_or_default();
        let program = self.filesystems.file(process, "exe");
        let own = program.inode.as_ref().map(|inode| inode.number);
        let mut inodes = BTreeSet::new();
        for mapping in maps::files(&text) {
            if Some(mapping.inode) == own || !inodes.insert(mapping.inode) {
                continue;
            }
            if inodes.len() > MAPPINGS {
                held.left_out += 1;
                continue;
            }
            let Ok(range) = std::str::from_utf8(mapping.range) else { continue };
            let before = seen.len();
            self.take(process, &format!("map_files/{range}"), 0, held, seen);
            // Without CAP_SYS_ADMIN, or CAP_CHECKPOINT_RESTORE since Linux 5.9, the file behind a mapping is not shown.
            // Its path is, which has to do if it leads to the same inode.
            if seen.len() == before {
                let name = [b"root", mapping.path].concat();
                let Ok(name) = String::from_utf8(name) else { continue };
                let found = self.filesystems.file(process, &name);
                if found.inode.as_ref().is_some_and(|inode| inode.number == mapping.inode) {
                    keep(found, 0, held, seen);
                }
            }
        }
    }

    fn take(&mut self, process: &Process, name: &str, flags: u64, held: &mut Held, seen: &mut BTreeSet<Box<[u8]>>) {
        let file = self.filesystems.file(process, name);
        keep(file, flags, held, seen);
    }

    /// The bound sockets of a process's network namespace.
    fn ports_of(&mut self, process: &Process) -> &HashMap<u64, (Address, SocketKind)> {
        let namespace = process.place("ns/net").and_then(|place| Ok(rustix::fs::fstat(place.as_fd())?.st_ino));
        // What cannot be told apart is looked at each time.
        let namespace = namespace.unwrap_or_else(|_| {
            self.ports.remove(&0);
            0
        });
        self.ports.entry(namespace).or_insert_with(|| bound(process))
    }
}

fn keep(file: File, flags: u64, held: &mut Held, seen: &mut BTreeSet<Box<[u8]>>) {
    // A memfd, say, has no place in a tree of files.
    if !file.path.starts_with(b"/") {
        return;
    }
    if seen.insert(file.path.clone()) {
        held.files.push((file, flags));
    } else if let Some((_, known)) = held.files.iter_mut().find(|(known, _)| known.path == file.path) {
        *known |= flags;
    }
}

fn names(process: &Process, directory: &str) -> rustix::io::Result<impl Iterator<Item = String>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let entries = rustix::fs::openat(&process.dir, directory, flags, Mode::empty()).and_then(rustix::fs::Dir::new)?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str().ok().map(str::to_owned)))
}

fn socket(link: &[u8]) -> Option<u64> {
    let number = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

fn bound(process: &Process) -> HashMap<u64, (Address, SocketKind)> {
    let mut found = HashMap::new();
    for (name, table, kind, protocol) in KINDS {
        let Ok(file) = process.file(&format!("net/{name}")) else { continue };
        for line in BufReader::new(file).split(b'\n').take(SOCKETS).map_while(Result::ok) {
            let Some(Bound { inode, ip, port }) = sockets::bound(table, &line) else { continue };
            let family = if ip.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
            let family = u16::try_from(family).unwrap_or(0);
            let address = Address { family, ip: Some(ip), port, path: Box::default() };
            found.insert(inode, (address, SocketKind { family, kind, protocol }));
        }
    }
    found
}

/// Processes of these namespaces, by what they are known by there.
fn elsewhere(wanted: &BTreeSet<PidNs>) -> HashMap<ProcessKey, i32> {
    let mut found = HashMap::new();
    let pids = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()) {
        let Ok(namespace) = std::fs::metadata(format!("/proc/{pid}/ns/pid")).map(|found| PidNs(found.ino())) else {
            continue;
        };
        if !wanted.contains(&namespace) {
            continue;
        }
        let status = std::fs::read(format!("/proc/{pid}/status")).map(|text| Status::parse(&text));
        if let Some(own) = status.ok().and_then(|status| status.tgids.last().copied()) {
            found.insert(ProcessKey { pid: Pid(own), namespace }, pid);
        }
    }
    found
}
