//! Calls whose arguments lie in memory: `socketcall` and the first `mmap` of 32-bit interfaces.
//!
//! A seccomp filter cannot look behind the pointer, so these are trapped always and turned into the
//! call they stand for once the block has been read.

use super::Syscall;

/// How to find the call that an indirect one stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indirection {
    /// `socketcall(call, args)`: the first argument selects the call, the second points to its
    /// arguments.
    Socketcall,
    /// `mmap(struct mmap_arg_struct *)` of 32-bit x86: six words.
    Mmap,
}

/// Where the real arguments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The call meant.
    pub row: &'static Syscall,
    /// Address of its arguments in the caller's memory.
    pub address: u64,
    /// How many there are, each four bytes.
    pub count: usize,
}

impl Indirection {
    /// What these arguments stand for; `None` for a call that no event needs.
    #[must_use]
    pub fn resolve(self, args: &[u64; 6]) -> Option<Redirect> {
        let (name, address, count) = match self {
            // The numbers are `SYS_*` of linux/net.h.
            Self::Socketcall => {
                let (name, count) = match args[0] & 0xffff_ffff {
                    1 => ("socket", 3),
                    2 => ("bind", 3),
                    3 => ("connect", 3),
                    5 => ("accept", 3),
                    14 => ("setsockopt", 5),
                    18 => ("accept4", 4),
                    _ => return None,
                };
                (name, args[1], count)
            }
            Self::Mmap => ("mmap2", args[0], 6),
        };
        Syscall::named(name).map(|row| Redirect { row, address, count })
    }
}
