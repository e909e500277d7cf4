//! Flags of calls that remove and move names. The same on all architectures.

use super::bits;
use crate::schema::FlagSet;

/// Flags of unlinkat(2), from `linux/fcntl.h`.
pub static UNLINK_FLAGS: FlagSet = FlagSet { name: "unlink flags", flags: &[bits(0x200, "AT_REMOVEDIR")], zero: "" };

/// Flags of renameat2(2), from `linux/fs.h`.
pub static RENAME_FLAGS: FlagSet = FlagSet {
    name: "rename flags",
    flags: &[bits(0x1, "RENAME_NOREPLACE"), bits(0x2, "RENAME_EXCHANGE"), bits(0x4, "RENAME_WHITEOUT")],
    zero: "",
};
