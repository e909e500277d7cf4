//! Frames: a `u32` little-endian length, then one protobuf message of that many bytes.
//!
//! The length comes from a peer that may be hostile, so it is checked against [`MAX_LEN`] before
//! anything is allocated, and memory then grows with the bytes that arrive, never with the bytes
//! that were announced. A fixed-width length (rather than protobuf's own varint) keeps the header's
//! size known. A frame of length zero is legal: a message whose fields all have their defaults
//! encodes to nothing.

use alloc::vec::Vec;

use prost::Message;
use prost::bytes::BufMut;

/// The longest message a frame may carry, in bytes: 1 MiB.
pub const MAX_LEN: usize = 1 << 20;

/// The size of the length before each message.
pub const HEADER_LEN: usize = size_of::<u32>();

/// Why a message could not be put into a frame. Nothing has been written then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The message is longer than any peer would accept.
    #[error("message of {len} bytes is over the limit of {MAX_LEN} bytes a frame")]
    TooLong {
        /// The message's encoded length.
        len: usize,
    },
    /// The output cannot grow and has too little room left.
    #[error("frame of {needed} bytes does not fit into the {room} bytes left")]
    NoRoom {
        /// The frame's length, header included.
        needed: usize,
        /// What the output had left.
        room: usize,
    },
}

/// Why bytes could not be read as frames.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A frame announced more than the decoder's limit, [`MAX_LEN`] at most. What follows cannot be told apart
    /// any more, so the decoder repeats this error: close the connection.
    #[error("frame announces {len} bytes, over the limit of {limit}")]
    TooLong {
        /// The announced length.
        len: u32,
        /// The longest that is taken.
        limit: usize,
    },
    /// A whole frame arrived, but its bytes are not the expected message. The frame has been
    /// consumed: the next one can still be read.
    #[error("frame of {len} bytes is not the expected message")]
    Malformed {
        /// The frame's length, header excluded.
        len: usize,
        /// What prost made of it.
        #[source]
        source: prost::DecodeError,
    },
    /// The stream ended inside a frame.
    #[error("stream ended {received} bytes into a frame")]
    Truncated {
        /// Bytes of the unfinished frame that did arrive, header included.
        received: usize,
    },
}

/// Appends `message` to `out` as one frame, or leaves `out` as it was.
///
/// # Errors
///
/// When the message is over [`MAX_LEN`], or `out` is of a fixed size and too full.
pub fn encode<M: Message>(message: &M, out: &mut impl BufMut) -> Result<(), EncodeError> {
    let len = message.encoded_len();
    let header = u32::try_from(len).ok().filter(|_| len <= MAX_LEN).ok_or(EncodeError::TooLong { len })?;
    let (needed, room) = (HEADER_LEN + len, out.remaining_mut());
    if room < needed {
        return Err(EncodeError::NoRoom { needed, room });
    }
    out.put_u32_le(header);
    // prost's only error is lack of room, and it computes `encoded_len` the same way.
    message
        .encode(out)
        .map_err(|error| EncodeError::NoRoom { needed: error.required_capacity(), room: error.remaining() })
}

/// Cuts a byte stream, delivered in slices of any size, into frames and reads each as a message.
///
/// It keeps at most one unfinished frame: what it does not need stays in the caller's slice, so a
/// caller that stops asking stops the memory from growing, too. A frame that arrives whole is read
/// where it lies, without a copy.
#[derive(Debug)]
pub struct Decoder {
    /// The unfinished frame: some of its header, or its header and some of its message.
    partial: Vec<u8>,
    /// The longest message that is taken.
    limit: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder at the start of a stream.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_limit(MAX_LEN)
    }

    /// A decoder that takes messages of at most `limit` bytes, where [`MAX_LEN`] is more than the peer can have
    /// to say.
    #[must_use]
    pub const fn with_limit(limit: usize) -> Self {
        Self { partial: Vec::new(), limit: if limit < MAX_LEN { limit } else { MAX_LEN } }
    }

    /// Whether a frame has begun to arrive and is not complete.
    #[must_use]
    pub const fn is_inside_frame(&self) -> bool {
        !self.partial.is_empty()
    }

    /// Takes bytes off the front of `input` up to the end of the current frame and reads it.
    /// `None` means that `input` is used up; call until then before reading more from the peer.
    ///
    /// # Errors
    ///
    /// [`DecodeError::TooLong`], for good, or [`DecodeError::Malformed`], for this frame.
    pub fn next<M: Message + Default>(&mut self, input: &mut &[u8]) -> Result<Option<M>, DecodeError> {
        if !self.fill(HEADER_LEN, input) {
            return Ok(None);
        }
        let Some(&header) = self.partial.first_chunk() else { return Ok(None) };
        let header = u32::from_le_bytes(header);
        let len = usize::try_from(header).ok().filter(|&len| len <= self.limit);
        // The header stays in `partial`, which is what makes this error final.
        let len = len.ok_or(DecodeError::TooLong { len: header, limit: self.limit })?;

        let message = match input.split_at_checked(len) {
            Some((message, rest)) if self.partial.len() == HEADER_LEN => {
                *input = rest;
                M::decode(message)
            }
            _ if self.fill(HEADER_LEN + len, input) => M::decode(&self.partial[HEADER_LEN..]),
            _ => return Ok(None),
        };
        self.partial.clear();
        message.map(Some).map_err(|source| DecodeError::Malformed { len, source })
    }

    /// Says whether the stream may end here, which it may between two frames only.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] inside a frame.
    pub fn finish(&self) -> Result<(), DecodeError> {
        match self.partial.len() {
            0 => Ok(()),
            received => Err(DecodeError::Truncated { received }),
        }
    }

    /// Moves bytes from `input` until `partial` has `want` of them, and says whether it has.
    fn fill(&mut self, want: usize, input: &mut &[u8]) -> bool {
        let missing = want.saturating_sub(self.partial.len());
        let (taken, rest) = input.split_at(missing.min(input.len()));
        self.partial.extend_from_slice(taken);
        *input = rest;
        self.partial.len() >= want
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_follows_what_arrived_not_what_was_announced() {
        let mut decoder = Decoder::new();
        let mut input = [0, 0, 0x10, 0, 1, 2, 3].as_slice(); // announces 1 MiB, brings three bytes
        assert_eq!(decoder.next::<Vec<u8>>(&mut input), Ok(None));
        assert!(decoder.partial.capacity() < 64);
    }
}
