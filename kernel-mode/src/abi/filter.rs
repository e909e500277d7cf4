//! Discarders, policies and what is counted about them: values of maps.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{BASENAME, COMPONENT, COMPONENT_MARKS, FILTERED, NAME_MARKS, NAMED_ANY, NAMED_LAST, layout};

/// `struct lw_inode_key`: what is discarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct InodeKey {
    /// Number of the inode.
    pub inode: u64,
    /// Id of the mount.
    pub mount: u32,
    /// 1 for the file itself, 0 for what lies below the directory.
    pub leaf: u32,
}

layout!(InodeKey as "lw_inode_key", 16 { inode at 0, mount at 8, leaf at 12 });

/// `struct lw_discarder`: what is said about a file or a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Discarder {
    /// The types of events that are discarded: bit `number - 1` each. Of something retained, without meaning.
    pub types: u64,
    /// End of the retention in nanoseconds of `CLOCK_MONOTONIC`; 0 if it is not retained.
    pub retained: u64,
    /// The global revision for which it holds.
    pub revision: u32,
    /// The revision of the mount for which it holds.
    pub mount_revision: u32,
    /// Of a process: its mark, so that it does not hold for the next program; 0 if it holds for any.
    pub mark: u64,
    /// Until when, by number of the type; 0 for ever.
    pub until: [u64; FILTERED],
}

layout!(Discarder as "lw_discarder", 160 {
    types at 0, retained at 8, revision at 16, mount_revision at 20, mark at 24, until at 32,
});

/// `struct lw_policy`: mode and flags of a type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Policy {
    /// Flags of which one is enough.
    pub flags: u64,
    /// Bits of basenames that are approved, by the hash of a name (`mark`).
    pub names: [u64; NAME_MARKS],
    /// Bits of components that are approved, likewise.
    pub components: [u64; COMPONENT_MARKS],
    /// Number of the mode.
    pub mode: u8,
    /// Whether no flag at all is approved too.
    pub no_flag: u8,
    /// [`super::NAMED_LAST`], [`super::NAMED_ANY`].
    pub named: u8,
    /// Zero.
    pub padding: [u8; 5],
}

layout!(Policy as "lw_policy", 176 {
    flags at 0, names at 8, components at 136, mode at 168, no_flag at 169, named at 170, padding at 171,
});

impl Policy {
    /// Has this basename pass.
    pub fn add_name(&mut self, name: &[u8]) {
        self.named |= NAMED_LAST;
        let mark = mark(name);
        self.names[mark / 64 % NAME_MARKS] |= 1 << (mark % 64);
    }

    /// Has this component pass.
    pub fn add_component(&mut self, name: &[u8]) {
        self.named |= NAMED_ANY;
        let mark = mark(name);
        self.components[mark / 64 % COMPONENT_MARKS] |= 1 << (mark % 64);
    }
}

/// Ten bits by which most names are told from one another, as `filter__mark` has them.
#[must_use]
fn mark(name: &[u8]) -> usize {
    let mut first = [0; 8];
    first.iter_mut().zip(name).for_each(|(to, from)| *to = *from);
    let sum = u64::from_le_bytes(first).wrapping_add(name.len() as u64);
    usize::try_from(sum.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54).unwrap_or(0)
}

/// `struct lw_basename`: a last component of a path, padded with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Basename {
    /// Its bytes.
    pub bytes: [u8; BASENAME],
}

layout!(Basename as "lw_basename", 256 { bytes at 0 });

impl Basename {
    /// A name; `None` for one that is too long.
    #[must_use]
    pub fn new(name: &[u8]) -> Option<Self> {
        let mut bytes = [0; BASENAME];
        bytes[..BASENAME - 1].get_mut(..name.len())?.copy_from_slice(name);
        Some(Self { bytes })
    }
}

/// `struct lw_component`: how a component of a path begins, padded with zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Component {
    /// Its first bytes, and NUL.
    pub bytes: [u8; COMPONENT],
}

layout!(Component as "lw_component", 32 { bytes at 0 });

impl Component {
    /// The beginning of a component.
    #[must_use]
    pub fn new(name: &[u8]) -> Self {
        let mut bytes = [0; COMPONENT];
        bytes.iter_mut().zip(name).take(COMPONENT - 1).for_each(|(to, from)| *to = *from);
        Self { bytes }
    }
}

/// `struct lw_filter_counts`: what was counted for a type on a CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FilterCounts {
    /// Discarders that were added.
    pub added: u64,
    /// Events that were discarded.
    pub discarded: u64,
    /// Events that a basename approved.
    pub by_basename: u64,
    /// Events that flags approved.
    pub by_flags: u64,
    /// Events that nothing approved.
    pub rejected: u64,
}

layout!(FilterCounts as "lw_filter_counts", 40 {
    added at 0, discarded at 8, by_basename at 16, by_flags at 24, rejected at 32,
});
