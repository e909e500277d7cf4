//! What this machine offers to an eBPF backend: the answers behind `lapwing doctor` and
//! `--backend auto`.
//!
//! Features are tried rather than derived from the kernel's version (the version is reported, and
//! required as a floor). Nothing here fails: what cannot be found out is [`State::Unknown`], with
//! the reason, and does not count as a yes.

mod host;

use crate::bpf::{self, Trial};

/// The names of all findings, in the words `lapwing doctor` prints.
///
/// Each names something a backend can use, so that [`State::Present`] is always the good answer.
pub mod name {
    /// A kernel of version 5.13 or later, which knows callbacks (69c087ba6225). 5.10 refuses the programs for them.
    pub const LINUX: &str = "Linux 5.13";
    /// The kernel's type information, which programs are adapted to it by.
    pub const BTF: &str = "kernel BTF";
    /// Lockdown, if in force, lets programs read kernel memory.
    pub const LOCKDOWN: &str = "BPF under lockdown";
    /// Users without privileges may load programs. Lapwing does not need it.
    pub const UNPRIVILEGED: &str = "unprivileged BPF";
    /// Load programs and maps.
    pub const CAP_BPF: &str = "CAP_BPF";
    /// Attach programs to tracepoints and read kernel memory.
    pub const CAP_PERFMON: &str = "CAP_PERFMON";
    /// The older capability that includes the two above.
    pub const CAP_SYS_ADMIN: &str = "CAP_SYS_ADMIN";
    /// Raise the memory limit that BPF has before Linux 5.11.
    pub const CAP_SYS_RESOURCE: &str = "CAP_SYS_RESOURCE";
    /// Trace and inspect processes of other users.
    pub const CAP_SYS_PTRACE: &str = "CAP_SYS_PTRACE";
    /// Attach programs to network devices.
    pub const CAP_NET_ADMIN: &str = "CAP_NET_ADMIN";
    /// Programs on classic tracepoints.
    pub const TRACEPOINT: &str = "tracepoint programs";
    /// Programs on raw tracepoints.
    pub const RAW_TRACEPOINT: &str = "raw tracepoint programs";
    /// Programs on raw tracepoints with typed arguments (`tp_btf`).
    pub const BTF_TRACEPOINT: &str = "BTF tracepoint programs";
    /// The helper that reads kernel memory.
    pub const READ_KERNEL: &str = "bpf_probe_read_kernel";
    /// The map that carries events.
    pub const RING_BUFFER: &str = "ring buffer map";
    /// The map that discarders live in.
    pub const LRU_HASH: &str = "LRU hash map";
}

/// What the backend cannot do without, apart from capabilities.
const REQUIRED: [&str; 5] = [name::LINUX, name::BTF, name::BTF_TRACEPOINT, name::READ_KERNEL, name::RING_BUFFER];

/// Whether something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It is.
    Present,
    /// It is not.
    Missing,
    /// It could not be found out, often for lack of privilege.
    Unknown,
}

impl State {
    /// The word for it in output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Missing => "missing",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What: one of [`name`]'s constants.
    pub name: &'static str,
    /// Whether it is there.
    pub state: State,
    /// How that was found, or why it could not be; one line, empty where the state says all.
    pub detail: String,
}

impl Finding {
    fn new(name: &'static str, state: State, detail: String) -> Self {
        Self { name, state, detail }
    }

    fn of_trial(name: &'static str, trial: Trial) -> Self {
        match trial {
            Ok(true) => Self::new(name, State::Present, String::new()),
            Ok(false) => Self::new(name, State::Missing, "the kernel refuses it".to_owned()),
            Err(why) => Self::new(name, State::Unknown, why),
        }
    }
}

/// Everything that was looked for on this machine, for the thread that looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Features {
    findings: Vec<Finding>,
}

impl Features {
    /// All findings, in the order to show them in.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The finding of that name (one of [`name`]'s constants).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.name == name)
    }

    /// Whether the eBPF backend can run here.
    ///
    /// # Errors
    ///
    /// What stands in its way: each required finding that is not [`State::Present`].
    pub fn usable(&self) -> Result<(), Vec<&Finding>> {
        let admin = self.get(name::CAP_SYS_ADMIN).is_some_and(|finding| finding.state == State::Present);
        let capabilities: &[_] = if admin { &[] } else { &[name::CAP_BPF, name::CAP_PERFMON] };
        let blockers: Vec<_> = self
            .findings
            .iter()
            .filter(|finding| REQUIRED.contains(&finding.name) || capabilities.contains(&finding.name))
            .filter(|finding| finding.state != State::Present)
            .collect();
        if blockers.is_empty() { Ok(()) } else { Err(blockers) }
    }

    /// Why the eBPF backend is not even to be tried, on one line: what it needs and is known to be missing.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let blockers = self.usable().err()?;
        let missing = blockers.iter().filter(|finding| finding.state == State::Missing);
        let words: Vec<_> = missing.map(|finding| format!("{} ({})", finding.name, finding.detail)).collect();
        (!words.is_empty()).then(|| format!("the kernel backend cannot run here, for want of {}", words.join(", ")))
    }
}

/// Looks for what can be read, in well under a millisecond. What that finds missing is missing; whether the rest
/// works is for [`probe`] to try, or for whoever loads programs to see.
#[must_use]
pub fn glance() -> Features {
    Features { findings: host::findings() }
}

/// Looks for everything, once: some 50 milliseconds, most of them for reading the kernel's BTF.
///
/// Where it is permitted, an empty program is attached to a tracepoint and removed at once.
#[must_use]
pub fn probe() -> Features {
    let mut findings = host::findings();
    findings.extend([
        Finding::of_trial(name::TRACEPOINT, bpf::tracepoint()),
        Finding::of_trial(name::RAW_TRACEPOINT, bpf::raw_tracepoint()),
        Finding::of_trial(name::BTF_TRACEPOINT, bpf::btf_tracepoint()),
        Finding::of_trial(name::READ_KERNEL, bpf::probe_read_kernel()),
        Finding::of_trial(name::RING_BUFFER, bpf::ring_buffer()),
        Finding::of_trial(name::LRU_HASH, bpf::lru_hash()),
    ]);
    Features { findings }
}

#[cfg(test)]
mod tests;
