//! What was written before and may be written again.

use alloc::vec::Vec;

use super::flag_words;
use super::time::{SECOND, rfc3339, with_nanoseconds};
use crate::ids::Timestamp;
use crate::schema::{FlagSet, State};

/// Places: more processes than that rarely take turns. A power of two.
const PLACES: usize = 64;
/// What is longer is not kept: the ancestors of a process may be many.
const LONGEST: usize = 8 << 10;

/// Places for words of flags: a workload's files have a few modes. A power of two.
const WORDS: usize = 32;
/// Places for seconds: those of events are all the same for a while, and a hot file's times are. A power of two.
const SECONDS: usize = 16;

/// Texts by the state of what they show, each in one place that others may take from it; and likewise what flags and
/// times were written as.
#[derive(Debug, Default)]
pub(super) struct Memory {
    // Each empty until something is kept.
    places: Vec<(State, Vec<u8>)>,
    words: Vec<Words>,
    seconds: Vec<Option<(u64, [u8; SECOND])>>,
}

/// What some bits of a set of flags are called.
#[derive(Debug, Default)]
struct Words {
    of: Option<(u64, &'static FlagSet)>,
    text: Vec<u8>,
}

fn place(state: State) -> usize {
    usize::try_from(state.own % PLACES as u64).unwrap_or(0)
}

impl Memory {
    pub(super) fn find(&self, state: State) -> Option<&[u8]> {
        let (kept, text) = self.places.get(place(state))?;
        (*kept == state && !text.is_empty()).then_some(text)
    }

    pub(super) fn keep(&mut self, state: State, text: &[u8]) {
        if text.len() > LONGEST {
            return;
        }
        if self.places.is_empty() {
            self.places.resize_with(PLACES, Default::default);
        }
        let (kept, place) = &mut self.places[place(state)];
        *kept = state;
        place.clear();
        place.extend_from_slice(text);
    }

    /// As [`flag_words`].
    pub(super) fn flags(&mut self, bits: u64, set: &'static FlagSet, out: &mut Vec<u8>) {
        // Modes differ in their low bits, flags of calls in higher ones.
        let place = usize::try_from((bits ^ bits >> 5 ^ bits >> 10) % WORDS as u64).unwrap_or(0);
        if self.words.is_empty() {
            self.words.resize_with(WORDS, Words::default);
        }
        let words = &mut self.words[place];
        if !words.of.is_some_and(|(kept, of)| kept == bits && core::ptr::eq(of, set)) {
            words.of = Some((bits, set));
            words.text.clear();
            flag_words(bits, set, &mut words.text);
        }
        out.extend_from_slice(&words.text);
    }

    /// As [`rfc3339`].
    pub(super) fn time(&mut self, time: Timestamp, out: &mut Vec<u8>) {
        if self.seconds.is_empty() {
            self.seconds.resize(SECONDS, None);
        }
        let second = time.0 / 1_000_000_000;
        let kept = &mut self.seconds[usize::try_from(second % SECONDS as u64).unwrap_or(0)];
        if let Some((_, text)) = kept.filter(|(kept, _)| *kept == second) {
            return with_nanoseconds(&text, time, out);
        }
        let start = out.len();
        rfc3339(out, time);
        *kept = out[start..].first_chunk().map(|text| (second, *text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names;

    #[test]
    fn flags_and_times_are_written_as_without_a_memory() {
        let mut memory = Memory::default();
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for number in (0..400_u64).chain(0..400) {
            let (bits, time) = (number * 37 % 4096, Timestamp(number % 40 * 1_000_000_007 + number));
            for set in [&names::FILE_MODE, &names::OPEN_FLAGS] {
                memory.flags(bits, set, &mut with);
                flag_words(bits, set, &mut without);
            }
            memory.time(time, &mut with);
            rfc3339(&mut without, time);
        }
        assert_eq!(with, without);
    }
}
