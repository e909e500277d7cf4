//! Loading of kernel modules, from `linux/module.h`. The same on all architectures.

use super::bits;
use crate::schema::FlagSet;

/// Flags of finit_module(2). `MODULE_INIT_COMPRESSED_FILE` exists since Linux 5.17.
pub static MODULE_FLAGS: FlagSet = FlagSet {
    name: "module flags",
    flags: &[
        bits(0x1, "MODULE_INIT_IGNORE_MODVERSIONS"),
        bits(0x2, "MODULE_INIT_IGNORE_VERMAGIC"),
        bits(0x4, "MODULE_INIT_COMPRESSED_FILE"),
    ],
    zero: "",
};
