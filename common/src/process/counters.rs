//! What the process cache did and gave up, by reason: a bound that nobody sees at work is a silent loss.

/// What the cache did, each since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Processes that an event named and that were known.
    pub hits: u64,
    /// Processes that an event named and that were not known.
    pub misses: u64,
    /// Entries made of nothing but a pid.
    pub placeholders: u64,
    /// Forks.
    pub forks: u64,
    /// Execs that made an entry.
    pub execs: u64,
    /// Execs of the program that ran already, which made none.
    pub repeated_execs: u64,
    /// Exits of known processes.
    pub exits: u64,
    /// Entries made from a snapshot.
    pub snapshot: u64,
    /// Snapshot entries passed over, because what was known was as new.
    pub stale_snapshot: u64,
    /// Pids given to a new process before the exit of the old one was seen.
    pub reused_pids: u64,
    /// Entries dropped for want of room.
    pub evicted: u64,
    /// Entries dropped with their namespace.
    pub forgotten: u64,
    /// Lineages cut because they got too long.
    pub shortened_lineages: u64,
    /// Lineages found broken by a parent that is not known.
    pub missing_parents: u64,
    /// Lineages found broken by a parent of a first process.
    pub wrong_parents: u64,
    /// Lineages found to end early.
    pub incomplete_lineages: u64,
    /// Programs whose arguments were cut.
    pub arguments_truncated: u64,
    /// Programs whose environment was cut.
    pub environments_truncated: u64,
}
