//! How much is in a tree, and what did not get in.

/// Why an event is not in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Dropped {
    /// Its type is not one that trees hold.
    #[error("events of this type are not kept")]
    EventType,
    /// A socket of a family that trees do not hold was bound.
    #[error("only ports of AF_INET and AF_INET6 are kept")]
    BindFamily,
    /// The call failed, so that nothing happened.
    #[error("the call failed")]
    Failed,
    /// The event lacks what it would be filed under.
    #[error("the event is incomplete")]
    BrokenEvent,
    /// The process's ancestors are not all known.
    #[error("the ancestors of the process are not all known")]
    BrokenLineage,
    /// All that led to the event is the container's runtime.
    #[error("only the runtime of a container is above it")]
    InvalidRoot,
    /// The process is none of the workload's.
    #[error("the process belongs to another workload")]
    OutOfScope,
    /// Its process is not in the tree, and was not to be added.
    #[error("its process is not in the tree")]
    UnknownProcess,
    /// The tree is as large as it may be.
    #[error("the tree is as large as it may be")]
    Full,
}

/// How many nodes of each kind a tree has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeCounts {
    /// Programs.
    pub processes: usize,
    /// Components of paths.
    pub files: usize,
    /// Names asked for.
    pub dns: usize,
    /// Bound ports.
    pub sockets: usize,
    /// Requests to a metadata service.
    pub imds: usize,
    /// System calls.
    pub syscalls: usize,
    /// Flows.
    pub flows: usize,
    /// Capabilities.
    pub capabilities: usize,
}
