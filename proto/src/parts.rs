//! Long messages read piece by piece, without a structure for all of them at once.
//!
//! An empty observation is two bytes in a frame and hundreds in memory, so a peer could have a frame of 1 MiB become
//! 100 MiB. The envelope is therefore read with its message left as bytes ([`Envelope`]), and a batch is walked
//! ([`Fields`]) one observation at a time. To protobuf a message and a field of bytes are the same on the wire.

use alloc::vec::Vec;

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

/// `ToAgent` or `ToTracer` with the message in it not read yet.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Envelope {
    /// The message, if it is of a kind that this release knows.
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6, 7, 8")]
    pub message: Option<Kind>,
}

/// The bytes of a message, by the number of its field.
#[derive(Clone, PartialEq, Eq, prost::Oneof)]
pub enum Kind {
    /// `hello` or `welcome`.
    #[prost(bytes = "vec", tag = "1")]
    First(Vec<u8>),
    /// `snapshot` or `refusal`.
    #[prost(bytes = "vec", tag = "2")]
    Second(Vec<u8>),
    /// `batch` or `ack`.
    #[prost(bytes = "vec", tag = "3")]
    Third(Vec<u8>),
    /// `report` or `plan`.
    #[prost(bytes = "vec", tag = "4")]
    Fourth(Vec<u8>),
    /// `applied` or `filtering`.
    #[prost(bytes = "vec", tag = "5")]
    Fifth(Vec<u8>),
    /// `goodbye` or `discarders`.
    #[prost(bytes = "vec", tag = "6")]
    Sixth(Vec<u8>),
    /// `discarders` or `holdings`.
    #[prost(bytes = "vec", tag = "7")]
    Seventh(Vec<u8>),
    /// `holdings`.
    #[prost(bytes = "vec", tag = "8")]
    Eighth(Vec<u8>),
}

/// `Batch` or `Snapshot` with observations that are encoded already.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct Parts {
    /// `Batch.first`, or `Snapshot.begin`.
    #[prost(uint64, tag = "1")]
    pub first: u64,
    /// The observations, encoded.
    #[prost(bytes = "bytes", repeated, tag = "2")]
    pub observations: Vec<prost::bytes::Bytes>,
    /// `Snapshot.end`.
    #[prost(bool, tag = "3")]
    pub end: bool,
}

/// Bytes that are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no fields of a message")]
pub struct NoFields;

impl From<prost::DecodeError> for NoFields {
    /// prost's text says which of its functions found it out, which tells nobody anything here.
    fn from(_: prost::DecodeError) -> Self {
        Self
    }
}

/// One field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// A number.
    Number {
        /// The field's number.
        tag: u32,
        /// Its value.
        value: u64,
    },
    /// A message, bytes or a string.
    Bytes {
        /// The field's number.
        tag: u32,
        /// The bytes.
        bytes: &'a [u8],
    },
}

/// Goes through a message's fields. Groups and fixed-width numbers are passed over.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    /// The fields from an offset on, at which one begins.
    #[must_use]
    pub fn new(message: &'a [u8], at: usize) -> Self {
        Self { message, at: at.min(message.len()) }
    }

    /// Where the next field begins.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.at
    }

    /// The next field; `None` at the end.
    ///
    /// # Errors
    ///
    /// When the bytes are no fields. What follows cannot be told then, so that this is the end.
    pub fn next_field(&mut self) -> Result<Option<Field<'a>>, NoFields> {
        let next = self.read();
        if next.is_err() {
            self.at = self.message.len();
        }
        next
    }

    fn read(&mut self) -> Result<Option<Field<'a>>, NoFields> {
        loop {
            let mut rest = &self.message[self.at..];
            if rest.is_empty() {
                return Ok(None);
            }
            let (tag, wire) = decode_key(&mut rest)?;
            let field = match wire {
                WireType::Varint => Some(Field::Number { tag, value: decode_varint(&mut rest)? }),
                WireType::LengthDelimited => {
                    let length = decode_varint(&mut rest)?;
                    let (bytes, after) = usize::try_from(length)
                        .ok()
                        .and_then(|length| rest.split_at_checked(length))
                        .ok_or(NoFields)?;
                    rest = after;
                    Some(Field::Bytes { tag, bytes })
                }
                _ => {
                    skip_field(wire, tag, &mut rest, DecodeContext::default())?;
                    None
                }
            };
            self.at = self.message.len() - rest.len();
            if field.is_some() {
                return Ok(field);
            }
        }
    }
}
