//! Types and permissions of files, from `linux/stat.h` and inode(7). The same on all architectures.

use super::{bits, field};
use crate::schema::{Flag, FlagSet};

/// A file's type and permissions, as in `st_mode`.
pub static FILE_MODE: FlagSet = FlagSet { name: "file mode", flags: &ENTRIES, zero: "" };

/// Permissions alone, as chmod(2) and mkdir(2) take them.
pub static MODE: FlagSet = FlagSet { name: "mode", flags: ENTRIES.split_at(TYPES).1, zero: "" };

const TYPE: u64 = 0o170_000;
const TYPES: usize = 8;

static ENTRIES: [Flag; TYPES + 15] = [
    field(TYPE, 0o140_000, "S_IFSOCK"),
    field(TYPE, 0o120_000, "S_IFLNK"),
    field(TYPE, 0o100_000, "S_IFREG"),
    field(TYPE, 0o060_000, "S_IFBLK"),
    field(TYPE, 0o040_000, "S_IFDIR"),
    field(TYPE, 0o020_000, "S_IFCHR"),
    field(TYPE, 0o010_000, "S_IFIFO"),
    // No file has this type: it is the mask, here for rules to use.
    field(TYPE, TYPE, "S_IFMT"),
    bits(0o4000, "S_ISUID"),
    bits(0o2000, "S_ISGID"),
    bits(0o1000, "S_ISVTX"),
    bits(0o0400, "S_IRUSR"),
    bits(0o0200, "S_IWUSR"),
    bits(0o0100, "S_IXUSR"),
    bits(0o0040, "S_IRGRP"),
    bits(0o0020, "S_IWGRP"),
    bits(0o0010, "S_IXGRP"),
    bits(0o0004, "S_IROTH"),
    bits(0o0002, "S_IWOTH"),
    bits(0o0001, "S_IXOTH"),
    // Combinations, last because output names each bit.
    bits(0o0700, "S_IRWXU"),
    bits(0o0070, "S_IRWXG"),
    bits(0o0007, "S_IRWXO"),
];
