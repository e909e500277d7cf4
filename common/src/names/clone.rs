//! What processes share or leave, from `linux/sched.h`. The same on all architectures.

use super::bits;
use crate::schema::FlagSet;

/// Flags of unshare(2), setns(2) and clone3(2).
///
/// In the flags of the older clone(2) the lowest byte is the signal sent at exit (`CSIGNAL`): clear it
/// first, or a signal of 128 and more, valid or not, reads as `CLONE_NEWTIME`.
pub static CLONE_FLAGS: FlagSet = FlagSet {
    name: "clone flags",
    flags: &[
        bits(0x80, "CLONE_NEWTIME"),
        bits(0x100, "CLONE_VM"),
        bits(0x200, "CLONE_FS"),
        bits(0x400, "CLONE_FILES"),
        bits(0x800, "CLONE_SIGHAND"),
        bits(0x1000, "CLONE_PIDFD"),
        bits(0x2000, "CLONE_PTRACE"),
        bits(0x4000, "CLONE_VFORK"),
        bits(0x8000, "CLONE_PARENT"),
        bits(0x1_0000, "CLONE_THREAD"),
        bits(0x2_0000, "CLONE_NEWNS"),
        bits(0x4_0000, "CLONE_SYSVSEM"),
        bits(0x8_0000, "CLONE_SETTLS"),
        bits(0x10_0000, "CLONE_PARENT_SETTID"),
        bits(0x20_0000, "CLONE_CHILD_CLEARTID"),
        bits(0x40_0000, "CLONE_DETACHED"),
        bits(0x80_0000, "CLONE_UNTRACED"),
        bits(0x100_0000, "CLONE_CHILD_SETTID"),
        bits(0x200_0000, "CLONE_NEWCGROUP"),
        bits(0x400_0000, "CLONE_NEWUTS"),
        bits(0x800_0000, "CLONE_NEWIPC"),
        bits(0x1000_0000, "CLONE_NEWUSER"),
        bits(0x2000_0000, "CLONE_NEWPID"),
        bits(0x4000_0000, "CLONE_NEWNET"),
        bits(0x8000_0000, "CLONE_IO"),
        bits(0x1_0000_0000, "CLONE_CLEAR_SIGHAND"),
        bits(0x2_0000_0000, "CLONE_INTO_CGROUP"),
    ],
    zero: "",
};
