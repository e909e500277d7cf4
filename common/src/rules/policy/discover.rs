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

use hashbrown::{DefaultHashBuilder, HashMap, HashSet};

use super::rules::Rules;
use crate::discard::{Conclusion, DEPTH, Filters, InodeKey, Places, Pushed, parents};
use crate::event::{Event, EventType, File};
use crate::ids::Timestamp;
use crate::limiter::TokenBucket;

/// Paths that are remembered so as not to be looked at again soon.
const RECENT: u16 = 4096;
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

/// What rules say of directories, kept as long as the rules are the same.
#[derive(Debug, Default)]
pub struct Verdicts {
    directories: HashMap<EventType, HashMap<Box<[u8]>, bool>>,
}

/// Which paths have been looked at, and how many may be: for each source of events one.
#[derive(Debug)]
pub struct Pace {
    searches: TokenBucket,
    pushes: TokenBucket,
    /// Hashes of paths that have been looked at, and until when they need not be again.
    recent: Box<[(u64, u64)]>,
    hasher: DefaultHashBuilder,
    /// Directories below which the backend has been told to discard.
    discarded: HashMap<EventType, HashSet<Box<[u8]>>>,
}

/// That a file was used: all that is learned from of an event.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// The type of the event.
    pub event: EventType,
    /// The file.
    pub file: &'a File,
    /// When.
    pub at: Timestamp,
}

impl<'a> Use<'a> {
    /// What an event says of that. `None` if its type has no file that can be discarded.
    #[must_use]
    pub fn of(event: &'a Event) -> Option<Self> {
        let file = event.payload.discardable()?;
        Some(Self { event: event.event_type(), file, at: event.timestamp })
    }
}

impl Pace {
    /// One that remembers this many paths, rounded up to a power of two; at most 2^16.
    #[must_use]
    pub fn remembering(paths: u16) -> Self {
        Self {
            searches: TokenBucket::new(500, 2048),
            pushes: TokenBucket::new(50, 512),
            recent: vec![(0, 0); usize::from(paths).next_power_of_two()].into(),
            hasher: DefaultHashBuilder::default(),
            discarded: HashMap::new(),
        }
    }

    /// Concludes what there is to conclude from an event that no rule matched.
    pub fn conclude(&mut self, rules: &Rules, verdicts: &mut Verdicts, event: &Event) -> Option<Conclusion> {
        self.conclude_of_use(rules, verdicts, Use::of(event)?)
    }

    fn conclude_of_use(&mut self, rules: &Rules, verdicts: &mut Verdicts, used: Use<'_>) -> Option<Conclusion> {
        let Use { event: kind, file, at: now } = used;
        if file.unresolved || file.path.first() != Some(&b'/') || file.path.len() < 2 {
            return None;
        }
        let lasting = is_lasting(file)?;
        let inode = file.inode.as_ref()?;
        let below = self.below(rules, verdicts, kind, &file.path, now)?;
        // What was removed or has just been made is not there a second time.
        let once = matches!(kind, EventType::Mkdir | EventType::Rmdir | EventType::Unlink);
        let itself = below == 0 && lasting && !once && self.itself(rules, kind, &file.path, now);
        (below != 0 || itself).then(|| Conclusion {
            event: kind,
            path: file.path.as_ref().into(),
            below,
            itself,
            inode: inode.number,
            mount: inode.mount_id,
            lasting,
        })
    }

    /// The directories above a path below which no rule can match. `None` if the path need not be looked at.
    fn below(
        &mut self,
        rules: &Rules,
        verdicts: &mut Verdicts,
        event: EventType,
        path: &[u8],
        now: Timestamp,
    ) -> Option<u8> {
        let above: smallvec::SmallVec<[&[u8]; DEPTH]> = parents(path).collect();
        let Some(nearest) = above.first().and_then(|nearest| self.sight(event, nearest, now).slot()) else {
            // As below: it was on its way.
            let known = self.discarded.get(&event);
            let is_discarded = known.is_some_and(|known| above.iter().any(|directory| known.contains(*directory)));
            return (!is_discarded).then_some(0);
        };
        if !self.searches.take(now.0) {
            return None;
        }
        self.remember(nearest, now);
        let mut found = 0;
        for (height, directory) in above.iter().enumerate().rev() {
            if !verdicts.are_indifferent_below(rules, event, directory) {
                continue;
            }
            let slot = if height == 0 { Some(nearest) } else { self.sight(event, directory, now).slot() };
            // It was discarded a moment ago: what comes now was on its way.
            let Some(slot) = slot else { return (found != 0).then_some(found) };
            if found == 0 {
                self.remember(slot, now);
            }
            found |= 1 << height;
        }
        Some(found)
    }

    /// Whether a path is used again, and no rule can match under it.
    fn itself(&mut self, rules: &Rules, event: EventType, path: &[u8], now: Timestamp) -> bool {
        // Most files are used once.
        let Sight::Again(slot) = self.sight(event, path, now) else { return false };
        if !self.searches.take(now.0) {
            return false;
        }
        self.remember(slot, now);
        rules.are_indifferent_to(event, path)
    }

    /// Whether another discarder may be added now.
    pub fn may_push(&mut self, now: Timestamp) -> bool {
        self.pushes.take(now.0)
    }

    /// What is below a directory is discarded from now on: no file there is worth a discarder of its own.
    fn note_discarded(&mut self, event: EventType, directory: &[u8]) {
        let known = self.discarded.entry(event).or_default();
        if known.len() >= MOST_DIRECTORIES {
            known.clear();
        }
        known.insert(directory.into());
    }

    /// The rules are others: every path may be looked at again.
    pub fn forget(&mut self) {
        self.recent.fill((0, 0));
        self.discarded.clear();
    }

    fn sight(&mut self, event: EventType, path: &[u8], now: Timestamp) -> Sight {
        let hash = self.hasher.hash_one((event as u8, path));
        let slot = usize::try_from(hash & (self.recent.len() as u64 - 1)).unwrap_or(0);
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
}

impl Verdicts {
    fn are_indifferent_below(&mut self, rules: &Rules, event: EventType, directory: &[u8]) -> bool {
        let known = self.directories.entry(event).or_default();
        if let Some(verdict) = known.get(directory) {
            return *verdict;
        }
        if known.len() >= MOST_DIRECTORIES {
            known.clear();
        }
        let verdict = rules.are_indifferent_below(event, directory);
        known.insert(directory.into(), verdict);
        verdict
    }
}

/// Finds discarders from event to event, for a backend at hand.
#[derive(Debug)]
pub struct Discoverer {
    pace: Pace,
    verdicts: Verdicts,
    places: HashMap<InodeKey, Box<[u8]>>,
}

impl Default for Discoverer {
    fn default() -> Self {
        Self { pace: Pace::remembering(RECENT), verdicts: Verdicts::default(), places: HashMap::new() }
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
        Use::of(event).map_or(Ok(None), |used| self.consider_use(rules, used, filters, places))
    }

    /// The same of a file of whose use there is no event, since no rule can match under its path.
    ///
    /// # Errors
    ///
    /// As for [`Self::consider`].
    pub fn consider_use<F: Filters>(
        &mut self,
        rules: &Rules,
        used: Use<'_>,
        filters: &F,
        places: &mut impl Places,
    ) -> Result<Option<InodeKey>, F::Error> {
        let Self { pace, verdicts, places: known } = self;
        let Some(conclusion) = pace.conclude_of_use(rules, verdicts, used) else { return Ok(None) };
        let Some(finding) = conclusion.find(filters, places)? else { return Ok(None) };
        if !pace.may_push(used.at) || finding.push(filters)? != Pushed::Added {
            return Ok(None);
        }
        if !finding.key.leaf {
            pace.note_discarded(conclusion.event, finding.path);
        }
        if known.len() >= MOST_PLACES {
            known.clear();
        }
        known.insert(finding.key, finding.path.into());
        Ok(Some(finding.key))
    }

    /// The rules are others: what was concluded from the last ones is forgotten. The backend's discarders have to be
    /// flushed ([`Filters::flush`]).
    pub fn forget(&mut self) {
        self.pace.forget();
        self.verdicts = Verdicts::default();
        self.places.clear();
    }

    /// Under which path something was discarded.
    #[must_use]
    pub fn path_of(&self, key: &InodeKey) -> Option<&[u8]> {
        self.places.get(key).map(|path| &**path)
    }

    /// Under which path everything was discarded, as far as that is remembered.
    #[must_use]
    pub fn paths(&self) -> HashMap<InodeKey, Box<[u8]>> {
        self.places.clone()
    }
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

#[cfg(test)]
mod tests;
