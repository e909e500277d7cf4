//! Whether a condition holds for an event.
//!
//! Nothing is allocated for an event: what has to be put together (arguments joined by spaces, templates)
//! goes into buffers that stay, and searches by regular expressions have memory of their own.

mod facts;
mod run;
mod sample;
mod texts;

pub(crate) use facts::{Element, Facts, integer};
pub(crate) use run::Run;
pub use sample::{Sample, SampleValue};

use alloc::vec::Vec;

use super::program::Program;
use super::text::RegexpCache;

/// Memory that evaluation needs, kept from one event to the next.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// For each shared condition: in which event it was asked last, and what the answer was.
    memo: Vec<u32>,
    event: u32,
    /// For texts that are put together.
    buffers: Vec<Vec<u8>>,
    caches: Vec<RegexpCache>,
    random: u64,
}

/// The longest text that is put together of an event: the arguments of a program, with spaces.
const ROOM: usize = 36 * 1024;
/// How many texts are put together at the same time: a template in a template's place.
const BUFFERS: usize = 4;

impl Scratch {
    pub(crate) fn new(program: &Program, seed: u64) -> Self {
        Self {
            memo: alloc::vec![0; program.shared.len()],
            event: 0,
            buffers: (0..BUFFERS).map(|_| Vec::with_capacity(ROOM)).collect(),
            caches: program.regexps.iter().map(super::text::Regexp::cache).collect(),
            random: seed,
        }
    }

    /// Forgets what the last event was like.
    pub(crate) fn next_event(&mut self) {
        self.event += 1;
        // One bit of a memory cell is the answer.
        if self.event > u32::MAX >> 1 {
            self.memo.fill(0);
            self.event = 1;
        }
    }
}
