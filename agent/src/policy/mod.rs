//! Policies: files on disk, what `lapwing policy` says about them, and rules at work while something is watched.

mod book;
mod check;
mod discard;
mod edition;
mod eval;
mod files;
mod filters;
mod host;
mod interest;
mod live;
mod respond;
mod stages;

pub(crate) use book::{Replay, Rulebook, Told};
pub(crate) use check::{check, check_loaded};
pub(crate) use discard::{Discarding, Finder, Host, KeptBack, LeftOut, Sink};
pub(crate) use edition::Edition;
pub(crate) use eval::eval;
pub(crate) use files::{Policies, PolicyError};
pub(crate) use live::{Candidates, Live, may_discard};

/// What one command of `lapwing policy` has to say, and its exit status.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) text: String,
    pub(crate) status: u8,
}
