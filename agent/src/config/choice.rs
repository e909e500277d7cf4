//! Which backend is asked for: by name, or by what only one of them can do.

use super::ConfigError;
use crate::cli::{Backend, Fate, Permission};

/// Which backends may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Whichever works, the kernel backend first.
    Auto,
    /// The kernel backend or none.
    Kernel,
    /// The ptrace backend or none.
    Ptrace {
        /// Why no other will do.
        why: &'static str,
    },
}

impl Choice {
    /// Refusing an io_uring, and killing a command whose observer has died, are done by the filter and by the
    /// tracer. Whoever asks for one of them gets it or an error, but never a backend that ignores it.
    pub(super) fn new(
        backend: Backend,
        io_uring: Option<Permission>,
        on_tracer_death: Option<Fate>,
    ) -> Result<Self, ConfigError> {
        let special = match (io_uring, on_tracer_death) {
            (Some(Permission::Deny), _) => Some("--io-uring deny"),
            (_, Some(Fate::Kill)) => Some("--on-tracer-death kill"),
            (_, Some(Fate::Continue)) => Some("--on-tracer-death continue"),
            (None | Some(Permission::Allow), None) => None,
        };
        match (backend, special) {
            (Backend::Ptrace, _) => Ok(Self::Ptrace { why: "as asked for" }),
            (Backend::Auto, None) => Ok(Self::Auto),
            (Backend::Auto, Some(_)) => Ok(Self::Ptrace { why: "an option was given that only it can follow" }),
            (Backend::Kernel, None) => Ok(Self::Kernel),
            (Backend::Kernel, Some(option)) => Err(ConfigError::NotByKernel { option }),
        }
    }
}
