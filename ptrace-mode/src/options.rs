//! What a watch is asked to do.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use lapwing_common::backend::{FilterPlan, Interest};
use lapwing_common::process::{ArgumentLimits, Keep};

/// How to watch.
#[derive(Clone)]
pub struct Options {
    /// What to capture.
    pub plan: FilterPlan,
    /// Who knows of which paths nobody wants to hear. Calls about them can then pass without a stop.
    pub interest: Option<Arc<dyn Interest>>,
    /// What becomes of the tracees when the tracer dies.
    pub on_tracer_death: OnTracerDeath,
    /// Environment variables whose values may be kept.
    pub keep: Keep,
    /// How much of an argument vector is kept.
    pub arguments: ArgumentLimits,
    /// How the tracer waits for the next stop.
    pub pacing: Pacing,
    /// Called from the tracer's thread when there is something to drain.
    pub wake: Arc<dyn Fn() + Send + Sync>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("plan", &self.plan)
            .field("on_tracer_death", &self.on_tracer_death)
            .finish_non_exhaustive()
    }
}

/// What becomes of the tracees when the tracer dies (is killed, that is: it survives its own errors).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnTracerDeath {
    /// They are killed at once (`PTRACE_O_EXITKILL`). Nothing ever runs unobserved.
    ///
    /// The only honest choice under a seccomp filter: a filter cannot be taken off again, and without
    /// a tracer the kernel fails every trapped call with ENOSYS.
    #[default]
    Kill,
    /// They run on, unobserved and unharmed. The price is that no filter is installed: every system
    /// call stops twice, wanted or not.
    Continue,
}

/// How the tracer waits for the next stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pacing {
    /// Whatever has proved cheapest for what the tracees do just now.
    #[default]
    Adaptive,
    /// Sleep in the kernel. Least work for the machine, longest stops.
    Block,
    /// Poll for this many microseconds, then sleep.
    Spin(u32),
    /// Follow the tracee to its CPU with the lowest priority, so that it resumes in place.
    Follow,
}

/// A command to run. It inherits environment and working directory.
#[derive(Clone, Debug)]
pub struct Command {
    /// The program: a path, or a name to look up in `PATH`.
    pub program: OsString,
    /// Its arguments, without the zeroth.
    pub arguments: Vec<OsString>,
}
