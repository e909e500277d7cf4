//! Where the calling thread runs, and how eagerly.
//!
//! Used to keep the tracer on its tracee's CPU. `SCHED_IDLE` matters for that: a CPU that runs only
//! such threads counts as idle when the kernel places a waking one, so a resumed tracee stays where
//! it is (kernel/sched/fair.c, `sched_idle_cpu`, Linux 5.4).

#![allow(unsafe_code, reason = "scheduling policies are set through a structure by pointer")]

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// How eagerly a thread runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Like any other.
    Normal,
    /// When nothing else wants the CPU.
    Idle,
}

/// Sets the calling thread's policy; whether the kernel agreed.
pub(crate) fn set_policy(policy: Policy) -> bool {
    let number = match policy {
        Policy::Normal => libc::SCHED_OTHER,
        Policy::Idle => libc::SCHED_IDLE,
    };
    let parameters = libc::sched_param { sched_priority: 0 };
    // SAFETY: 0 is the calling thread; the structure outlives the call.
    unsafe { libc::sched_setscheduler(0, number, &raw const parameters) == 0 }
}

/// Whether the calling thread may go to [`Policy::Idle`] and come back: coming back takes
/// CAP_SYS_NICE or a limit on niceness that allows the usual one (sched(7)).
pub(crate) fn may_return_from_idle() -> bool {
    let capable = caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_SYS_NICE).unwrap_or(false);
    let limit = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NICE).map_or(0, |(soft, _)| soft);
    // RLIMIT_NICE 20 stands for nice 0.
    capable || limit >= 20
}

/// The CPUs that the calling thread may run on.
pub(crate) fn allowed() -> Option<CpuSet> {
    sched_getaffinity(Pid::from_raw(0)).ok()
}

/// Lets a thread of Lapwing's, 0 for the calling one, run on these CPUs.
pub(crate) fn allow(tid: i32, cpus: &CpuSet) -> bool {
    sched_setaffinity(Pid::from_raw(tid), cpus).is_ok()
}

/// The set of one CPU.
pub(crate) fn only(cpu: usize) -> Option<CpuSet> {
    let mut set = CpuSet::new();
    set.set(cpu).ok()?;
    Some(set)
}
