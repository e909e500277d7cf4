//! The backends, as far as these tests use them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use lapwing_common::backend::{Backend as _, FilterPlan, Progress};
use lapwing_common::discard::{
    ApproverStatistics, FilePolicy, Filters, InodeKey, Listing, Moment, Pushed, Refusal, Statistics,
};
use lapwing_common::event::EventType;
use lapwing_common::ids::Pid;
use lapwing_common::process::{ArgumentLimits, Keep};
use lapwing_common::record::Observation;
use lapwing_integration::run::LIMIT;
use lapwing_kernel::{FilterError, FilterMaps, Scope};
use lapwing_ptrace::spawn::Launch;
use lapwing_ptrace::{Command, FilterTable, OnTracerDeath, Options, Pacing};
use nix::sys::wait::waitpid;

/// Which backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Ptrace,
    Kernel,
}

/// Makes a test of each function for either backend. That of the kernel needs BPF.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod ptrace {
            $(#[test]
            fn $name() {
                super::$name(super::On::Ptrace);
            })*
        }

        mod kernel {
            use lapwing_integration::need::{self, Need};

            $(#[test]
            fn $name() {
                if need::require(&[Need::Bpf]) {
                    super::$name(super::On::Kernel);
                }
            })*
        }
    };
}
pub(crate) use on_both;

/// A backend at work.
pub(crate) enum Watching {
    Ptrace {
        watch: lapwing_ptrace::Watch,
        /// Woken when there are events, and when there will be no more.
        woken: Receiver<()>,
    },
    Kernel {
        watch: Box<lapwing_kernel::Watch>,
        child: i32,
    },
}

/// What a backend is to leave out.
pub(crate) enum Handle {
    Ptrace(Arc<FilterTable>),
    Kernel(Arc<FilterMaps>),
}

/// What is seen at the same time on several CPUs is put in order before it is handed over.
const ORDERING: Duration = Duration::from_millis(15);

impl Watching {
    pub(crate) fn start(on: On, command: &Command, plan: FilterPlan) -> Self {
        match on {
            On::Ptrace => {
                let (wake, woken) = channel();
                let options = Options {
                    plan,
                    interest: None,
                    on_tracer_death: OnTracerDeath::Kill,
                    keep: Keep::default(),
                    arguments: ArgumentLimits::default(),
                    pacing: Pacing::default(),
                    wake: Arc::new(move || {
                        // Nobody listens any more once the test is over.
                        let _ = wake.send(());
                    }),
                };
                Self::Ptrace { watch: lapwing_ptrace::Watch::spawn(command, options).unwrap(), woken }
            }
            On::Kernel => {
                let options =
                    lapwing_kernel::Options { plan, keep: Keep::default(), arguments: ArgumentLimits::default() };
                let held = Launch::of(command).unwrap().hold().unwrap();
                let child = held.pid();
                let watch = lapwing_kernel::Watch::begin(Scope::Command(child), options)
                    .unwrap_or_else(|error| panic!("{error}\n{}", error.log().unwrap_or_default()));
                held.release().unwrap();
                Self::Kernel { watch: Box::new(watch), child }
            }
        }
    }

    pub(crate) fn drain(&mut self, each: &mut dyn FnMut(Observation)) -> Progress {
        match self {
            Self::Ptrace { watch, .. } => watch.drain(each).unwrap(),
            Self::Kernel { watch, .. } => {
                std::thread::sleep(ORDERING);
                watch.drain(each).unwrap()
            }
        }
    }

    pub(crate) fn pid(&self) -> i32 {
        match self {
            Self::Ptrace { watch, .. } => watch.command_pid().unwrap(),
            Self::Kernel { child, .. } => *child,
        }
    }

    pub(crate) fn filters(&self) -> Handle {
        match self {
            Self::Ptrace { watch, .. } => Handle::Ptrace(watch.filters()),
            Self::Kernel { watch, .. } => Handle::Kernel(watch.filters()),
        }
    }

    /// Has the calling thread give up what it does not need any more; the names of what it keeps.
    pub(crate) fn give_up_rights(&self) -> Vec<String> {
        match self {
            Self::Ptrace { .. } => Vec::new(),
            Self::Kernel { watch, .. } => watch.give_up_rights().unwrap(),
        }
    }

    /// Whether the watch ends in time.
    pub(crate) fn ends(&mut self) -> bool {
        let deadline = Instant::now() + LIMIT;
        while self.drain(&mut drop) == Progress::Watching {
            let late = match self {
                Self::Ptrace { woken, .. } => woken.recv_timeout(LIMIT).is_err(),
                Self::Kernel { .. } => Instant::now() > deadline,
            };
            if late {
                return false;
            }
        }
        true
    }

    /// Waits for a command that the backend does not wait for.
    pub(crate) fn reap(&mut self) {
        if let Self::Kernel { child, .. } = self {
            waitpid(nix::unistd::Pid::from_raw(*child), None).unwrap();
        }
    }
}

impl Handle {
    /// What the backend answers; that something else went wrong is a failure of the test.
    fn ask<T>(
        &self,
        ptrace: impl FnOnce(&FilterTable) -> Result<T, Refusal>,
        kernel: impl FnOnce(&FilterMaps) -> Result<T, FilterError>,
    ) -> Result<T, Refusal> {
        match self {
            Self::Ptrace(filters) => ptrace(filters),
            Self::Kernel(filters) => kernel(filters).map_err(|error| match error {
                FilterError::Refused(refusal) => refusal,
                other => panic!("{other}"),
            }),
        }
    }
}

impl Filters for Handle {
    type Error = Refusal;

    fn push(&self, key: InodeKey, event: EventType, timeout: Option<Duration>) -> Result<Pushed, Refusal> {
        self.ask(|table| table.push(key, event, timeout), |maps| maps.push(key, event, timeout))
    }

    fn moment(&self) -> Result<Moment, Refusal> {
        self.ask(Filters::moment, Filters::moment)
    }

    fn push_since(&self, moment: Moment, key: InodeKey, event: EventType) -> Result<Pushed, Refusal> {
        self.ask(|table| table.push_since(moment, key, event), |maps| maps.push_since(moment, key, event))
    }

    fn push_pid(&self, pid: Pid, event: EventType, timeout: Option<Duration>) -> Result<Pushed, Refusal> {
        self.ask(|table| table.push_pid(pid, event, timeout), |maps| maps.push_pid(pid, event, timeout))
    }

    fn expire(&self, inode: u64, mount: u32) -> Result<(), Refusal> {
        self.ask(|table| table.expire(inode, mount), |maps| maps.expire(inode, mount))
    }

    fn flush(&self) -> Result<(), Refusal> {
        self.ask(Filters::flush, Filters::flush)
    }

    fn list(&self) -> Result<Listing, Refusal> {
        self.ask(Filters::list, Filters::list)
    }

    fn set_policy(&self, event: EventType, policy: FilePolicy) -> Result<(), Refusal> {
        self.ask(|table| table.set_policy(event, policy.clone()), |maps| maps.set_policy(event, policy.clone()))
    }

    fn policies(&self) -> Result<Vec<(EventType, FilePolicy)>, Refusal> {
        self.ask(Filters::policies, Filters::policies)
    }

    fn statistics(&self) -> Result<(Statistics, ApproverStatistics), Refusal> {
        self.ask(Filters::statistics, Filters::statistics)
    }

    fn take_statistics(&self) -> Result<(Statistics, ApproverStatistics), Refusal> {
        self.ask(Filters::take_statistics, Filters::take_statistics)
    }
}
