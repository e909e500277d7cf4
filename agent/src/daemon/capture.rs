//! What the agent itself observes with: the kernel backend, or nothing.

use std::os::fd::{AsRawFd as _, RawFd};
use std::sync::Arc;
use std::time::Duration;

use lapwing_common::backend::{Backend as _, Counters, Progress};
use lapwing_common::discard::Filters as _;
use lapwing_common::event::EventType;
use lapwing_common::process::{ArgumentLimits, Resolver};
use lapwing_common::record::Observation;
use lapwing_kernel::{
    ControlGroup, FilterError, FilterMaps, Options, Presence, ReplanError, StartError, Watch, features,
};
use thiserror::Error;

use super::rules::Demand;
use crate::cli::AgentBackend;
use crate::config::{Fixed, Scope};
use crate::console::Console;

/// The kernel backend was asked for, and does not begin.
#[derive(Debug, Error)]
pub(crate) enum CaptureError {
    #[error("{0}; see `lapwing doctor`, or use --backend none to serve tracers only")]
    Unusable(String),
    #[error("the kernel backend cannot begin: {0}")]
    Start(Box<StartError>),
    #[error("--scope {scope}: {error}")]
    Scope { scope: String, error: Box<StartError> },
}

/// Something else should be captured, and is not.
#[derive(Debug, Error)]
pub(super) enum AdaptError {
    #[error(transparent)]
    Filter(#[from] FilterError),
    #[error(transparent)]
    Plan(#[from] ReplanError),
}

/// A backend, and why it is this one.
#[derive(Debug)]
pub(super) struct Capture {
    watch: Option<Box<Watch>>,
    /// `kernel` or `none`.
    pub(super) name: &'static str,
    /// What was asked for.
    pub(super) asked: &'static str,
    pub(super) why: String,
    /// Why it observes nothing any more.
    pub(super) ended: Option<String>,
    /// Of the watch, when it has ended.
    counters: Counters,
}

impl Capture {
    /// Begins to observe as the configuration says.
    pub(super) fn begin(fixed: &Fixed, demand: &Demand, console: Console) -> Result<Self, CaptureError> {
        match fixed.backend {
            AgentBackend::None => Ok(Self::none("none", "as asked for".to_owned())),
            AgentBackend::Kernel => {
                if let Some(refusal) = features::glance().refusal() {
                    return Err(CaptureError::Unusable(refusal));
                }
                Ok(Self::kernel("kernel", "as asked for", watch(fixed, demand)?))
            }
            AgentBackend::Auto => {
                if let Err(blockers) = features::glance().usable() {
                    let names: Vec<_> = blockers.iter().map(|finding| finding.name).collect();
                    let why = format!("the kernel backend cannot run here, for want of {}", names.join(", "));
                    console.warn(format_args!("observing nothing, only serving tracers: {why}"));
                    return Ok(Self::none("auto", why));
                }
                match watch(fixed, demand) {
                    Ok(watch) => Ok(Self::kernel("auto", "it works here", watch)),
                    // A mistake, which no backend makes good.
                    Err(error @ CaptureError::Scope { .. }) => Err(error),
                    Err(error) => {
                        console.warn(format_args!("observing nothing, only serving tracers: {error}"));
                        Ok(Self::none("auto", error.to_string()))
                    }
                }
            }
        }
    }

    fn none(asked: &'static str, why: String) -> Self {
        Self { watch: None, name: "none", asked, why, ended: None, counters: Counters::new() }
    }

    fn kernel(asked: &'static str, why: &str, watch: Watch) -> Self {
        let why = why.to_owned();
        Self { watch: Some(Box::new(watch)), name: "kernel", asked, why, ended: None, counters: Counters::new() }
    }

    /// Readable when observations wait.
    pub(super) fn descriptor(&self) -> Option<RawFd> {
        self.watch.as_ref().map(|watch| watch.as_raw_fd())
    }

    /// How long observations may wait to be drained.
    pub(super) fn interval(&self) -> Option<Duration> {
        self.watch.as_ref().map(|watch| watch.interval())
    }

    /// What it leaves out.
    pub(super) fn filters(&self) -> Option<Arc<FilterMaps>> {
        self.watch.as_ref().map(|watch| watch.filters())
    }

    pub(super) fn resolver(&self) -> Option<Resolver> {
        self.watch.as_ref().map(|watch| watch.resolver())
    }

    /// See [`Watch::read_calls`].
    pub(super) fn read_calls(&mut self) {
        if let Some(watch) = &mut self.watch {
            watch.read_calls();
        }
    }

    /// What tells whether processes are still there.
    pub(super) fn presence(&self) -> Option<Presence> {
        self.watch.as_ref().map(|watch| watch.presence())
    }

    /// Records of forks, execs and exits that were lost.
    pub(super) fn lost_processes(&self) -> u64 {
        let lost = |(name, count): (&str, u64)| (name == "lost_forks_execs_and_exits").then_some(count);
        self.counters().into_iter().find_map(lost).unwrap_or(0)
    }

    /// Hands over what was observed. What was already there comes first.
    pub(super) fn drain(&mut self, each: &mut dyn FnMut(Observation)) {
        let Some(watch) = &mut self.watch else { return };
        let ended = match watch.drain(each) {
            Ok(Progress::Watching) => return,
            Ok(Progress::Finished(_)) => "all processes of its scope have ended".to_owned(),
            Err(error) => error.to_string(),
        };
        self.ended = Some(ended);
        self.stop();
    }

    /// Captures from now on what is wanted.
    pub(super) fn adapt(&mut self, demand: &Demand) -> Result<(), AdaptError> {
        let Some(watch) = &mut self.watch else { return Ok(()) };
        let filters = watch.filters();
        for event in EventType::ALL.into_iter().filter(|event| event.is_filtered()) {
            let policy = demand.policies.iter().find(|(known, _)| *known == event).map(|(_, policy)| policy.clone());
            // Where that does not work, there is more to look at.
            filters.set_policy(event, policy.unwrap_or_default())?;
        }
        Ok(watch.replan(demand.plan())?)
    }

    pub(super) fn counters(&self) -> Counters {
        self.watch.as_ref().map_or_else(|| self.counters.clone(), |watch| watch.counters())
    }

    pub(super) fn stop(&mut self) {
        if let Some(mut watch) = self.watch.take() {
            watch.stop();
            self.counters = watch.counters();
        }
    }
}

fn watch(fixed: &Fixed, demand: &Demand) -> Result<Watch, CaptureError> {
    let options = Options { plan: demand.plan(), keep: fixed.keep.clone(), arguments: ArgumentLimits::default() };
    let scope = match &fixed.scope {
        Scope::Tree(pid) => lapwing_kernel::Scope::Tree(*pid),
        Scope::Host => lapwing_kernel::Scope::Host,
        Scope::Cgroups(directories) => {
            lapwing_kernel::Scope::Cgroups(directories.iter().cloned().map(ControlGroup::Directory).collect())
        }
    };
    Watch::begin_open(scope, options).map_err(|error| match error {
        StartError::NoProcess(_) | StartError::Group(_) => {
            CaptureError::Scope { scope: fixed.scope.to_string(), error: Box::new(error) }
        }
        error => CaptureError::Start(Box::new(error)),
    })
}
