//! Bytes to and from one peer, none of them waited for, and bounded in both directions.
//!
//! Of what comes in, one unfinished message is kept. What goes out waits in a buffer; while much does, nothing
//! more is read from this peer, so that one who asks and does not listen stops itself.

use std::io::{self, Read as _, Write as _};
use std::time::{Duration, Instant};

use lapwing_proto::control::v1::Reason;
use lapwing_proto::frame::{self, Decoder};
use mio::net::UnixStream;
use prost::Message;

use super::cut::Cut;

/// A peer with more than this to read is not listened to.
const BACKLOG: usize = 256 << 10;
/// What is read from one peer before the others' turn.
const TURN: usize = 64 << 10;
/// How long a message may take from its first byte to its last.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection to a peer.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: UnixStream,
    decoder: Decoder,
    out: Vec<u8>,
    /// How much of `out` is sent.
    done: usize,
    /// There may be more to read than was.
    is_behind: bool,
    /// Since when a message has been arriving.
    arriving: Option<Instant>,
    /// Since when the peer has taken nothing of what waits for it.
    stuck: Option<Instant>,
    /// The peer is gone.
    is_closed: bool,
}

impl Connection {
    /// `limit` is the longest message that this peer can have to say.
    pub(crate) fn new(stream: UnixStream, limit: usize) -> Self {
        Self {
            stream,
            decoder: Decoder::with_limit(limit),
            out: Vec::new(),
            done: 0,
            is_behind: true,
            arriving: None,
            stuck: None,
            is_closed: false,
        }
    }

    pub(crate) fn stream(&mut self) -> &mut UnixStream {
        &mut self.stream
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// There is something to read now, whatever the poll says.
    pub(crate) fn is_behind(&self) -> bool {
        self.is_behind && !self.is_closed && self.backlog() <= BACKLOG
    }

    /// Bytes that wait for the peer.
    pub(crate) fn backlog(&self) -> usize {
        self.out.len() - self.done
    }

    /// Since when the peer has taken nothing of what waits for it; `None` if nothing waits.
    pub(crate) fn stuck(&self) -> Option<Instant> {
        self.stuck
    }

    /// When an unfinished message will have taken too long.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.arriving.map(|since| since + PATIENCE)
    }

    /// The poll announced something to read.
    pub(crate) fn on_readable(&mut self) {
        self.is_behind = true;
    }

    /// Reads what there is, or a turn's worth of it.
    pub(crate) fn receive<M: Message + Default>(
        &mut self,
        now: Instant,
        each: &mut dyn FnMut(M) -> Result<(), Cut>,
    ) -> Result<(), Cut> {
        let mut chunk = [0; 16 << 10];
        let mut read = 0;
        while read < TURN && self.is_behind() {
            match self.stream.read(&mut chunk) {
                Ok(0) => self.is_closed = true,
                Ok(count) => {
                    read += count;
                    let mut input = &chunk[..count];
                    while let Some(message) = self.decoder.next(&mut input).map_err(malformed)? {
                        self.arriving = None;
                        each(message)?;
                    }
                    if self.decoder.is_inside_frame() {
                        self.arriving.get_or_insert(now);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.is_behind = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It went without reading everything.
                Err(_) => self.is_closed = true,
            }
        }
        Ok(())
    }

    /// Puts a message into the buffer. One that is too long for a frame is not sent, which no message here is.
    pub(crate) fn send(&mut self, message: &impl Message) {
        if frame::encode(message, &mut self.out).is_ok() {
            self.flush();
        }
    }

    /// Sends what the peer takes.
    pub(crate) fn flush(&mut self) {
        let before = self.done;
        while self.done < self.out.len() && !self.is_closed {
            match self.stream.write(&self.out[self.done..]) {
                Ok(count) => self.done += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => self.is_closed = true,
            }
        }
        let has_moved = self.done > before;
        if self.done == self.out.len() {
            // Kept small: a service has many connections that say little.
            self.out = Vec::new();
            self.done = 0;
            self.stuck = None;
        } else if has_moved || self.stuck.is_none() {
            self.stuck = Some(Instant::now());
            self.out.drain(..std::mem::take(&mut self.done));
        }
    }
}

fn malformed(error: frame::DecodeError) -> Cut {
    Cut::new(Reason::Malformed, format!("not a message of Lapwing's: {error}"))
}

#[cfg(test)]
mod tests;
