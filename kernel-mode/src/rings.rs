//! Reading the rings.
//!
//! A ring is not emptied in one go. A workload that fills it as fast as it is read would keep the reader at it
//! forever, and what was read would pile up.

use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::bpf::Ring;

/// Bytes of a ring that are read at once, and one more record.
const BATCH: usize = 1 << 20;

/// All rings, as one source.
#[derive(Debug)]
pub(crate) struct Rings {
    rings: Vec<Ring>,
    poll: Poll,
    events: Events,
}

impl Rings {
    /// # Errors
    ///
    /// When the kernel gives out no descriptor to wait with.
    pub(crate) fn new(rings: Vec<Ring>) -> std::io::Result<Self> {
        let poll = Poll::new()?;
        for (index, ring) in rings.iter().enumerate() {
            poll.registry().register(&mut SourceFd(&ring.descriptor()), Token(index), Interest::READABLE)?;
        }
        Ok(Self { rings, poll, events: Events::with_capacity(16) })
    }

    /// Hands over what is in the rings, one ring after the other, or a part of it. `each` says when a record was
    /// stamped.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(&[u8]) -> Option<u64>) -> Drained {
        // Takes notice of the wake-ups, so that the descriptor is not readable any more. There is nothing to
        // do about an error, and the rings are looked at anyway.
        let _ = self.poll.poll(&mut self.events, Some(Duration::ZERO));
        let mut drained = Drained { left: None };
        for ring in &mut self.rings {
            let (mut bytes, mut last) = (0, 0);
            let emptied = ring.drain(|record| {
                bytes += record.len();
                last = each(record).unwrap_or(last);
                bytes < BATCH
            });
            if !emptied {
                drained.left = Some(drained.left.map_or(last, |left| left.min(last)));
            }
        }
        drained
    }
}

/// What became of a draining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drained {
    /// If something was left in a ring: nothing in there is older than this, apart from
    /// [`SLACK`](crate::order::SLACK).
    pub(crate) left: Option<u64>,
}

impl AsRawFd for Rings {
    fn as_raw_fd(&self) -> RawFd {
        self.poll.as_raw_fd()
    }
}
