//! What a tracer waits for whose filter has a listener: calls that wait for an answer, and wait statuses.

use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use smallvec::SmallVec;

use crate::os::notices::Notices;
use crate::os::wait::{Status, WaitError, WaitMode, wait};
use crate::seccomp::{Listener, Notification};
use crate::spawn::{Arrival, Handover};

/// Something that the tracer has to see to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happening {
    /// A thread stopped or ended.
    Status(i32, Status),
    /// A thread waits for an answer.
    Call(Notification),
}

/// Where such things come from.
#[derive(Debug)]
pub(crate) struct Sources {
    notices: Notices,
    calls: Calls,
    /// There may be statuses that have not been taken.
    due: bool,
    /// Statuses in a row.
    row: u8,
}

/// So many statuses in a row are taken before calls have their turn.
const TURN: u8 = 8;

#[derive(Debug)]
enum Calls {
    /// The listener is still to come.
    Awaited(Handover),
    From(Listener),
    /// Nobody is left who could make one.
    Over,
}

impl Sources {
    pub(crate) fn new(notices: Notices, handover: Handover) -> Self {
        Self { notices, calls: Calls::Awaited(handover), due: true, row: 0 }
    }

    /// Who answers.
    pub(crate) fn listener(&self) -> Option<&Listener> {
        match &self.calls {
            Calls::From(listener) => Some(listener),
            Calls::Awaited(_) | Calls::Over => None,
        }
    }

    /// What has happened; `None` if nothing has and that is not to be waited for.
    pub(crate) fn next(&mut self, mode: WaitMode) -> Result<Option<Happening>, WaitError> {
        loop {
            if self.due && self.row < TURN {
                if let Some((tid, status)) = wait(WaitMode::Poll)? {
                    self.row += 1;
                    return Ok(Some(Happening::Status(tid, status)));
                }
                self.due = false;
            }
            self.row = 0;
            let [status, call] = self.poll(if self.due { WaitMode::Poll } else { mode })?;
            if !self.due && status.is_empty() && call.is_empty() {
                return Ok(None);
            }
            if !status.is_empty() {
                self.notices.clear();
                self.due = true;
            }
            if !call.is_empty()
                && let Some(call) = self.hear(call)
            {
                return Ok(Some(Happening::Call(call)));
            }
        }
    }

    /// What there is of both.
    fn poll(&self, mode: WaitMode) -> Result<[PollFlags; 2], WaitError> {
        let other: Option<BorrowedFd<'_>> = match &self.calls {
            Calls::Awaited(handover) => Some(handover.as_fd()),
            Calls::From(listener) => Some(listener.as_fd()),
            Calls::Over => None,
        };
        let watched = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let mut fds: SmallVec<[PollFd<'_>; 2]> = [self.notices.as_fd()].into_iter().chain(other).map(watched).collect();
        let timeout = if mode == WaitMode::Poll { PollTimeout::ZERO } else { PollTimeout::NONE };
        match poll(&mut fds, timeout) {
            Ok(_) => {}
            Err(Errno::EINTR) => return Err(WaitError::Interrupted),
            Err(errno) => return Err(WaitError::Failed(errno)),
        }
        let found = |at: usize| fds.get(at).and_then(PollFd::revents).unwrap_or_else(PollFlags::empty);
        Ok([found(0), found(1)])
    }

    /// Something is to be had of the listener, or it is over.
    fn hear(&mut self, what: PollFlags) -> Option<Notification> {
        match &self.calls {
            Calls::Awaited(handover) => match handover.take() {
                Arrival::Awaited => {}
                Arrival::Come(listener) => self.calls = Calls::From(listener),
                Arrival::Never => self.calls = Calls::Over,
            },
            // Given up before it was taken, if there is none.
            Calls::From(listener) if what.contains(PollFlags::POLLIN) => return listener.receive().ok(),
            // No process with the filter is left.
            Calls::From(_) => self.calls = Calls::Over,
            Calls::Over => {}
        }
        None
    }
}
