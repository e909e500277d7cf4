//! Identifiers the kernel hands out, each its own type so that a pid is never taken for a tid.
//!
//! Only what the kernel guarantees is encoded: any 32-bit value is kept, since identifiers from
//! other namespaces, or from a hostile caller, need not make sense.

use core::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

id! {
    /// A process: what user space calls pid and the kernel calls thread group id.
    Pid(i32)
}
id! {
    /// A thread: what the kernel calls pid.
    Tid(i32)
}
id! {
    /// A pid namespace, named by its inode in nsfs (`stat /proc/PID/ns/pid`).
    PidNs(u64)
}

/// What a process is known by: pids repeat across namespaces, so a pid alone names nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessKey {
    /// The process, as numbered in `namespace`.
    pub pid: Pid,
    /// The pid namespace in which `pid` was seen.
    pub namespace: PidNs,
}

/// A point in time: nanoseconds since the Unix epoch, wall clock.
///
/// Zero means "not known", as it does in the dump formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// Whether the time is known.
    #[must_use]
    pub fn is_known(self) -> bool {
        self.0 != 0
    }

    /// The time by the wall clock; not known where that stands before 1970.
    #[cfg(feature = "std")]
    #[must_use]
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_nanos()).unwrap_or(0))
    }
}
