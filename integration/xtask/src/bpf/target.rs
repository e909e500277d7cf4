//! The processors that objects are built for. BPF's instructions are the same on all of them; what differs is
//! where a system call's arguments stand in `pt_regs`, which libbpf's macros choose by a definition.

/// A processor, and the object for it.
#[derive(Debug)]
pub(crate) struct Target {
    /// As Rust calls the processor.
    pub(crate) arch: &'static str,
    /// What tells `bpf_tracing.h`.
    pub(super) define: &'static str,
    /// The object, from the root.
    pub(crate) object: &'static str,
}

/// All that `cargo xtask bpf` builds.
pub(crate) const BUILT: &[Target] = &[
    Target { arch: "x86_64", define: "-D__TARGET_ARCH_x86", object: "bpf/lapwing.bpf.o" },
    Target { arch: "aarch64", define: "-D__TARGET_ARCH_arm64", object: "bpf/lapwing-aarch64.bpf.o" },
];

impl Target {
    /// The one of the machine that this runs on.
    pub(crate) fn of_this_machine() -> Option<&'static Self> {
        BUILT.iter().find(|target| target.arch == std::env::consts::ARCH)
    }
}
