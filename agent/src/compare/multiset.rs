//! Which events one stream has more often than the other.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use serde_json::Value;

use super::lineage::{Node, Walk};
use super::normal::Normal;
use super::stream::{Stream, StreamError};

/// Of a normal event: 128 bits, so that no two different ones are ever taken for the same.
pub(super) type Digest = u128;

/// How often each event is in either stream.
#[derive(Debug, Default)]
pub(super) struct Counts(HashMap<Digest, [u64; 2]>);

/// An event that one stream has more often.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Surplus {
    /// The normal event.
    pub(super) event: Value,
    /// How much more often.
    pub(super) count: u64,
}

/// What the events of each process come to, whatever their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums(pub(super) Vec<Digest>);

impl Counts {
    /// Counts a stream as the first (0) or the second (1).
    pub(super) fn add(&mut self, side: usize, stream: &Stream, normal: &Normal<'_>) -> Result<Sums, StreamError> {
        let mut sums = Sums(vec![0; normal.own.paths.len()]);
        each(stream, normal, |actor, event| {
            let digest = digest(&event);
            self.0.entry(digest).or_default()[side] += 1;
            sums.0[actor] = sums.0[actor].wrapping_add(digest);
        })?;
        Ok(sums)
    }

    /// Whether both streams have the same events equally often.
    pub(super) fn agree(&self) -> bool {
        self.0.values().all(|[left, right]| left == right)
    }

    /// What a stream has more often than the other, in the order in which it first appears there.
    pub(super) fn surplus(
        &self,
        side: usize,
        stream: &Stream,
        normal: &Normal<'_>,
    ) -> Result<Vec<Surplus>, StreamError> {
        let more = |counts: &[u64; 2]| counts[side].saturating_sub(counts[1 - side]);
        let mut wanted: HashMap<Digest, u64> =
            self.0.iter().map(|(digest, counts)| (*digest, more(counts))).filter(|(_, more)| *more > 0).collect();
        let mut found = Vec::new();
        each(stream, normal, |_, event| {
            if let Some(count) = wanted.remove(&digest(&event)) {
                found.push(Surplus { event, count });
            }
        })?;
        Ok(found)
    }
}

/// Shows every event of a stream, normal, with its process.
fn each(stream: &Stream, normal: &Normal<'_>, mut show: impl FnMut(Node, Value)) -> Result<(), StreamError> {
    let mut walk = Walk::default();
    stream.each(|event| {
        let actor = walk.step(&event);
        show(actor, normal.of(event, actor, &walk));
    })
}

/// Members of objects are sorted, so equal events have equal texts.
fn digest(event: &Value) -> Digest {
    digest_of(&event.to_string())
}

/// Of a text.
pub(super) fn digest_of(text: &str) -> Digest {
    let half = |which: u8| {
        let mut hasher = DefaultHasher::new();
        (which, text).hash(&mut hasher);
        Digest::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}
