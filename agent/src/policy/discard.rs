//! Discarders that rules find, said to whichever backend watches.
//!
//! Paths are looked up where Lapwing is: of use where those whose events are looked at see the same mounts. Who has
//! mounts of its own sees other mount ids, so that nothing is discarded for it; who has another root ends
//! discarders.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use lapwing_common::discard::dump::Dump;
use lapwing_common::discard::{ApproverStatistics, Filters, InodeKey, Listing, Statistics};
use lapwing_common::event::{Event, EventType};
use lapwing_common::ids::Timestamp;
use lapwing_common::rules::policy::{Discoverer, FilePlace, Places, Rules};
use lapwing_kernel::FilterMaps;
use lapwing_ptrace::FilterTable;
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, StatxAttributes, StatxFlags};

/// Filters of either backend.
#[derive(Clone, Debug)]
pub(crate) enum Sink {
    Ptrace(Arc<FilterTable>),
    Kernel(Arc<FilterMaps>),
}

/// Discarders in the making.
#[derive(Debug)]
pub(crate) struct Discarding {
    sink: Sink,
    discoverer: Discoverer,
    host: Host,
    /// Why there will be no more.
    refused: Option<String>,
}

impl Discarding {
    /// `None` where paths cannot be looked up, as before Linux 5.12.
    pub(crate) fn new(sink: Sink) -> Option<Self> {
        let root = rustix::fs::open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let mut host = Host { root };
        host.look(b"/")?;
        Some(Self { sink, discoverer: Discoverer::default(), host, refused: None })
    }

    /// Learns from an event that no rule matched.
    pub(crate) fn consider(&mut self, rules: &Rules, event: &Event) {
        if self.refused.is_some() {
            return;
        }
        let Self { sink, discoverer, host, .. } = self;
        let refused = match sink {
            Sink::Ptrace(filters) => said(discoverer.consider(rules, event, &**filters, host)),
            Sink::Kernel(filters) => said(discoverer.consider(rules, event, &**filters, host)),
        };
        self.refused = refused;
    }

    /// What is discarded now, with the paths from which that was concluded.
    pub(crate) fn dump(&self, date: Timestamp) -> Result<Dump, String> {
        let (listing, statistics) = match &self.sink {
            Sink::Ptrace(filters) => read(&**filters),
            Sink::Kernel(filters) => read(&**filters),
        }?;
        let path = |key: &InodeKey| self.discoverer.path_of(key).map(Box::from).unwrap_or_default();
        Ok(Dump::new(date, 0, listing, statistics, path))
    }

    /// Why there are no more discarders, if something ended them.
    pub(crate) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }
}

/// What a backend left out, and so nobody looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeptBack {
    /// Events that nothing approved.
    pub(crate) rejected: u64,
    /// Events that were discarded.
    pub(crate) discarded: u64,
    /// Discarders that were added.
    pub(crate) discarders: u64,
}

impl Sink {
    /// What has been left out so far. Nothing is said of what a system call filter let pass by.
    pub(crate) fn kept_back(&self) -> Option<KeptBack> {
        let (discarders, approvers) = match self {
            Self::Ptrace(filters) => filters.statistics().ok()?,
            Self::Kernel(filters) => filters.statistics().ok()?,
        };
        Some(kept_back(&discarders, &approvers))
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

fn kept_back(discarders: &Statistics, approvers: &ApproverStatistics) -> KeptBack {
    let filtered = || EventType::ALL.into_iter().filter(|event| event.is_filtered());
    KeptBack {
        rejected: filtered().map(|event| approvers.of(event).rejected).sum(),
        discarded: filtered().map(|event| discarders.of(event).discarded).sum(),
        discarders: filtered().map(|event| discarders.of(event).added).sum(),
    }
}

/// Files as Lapwing sees them.
#[derive(Debug)]
struct Host {
    root: OwnedFd,
}

impl Places for Host {
    /// Only what the kernel has in its cache is looked at: whoever serves a file system may be waiting for us.
    fn look(&mut self, path: &[u8]) -> Option<FilePlace> {
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
        Some(FilePlace {
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
