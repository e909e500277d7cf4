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
    /// Processes that a late event named, found among those that have ended.
    pub late: u64,
    /// Processes that an event named, found in what the kernel keeps of them.
    pub from_kernel: u64,
    /// Processes that an event named, or their ancestors, found in procfs.
    pub from_procfs: u64,
    /// Execs that nobody told of: what the process did next had the mark of another program.
    pub lost_execs: u64,
    /// Processes whose exit nobody told of, removed when they were looked for and not there.
    pub lost_exits: u64,
    /// Processes, or programs of theirs, that no place knew.
    pub not_found: u64,
    /// Processes that were not looked up in procfs because it was asked too often.
    pub limited: u64,
    /// Processes whose number belonged to a newer one when they were looked up.
    pub outlived: u64,
    /// Processes that were looked up without finding the path of their program.
    pub path_errors: u64,
    /// Lookups of ancestors given up because there were too many.
    pub too_deep: u64,
    /// Processes that got another parent, as the kernel gave them one, or the one that was missing.
    pub reparented: u64,
    /// Processes whose parent ended or was missing, and whose new one is not known.
    pub reparents_failed: u64,
    /// Lineages cut because they got too long.
    pub shortened_lineages: u64,
    /// Events of processes with a lineage broken by a parent that is not known.
    pub missing_parents: u64,
    /// Events of processes with a lineage broken by a parent of a first process.
    pub wrong_parents: u64,
    /// Events of processes whose lineage ends early.
    pub incomplete_lineages: u64,
    /// Programs whose arguments were cut.
    pub arguments_truncated: u64,
    /// Programs whose environment was cut.
    pub environments_truncated: u64,
}
