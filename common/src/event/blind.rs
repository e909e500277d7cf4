//! Lapwing's own remark that a workload left its sight.

use crate::schema::{Kind, Member, Record, Symbols, Value, field, worded};

/// What a backend cannot see into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlindCause {
    /// An io_uring was set up whose operations are not seen, since they are no system calls; or one was given
    /// something that cannot be seen into.
    IoUring,
    /// A child was made with `CLONE_UNTRACED`.
    CloneUntraced,
    /// A call came through an interface that Lapwing has no table for.
    ForeignAbi,
}

/// Names of the causes.
pub static BLIND_CAUSES: Symbols =
    Symbols { name: "blind causes", names: &[(0, "io_uring"), (1, "clone_untraced"), (2, "foreign_abi")] };

/// `blind`: from here on something may go unseen.
#[derive(Clone, Debug)]
pub struct Blind {
    /// What it is.
    pub cause: BlindCause,
    /// Nothing goes unseen after all: the call failed, by Lapwing or by itself, or lost the flag that hides.
    pub refused: bool,
    /// What the call returned.
    pub retval: i64,
}

impl Record for Blind {
    const MEMBERS: &'static [Member<Self>] = &[
        worded("cause", "cause_str", Kind::Symbol(&BLIND_CAUSES), "What the backend cannot see into", |blind| {
            Value::Symbol(blind.cause as i64, &BLIND_CAUSES)
        }),
        field(
            "refused",
            Kind::Bool,
            "Nothing goes unseen: the call failed, by Lapwing or by itself, or lost the flag that hides",
            |blind| Value::Bool(blind.refused),
        ),
        retval!(),
    ];
}
