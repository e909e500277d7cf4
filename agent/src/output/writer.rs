//! Where lines go: buffered, and never in the command's way.
//!
//! A full disk, a closed pipe or a reader that does not read must not kill, delay or confuse the command more
//! than it has to. So an error is reported once, what was not written is counted, and events go on. A pipe or
//! terminal is only written to while it takes something, in pieces that cannot block: the main loop stays able
//! to pass on signals. A line is written whole or, where an error broke it off, ended before the next.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, RawFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// From this size on a buffer is written out although more is coming.
const FULL: usize = 64 * 1024;
/// What a pipe that is ready takes without blocking (`PIPE_BUF`, see pipe(7) and poll(2)).
const PIECE: usize = 4096;
/// How long a line may wait while more are coming.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long nothing must have come for lines to be written at once.
const LULL: Duration = Duration::from_millis(2);

/// A buffered output that outlives its errors.
#[derive(Debug)]
pub(crate) struct Writer {
    target: Target,
    buffer: Vec<u8>,
    /// How much of the buffer is written.
    done: usize,
    /// Since when the buffer has not been empty.
    waiting_since: Option<Instant>,
    /// A line was broken off.
    torn: bool,
    /// Lines are counted, not kept, until the reader reads again.
    skipping: bool,
    lost: u64,
    has_failed: bool,
    /// The first error, until it is taken.
    error: Option<io::Error>,
}

#[derive(Debug)]
enum Target {
    /// Writing takes as long as it takes: regular files, `/dev/null`.
    File(File),
    /// Written to only when ready: pipes, terminals, sockets.
    Stream(File),
    /// Closed for good: nobody will ever read it.
    Closed,
    /// Nothing was wanted.
    Nowhere,
}

/// Whether everything was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    All,
    /// The reader is not reading; try again when the descriptor is ready.
    Blocked,
}

impl Writer {
    pub(crate) fn new(file: File) -> Self {
        let is_stream = file.metadata().is_ok_and(|metadata| {
            use std::os::unix::fs::FileTypeExt as _;
            let kind = metadata.file_type();
            kind.is_fifo() || kind.is_socket() || io::IsTerminal::is_terminal(&file)
        });
        Self::with(if is_stream { Target::Stream(file) } else { Target::File(file) })
    }

    pub(crate) fn nowhere() -> Self {
        Self::with(Target::Nowhere)
    }

    fn with(target: Target) -> Self {
        Self {
            target,
            buffer: Vec::new(),
            done: 0,
            waiting_since: None,
            torn: false,
            skipping: false,
            lost: 0,
            has_failed: false,
            error: None,
        }
    }

    /// Adds one line, which `write` appends to the buffer.
    pub(crate) fn line(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        match self.target {
            Target::Nowhere => {}
            Target::Closed => self.lost += 1,
            _ if self.skipping => self.lost += 1,
            Target::File(_) | Target::Stream(_) => {
                if self.torn && self.buffer.is_empty() {
                    self.buffer.push(b'\n');
                }
                write(&mut self.buffer);
                self.waiting_since.get_or_insert_with(Instant::now);
                if self.buffer.len() - self.done >= FULL {
                    self.flush();
                }
            }
        }
    }

    /// When something should be written although nothing new has come.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        self.waiting_since.map(|since| (since + PATIENCE).min(now + LULL))
    }

    /// Whether the oldest line has waited long enough, whatever comes.
    pub(crate) fn is_overdue(&self, now: Instant) -> bool {
        self.waiting_since.is_some_and(|since| now >= since + PATIENCE)
    }

    /// Writes what can be written without waiting for a reader.
    pub(crate) fn flush(&mut self) -> Flushed {
        loop {
            let rest = &self.buffer[self.done..];
            let (written, is_stream) = match &mut self.target {
                _ if rest.is_empty() => break,
                Target::Closed | Target::Nowhere => break,
                Target::File(file) => (file.write(rest), false),
                Target::Stream(file) if !is_ready(file.as_fd(), PollTimeout::ZERO) => return Flushed::Blocked,
                Target::Stream(file) => (file.write(&rest[..rest.len().min(PIECE)]), true),
            };
            match written {
                Ok(0) => self.failed(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.done += count;
                    self.torn = false;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Somebody made the stream non-blocking, and it is fuller than it said.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && is_stream => return Flushed::Blocked,
                Err(error) => self.failed(error),
            }
        }
        self.buffer.clear();
        self.done = 0;
        self.waiting_since = None;
        Flushed::All
    }

    /// Writes everything, however long the reader takes.
    pub(crate) fn finish(&mut self) {
        while self.flush() == Flushed::Blocked {
            if let Some(fd) = self.stream() {
                is_ready(fd, PollTimeout::NONE);
            }
        }
    }

    /// Gives up what is not written, and all lines until [`Writer::resume`]: for when the command must go on
    /// although nobody reads.
    pub(crate) fn skip(&mut self) {
        self.discard();
        self.skipping = true;
    }

    pub(crate) fn resume(&mut self) {
        self.skipping = false;
    }

    pub(crate) fn is_skipping(&self) -> bool {
        self.skipping
    }

    /// Counts what is in the buffer as lost.
    fn discard(&mut self) {
        let rest = &self.buffer[self.done..];
        let ends = rest.iter().filter(|byte| **byte == b'\n').count();
        // The end of a line that was broken off earlier is no line.
        let still_torn = self.torn && self.done == 0;
        self.lost += u64::try_from(ends.saturating_sub(usize::from(still_torn))).unwrap_or(u64::MAX);
        self.torn = still_torn || (self.done > 0 && self.buffer[self.done - 1] != b'\n');
        self.buffer.clear();
        self.done = 0;
        self.waiting_since = None;
    }

    /// What could not be written is lost. Later lines are tried again, unless that is hopeless.
    fn failed(&mut self, error: io::Error) {
        self.discard();
        let hung_up = error.raw_os_error() == Some(libc::EIO) && matches!(self.target, Target::Stream(_));
        if hung_up || error.kind() == io::ErrorKind::BrokenPipe {
            self.target = Target::Closed;
        }
        if !self.has_failed {
            self.has_failed = true;
            self.error = Some(error);
        }
    }

    /// The first error, once.
    pub(crate) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }

    /// Lines that were not written.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// Whether nobody will ever read what is written.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.target, Target::Closed)
    }

    /// The descriptor to wait for when [`Flushed::Blocked`].
    pub(crate) fn stream_fd(&self) -> Option<RawFd> {
        self.stream().map(|fd| fd.as_raw_fd())
    }

    fn stream(&self) -> Option<BorrowedFd<'_>> {
        match &self.target {
            Target::Stream(file) => Some(file.as_fd()),
            _ => None,
        }
    }
}

/// Whether a write would do something at once: take bytes, or fail.
fn is_ready(fd: BorrowedFd<'_>, timeout: PollTimeout) -> bool {
    let mut fds = [PollFd::new(fd, PollFlags::POLLOUT)];
    poll(&mut fds, timeout).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests;
