//! Moving data through pipes, from `linux/splice.h` of the kernel's source and splice(2). The same on all
//! architectures.

use super::bits;
use crate::schema::FlagSet;

/// Flags of splice(2), vmsplice(2) and tee(2).
pub static SPLICE_FLAGS: FlagSet = FlagSet {
    name: "splice flags",
    flags: &[
        bits(0x1, "SPLICE_F_MOVE"),
        bits(0x2, "SPLICE_F_NONBLOCK"),
        bits(0x4, "SPLICE_F_MORE"),
        bits(0x8, "SPLICE_F_GIFT"),
    ],
    zero: "",
};
