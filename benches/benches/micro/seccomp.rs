//! The filter of a watch for everything: made once, before the command starts.

use lapwing_common::backend::FilterPlan;
use lapwing_common::syscall::Arch;
use lapwing_ptrace::seccomp::{self, FOREIGN};
use lapwing_ptrace::traps;

/// From the catalogue to a program for the kernel.
#[divan::bench]
fn compile_everything() -> usize {
    let traps = traps(&FilterPlan::default());
    seccomp::compile(&traps, Arch::NATIVE.reachable(), FOREIGN).map_or(0, |program| program.len())
}
