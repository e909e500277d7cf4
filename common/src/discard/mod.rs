//! What a backend leaves out by itself, so that nobody has to look at it: discarders and approvers.
//!
//! A *discarder* says that a file, or what lies up to three directories below it, is of no interest to
//! any rule for some types of events. It follows from events that matched nothing, and it is wrong from
//! the moment at which the file is another one or has another name; most of this module is about
//! noticing that. An *approver* is the opposite: where a type is denied, only what an approver names is
//! reported.
//!
//! This is the meaning, for every backend: plain state without a clock or a lock of its own. A backend
//! in user space keeps a [`Discarders`] and an [`Approvers`]; one in the kernel has maps that behave
//! alike. To the rest of Lapwing both are [`Filters`].
//!
//! Sizes, times and the order of checks are those of the reference (eBPF probe of Datadog's agent,
//! 2026). Three of its weaknesses are not copied: an entry that comes out of its retention starts with an
//! empty mask, so that nothing of a removed file is said about its successor; statistics are summed
//! over both buffers; and pids that are given out again lose what was said about their predecessor.

mod approvers;
mod conclusion;
pub mod counters;
pub mod dump;
mod filters;
mod invalidation;
mod mask;
mod params;
mod statistics;
mod subject;
mod table;

pub use approvers::{Approver, Approvers, FilePolicy, MOST_BASENAMES, Mode, Passage};
pub use conclusion::{Conclusion, Finding, Place, Places};
pub use filters::{Filters, Listing, Refusal};
pub use invalidation::{Invalidation, after, before, invalidates, renames_many};
pub use mask::EventMask;
pub use params::{Ktime, Moment, Params, Pushed};
pub use statistics::{ApproverCounts, ApproverStatistics, Buffers, Counts, Statistics};
pub use subject::{DEPTH, parents, paths};
pub use table::{Discarders, InodeDiscarder, InodeKey};

/// How long an inode that was removed or renamed takes no discarder, in nanoseconds: by then, whoever
/// still reacts to what happened before has done so.
pub const RETENTION: u64 = 5_000_000_000;

/// The most inodes, those in retention included; the one that was not asked about for longest gives way.
pub const MOST_INODES: usize = 16384;

/// The most processes; likewise.
pub const MOST_PIDS: usize = 512;

/// Revisions of mounts are kept by mount id modulo this. Two mounts that share one are invalidated
/// together, which costs events but hides none.
pub const MOUNT_REVISIONS: u32 = 4096;

#[cfg(test)]
mod tests;
