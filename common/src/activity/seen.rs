//! When a node was seen, by version of the workload.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use lapwing_proto::dumps::{ImageTagTimes, NodeBase};
use smallvec::SmallVec;

use super::size;
use crate::ids::Timestamp;

/// A version of a workload, as a tree numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(u16);

/// The names of versions: tags of images.
#[derive(Debug, Default)]
pub(super) struct Tags {
    names: Vec<Box<str>>,
}

/// First and last time, of one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Times {
    tag: Tag,
    first: Timestamp,
    last: Timestamp,
}

/// When a node was seen. Most trees know one version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen(SmallVec<[Times; 1]>);

impl Tags {
    /// The number of a name. An empty name is no version. More than 2¹⁶ are not told apart from the last.
    pub(super) fn number(&mut self, name: &str) -> Option<Tag> {
        if name.is_empty() {
            return None;
        }
        let known = self.names.iter().position(|known| **known == *name);
        let at = known.unwrap_or_else(|| {
            self.names.push(name.into());
            self.names.len() - 1
        });
        Some(Tag(u16::try_from(at).unwrap_or(u16::MAX)))
    }

    /// The number of a name that is known.
    pub(super) fn known(&self, name: &str) -> Option<Tag> {
        let at = self.names.iter().position(|known| **known == *name)?;
        u16::try_from(at).ok().map(Tag)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    fn name(&self, tag: Tag) -> &str {
        self.names.get(usize::from(tag.0)).map_or("", |name| name)
    }

    pub(super) fn heap(&self) -> usize {
        size::vec(&self.names) + self.names.iter().map(|name| size::block(name.len())).sum::<usize>()
    }
}

impl Seen {
    /// Notes that the node was seen, by a version if there is one.
    pub(super) fn see(&mut self, tag: Option<Tag>, at: Timestamp) {
        let Some(tag) = tag else { return };
        match self.0.iter_mut().find(|times| times.tag == tag) {
            Some(times) => {
                times.first = times.first.min(at);
                times.last = times.last.max(at);
            }
            None => self.0.push(Times { tag, first: at, last: at }),
        }
    }

    /// Forgets a version; tells whether none is left.
    pub(super) fn forget(&mut self, tag: Tag) -> bool {
        self.0.retain(|times| times.tag != tag);
        self.0.is_empty()
    }

    /// Forgets versions last seen before a time; tells whether none is left.
    pub(super) fn forget_before(&mut self, limit: Timestamp) -> bool {
        self.0.retain(|times| times.last >= limit);
        self.0.is_empty()
    }

    /// Whether a version is among them.
    pub(super) fn contains(&self, tag: Tag) -> bool {
        self.0.iter().any(|times| times.tag == tag)
    }

    pub(super) fn heap(&self) -> usize {
        size::small(&self.0)
    }

    pub(super) fn to_message(&self, tags: &Tags) -> NodeBase {
        let times = |times: &Times| ImageTagTimes { first_seen: times.first.0, last_seen: times.last.0 };
        let seen: BTreeMap<String, ImageTagTimes> =
            self.0.iter().map(|entry| (tags.name(entry.tag).into(), times(entry))).collect();
        NodeBase { seen }
    }

    /// From a message, and from the list of tags without times that older versions wrote.
    pub(super) fn from_message(base: Option<&NodeBase>, older: &[String], tags: &mut Tags) -> Self {
        let mut seen = Self::default();
        for (name, times) in base.into_iter().flat_map(|base| &base.seen) {
            let tag = tags.number(name);
            seen.see(tag, Timestamp(times.first_seen));
            seen.see(tag, Timestamp(times.last_seen));
        }
        for name in older {
            let tag = tags.number(name);
            if tag.is_some_and(|tag| !seen.contains(tag)) {
                seen.see(tag, Timestamp(0));
            }
        }
        seen
    }
}
