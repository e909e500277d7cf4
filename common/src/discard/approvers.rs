//! What is reported where a type of event is denied.

use alloc::boxed::Box;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::statistics::{ApproverStatistics, Buffers};
use super::{EventMask, Refusal};
use crate::event::EventType;

/// The most basenames that approve something, of all types.
pub const MOST_BASENAMES: usize = 4096;
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
    /// Some component of its path, or of its other path, is this. Backends may take components for the same that begin
    /// alike, and report more.
    Component(Box<[u8]>),
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
    basenames: Names,
    components: Names,
    statistics: Buffers<ApproverStatistics>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Flags {
    any: u64,
    zero: bool,
}

/// Names that approve events of types.
#[derive(Debug, Default)]
struct Names {
    by_name: HashMap<Box<[u8]>, EventMask>,
    /// Types that have one.
    types: EventMask,
}

impl Names {
    fn approve(&self, event: EventType, name: &[u8]) -> bool {
        self.by_name.get(name).is_some_and(|mask| mask.contains(event))
    }

    /// Whether there is room for these.
    fn admits(&self, event: EventType, names: &[&[u8]]) -> bool {
        let others = |mask: &EventMask| mask.without(event) != EventMask::NONE;
        let fresh = names.iter().filter(|name| !self.by_name.get(**name).is_some_and(others)).count();
        self.by_name.values().filter(|mask| others(mask)).count() + fresh <= MOST_BASENAMES
    }

    fn replace(&mut self, event: EventType, names: &[&[u8]]) {
        self.by_name.retain(|_, mask| {
            *mask = mask.without(event);
            *mask != EventMask::NONE
        });
        self.types = if names.is_empty() { self.types.without(event) } else { self.types.with(event) };
        for name in names {
            let mask = self.by_name.entry((*name).into()).or_default();
            *mask = mask.with(event);
        }
    }

    fn of(&self, event: EventType) -> impl Iterator<Item = Box<[u8]>> {
        self.by_name.iter().filter(move |(_, mask)| mask.contains(event)).map(|(name, _)| name.clone())
    }
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
        let (mut names, mut components) = (Vec::new(), Vec::new());
        for approver in &policy.approvers {
            match approver {
                Approver::Flags(_) if !event.has_flags() => return Err(Refusal::NoFlags(event)),
                Approver::Flags(0) => flags.zero = true,
                Approver::Flags(bits) => flags.any |= bits,
                Approver::Basename(name) | Approver::Component(name) if !is_name(name) => return Err(Refusal::BadName),
                Approver::Basename(name) => names.push(&**name),
                Approver::Component(name) => components.push(&**name),
            }
        }
        for names in [&mut names, &mut components] {
            names.sort_unstable();
            names.dedup();
        }
        if !self.basenames.admits(event, &names) || !self.components.admits(event, &components) {
            return Err(Refusal::TooMany);
        }
        self.basenames.replace(event, &names);
        self.components.replace(event, &components);
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
            let mut approvers: Vec<_> = self.basenames.of(event).map(Approver::Basename).collect();
            approvers.extend(self.components.of(event).map(Approver::Component));
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
        let is_named = self.basenames.types.contains(event) || self.components.types.contains(event);
        let rejects = self.mode(event) == Mode::Deny && !is_named && !self.flags[event as usize].approve(flags);
        if rejects && let Some(counts) = self.statistics.counting().count(event) {
            counts.rejected += 1;
        }
        rejects
    }

    /// Counts an event that was rejected for what its path is.
    pub fn count_rejected(&mut self, event: EventType) {
        if let Some(counts) = self.statistics.counting().count(event) {
            counts.rejected += 1;
        }
    }

    /// What becomes of an event with these paths and these flags. A path that could not be established is `None`, and
    /// gets the benefit of the doubt.
    pub fn judge<'a>(
        &mut self,
        event: EventType,
        paths: impl IntoIterator<Item = Option<&'a [u8]>>,
        flags: u64,
    ) -> Passage {
        match self.mode(event) {
            Mode::NoFilter => return Passage::Always,
            Mode::Accept => return Passage::UnlessDiscarded,
            Mode::Deny => {}
        }
        let Some(counts) = self.statistics.counting().count(event) else { return Passage::Always };
        let (basenames, components) = (&self.basenames, &self.components);
        let is_named = basenames.types.contains(event) || components.types.contains(event);
        let is_approved = |path: Option<&[u8]>| {
            let Some(path) = path else { return true };
            let mut names = path.rsplit(|byte| *byte == b'/').peekable();
            names.peek().is_some_and(|name| basenames.approve(event, name))
                || (components.types.contains(event) && names.any(|name| components.approve(event, name)))
        };
        if is_named && paths.into_iter().any(is_approved) {
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
