//! Hashes of files, as they come to be known.
//!
//! Hashing a file takes as long as reading it, and events do not wait that long. So what an event holds is a place
//! for the hashes, shared by all that run the same file: the exec of a program that has been hashed before shows them,
//! that of a new one may say `pending`, and whatever its process does later shows them.
//!
//! Who reads files, and how much of them, is a [`Lookup`]'s business.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::fmt;

use lapwing_proto::dumps::HashState;
use once_cell::race::OnceBox;

use crate::event::File;
use crate::ids::{ProcessKey, Timestamp};

/// What has become of hashing a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It has not been read to its end yet.
    Pending,
    /// There are hashes.
    Done,
    /// It was gone, or another was in its place, or it cannot be reached from where Lapwing is.
    NotFound,
    /// It changed while it was read.
    Changed,
    /// It has more bytes than are read.
    TooBig,
    /// It may not be read, is no regular file, or reading it failed.
    Unreadable,
    /// Too many files were new at about the same time.
    RateLimited,
}

impl State {
    /// The word for it in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::NotFound => "not_found",
            Self::Changed => "changed",
            Self::TooBig => "too_big",
            Self::Unreadable => "unreadable",
            Self::RateLimited => "rate_limited",
        }
    }

    /// The number for it in dumps.
    #[must_use]
    pub fn of_dumps(self) -> HashState {
        match self {
            Self::Pending => HashState::NoHash,
            Self::Done => HashState::Done,
            Self::NotFound => HashState::FileNotFound,
            Self::TooBig => HashState::FileTooBig,
            Self::RateLimited => HashState::HashWasRateLimited,
            Self::Changed | Self::Unreadable => HashState::UnknownHashError,
        }
    }
}

/// What came of reading a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether there are hashes, or why not.
    pub state: State,
    /// `sha256:` and the like with lower-case hexadecimal digits after it, one for each algorithm.
    pub texts: Box<[Box<[u8]>]>,
}

impl Outcome {
    /// No hashes, for this reason.
    #[must_use]
    pub fn none(state: State) -> Self {
        Self { state, texts: Box::default() }
    }
}

/// A place for a file's hashes, filled in once.
#[derive(Debug, Default)]
pub struct Hashes {
    outcome: OnceBox<Outcome>,
}

impl Hashes {
    /// Of a file that will not be read.
    #[must_use]
    pub fn none(state: State) -> Self {
        let hashes = Self::default();
        hashes.conclude(Outcome::none(state));
        hashes
    }

    /// Fills it in. A second outcome changes nothing.
    pub fn conclude(&self, outcome: Outcome) {
        // The first one holds.
        let _ = self.outcome.set(Box::new(outcome));
    }

    /// Whether there are hashes, or why not.
    #[must_use]
    pub fn state(&self) -> State {
        self.outcome.get().map_or(State::Pending, |outcome| outcome.state)
    }

    /// The hashes; none while there are none.
    #[must_use]
    pub fn texts(&self) -> &[Box<[u8]>] {
        self.outcome.get().map_or(&[], |outcome| &outcome.texts)
    }
}

/// The hashes of something; none where nobody asked for them.
///
/// They take no part in comparisons: a program is the same program whether its file has been read or not.
#[derive(Clone, Debug, Default)]
pub struct Hashing(Option<Arc<Hashes>>);

impl Hashing {
    /// These.
    #[must_use]
    pub fn by(hashes: Arc<Hashes>) -> Self {
        Self(Some(hashes))
    }

    /// The hashes, if somebody asked for them.
    #[must_use]
    pub fn get(&self) -> Option<&Hashes> {
        self.0.as_deref()
    }
}

/// Those of a program's file, and of what interprets it if that is a script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfProgram {
    /// Of the file.
    pub file: Hashing,
    /// Of its interpreter.
    pub interpreter: Hashing,
}

impl PartialEq for Hashing {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Hashing {}

/// Where files can be hashed.
pub trait Lookup: fmt::Debug + Send {
    /// Of a program that a process has just begun to run. May wait for a moment, so that most events have hashes.
    fn started(&mut self, process: ProcessKey, file: &File, at: Timestamp) -> Hashing;

    /// Of a program that ran already when observation began. Does not wait.
    fn running(&mut self, process: ProcessKey, file: &File) -> Hashing;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_filled_in_once() {
        let hashes = Hashes::default();
        assert_eq!((hashes.state(), hashes.texts().len()), (State::Pending, 0));
        hashes.conclude(Outcome { state: State::Done, texts: [(*b"md5:00").into()].into() });
        hashes.conclude(Outcome::none(State::TooBig));
        assert_eq!((hashes.state(), &*hashes.texts()[0]), (State::Done, &b"md5:00"[..]));
        assert_eq!(Hashes::none(State::RateLimited).state(), State::RateLimited);
    }

    #[test]
    fn a_program_is_the_same_whether_it_was_hashed_or_not() {
        assert_eq!(Hashing::default(), Hashing::by(Arc::new(Hashes::none(State::Done))));
    }
}
