//! Discarders and approvers as the rest of Lapwing uses them, whatever the backend.

use alloc::vec::Vec;
use core::time::Duration;

use thiserror::Error;

use super::{ApproverStatistics, FilePolicy, InodeDiscarder, InodeKey, Moment, Params, Pushed, Statistics};
use crate::event::EventType;
use crate::ids::Pid;

/// What a backend can be told to leave out.
///
/// The calls are cheap and may come from any thread at any time. What they say is in force when they
/// return, for every event that the backend has not yet decided about.
pub trait Filters {
    /// A refusal, or what else may go wrong with this backend.
    type Error: core::error::Error + From<Refusal>;

    /// Discards events of a type about a file, or about what lies below a directory; for ever without a
    /// timeout.
    ///
    /// The key has to come from an event, since an inode is what an event says it is, and its path has to begin at
    /// Lapwing's root: what no rule matches under one name, a rule may match under another. To processes with
    /// another root (`chroot`, mounts of their own) it does not apply.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotPlanned`] when the watch was begun without discarders, [`Refusal::OutOfSight`] when they
    /// had to be given up, [`Refusal::NotDiscardable`] and [`Refusal::NoIdentity`] by what is asked for, and the backend's own.
    fn push(&self, key: InodeKey, event: EventType, timeout: Option<Duration>) -> Result<Pushed, Self::Error>;

    /// The state of discarders now, for [`Filters::push_since`].
    ///
    /// # Errors
    ///
    /// The backend's own.
    fn moment(&self) -> Result<Moment, Self::Error>;

    /// Like [`Filters::push`], for ever, unless something has been invalidated since a moment. For whoever has looked
    /// up what a path leads to.
    ///
    /// # Errors
    ///
    /// As for [`Filters::push`].
    fn push_since(&self, moment: Moment, key: InodeKey, event: EventType) -> Result<Pushed, Self::Error>;

    /// Discards events of a type by a process (all of its threads); for ever without a timeout.
    ///
    /// # Errors
    ///
    /// As for [`Filters::push`].
    fn push_pid(&self, pid: Pid, event: EventType, timeout: Option<Duration>) -> Result<Pushed, Self::Error>;

    /// Invalidates what is said about one inode, and what is about to be said.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotPlanned`], [`Refusal::OutOfSight`], and the backend's own.
    fn expire(&self, inode: u64, mount: u32) -> Result<(), Self::Error>;

    /// Invalidates all discarders: the rules are others now.
    ///
    /// # Errors
    ///
    /// The backend's own.
    fn flush(&self) -> Result<(), Self::Error>;

    /// All discarders, invalid ones included.
    ///
    /// # Errors
    ///
    /// The backend's own.
    fn list(&self) -> Result<Listing, Self::Error>;

    /// Replaces mode and approvers of a type.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFiltered`], [`Refusal::NoFlags`], [`Refusal::BadName`] and [`Refusal::TooMany`] by
    /// what is asked for, and the backend's own. Then nothing has changed.
    fn set_policy(&self, event: EventType, policy: FilePolicy) -> Result<(), Self::Error>;

    /// Modes and approvers of all types that have them, by number of the type.
    ///
    /// # Errors
    ///
    /// The backend's own.
    fn policies(&self) -> Result<Vec<(EventType, FilePolicy)>, Self::Error>;

    /// What has been counted and not been taken, of both buffers.
    ///
    /// # Errors
    ///
    /// The backend's own.
    fn statistics(&self) -> Result<(Statistics, ApproverStatistics), Self::Error>;

    /// Takes what was counted between the last two readings, and swaps the buffers. Each count is taken
    /// once.
    ///
    /// # Errors
    ///
    /// The backend's own.
    fn take_statistics(&self) -> Result<(Statistics, ApproverStatistics), Self::Error>;
}

/// All discarders at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Of inodes.
    pub inodes: Vec<(InodeKey, InodeDiscarder)>,
    /// Of processes.
    pub pids: Vec<(Pid, Params)>,
}

/// Why something cannot be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The plan did not say that there may be discarders, so that what makes them wrong is not seen.
    #[error("the watch was begun without discarders: nothing would notice when one becomes wrong")]
    NotPlanned,
    /// Something that is observed can remove and rename files unseen (`io_uring`, an interface without a
    /// table of calls), so that discarders are over.
    #[error("a workload can change files unseen: discarders would become wrong")]
    OutOfSight,
    /// Files and processes are not discarded for this type.
    #[error("{0} events cannot be discarded")]
    NotDiscardable(EventType),
    /// The type has no mode and no approvers.
    #[error("{0} events have no approvers")]
    NotFiltered(EventType),
    /// Its events show no flags.
    #[error("{0} events have no flags to approve")]
    NoFlags(EventType),
    /// No last component of a path is called so.
    #[error("a basename is 1 to 255 bytes without slash or NUL")]
    BadName,
    /// There is no room for another basename.
    #[error("there are {most} basename approvers already", most = super::approvers::MOST_BASENAMES)]
    TooMany,
    /// The inode or its mount is not known.
    #[error("an inode or mount 0 is none")]
    NoIdentity,
    /// There is no such process.
    #[error("{0} is no process")]
    NoProcess(Pid),
}
