//! Several reads in one call, strings of unknown length among them.
//!
//! A string is asked for with a guess of its length, never beyond the page it is in, and goes on only
//! if no NUL came. The kernel stops at the first unreadable piece, so what stood behind it in the same
//! call is asked for again without it: a batch costs one call, plus one for each bad pointer.

use std::ffi::CStr;

use smallvec::SmallVec;

use super::{Direction, Memory, MemoryError, VECTORS, Vectors, in_page};

/// What a string is first asked for. Paths and arguments are nearly always shorter.
const GUESS: usize = 256;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All bytes, or the whole string up to its NUL.
    Complete,
    /// The string goes on after `max` bytes, which were kept.
    Truncated,
    /// Memory became unreadable before the end. What came before it was kept.
    Fault,
}

/// One thing to read.
#[derive(Debug)]
pub struct Request<'a> {
    address: u64,
    target: Target<'a>,
    filled: usize,
    outcome: Option<Outcome>,
}

#[derive(Debug)]
enum Target<'a> {
    Bytes(&'a mut [u8]),
    Text { max: usize, out: &'a mut Vec<u8> },
}

impl<'a> Request<'a> {
    /// As many bytes as the buffer has.
    #[must_use]
    pub fn bytes(address: u64, buffer: &'a mut [u8]) -> Self {
        Self { address, target: Target::Bytes(buffer), filled: 0, outcome: None }
    }

    /// A string that ends with NUL, of at most `max` bytes without it, put into `out` in place of
    /// what is there. `out` keeps its capacity, so that reusing it saves the allocation.
    #[must_use]
    pub fn c_string(address: u64, max: usize, out: &'a mut Vec<u8>) -> Self {
        out.clear();
        Self { address, target: Target::Text { max, out }, filled: 0, outcome: None }
    }

    /// How it ended; [`Outcome::Fault`] when it was not run.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome.unwrap_or(Outcome::Fault)
    }

    /// How many bytes were obtained.
    #[must_use]
    pub fn filled(&self) -> usize {
        self.filled
    }

    /// Adds what it still needs to a call, as far as there is room.
    fn plan(&mut self, index: usize, vectors: &mut Vectors, parts: &mut Parts) {
        match &mut self.target {
            Target::Bytes(buffer) => {
                let base = buffer.as_mut_ptr();
                let mut planned = self.filled;
                while planned < buffer.len() && parts.len() < VECTORS {
                    let Some(at) = self.address.checked_add(planned as u64) else { break };
                    let len = in_page(at, buffer.len() - planned);
                    vectors.push(base.wrapping_add(planned), at, len);
                    parts.push(Part { index, len });
                    planned += len;
                }
                if planned == buffer.len() && buffer.is_empty() {
                    self.outcome = Some(Outcome::Complete);
                } else if planned == self.filled {
                    self.outcome = Some(Outcome::Fault);
                }
            }
            Target::Text { max, out } => {
                let Some(at) = self.address.checked_add(self.filled as u64) else {
                    self.outcome = Some(Outcome::Fault);
                    return;
                };
                // One more than `max`, to see whether the NUL follows.
                let rest = max.saturating_add(1) - self.filled;
                let len = in_page(at, if self.filled == 0 { rest.min(GUESS) } else { rest });
                out.resize(self.filled + len, 0);
                vectors.push(out.as_mut_ptr().wrapping_add(self.filled), at, len);
                parts.push(Part { index, len });
            }
        }
    }

    /// Takes note of `got` bytes that came in for a part of `len`.
    fn advance(&mut self, got: usize, len: usize) {
        let before = self.filled;
        self.filled += got;
        match &mut self.target {
            Target::Bytes(buffer) => {
                if self.filled == buffer.len() {
                    self.outcome = Some(Outcome::Complete);
                }
            }
            Target::Text { max, out } => {
                if let Ok(text) = CStr::from_bytes_until_nul(&out[before..self.filled]) {
                    self.filled = before + text.count_bytes();
                    self.outcome = Some(Outcome::Complete);
                } else if self.filled > *max {
                    self.filled = *max;
                    self.outcome = Some(Outcome::Truncated);
                }
                out.truncate(self.filled);
            }
        }
        if got < len && self.outcome.is_none() {
            self.outcome = Some(Outcome::Fault);
        }
    }
}

/// A piece of a request, in the order of the call's vectors.
struct Part {
    index: usize,
    len: usize,
}

type Parts = SmallVec<[Part; VECTORS]>;

impl Memory {
    /// Runs the requests, with as few calls as possible. A null address is a fault without a call.
    ///
    /// # Errors
    ///
    /// When nothing at all can be read from the tracee: [`MemoryError::Gone`] or
    /// [`MemoryError::Refused`]. Bad addresses are outcomes of their requests.
    pub fn read_batch(&self, requests: &mut [Request<'_>]) -> Result<(), MemoryError> {
        let mut vectors = Vectors::default();
        let mut parts = Parts::new();
        for request in requests.iter_mut().filter(|request| request.address == 0) {
            request.outcome = Some(Outcome::Fault);
        }
        loop {
            vectors.clear();
            parts.clear();
            for (index, request) in requests.iter_mut().enumerate() {
                if request.outcome.is_none() && parts.len() < VECTORS {
                    request.plan(index, &mut vectors, &mut parts);
                }
            }
            if parts.is_empty() {
                return Ok(());
            }
            let result = self.transfer(&vectors, Direction::Read);
            let mut left = *result.as_ref().unwrap_or(&0);
            let mut faulted = false;
            for part in &parts {
                let request = &mut requests[part.index];
                if faulted || result.is_err() {
                    request.forget_plan();
                } else {
                    let got = left.min(part.len);
                    left -= got;
                    faulted = got < part.len;
                    request.advance(got, part.len);
                }
            }
            result?;
        }
    }
}

impl Request<'_> {
    /// Undoes the room made for a part that was not reached.
    fn forget_plan(&mut self) {
        if let Target::Text { out, .. } = &mut self.target {
            out.truncate(self.filled);
        }
    }
}
