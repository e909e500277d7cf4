//! Sets of event types as discarders and dumps number them.

use crate::event::EventType;

/// A set of event types: bit `number - 1` for each.
///
/// The numbers are Lapwing's own, the discriminants of [`EventType`]. Up to `setsockopt` they are those
/// of the reference's release of 2026, whose numbers moved between releases: a mask of another release
/// is to be read by that release's. A dump therefore says what its masks mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventMask(u64);

impl EventMask {
    /// No type.
    pub const NONE: Self = Self(0);

    /// The types that these bits stand for. Bits without a type are kept.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits, as in dumps and in maps of the kernel.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The set of one type.
    #[must_use]
    pub const fn of(event: EventType) -> Self {
        Self(1 << (event as u8 - 1))
    }

    /// The set with this type too.
    #[must_use]
    pub const fn with(self, event: EventType) -> Self {
        Self(self.0 | Self::of(event).0)
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set without this type.
    #[must_use]
    pub const fn without(self, event: EventType) -> Self {
        Self(self.0 & !Self::of(event).0)
    }

    /// Whether the type is in it.
    #[must_use]
    pub const fn contains(self, event: EventType) -> bool {
        self.0 & Self::of(event).0 != 0
    }
}

impl EventType {
    /// The length of an array with a place for each type that has discarders or approvers, by its number.
    /// The types are those about files and memory, up to `chdir`; 0 is no type.
    pub const FILTERED: usize = Self::Chdir as usize + 1;

    /// Whether a file can be discarded for this type.
    ///
    /// Only where the type has one file to speak of. Not for `rename` and `link`, which have two, and
    /// which make discarders wrong, so that they have to be seen.
    #[must_use]
    pub fn is_discardable(self) -> bool {
        matches!(
            self,
            Self::Open
                | Self::Mkdir
                | Self::Unlink
                | Self::Rmdir
                | Self::Chmod
                | Self::Chown
                | Self::Utimes
                | Self::Mmap
                | Self::Splice
                | Self::Setxattr
                | Self::Removexattr
                | Self::Chdir
        )
    }

    /// Whether a process can be discarded for this type, and whether the type has a mode: whether it is
    /// about files or memory. All else is always reported.
    #[must_use]
    pub fn is_filtered(self) -> bool {
        (self as usize) < Self::FILTERED
    }

    /// Whether its event shows flags that an approver can ask for.
    #[must_use]
    pub fn has_flags(self) -> bool {
        matches!(self, Self::Open | Self::Unlink | Self::Rename | Self::Splice | Self::Mmap)
    }
}
