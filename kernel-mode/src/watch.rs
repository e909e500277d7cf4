//! A watch: the programs in the kernel, and the reading of what they hand over, as a [`Backend`].

use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use caps::errors::CapsError;
use lapwing_common::backend::{self, Backend, Counters, FilterPlan, Progress};
use lapwing_common::event::{EventType, Origin};
use lapwing_common::ids::{Pid, PidNs, ProcessKey, Tid};
use lapwing_common::process::{self, ArgumentLimits, Keep, Resolver};
use lapwing_common::record::{Observation, Running, Sighting, Task};
use lapwing_common::syscall::{CATALOGUE, Syscall};
use thiserror::Error;

use crate::abi::Counter;
use crate::bpf::{LoadError, Object, Settings};
use crate::clock::{self, HostTime};
use crate::decode::{Decoder, Read};
use crate::descriptors::{self, needs_early, needs_operations};
use crate::filters::{FilterError, FilterMaps};
use crate::missed::Missed;
use crate::namespace::PidNamespace;
use crate::order::{Held, Order};
use crate::rights;
use crate::rings::Rings;
use crate::scope::{Audience, GroupError, Scope};
use crate::snapshot::{Presence, Procfs};

/// The ring of fork, exec and exit: some 500 programs with their arguments and environments. Every page of a ring
/// counts as resident from the beginning.
const LIFECYCLE_RING: u32 = 2 << 20;
/// Each ring of calls: some 8000.
const CALL_RING: u32 = 4 << 20;
/// Rings are read when this much waits in one, or after [`INTERVAL`].
const WAKE_AT: u64 = 256 << 10;
const INTERVAL: Duration = Duration::from_millis(20);

/// The program for what has to be looked at before a call is made.
const ENTRY: &str = "sys_enter";

/// The programs for io_uring: a kernel may be without their tracepoints.
const OF_RINGS: [&str; 3] = ["io_uring_complete", "io_uring_cqe_overflow", "io_uring_submit_req"];

/// Names of counters, by type of the event that a lost call would have become.
static LOST: LazyLock<Vec<String>> = LazyLock::new(|| by_type(|event| format!("lost_{event}_events")));
/// Likewise of calls that passed arguments which nobody asks for.
static UNASKED: LazyLock<Vec<String>> = LazyLock::new(|| by_type(backend::unasked));

fn by_type(name: impl Fn(EventType) -> String) -> Vec<String> {
    let mut names = Vec::new();
    for event in EventType::ALL {
        names.resize(names.len().max(event as usize + 1), String::new());
        names[event as usize] = name(event);
    }
    names
}

/// What to capture, and how much of it to keep.
#[derive(Clone, Debug)]
pub struct Options {
    /// What somebody wants to know.
    pub plan: FilterPlan,
    /// Which values of the environment may be kept.
    pub keep: Keep,
    /// How much of arguments is kept.
    pub arguments: ArgumentLimits,
}

/// What becomes of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Prospect {
    /// It is the only one.
    Fixed,
    /// Another may come, so that the programs are made for any.
    Open,
}

/// Why a watch did not begin.
#[derive(Debug, Error)]
pub enum StartError {
    /// The programs are not in the kernel.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The table of calls could not be made.
    #[error("the table of system calls: {0}")]
    Table(#[from] descriptors::Unsupported),
    /// Nothing can be waited for.
    #[error("cannot wait for the rings: {0}")]
    Poll(std::io::Error),
    /// `/proc` numbers processes in another way than Lapwing.
    #[error(
        "/proc is that of another pid namespace than Lapwing's: mount one of its own, as unshare --mount-proc does"
    )]
    ForeignProc,
    /// `/proc` does not show the process.
    #[error("/proc does not show process {0}")]
    NoProcess(i32),
    /// The control groups cannot be watched.
    #[error(transparent)]
    Group(#[from] GroupError),
}

impl StartError {
    /// The verifier's log, if it was the verifier who refused.
    #[must_use]
    pub fn log(&self) -> Option<&str> {
        match self {
            Self::Load(error) => error.log(),
            _ => None,
        }
    }
}

/// The rings cannot be read any more. Does not happen at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the rings cannot be read any more")]
pub struct WatchError;

/// Running programs, and what they hand over.
#[derive(Debug)]
pub struct Watch {
    object: Option<Object>,
    filters: Arc<FilterMaps>,
    rings: Rings,
    order: Order<Read>,
    decoder: Decoder,
    time: HostTime,
    /// How often the wall clock was set.
    clock_steps: u64,
    /// Who ran already, parents first, until it is handed over.
    running: Vec<Observation>,
    lineage: process::Scope,
    namespace: PidNs,
    /// The watch is over when nobody is left.
    ends: bool,
    procfs: Procfs,
    counters: Counters,
    has_more: bool,
    unseen: Option<LoadError>,
    finished: bool,
    /// What is captured, where that may change.
    plan: Option<FilterPlan>,
    looks_early: bool,
}

/// Why a plan was not replaced.
#[derive(Debug, Error)]
pub enum ReplanError {
    /// The watch was begun for one plan.
    #[error("the watch was begun for one plan only")]
    Fixed,
    /// The watch is over.
    #[error("the watch is over")]
    Over,
    /// The table of calls could not be made.
    #[error("the table of system calls: {0}")]
    Table(#[from] descriptors::Unsupported),
    /// The kernel does not take back what is discarded.
    #[error(transparent)]
    Filter(#[from] FilterError),
    /// The kernel refused a change. What was captured before still is, and some of what is new.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Watch {
    /// Loads the programs and begins to watch. What was done before is not seen, but who ran already is handed over
    /// first, as [`Sighting::Running`].
    ///
    /// # Errors
    ///
    /// When the kernel or the rights of this process do not allow it.
    pub fn begin(scope: Scope, options: Options) -> Result<Self, StartError> {
        Self::start(scope, options, Prospect::Fixed)
    }

    /// The same for a plan that [`Self::replan`] may replace. Takes rights as long as it may.
    ///
    /// # Errors
    ///
    /// As [`Self::begin`].
    pub fn begin_open(scope: Scope, options: Options) -> Result<Self, StartError> {
        Self::start(scope, options, Prospect::Open)
    }

    fn start(scope: Scope, options: Options, prospect: Prospect) -> Result<Self, StartError> {
        let may_change = prospect == Prospect::Open;
        let namespace = PidNamespace::own().ok_or(StartError::ForeignProc)?;
        let groups = scope.groups()?;
        let table = descriptors::table(&options.plan)?;
        let looks_early = needs_early(&table);
        let keeps_discarders = may_change || options.plan.discarders;
        let sees_operations = may_change || needs_operations(&options.plan);
        let settings = Settings {
            namespace: namespace.inode(),
            scope: scope.kind(),
            hierarchy: groups.hierarchy,
            lifecycle_ring: LIFECYCLE_RING,
            call_ring: CALL_RING,
            wake_at: WAKE_AT,
            looks_early: looks_early || may_change,
            keeps_discarders,
            keeps_made: options.plan.syscalls,
            sees_operations,
        };
        let (mut object, types) = Object::load(settings, &table)?;
        let filters = FilterMaps::new(object.filters(keeps_discarders)?, &options.plan);
        let mut audience = Audience::new(&scope, namespace, &mut object, &types)?;
        object.watch_groups(&groups.ids)?;
        // Ends before beginnings: what is seen to begin is seen to end.
        let mut programs = vec!["sched_process_exit", "sched_process_exec", "sched_process_fork", "sys_exit"];
        programs.extend(looks_early.then_some(ENTRY));
        programs.extend(options.plan.syscalls.then_some("sys_enter_all"));
        programs.extend(matches!(scope, Scope::Cgroups(_)).then_some("cgroup_attach_task"));
        let extra: &[_] = if settings.sees_operations { &OF_RINGS } else { &[] };
        let operations = object.attach(&types, &programs, extra)?;
        if may_change && !looks_early {
            object.prepare(&types, ENTRY)?;
        }
        if settings.sees_operations && operations.is_ok() {
            object.describe(&descriptors::when_seen(&options.plan)?)?;
        }
        let time = HostTime::now();
        let began = time.at(clock::since_boot());
        let pids = audience.gather(&mut object, &types)?;
        // Before the rings are mapped, so that one never has both in memory.
        types.release();
        let rings = Rings::new(object.take_rings()?).map_err(StartError::Poll)?;
        let namespace = namespace.id();
        let procfs = Procfs::new(time.clone(), namespace, options.arguments, options.keep.clone());
        let running = procfs.all(pids, began);
        let mut decoder = Decoder::new(namespace, time.clone(), options.arguments, options.keep, procfs.clone());
        for (pid, _) in &running {
            decoder.knows(pid.0);
        }
        if let Scope::Command(pid) = scope {
            decoder.launch(pid);
        }
        if let Some(root) = scope.root().filter(|root| !running.iter().any(|(pid, _)| pid.0 == *root)) {
            return Err(StartError::NoProcess(root));
        }
        let observation = |(pid, running): (Pid, Running)| Observation {
            timestamp: running.started,
            origin: Origin::Kernel,
            task: Task { pid, tid: Tid(pid.0), namespace, mark: None },
            what: Sighting::Running(Box::new(running)),
        };
        Ok(Self {
            object: Some(object),
            filters: Arc::new(filters),
            rings,
            order: Order::default(),
            decoder,
            time,
            clock_steps: 0,
            running: running.into_iter().map(observation).collect(),
            lineage: scope.lineage(|pid| ProcessKey { pid: Pid(pid), namespace }),
            namespace,
            ends: scope.root().is_some(),
            procfs,
            counters: Counters::new(),
            has_more: false,
            unseen: operations.err(),
            finished: false,
            plan: may_change.then_some(options.plan),
            looks_early,
        })
    }

    /// Captures what another plan says from now on. Whether sets of calls are kept stays as it was, and discarders are
    /// not taken where they were not and operations of io_urings go unseen: a ring may be at work already. At no moment
    /// is less captured than what both plans want; what is wanted by neither may come while this works.
    ///
    /// # Errors
    ///
    /// When the watch was not begun by [`Self::begin_open`] or is over, or the kernel refuses.
    pub fn replan(&mut self, plan: FilterPlan) -> Result<(), ReplanError> {
        let before = self.plan.ok_or(ReplanError::Fixed)?;
        let object = self.object.as_mut().ok_or(ReplanError::Over)?;
        let seen = self.unseen.is_none();
        let discarders = plan.discarders && (before.discarders || seen);
        let plan = FilterPlan { discarders, syscalls: before.syscalls, ..plan };
        if before.discarders && !discarders {
            self.filters.plan(false)?;
        }
        let (old, new) = (descriptors::whole(&before, seen)?, descriptors::whole(&plan, seen)?);
        if !self.looks_early && new.values().any(descriptors::is_early) {
            object.attach_prepared(ENTRY)?;
            self.looks_early = true;
        }
        object.describe(&descriptors::steps(&old, &new))?;
        if discarders && !before.discarders {
            self.filters.plan(true)?;
        }
        self.plan = Some(plan);
        Ok(())
    }

    /// Takes `CAP_BPF`, `CAP_PERFMON` and `CAP_SYS_ADMIN` from the calling thread for good: a watch that has begun
    /// goes on without them, changes of filters and discarders included. Returns the names of those that are kept,
    /// since this kernel wants them for that: that is tried.
    ///
    /// # Errors
    ///
    /// When capabilities cannot be read or set.
    pub fn give_up_rights(&self) -> Result<Vec<String>, CapsError> {
        let still_works = || self.object.as_ref().is_none_or(Object::is_readable) && self.filters.are_changeable();
        Ok(rights::give_up(still_works)?.iter().map(ToString::to_string).collect())
    }

    /// Tells whether processes that were observed are still there.
    #[must_use]
    pub fn presence(&self) -> Presence {
        self.procfs.presence()
    }

    /// Reads which calls the programs that run have made so far, where the plan asks for that: [`Backend::drain`] hands
    /// it over within two intervals. Of programs that have ended it is handed over in any case.
    pub fn read_calls(&mut self) {
        let Self { object: Some(object), decoder, order, .. } = self else { return };
        let read_at = clock::since_boot();
        for (key, made) in object.made() {
            let (Ok(interface), Ok(pid)) = (u8::try_from(key.interface), i32::try_from(made.pid)) else { continue };
            // An exec that comes while the map is read ends the program before: what is there then began after it.
            if let Some(read) = decoder.made(Pid(pid), interface, made.numbers) {
                order.push(read_at.max(made.since), read);
            }
        }
    }

    /// How long what was seen may wait in the rings: [`Backend::drain`] is to be called again this soon while
    /// something is watched. At once if the last call left something there.
    #[must_use]
    pub fn interval(&self) -> Duration {
        if self.has_more { Duration::ZERO } else { INTERVAL }
    }

    /// Why operations of io_urings are not seen although they are wanted: as a rule, the kernel has no tracepoints
    /// for them.
    #[must_use]
    pub fn unseen(&self) -> Option<&LoadError> {
        self.unseen.as_ref()
    }

    /// What finds the processes whose records were lost.
    #[must_use]
    pub fn resolver(&self) -> Resolver {
        let resolver = Resolver::new(self.lineage).with_procfs(self.procfs.clone());
        match &self.object {
            Some(object) => resolver.with_kernel(Missed::new(object.missed(), self.namespace, self.decoder.fresh())),
            None => resolver,
        }
    }

    /// What the programs are to leave out. Apart from the watch, so that they can be told while observations
    /// are drained, as what happened tells what is of no interest.
    #[must_use]
    pub fn filters(&self) -> Arc<FilterMaps> {
        Arc::clone(&self.filters)
    }

    fn over(&self) -> bool {
        let Some(object) = &self.object else { return true };
        if !self.ends {
            return false;
        }
        // What the programs themselves know is never lost, but asking is a system call.
        (self.decoder.is_over() || object.counted(Counter::LostLifecycle as u32) > 0) && !object.watches_any()
    }
}

impl AsRawFd for Watch {
    fn as_raw_fd(&self) -> RawFd {
        self.rings.as_raw_fd()
    }
}

impl Backend for Watch {
    type Error = WatchError;

    fn drain(&mut self, each: &mut dyn FnMut(Observation)) -> Result<Progress, WatchError> {
        if self.finished {
            return Ok(Progress::Finished(None));
        }
        self.clock_steps += u64::from(self.time.check());
        std::mem::take(&mut self.running).into_iter().for_each(&mut *each);
        // Asked first: a process that ends meanwhile is still in a ring then.
        let was_over = self.over();
        loop {
            let began = clock::since_boot();
            let Self { rings, order, decoder, .. } = self;
            let drained = rings.drain(|bytes| {
                if let Some(time) = Decoder::may_wait(bytes) {
                    order.push_bytes(time, bytes);
                    return Some(time);
                }
                let (time, read) = decoder.read(bytes)?;
                order.push(time, read);
                Some(time)
            });
            let mut hand_over = |time, held: Held<'_, Read>| {
                let read = match held {
                    Held::Thing(read) => Some(read),
                    Held::Bytes(bytes) => decoder.read(bytes).map(|(_, read)| read),
                };
                if let Some(observation) = read.and_then(|read| decoder.observe(time, read)) {
                    each(observation);
                }
            };
            order.release(drained.left.map_or(began, |left| left.min(began)), &mut hand_over);
            self.has_more = drained.left.is_some();
            match (was_over, self.has_more) {
                // Nothing comes any more, so this ends.
                (true, true) => {}
                (true, false) => {
                    order.release_all(&mut hand_over);
                    self.stop();
                    self.finished = true;
                    return Ok(Progress::Finished(None));
                }
                (false, true) => return Ok(Progress::Watching),
                (false, false) => break,
            }
        }
        if self.over() {
            // One more round finds whatever the last process left, without waiting for the interval.
            return self.drain(each);
        }
        Ok(Progress::Watching)
    }

    fn counters(&self) -> Counters {
        let Some(object) = &self.object else { return self.counters.clone() };
        let counted = |counter: Counter| object.counted(counter as u32);
        let mut counters = vec![
            ("records", counted(Counter::Records)),
            ("lost_forks_execs_and_exits", counted(Counter::LostLifecycle)),
            ("lost_looks_before_calls", counted(Counter::LostEarly)),
            ("lost_records_without_a_buffer", counted(Counter::NoScratch)),
            ("lost_processes_for_want_of_room", counted(Counter::TreeFull)),
            ("lost_threads_for_want_of_room", counted(Counter::ThreadsFull)),
            ("lost_operations_for_want_of_room", counted(Counter::OperationsFull)),
            ("lost_sets_of_system_calls", counted(Counter::LostMade)),
            ("lost_parts_that_did_not_fit", counted(Counter::Omitted)),
            ("lost_records_that_made_no_sense", self.decoder.malformed()),
            ("unfollowed_paths", counted(Counter::WalksGivenUp)),
            ("unreadable", counted(Counter::Unreadable)),
            ("late", self.order.late()),
            ("clock_steps", self.clock_steps),
        ];
        if counted(Counter::LostCalls) > 0 {
            add_rows(&mut counters, |row| object.lost(row), |row| LOST[row.yields[0].event as usize].as_str());
        }
        // Of several events, the last is what the call most often is.
        let last = |row: &Syscall| row.yields.last().map_or(0, |last| last.event as usize);
        add_rows(&mut counters, |row| object.unasked(row), |row| UNASKED[last(row)].as_str());
        counters
    }

    fn stop(&mut self) {
        self.counters = self.counters();
        // Detaches.
        self.object = None;
    }
}

/// Adds what is counted by rows of the catalogue, under names of which rows share some.
fn add_rows(counters: &mut Counters, count: impl Fn(u32) -> u64, name: impl Fn(&Syscall) -> &'static str) {
    for (row, count) in (0..).zip(CATALOGUE).map(|(index, row)| (row, count(index))).filter(|(_, count)| *count > 0) {
        let name = name(row);
        match counters.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += count,
            None => counters.push((name, count)),
        }
    }
}
