//! Waiting for the next stop, as cheaply for the tracees as can be.
//!
//! A stop costs what it takes to wake the tracer and the tracee in turn, far more than what is done in
//! between. See `docs/ptrace.md` for what each way costs.

use std::time::{Duration, Instant};

use crate::options::Pacing;
use crate::os::wait::{Status, WaitError, WaitMode, wait};
use crate::watch::Outbox;

/// Observations may wait this long for company while stops keep coming.
const LINGER: Duration = Duration::from_millis(20);

#[derive(Debug)]
pub(crate) struct Pace {
    spin: Duration,
    flushed: Instant,
}

impl Pace {
    pub(crate) fn new(pacing: Pacing) -> Self {
        let spin = match pacing {
            Pacing::Block | Pacing::Follow => Duration::ZERO,
            Pacing::Spin(micros) => Duration::from_micros(micros.into()),
            Pacing::Adaptive => Duration::from_micros(60),
        };
        Self { spin, flushed: Instant::now() }
    }

    /// The next status. Hands over what was observed before it sleeps, and now and then while busy.
    pub(crate) fn next(&mut self, outbox: &mut Outbox) -> Result<(i32, Status), WaitError> {
        if let Some(found) = wait(WaitMode::Poll)? {
            if outbox.waiting() && self.flushed.elapsed() > LINGER {
                self.flush(outbox);
            }
            return Ok(found);
        }
        if !self.spin.is_zero() {
            let begun = Instant::now();
            while begun.elapsed() < self.spin {
                if let Some(found) = wait(WaitMode::Poll)? {
                    return Ok(found);
                }
                std::hint::spin_loop();
            }
        }
        if outbox.waiting() {
            self.flush(outbox);
        }
        loop {
            if let Some(found) = wait(WaitMode::Block)? {
                return Ok(found);
            }
        }
    }

    fn flush(&mut self, outbox: &mut Outbox) {
        outbox.flush();
        self.flushed = Instant::now();
    }
}
