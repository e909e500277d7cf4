//! The arguments of a program, bounded and free of secrets from the moment they are captured.
//!
//! They are scrubbed here rather than when shown: an unscrubbed copy that exists nowhere cannot leak
//! into a dump or a log. Scrubbing looks at the value as it was handed over and cutting comes after,
//! since half a secret is not recognised as one.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::scrub::Scrubber;

/// The arguments of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    values: Vec<Box<[u8]>>,
    /// There were more, or longer ones.
    pub truncated: bool,
}

/// How much of a program's arguments is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgumentLimits {
    /// How many arguments.
    pub count: usize,
    /// Bytes of one argument.
    pub each: usize,
    /// Bytes of all arguments together.
    pub total: usize,
}

/// What is accepted from others, whose limits may be higher than ours.
const MOST: ArgumentLimits = ArgumentLimits { count: 4096, each: 128 * 1024, total: 128 * 1024 };

impl Default for ArgumentLimits {
    fn default() -> Self {
        Self { count: 256, each: 1024, total: 32 * 1024 }
    }
}

impl Arguments {
    /// Keeps what the limits allow of `values`, secrets replaced by `********`. The first value is the
    /// name that the program was called by and holds no secret. `more` says that the source was cut.
    #[must_use]
    pub fn capture<'a>(values: impl IntoIterator<Item = &'a [u8]>, more: bool, limits: &ArgumentLimits) -> Self {
        let mut scrubber = Scrubber::default();
        let mut arguments = Self { values: Vec::new(), truncated: more };
        let mut room = limits.total;
        for (index, value) in values.into_iter().enumerate() {
            if index >= limits.count || (room == 0 && !value.is_empty()) {
                arguments.truncated = true;
                break;
            }
            let scrubbed = if index == 0 { value.into() } else { scrubber.scrub(value) };
            let (kept, cut) = shorten(&scrubbed, limits.each.min(room));
            arguments.truncated |= cut;
            room -= kept.len();
            arguments.values.push(kept);
        }
        arguments
    }

    /// Arguments that were captured elsewhere: secrets have been replaced and what is long has been cut. `None` if
    /// there are more than anybody keeps.
    #[must_use]
    pub fn scrubbed(values: Vec<Box<[u8]>>, truncated: bool) -> Option<Self> {
        let total: usize = values.iter().map(|value| value.len()).sum();
        (values.len() <= MOST.count && total <= MOST.total).then_some(Self { values, truncated })
    }

    /// The name that the program was called by (`argv[0]`), empty without any argument.
    #[must_use]
    pub fn first(&self) -> &[u8] {
        self.values.first().map_or(&[], |value| value)
    }

    /// The arguments after the first.
    #[must_use]
    pub fn tail(&self) -> &[Box<[u8]>] {
        self.values.get(1..).unwrap_or_default()
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Box<[u8]>] {
        &self.values
    }

    /// How many were kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is none, as when a program is started with an empty `argv`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// At most `limit` bytes of a value, the last three of them dots if it was cut.
pub(super) fn shorten(value: &[u8], limit: usize) -> (Box<[u8]>, bool) {
    if value.len() <= limit {
        return (value.into(), false);
    }
    let dots = limit.min(3);
    let mut kept = Vec::with_capacity(limit);
    kept.extend_from_slice(&value[..limit - dots]);
    kept.extend_from_slice(&b"..."[..dots]);
    (kept.into(), true)
}
