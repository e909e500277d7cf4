//! Discarders that rules find, said to whichever backend watches.
//!
//! Paths are looked up where Lapwing is: of use where those whose events are looked at see the same mounts. Who has
//! mounts of its own sees other mount ids, and who has another root is let alone: nothing is discarded for them.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use lapwing_common::discard::dump::{Dump, Section};
use lapwing_common::discard::{
    ApproverStatistics, Conclusion, Filters, InodeKey, Listing, MOST_PIDS, Place, Places, Statistics,
};
use lapwing_common::engine::EventSet;
use lapwing_common::event::{Event, EventType};
use lapwing_common::ids::{ProcessKey, Timestamp};
use lapwing_common::process::Mark;
use lapwing_common::rules::policy::{Discoverer, Memory, Pace, Rules, Use, Verdicts};
use lapwing_kernel::FilterMaps;
use lapwing_ptrace::FilterTable;
use lru::LruCache;
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, StatxAttributes, StatxFlags};

use super::stages::Judged;

/// Filters of either backend.
#[derive(Clone, Debug)]
pub(crate) enum Sink {
    Ptrace(Arc<FilterTable>),
    Kernel(Arc<FilterMaps>),
}

/// For how long no discarder is said to a backend that has refused one, in nanoseconds of events' time.
const RESPITE: u64 = 30_000_000_000;

/// Processes that are remembered: as many as the kernel does.
const MOST_PROGRAMS: NonZeroUsize = NonZeroUsize::new(MOST_PIDS).expect("not zero");
/// For so long, in nanoseconds, rules are not asked again about a type and a program.
const AGAIN: u64 = 2_000_000_000;

/// What a process runs, and about which types rules were asked since.
#[derive(Clone, Copy, Debug)]
struct Programs {
    mark: Mark,
    asked: EventSet,
    since: u64,
}

/// Discarders in the making.
#[derive(Debug)]
pub(crate) struct Discarding {
    sink: Sink,
    discoverer: Discoverer,
    host: Host,
    /// Processes whose programs rules were asked about.
    programs: LruCache<ProcessKey, Programs>,
    /// Why there were no more when that was last tried, and when it is tried again.
    refused: Option<(String, u64)>,
}

impl Discarding {
    /// `None` where paths cannot be looked up, as before Linux 5.12.
    pub(crate) fn new(sink: Sink) -> Option<Self> {
        let programs = LruCache::new(MOST_PROGRAMS);
        Some(Self { sink, discoverer: Discoverer::default(), host: Host::new()?, programs, refused: None })
    }

    /// Learns from an event that no rule matched.
    pub(crate) fn consider(&mut self, rules: &Rules, event: &Event) {
        if let Some(used) = Use::of(event) {
            self.consider_use(rules, used);
        }
    }

    /// Learns from such an event what its process runs: if no rule about the type can match whatever that program does, it
    /// is discarded until the process runs another. Of use by the kernel, which tells programs apart by itself.
    pub(crate) fn consider_program(&mut self, rules: &Rules, memory: &mut Memory, event: &Event) {
        let Self { sink: Sink::Kernel(filters), programs, .. } = self else { return };
        let (kind, process, now) = (event.event_type(), &event.process, event.timestamp.0);
        let Some(mark) = process.mark().filter(|_| kind.is_filtered() && filters.knows_processes()) else { return };
        let key = process.key();
        let fresh = Programs { mark, asked: EventSet::NONE, since: now };
        let known = programs.get_or_insert_mut(key, || fresh);
        if known.mark != mark || now.saturating_sub(known.since) > AGAIN {
            *known = fresh;
        }
        if known.asked.contains(kind) {
            return;
        }
        known.asked = known.asked.with(kind);
        if rules.are_indifferent_to_program(kind, event, memory)
            && let Some(why) = said(filters.push_program(key.pid, mark, kind))
        {
            self.refused = Some((why, now.saturating_add(RESPITE)));
        }
    }

    /// Learns that a file was used under whose path no rule can match.
    pub(super) fn consider_use(&mut self, rules: &Rules, used: Use<'_>) {
        let now = used.at.0;
        if self.refused.as_ref().is_some_and(|(_, until)| now < *until) {
            return;
        }
        let Self { sink, discoverer, host, .. } = self;
        let refused = match sink {
            Sink::Ptrace(filters) => said(discoverer.consider_use(rules, used, &**filters, host)),
            Sink::Kernel(filters) => said(discoverer.consider_use(rules, used, &**filters, host)),
        };
        if let Some(why) = refused {
            self.refused = Some((why, now.saturating_add(RESPITE)));
        }
    }

    /// The rules are others: nothing that was concluded from the last ones holds any more.
    ///
    /// # Errors
    ///
    /// When the backend cannot be told, with its reason.
    pub(crate) fn flush(&mut self) -> Result<(), String> {
        self.discoverer.forget();
        self.programs.clear();
        self.refused = None;
        match &self.sink {
            Sink::Ptrace(filters) => filters.flush().map_err(|error| error.to_string()),
            Sink::Kernel(filters) => filters.flush().map_err(|error| error.to_string()),
        }
    }

    /// Under which paths there are discarders.
    pub(crate) fn paths(&self) -> HashMap<InodeKey, Box<[u8]>> {
        self.discoverer.paths().into_iter().collect()
    }

    /// What is discarded now, with the paths from which that was concluded.
    pub(crate) fn dump(&self, date: Timestamp) -> Result<Dump, String> {
        let (listing, statistics) = match &self.sink {
            Sink::Ptrace(filters) => read(&**filters),
            Sink::Kernel(filters) => read(&**filters),
        }?;
        let path = |key: &InodeKey| self.discoverer.path_of(key).map(Box::from).unwrap_or_default();
        Ok(Dump { date, offset: 0, own: Section::new(listing, statistics, path), tracers: Vec::new() })
    }

    /// Why there are no more discarders, if something ended them.
    pub(crate) fn refused(&self) -> Option<&str> {
        self.refused.as_ref().map(|(why, _)| &**why)
    }
}

/// What is concluded from the events of one tracer, to be told to that one alone: what a path leads to, it looks up
/// itself, where its tracees are.
#[derive(Debug)]
pub(crate) struct Finder {
    pace: Pace,
    found: Vec<Conclusion>,
    /// Events that rules were tried on.
    judged: Judged,
}

impl Default for Finder {
    fn default() -> Self {
        Self { pace: Pace::remembering(1024), found: Vec::new(), judged: Judged::default() }
    }
}

impl Finder {
    /// Learns from an event that no rule matched.
    pub(crate) fn consider(&mut self, rules: &Rules, verdicts: &mut Verdicts, event: &Event) {
        if let Some(conclusion) = self.pace.conclude(rules, verdicts, event)
            && self.pace.may_push(event.timestamp)
        {
            self.found.push(conclusion);
        }
    }

    /// Counts an event that rules were tried on, and whether one matched.
    pub(crate) fn count(&mut self, event: EventType, has_matched: bool) {
        self.judged.count(event, has_matched);
    }

    /// Events that rules were tried on.
    pub(crate) fn judged(&self) -> &Judged {
        &self.judged
    }

    /// What was concluded since it was last asked for.
    pub(crate) fn take(&mut self) -> Vec<Conclusion> {
        std::mem::take(&mut self.found)
    }

    /// The rules are others.
    pub(crate) fn forget(&mut self) {
        self.pace.forget();
        self.found.clear();
    }
}

/// What a backend left out, and so nobody looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeptBack {
    /// Events that nothing approved.
    pub(crate) rejected: u64,
    /// Events that something approved.
    pub(crate) approved: u64,
    /// Events that were discarded.
    pub(crate) discarded: u64,
    /// Discarders that were added.
    pub(crate) discarders: u64,
}

/// What a backend left out of each type.
#[derive(Debug)]
pub(crate) struct LeftOut {
    discarders: Statistics,
    approvers: ApproverStatistics,
}

impl Sink {
    /// What has been left out so far; `None` once nobody can tell any more. Nothing is said of calls that were never
    /// looked at.
    pub(crate) fn left_out(&self) -> Option<LeftOut> {
        match self {
            Self::Ptrace(filters) => LeftOut::of(&**filters),
            Self::Kernel(filters) => LeftOut::of(&**filters),
        }
    }
}

impl LeftOut {
    pub(crate) fn of<F: Filters>(filters: &F) -> Option<Self> {
        let (discarders, approvers) = filters.statistics().ok()?;
        Some(Self { discarders, approvers })
    }

    /// Of one type.
    pub(crate) fn of_type(&self, event: EventType) -> KeptBack {
        let (discarders, approvers) = (self.discarders.of(event), self.approvers.of(event));
        KeptBack {
            rejected: approvers.rejected,
            approved: approvers.by_basename + approvers.by_flags,
            discarded: discarders.discarded,
            discarders: discarders.added,
        }
    }

    /// Of all types.
    pub(crate) fn all(&self) -> KeptBack {
        let each = EventType::ALL.into_iter().map(|event| self.of_type(event));
        // What is said of processes is of no one type.
        let of_processes = KeptBack { discarders: self.discarders.of_pids().added, ..KeptBack::default() };
        each.fold(of_processes, |sum, one| KeptBack {
            rejected: sum.rejected + one.rejected,
            approved: sum.approved + one.approved,
            discarded: sum.discarded + one.discarded,
            discarders: sum.discarders + one.discarders,
        })
    }
}

fn read<F: Filters>(filters: &F) -> Result<(Listing, Statistics), String> {
    let listing = filters.list().map_err(|error| error.to_string())?;
    let (statistics, _) = filters.statistics().map_err(|error| error.to_string())?;
    Ok((listing, statistics))
}

/// Why a backend takes no discarders, if it does not.
fn said<T, E: std::error::Error>(answer: Result<T, E>) -> Option<String> {
    answer.err().map(|error| error.to_string())
}

/// Files as Lapwing sees them.
#[derive(Debug)]
pub(crate) struct Host {
    root: OwnedFd,
}

impl Host {
    /// `None` where paths cannot be looked up, as before Linux 5.12.
    pub(crate) fn new() -> Option<Self> {
        let root = rustix::fs::open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let mut host = Self { root };
        host.look(b"/")?;
        Some(host)
    }
}

impl Places for Host {
    /// Only what the kernel has in its cache is looked at: whoever serves a file system may be waiting for us.
    fn look(&mut self, path: &[u8]) -> Option<Place> {
        let from_root = path.strip_prefix(b"/")?;
        let name = if from_root.is_empty() { b"." } else { from_root };
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::CACHED | ResolveFlags::BENEATH;
        let place =
            rustix::fs::openat2(&self.root, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve).ok()?;
        let wanted = StatxFlags::TYPE | StatxFlags::INO | StatxFlags::NLINK | StatxFlags::MNT_ID;
        let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
        let found = rustix::fs::statx(&place, c"", flags, wanted).ok()?;
        if !StatxFlags::from_bits_retain(found.stx_mask).contains(wanted) {
            return None;
        }
        let kind = rustix::fs::FileType::from_raw_mode(found.stx_mode.into());
        Some(Place {
            inode: found.stx_ino,
            mount: u32::try_from(found.stx_mnt_id).ok()?,
            links: found.stx_nlink,
            is_directory: kind == rustix::fs::FileType::Directory,
            is_mount_root: found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::{MetadataExt as _, symlink};

    use super::*;

    #[test]
    fn what_is_there_now_and_no_symbolic_link() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().canonicalize().unwrap();
        let root = rustix::fs::open("/", OFlags::PATH, Mode::empty()).unwrap();
        let mut host = Host { root };
        let file = directory.join("file");
        fs::write(&file, "").unwrap();
        fs::hard_link(&file, directory.join("name")).unwrap();
        symlink(&directory, directory.join("link")).unwrap();
        let found = host.look(file.as_os_str().as_bytes()).unwrap();
        assert_eq!((found.inode, found.links, found.is_directory), (fs::metadata(&file).unwrap().ino(), 2, false));
        let above = host.look(directory.as_os_str().as_bytes()).unwrap();
        assert_eq!((above.is_directory, above.mount), (true, found.mount));
        assert!(host.look(b"/").unwrap().is_mount_root);
        assert_eq!(host.look(directory.join("link/file").as_os_str().as_bytes()), None);
        assert_eq!(host.look(directory.join("none").as_os_str().as_bytes()), None);
    }
}
