//! Discarders, found by rules: what no rule can match need not be reported again.
//!
//! An event that matched nothing may be one of many that never will. If no rule can match under any path below one of
//! the three directories above its file, what lies below the widest such directory is discarded; else the file
//! itself, if no rule can match under its path ([`Rules::are_indifferent_below`], [`Rules::are_indifferent_to`]).
//!
//! The conclusion is about a path, and a discarder about an inode. So the path is looked up anew, and what it leads to
//! is discarded only if nothing about files has become invalid meanwhile ([`Filters::push_since`]): the inode that
//! the event saw is not trusted, for a rename may have come in between. A file with several hard links has other
//! paths too, and is not discarded. Nor is anything on file systems whose inode numbers mean something else
//! tomorrow, or mean several files: their files change without a call (`proc`), are somebody else's (`nfs`), or
//! share numbers among subvolumes (`btrfs`).
//!
//! Looking costs some microseconds, pushing as much again. Both are limited by the events' own time, and neither a
//! path nor a directory is looked at twice within a while. A file by itself is looked at when it is used a second
//! time: most are used once, and would take more looking than they save.

use alloc::boxed::Box;
use alloc::vec;
use core::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashMap};

use super::rules::Rules;
use crate::discard::{Filters, InodeKey, Pushed, parents};
use crate::event::{Event, EventType, File};
use crate::ids::Timestamp;
use crate::limiter::TokenBucket;

/// Paths that are remembered so as not to be looked at again soon. A power of two.
const RECENT: usize = 4096;
/// For how long, in nanoseconds: events that were on their way when a discarder was pushed come within it.
const WHILE: u64 = 2_000_000_000;
/// Verdicts on directories that are kept of each type.
const MOST_DIRECTORIES: usize = 4096;
/// Where pushed discarders are, kept for the dump.
const MOST_PLACES: usize = crate::discard::MOST_INODES;

/// File systems whose inodes keep their numbers as long as they have a name, one file each.
const LASTING: &[&str] =
    &["ext2", "ext3", "ext4", "xfs", "tmpfs", "ramfs", "devtmpfs", "overlay", "f2fs", "erofs", "squashfs", "iso9660"];
/// File systems of the kernel's own, of which only the root directory keeps its number.
const KERNELS: &[&str] = &["proc", "sysfs", "cgroup", "cgroup2", "securityfs", "debugfs", "tracefs"];

/// What a path leads to at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the inode.
    pub inode: u64,
    /// The mount that it is reached through.
    pub mount: u32,
    /// Its names, if it is no directory.
    pub links: u32,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// Whether it is the root of the mount.
    pub is_mount_root: bool,
}

/// Where paths lead, as the processes whose events are looked at see them.
pub trait Places {
    /// What is at an absolute path now. `None` if nothing is, if a component is a symbolic link, or if that cannot
    /// be told at once.
    fn look(&mut self, path: &[u8]) -> Option<Place>;
}

/// Finds discarders from event to event.
#[derive(Debug)]
pub struct Discoverer {
    searches: TokenBucket,
    pushes: TokenBucket,
    /// Hashes of paths that have been looked at, and until when they need not be again.
    recent: Box<[(u64, u64)]>,
    directories: HashMap<EventType, HashMap<Box<[u8]>, Below>>,
    places: HashMap<InodeKey, Box<[u8]>>,
    hasher: DefaultHashBuilder,
    pushed: u64,
}

impl Default for Discoverer {
    fn default() -> Self {
        Self {
            searches: TokenBucket::new(500, 2048),
            pushes: TokenBucket::new(50, 512),
            recent: vec![(0, 0); RECENT].into(),
            directories: HashMap::new(),
            places: HashMap::new(),
            hasher: DefaultHashBuilder::default(),
            pushed: 0,
        }
    }
}

impl Discoverer {
    /// Concludes what there is to conclude from an event that no rule matched, and says it to the backend. Returns the
    /// discarder, if one was added.
    ///
    /// The event has to be of a process whose paths `places` knows.
    ///
    /// # Errors
    ///
    /// When the backend refuses discarders altogether, or cannot be reached.
    pub fn consider<F: Filters>(
        &mut self,
        rules: &Rules,
        event: &Event,
        filters: &F,
        places: &mut impl Places,
    ) -> Result<Option<InodeKey>, F::Error> {
        let (kind, now) = (event.event_type(), event.timestamp);
        let Some(file) = event.payload.discardable() else { return Ok(None) };
        if file.unresolved || file.path.first() != Some(&b'/') || file.path.len() < 2 {
            return Ok(None);
        }
        let Some(lasting) = is_lasting(file) else { return Ok(None) };
        let mut above: smallvec::SmallVec<[&[u8]; 3]> = parents(&file.path).collect();
        let nearest = above.first().and_then(|nearest| self.sight(kind, nearest, now).slot());
        if let Some(slot) = nearest {
            if !self.searches.take(now.0) {
                return Ok(None);
            }
            self.remember(slot, now);
            above.reverse();
            for (place, directory) in above.iter().enumerate() {
                if !self.is_indifferent_below(rules, kind, directory) {
                    continue;
                }
                let slot = if place + 1 == above.len() { Some(slot) } else { self.sight(kind, directory, now).slot() };
                // It was pushed a moment ago: what comes now was on its way.
                let Some(slot) = slot else { return Ok(None) };
                let moment = filters.moment()?;
                let fits = |place: &Place| is_on(file, place) && place.is_directory && (lasting || place.is_mount_root);
                if let Some(place) = places.look(directory).filter(fits) {
                    let key = InodeKey { inode: place.inode, mount: place.mount, leaf: false };
                    if !self.pushes.take(now.0) {
                        return Ok(None);
                    }
                    self.remember(slot, now);
                    let pushed = filters.push_since(moment, key, kind)?;
                    if pushed == Pushed::Added {
                        self.note(kind, directory, Below::Discarded);
                    }
                    return Ok(self.added(pushed, key, directory));
                }
            }
        } else if above.iter().any(|directory| self.verdict(kind, directory) == Some(Below::Discarded)) {
            // As above: it was on its way.
            return Ok(None);
        }
        // What was removed or has just been made is not there a second time.
        let once = matches!(kind, EventType::Mkdir | EventType::Rmdir | EventType::Unlink);
        if once || !lasting {
            return Ok(None);
        }
        // Most files are used once.
        let Sight::Again(slot) = self.sight(kind, &file.path, now) else { return Ok(None) };
        if !self.searches.take(now.0) {
            return Ok(None);
        }
        self.remember(slot, now);
        if !rules.are_indifferent_to(kind, &file.path) {
            return Ok(None);
        }
        let moment = filters.moment()?;
        let only = |place: &Place| is_on(file, place) && (place.is_directory || place.links == 1);
        let Some(place) = places.look(&file.path).filter(only) else { return Ok(None) };
        let key = InodeKey { inode: place.inode, mount: place.mount, leaf: true };
        if file.inode.as_ref().map(InodeKey::leaf) != Some(key) || !self.pushes.take(now.0) {
            return Ok(None);
        }
        let pushed = filters.push_since(moment, key, kind)?;
        Ok(self.added(pushed, key, &file.path))
    }

    /// The rules are others: what was concluded from the last ones is forgotten. The backend's discarders have to be
    /// flushed ([`Filters::flush`]).
    pub fn forget(&mut self) {
        let Self { recent, directories, places, .. } = self;
        recent.fill((0, 0));
        directories.clear();
        places.clear();
    }

    /// Under which path something was discarded.
    #[must_use]
    pub fn path_of(&self, key: &InodeKey) -> Option<&[u8]> {
        self.places.get(key).map(|path| &**path)
    }

    /// Discarders that were added so far.
    #[must_use]
    pub fn pushed(&self) -> u64 {
        self.pushed
    }

    fn added(&mut self, pushed: Pushed, key: InodeKey, path: &[u8]) -> Option<InodeKey> {
        if pushed != Pushed::Added {
            return None;
        }
        self.pushed += 1;
        if self.places.len() >= MOST_PLACES {
            self.places.clear();
        }
        self.places.insert(key, path.into());
        Some(key)
    }

    fn sight(&mut self, event: EventType, path: &[u8], now: Timestamp) -> Sight {
        let hash = self.hasher.hash_one((event as u8, path));
        let slot = usize::try_from(hash & (RECENT as u64 - 1)).unwrap_or(0);
        let Some(known) = self.recent.get_mut(slot) else { return Sight::Lately };
        if known.0 != hash {
            *known = (hash, 0);
            return Sight::First(slot);
        }
        // Time may have gone back.
        if known.1 > now.0 && known.1 - now.0 <= WHILE { Sight::Lately } else { Sight::Again(slot) }
    }

    /// Not to be looked at again for a while.
    fn remember(&mut self, slot: usize, now: Timestamp) {
        if let Some(known) = self.recent.get_mut(slot) {
            known.1 = now.0.saturating_add(WHILE);
        }
    }

    fn is_indifferent_below(&mut self, rules: &Rules, event: EventType, directory: &[u8]) -> bool {
        let verdict = self.verdict(event, directory).unwrap_or_else(|| {
            let indifferent = rules.are_indifferent_below(event, directory);
            let verdict = if indifferent { Below::Indifferent } else { Below::Wanted };
            self.note(event, directory, verdict);
            verdict
        });
        verdict != Below::Wanted
    }

    fn verdict(&self, event: EventType, directory: &[u8]) -> Option<Below> {
        self.directories.get(&event)?.get(directory).copied()
    }

    fn note(&mut self, event: EventType, directory: &[u8], verdict: Below) {
        let known = self.directories.entry(event).or_default();
        if known.len() >= MOST_DIRECTORIES {
            known.clear();
        }
        known.insert(directory.into(), verdict);
    }
}

/// What rules have to do with what lies below a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Below {
    /// One of them may match.
    Wanted,
    /// None can.
    Indifferent,
    /// None can, and the backend has been told so.
    Discarded,
}

/// Whether a path was there before, with where that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sight {
    /// Not as far as is remembered.
    First(usize),
    /// Yes, but it has not been looked at lately.
    Again(usize),
    /// It has been looked at lately.
    Lately,
}

impl Sight {
    /// Where, if it may be looked at.
    fn slot(self) -> Option<usize> {
        match self {
            Self::First(slot) | Self::Again(slot) => Some(slot),
            Self::Lately => None,
        }
    }
}

/// Whether numbers on the file's file system last; `None` if nothing can be said about it.
fn is_lasting(file: &File) -> Option<bool> {
    let name = file.inode.as_ref()?.filesystem.as_deref()?;
    if LASTING.contains(&name) {
        return Some(true);
    }
    KERNELS.contains(&name).then_some(false)
}

/// Whether a place is on the mount that the file was reached through.
fn is_on(file: &File, place: &Place) -> bool {
    file.inode.as_ref().is_some_and(|inode| inode.mount_id != 0 && inode.mount_id == place.mount)
}

#[cfg(test)]
mod tests;
