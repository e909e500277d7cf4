//! Discarders and approvers in maps of the kernel, where the programs ask them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lapwing_common::backend::FilterPlan;
use lapwing_common::discard::{
    Approver, ApproverCounts, ApproverStatistics, Approvers, Counts, EventMask, FilePolicy, Filters, InodeDiscarder,
    InodeKey, Ktime, Listing, Mode, Moment, Params, Pushed, Refusal, Statistics,
};
use lapwing_common::event::EventType;
use lapwing_common::ids::Pid;
use lapwing_common::process::Mark;
use thiserror::Error;

use crate::abi::{self, Answer, Cell, FILTERED, Order};
use crate::bpf::{FilterTables, TableError, Told};
use crate::namespace::PidNamespace;

/// What the programs are told to leave out, to be shared with whoever tells it.
///
/// Calls by processes that are not watched are not looked at, so what these remove or rename ends no discarder:
/// as little as under ptrace.
#[derive(Debug)]
pub struct FilterMaps {
    /// Whether there may be discarders: whether what ends them is seen.
    planned: AtomicBool,
    /// Whether processes have the kernel's own numbers for Lapwing.
    knows_processes: bool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tables: FilterTables,
    /// What the maps of policies and basenames say.
    approvers: Approvers,
    /// What the map of policies has, by number of the type.
    applied: [abi::Policy; FILTERED],
    /// The types of each basename in the map.
    basenames: BTreeMap<Box<[u8]>, EventMask>,
    /// Likewise of each component, as far as they are told apart.
    components: BTreeMap<abi::Component, EventMask>,
}

/// Why filters of this backend could not be read or changed.
#[derive(Debug, Error)]
pub enum FilterError {
    /// What is asked for cannot be.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The kernel said no, or the watch is over.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A map of the kernel has no room for another discarder at this moment.
    #[error("the kernel has no room for another discarder")]
    NoRoom,
}

/// All discarders are over.
const FLUSH: Told =
    Told { order: Order::Flush, key: abi::InodeKey { inode: 0, mount: 0, leaf: 0 }, event: 0, timeout: 0, moment: 0 };

impl FilterMaps {
    pub(crate) fn new(tables: FilterTables, plan: &FilterPlan) -> Self {
        let (approvers, basenames, components) = Default::default();
        let state = State { tables, approvers, applied: [abi::Policy::default(); FILTERED], basenames, components };
        let knows_processes = PidNamespace::own().is_some_and(PidNamespace::is_initial);
        Self { planned: plan.discarders.into(), knows_processes, state: Mutex::new(state) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Discards events of a type by the program that a process runs: not by another one, nor by another process of that
    /// number. Refused where processes have other numbers for Lapwing than for the kernel.
    ///
    /// # Errors
    ///
    /// As for [`Filters::push_pid`].
    pub fn push_program(&self, pid: Pid, mark: Mark, event: EventType) -> Result<Pushed, FilterError> {
        if !self.knows_processes {
            return Err(Refusal::NoProcess(pid).into());
        }
        // As `task__mark` in bpf/lib/task.h has it.
        let mark = u64::from(mark.began) << 32 | u64::from(mark.programs) << 16 | 1;
        self.push_process(pid, event, None, mark)
    }

    /// Whether processes have the kernel's own numbers here, by which it can be told of their programs.
    #[must_use]
    pub fn knows_processes(&self) -> bool {
        self.is_planned() && self.knows_processes
    }

    fn push_process(
        &self,
        pid: Pid,
        event: EventType,
        timeout: Option<Duration>,
        mark: u64,
    ) -> Result<Pushed, FilterError> {
        if !event.is_filtered() {
            return Err(Refusal::NotDiscardable(event).into());
        }
        let process = u64::try_from(pid.0).ok().filter(|pid| *pid > 0).ok_or(Refusal::NoProcess(pid))?;
        let key = abi::InodeKey { inode: process, ..abi::InodeKey::default() };
        self.tell(Told { order: Order::PushPid, key, event: event as u8, timeout: nanoseconds(timeout), moment: mark })
    }

    fn push_inode(&self, key: InodeKey, event: EventType, timeout: u64, moment: u64) -> Result<Pushed, FilterError> {
        if !event.is_discardable() {
            return Err(Refusal::NotDiscardable(event).into());
        }
        if key.inode == 0 || key.mount == 0 {
            return Err(Refusal::NoIdentity.into());
        }
        let key = abi::InodeKey { inode: key.inode, mount: key.mount, leaf: key.leaf.into() };
        self.tell(Told { order: Order::Push, key, event: event as u8, timeout, moment })
    }

    fn is_planned(&self) -> bool {
        self.planned.load(Acquire)
    }

    /// Takes discarders from now on, or none any more. What was discarded is over, and so is what was looked up to be
    /// discarded. What ends discarders has to be seen already, and still.
    pub(crate) fn plan(&self, discarders: bool) -> Result<(), FilterError> {
        self.planned.store(false, Release);
        self.obeyed(&FLUSH)?;
        self.planned.store(discarders, Release);
        Ok(())
    }

    /// Whether this thread may change what is left out: tried without changing anything.
    pub(crate) fn are_changeable(&self) -> bool {
        let nothing = Told { order: Order::Expire, key: abi::InodeKey::default(), event: 0, timeout: 0, moment: 0 };
        let mut state = self.lock();
        state.tables.try_basenames().is_ok() && (!self.is_planned() || state.tables.tell(&nothing).is_ok())
    }

    /// Has an order obeyed; `None` for one that is not about a discarder to be added.
    fn tell(&self, told: Told) -> Result<Pushed, FilterError> {
        if !self.is_planned() {
            return Err(Refusal::NotPlanned.into());
        }
        self.obeyed(&told)
    }

    fn obeyed(&self, told: &Told) -> Result<Pushed, FilterError> {
        match self.lock().tables.tell(told)? {
            Answer::Done => Ok(Pushed::Added),
            Answer::Retained => Ok(Pushed::Retained),
            Answer::Outdated => Ok(Pushed::Outdated),
            Answer::Unseen => Err(Refusal::OutOfSight.into()),
            Answer::NoRoom => Err(FilterError::NoRoom),
            Answer::Overtaken => Ok(Pushed::Overtaken),
        }
    }
}

impl Filters for FilterMaps {
    type Error = FilterError;

    fn push(&self, key: InodeKey, event: EventType, timeout: Option<Duration>) -> Result<Pushed, FilterError> {
        self.push_inode(key, event, nanoseconds(timeout), 0)
    }

    fn moment(&self) -> Result<Moment, FilterError> {
        Ok(Moment(self.lock().tables.cell(Cell::Changes)?.into()))
    }

    fn push_since(&self, moment: Moment, key: InodeKey, event: EventType) -> Result<Pushed, FilterError> {
        self.push_inode(key, event, 0, moment.0 + 1)
    }

    fn push_pid(&self, pid: Pid, event: EventType, timeout: Option<Duration>) -> Result<Pushed, FilterError> {
        self.push_process(pid, event, timeout, 0)
    }

    fn expire(&self, inode: u64, mount: u32) -> Result<(), FilterError> {
        let key = abi::InodeKey { inode, mount, leaf: 0 };
        self.tell(Told { order: Order::Expire, key, event: 0, timeout: 0, moment: 0 }).map(drop)
    }

    fn flush(&self) -> Result<(), FilterError> {
        if self.is_planned() { self.obeyed(&FLUSH).map(drop) } else { Ok(()) }
    }

    /// In the order of their keys: the kernel does not tell which was asked about last.
    fn list(&self) -> Result<Listing, FilterError> {
        let state = self.lock();
        let mut inodes: Vec<_> = state.tables.inodes()?.iter().map(|(key, found)| inode(key, found)).collect();
        inodes.sort_unstable_by_key(|(key, _)| *key);
        let pid = |(pid, found): &(u32, abi::Discarder)| Some((Pid(i32::try_from(*pid).ok()?), params(found)));
        let mut pids: Vec<_> = state.tables.pids()?.iter().filter_map(pid).collect();
        pids.sort_unstable_by_key(|(pid, _)| pid.0);
        Ok(Listing { inodes, pids })
    }

    fn set_policy(&self, event: EventType, policy: FilePolicy) -> Result<(), FilterError> {
        let state = &mut *self.lock();
        state.approvers.set(event, &policy)?;
        let applied = state.apply(event, &policy);
        if applied.is_err() {
            // Nothing is hidden that nobody asked to be hidden.
            let accept = FilePolicy::default();
            state.approvers.set(event, &accept)?;
            state.apply(event, &accept)?;
        }
        Ok(applied?)
    }

    fn policies(&self) -> Result<Vec<(EventType, FilePolicy)>, FilterError> {
        Ok(self.lock().approvers.list())
    }

    fn statistics(&self) -> Result<(Statistics, ApproverStatistics), FilterError> {
        let tables = &self.lock().tables;
        let (mut sums, others) = (tables.counts(0)?, tables.counts(1)?);
        for (sum, more) in sums.iter_mut().zip(others) {
            sum.added += more.added;
            sum.discarded += more.discarded;
            sum.by_basename += more.by_basename;
            sum.by_flags += more.by_flags;
            sum.rejected += more.rejected;
        }
        Ok(statistics(&sums))
    }

    fn take_statistics(&self) -> Result<(Statistics, ApproverStatistics), FilterError> {
        let tables = &mut self.lock().tables;
        let back = 1 - tables.cell(Cell::Front)?.min(1);
        let taken = tables.counts(back)?;
        tables.clear(back)?;
        tables.set_cell(Cell::Front, back)?;
        Ok(statistics(&taken))
    }
}

impl State {
    /// Brings the maps in line with the approvers: new names first, obsolete ones last.
    fn apply(&mut self, event: EventType, policy: &FilePolicy) -> Result<(), TableError> {
        let mut wanted = BTreeMap::<Box<[u8]>, EventMask>::new();
        let mut components = BTreeMap::<abi::Component, EventMask>::new();
        for (event, policy) in self.approvers.list() {
            for approver in policy.approvers {
                let types = match approver {
                    Approver::Basename(name) => wanted.entry(name).or_default(),
                    Approver::Component(name) => components.entry(abi::Component::new(&name)).or_default(),
                    Approver::Flags(_) => continue,
                };
                *types = types.with(event);
            }
        }
        for (name, types) in &wanted {
            let before = self.basenames.get(name).copied().unwrap_or_default();
            self.set_basename(name, before.union(*types))?;
        }
        for (component, types) in &components {
            let before = self.components.get(component).copied().unwrap_or_default();
            self.set_component(*component, before.union(*types))?;
        }
        // In a moment when part of it is there, nothing is left out.
        let place = usize::from(event as u8);
        let before = self.applied.get(place).copied().unwrap_or_default();
        self.tables.set_policy(event as u8, abi::Policy { mode: Mode::Accept as u8, ..before })?;
        let next = in_map(policy);
        self.tables.set_policy(event as u8, abi::Policy { mode: Mode::Accept as u8, ..next })?;
        self.tables.set_policy(event as u8, next)?;
        if let Some(applied) = self.applied.get_mut(place) {
            *applied = next;
        }
        self.tables.set_cell(Cell::Policies, (!self.approvers.is_default()).into())?;
        let names: Vec<_> = self.basenames.keys().cloned().collect();
        for name in names {
            self.set_basename(&name, wanted.get(&name).copied().unwrap_or_default())?;
        }
        let obsolete: Vec<_> = self.components.keys().copied().collect();
        for component in obsolete {
            self.set_component(component, components.get(&component).copied().unwrap_or_default())?;
        }
        Ok(())
    }

    fn set_component(&mut self, component: abi::Component, types: EventMask) -> Result<(), TableError> {
        if self.components.get(&component).copied().unwrap_or_default() == types {
            return Ok(());
        }
        self.tables.set_component(&component, types.bits())?;
        if types == EventMask::NONE {
            self.components.remove(&component);
        } else {
            self.components.insert(component, types);
        }
        Ok(())
    }

    fn set_basename(&mut self, name: &[u8], types: EventMask) -> Result<(), TableError> {
        let before = self.basenames.get(name).copied().unwrap_or_default();
        // The approvers refuse longer names.
        let Some(padded) = abi::Basename::new(name).filter(|_| types != before) else { return Ok(()) };
        self.tables.set_basename(&padded, types.bits())?;
        if types == EventMask::NONE {
            self.basenames.remove(name);
        } else {
            self.basenames.insert(name.into(), types);
        }
        Ok(())
    }
}

/// A policy as the programs have it.
fn in_map(policy: &FilePolicy) -> abi::Policy {
    let mut in_map = abi::Policy { mode: policy.mode as u8, ..abi::Policy::default() };
    for approver in &policy.approvers {
        match approver {
            Approver::Basename(name) => in_map.add_name(name),
            Approver::Component(name) => in_map.add_component(name),
            Approver::Flags(0) => in_map.no_flag = 1,
            Approver::Flags(flags) => in_map.flags |= flags,
        }
    }
    in_map
}

/// As an order has it: zero is for ever.
fn nanoseconds(timeout: Option<Duration>) -> u64 {
    timeout.map_or(0, |timeout| u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX).clamp(1, u64::MAX >> 1))
}

fn inode(key: &abi::InodeKey, found: &abi::Discarder) -> (InodeKey, InodeDiscarder) {
    let key = InodeKey { inode: key.inode, mount: key.mount, leaf: key.leaf != 0 };
    (key, InodeDiscarder { params: params(found), mount_revision: found.mount_revision })
}

fn params(found: &abi::Discarder) -> Params {
    let retained = Params {
        expire_at: Ktime(found.retained),
        is_retained: found.retained != 0,
        revision: found.revision,
        ..Params::default()
    };
    if retained.is_retained {
        return retained;
    }
    Params { event_mask: EventMask::from_bits(found.types), until: found.until.map(Ktime), ..retained }
}

fn statistics(cells: &[abi::FilterCounts; FILTERED]) -> (Statistics, ApproverStatistics) {
    let discarders = cells.map(|cell| Counts { added: cell.added, discarded: cell.discarded });
    let approvers = cells.map(|cell| ApproverCounts {
        by_basename: cell.by_basename,
        by_flags: cell.by_flags,
        rejected: cell.rejected,
    });
    (Statistics::from_cells(discarders), ApproverStatistics::from_cells(approvers))
}
