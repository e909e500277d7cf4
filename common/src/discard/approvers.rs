//! What is reported where a type of event is denied.

use alloc::boxed::Box;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::statistics::{ApproverStatistics, Buffers};
use super::{EventMask, Refusal};
use crate::event::EventType;

/// The most basenames that approve something, of all types.
pub(super) const MOST_BASENAMES: usize = 4096;
/// `NAME_MAX` of linux/limits.h.
const NAME_MAX: usize = 255;

/// What happens to events of one type. The numbers are those of the kernel's maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Mode {
    /// All are reported, and discarders do not apply.
    NoFilter = 0,
    /// All are reported but for those that are discarded.
    #[default]
    Accept = 1,
    /// Only those are reported that an approver names, but for those that are discarded. Without an
    /// approver, none.
    Deny = 2,
}

impl Mode {
    /// The name in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NoFilter => "no filter",
            Self::Accept => "accept",
            Self::Deny => "deny",
        }
    }
}

/// What an event of a denied type may have so as to be reported.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Approver {
    /// The last component of its path, or of its other path (`rename`, `link`), is this.
    Basename(Box<[u8]>),
    /// One of these flags is set. Zero stands for no flag at all: `open` with O_RDONLY and nothing else.
    Flags(u64),
}

/// Mode and approvers of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilePolicy {
    /// What happens to its events.
    pub mode: Mode,
    /// The exceptions from [`Mode::Deny`].
    pub approvers: Vec<Approver>,
}

/// What approvers say about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It is reported, whatever the discarders say.
    Always,
    /// It is reported unless it is discarded.
    UnlessDiscarded,
    /// It is not reported.
    Never,
}

/// Modes and approvers of all types.
#[derive(Debug, Default)]
pub struct Approvers {
    modes: [Mode; EventType::FILTERED],
    flags: [Flags; EventType::FILTERED],
    basenames: HashMap<Box<[u8]>, EventMask>,
    /// Types that have a basename.
    named: EventMask,
    statistics: Buffers<ApproverStatistics>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    any: u64,
    zero: bool,
}

impl Flags {
    fn approve(self, flags: u64) -> bool {
        flags & self.any != 0 || (self.zero && flags == 0)
    }
}

impl Approvers {
    /// Replaces mode and approvers of a type.
    ///
    /// # Errors
    ///
    /// When the type has no approvers, or not these, or there are too many. Then nothing has changed.
    pub fn set(&mut self, event: EventType, policy: &FilePolicy) -> Result<(), Refusal> {
        if !event.is_filtered() {
            return Err(Refusal::NotFiltered(event));
        }
        let mut flags = Flags::default();
        let mut names = Vec::new();
        for approver in &policy.approvers {
            match approver {
                Approver::Flags(_) if !event.has_flags() => return Err(Refusal::NoFlags(event)),
                Approver::Flags(0) => flags.zero = true,
                Approver::Flags(bits) => flags.any |= bits,
                Approver::Basename(name) if !is_name(name) => return Err(Refusal::BadName),
                Approver::Basename(name) => names.push(name),
            }
        }
        names.sort_unstable();
        names.dedup();
        let others = |mask: &EventMask| mask.without(event) != EventMask::NONE;
        let fresh = names.iter().filter(|name| !self.basenames.get(&***name).is_some_and(others)).count();
        if self.basenames.values().filter(|mask| others(mask)).count() + fresh > MOST_BASENAMES {
            return Err(Refusal::TooMany);
        }
        self.basenames.retain(|_, mask| {
            *mask = mask.without(event);
            *mask != EventMask::NONE
        });
        self.named = if names.is_empty() { self.named.without(event) } else { self.named.with(event) };
        for name in names {
            let mask = self.basenames.entry(name.clone()).or_default();
            *mask = mask.with(event);
        }
        self.modes[event as usize] = policy.mode;
        self.flags[event as usize] = flags;
        Ok(())
    }

    /// Modes and approvers of all types that have them, by number; the approvers in order.
    #[must_use]
    pub fn list(&self) -> Vec<(EventType, FilePolicy)> {
        let mut events = EventType::ALL;
        events.sort_unstable();
        let policy = |event: EventType| {
            let mut approvers: Vec<_> = self
                .basenames
                .iter()
                .filter(|(_, mask)| mask.contains(event))
                .map(|(name, _)| Approver::Basename(name.clone()))
                .collect();
            let Flags { any, zero } = self.flags[event as usize];
            approvers.extend(zero.then_some(Approver::Flags(0)));
            approvers.extend((any != 0).then_some(Approver::Flags(any)));
            approvers.sort_unstable();
            (event, FilePolicy { mode: self.modes[event as usize], approvers })
        };
        events.into_iter().filter(|event| event.is_filtered()).map(policy).collect()
    }

    /// Whether any type is treated otherwise than without approvers.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.modes.iter().all(|mode| *mode == Mode::Accept)
    }

    /// The mode of a type.
    #[must_use]
    pub fn mode(&self, event: EventType) -> Mode {
        self.modes.get(event as usize).copied().unwrap_or(Mode::NoFilter)
    }

    /// Whether flags alone tell that an event will not be reported; counts it if so. To be asked before
    /// effort is made to learn the event's names.
    pub fn rejects_by_flags(&mut self, event: EventType, flags: u64) -> bool {
        let rejects =
            self.mode(event) == Mode::Deny && !self.named.contains(event) && !self.flags[event as usize].approve(flags);
        if rejects && let Some(counts) = self.statistics.counting().count(event) {
            counts.rejected += 1;
        }
        rejects
    }

    /// What becomes of an event with these last components of paths and these flags. A name that could
    /// not be established is `None`, and gets the benefit of the doubt.
    pub fn judge<'a>(
        &mut self,
        event: EventType,
        names: impl IntoIterator<Item = Option<&'a [u8]>>,
        flags: u64,
    ) -> Passage {
        match self.mode(event) {
            Mode::NoFilter => return Passage::Always,
            Mode::Accept => return Passage::UnlessDiscarded,
            Mode::Deny => {}
        }
        let Some(counts) = self.statistics.counting().count(event) else { return Passage::Always };
        let is_approved = |name: Option<&[u8]>| {
            name.is_none_or(|name| self.basenames.get(name).is_some_and(|mask| mask.contains(event)))
        };
        if self.named.contains(event) && names.into_iter().any(is_approved) {
            counts.by_basename += 1;
        } else if self.flags[event as usize].approve(flags) {
            counts.by_flags += 1;
        } else {
            counts.rejected += 1;
            return Passage::Never;
        }
        Passage::UnlessDiscarded
    }

    /// The counters.
    pub fn statistics(&mut self) -> &mut Buffers<ApproverStatistics> {
        &mut self.statistics
    }
}

fn is_name(name: &[u8]) -> bool {
    (1..=NAME_MAX).contains(&name.len()) && !name.contains(&b'/') && !name.contains(&0)
}
