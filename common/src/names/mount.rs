//! Mounting and unmounting, from `linux/mount.h`, `linux/fs.h` of the kernel's source, mount(2) and
//! umount(2). The same on all architectures.

use super::{bits, field};
use crate::schema::FlagSet;

/// Flags of mount(2).
pub static MOUNT_FLAGS: FlagSet = FlagSet {
    name: "mount flags",
    flags: &[
        // Required before Linux 2.4; the kernel still drops the upper half when it holds this.
        field(0xffff_0000, 0xc0ed_0000, "MS_MGC_VAL"),
        bits(0x1, "MS_RDONLY"),
        bits(0x2, "MS_NOSUID"),
        bits(0x4, "MS_NODEV"),
        bits(0x8, "MS_NOEXEC"),
        bits(0x10, "MS_SYNCHRONOUS"),
        bits(0x20, "MS_REMOUNT"),
        bits(0x40, "MS_MANDLOCK"),
        bits(0x80, "MS_DIRSYNC"),
        bits(0x100, "MS_NOSYMFOLLOW"),
        bits(0x400, "MS_NOATIME"),
        bits(0x800, "MS_NODIRATIME"),
        bits(0x1000, "MS_BIND"),
        bits(0x2000, "MS_MOVE"),
        bits(0x4000, "MS_REC"),
        bits(0x8000, "MS_SILENT"),
        bits(0x1_0000, "MS_POSIXACL"),
        bits(0x2_0000, "MS_UNBINDABLE"),
        bits(0x4_0000, "MS_PRIVATE"),
        bits(0x8_0000, "MS_SLAVE"),
        bits(0x10_0000, "MS_SHARED"),
        bits(0x20_0000, "MS_RELATIME"),
        bits(0x40_0000, "MS_KERNMOUNT"),
        bits(0x80_0000, "MS_I_VERSION"),
        bits(0x100_0000, "MS_STRICTATIME"),
        bits(0x200_0000, "MS_LAZYTIME"),
        // The kernel's own: a caller's are ignored.
        bits(0x400_0000, "MS_SUBMOUNT"),
        bits(0x800_0000, "MS_NOREMOTELOCK"),
        bits(0x1000_0000, "MS_NOSEC"),
        bits(0x2000_0000, "MS_BORN"),
        bits(0x4000_0000, "MS_ACTIVE"),
        bits(0x8000_0000, "MS_NOUSER"),
        // Alias.
        bits(0x8000, "MS_VERBOSE"),
    ],
    zero: "",
};

/// Flags of umount2(2).
pub static UMOUNT_FLAGS: FlagSet = FlagSet {
    name: "umount flags",
    flags: &[
        bits(0x1, "MNT_FORCE"),
        bits(0x2, "MNT_DETACH"),
        bits(0x4, "MNT_EXPIRE"),
        bits(0x8, "UMOUNT_NOFOLLOW"),
        // Guaranteed to stay unused: programs probe with it.
        bits(0x8000_0000, "UMOUNT_UNUSED"),
    ],
    zero: "",
};
