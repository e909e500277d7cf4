//! The client that streams what a tracer sees to an agent.
//!
//! It never waits: whoever owns it polls, and calls [`Client::go_on`] when something may have become possible. What
//! is said, kept and counted is for [`TracerEnd`]; here are the socket and the time.

mod identity;

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lapwing_common::backend::Counters;
use lapwing_common::engine::EventSet;
use lapwing_common::holdings::Held;
use lapwing_common::ids::Pid;
use lapwing_common::record::Observation;
use lapwing_common::session::{Account, Backoff, Heard, Left, TracerEnd, Violation};
use lapwing_proto::tracer::v1::RefusalReason;
use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use thiserror::Error;

pub use identity::{IdentityError, identity};

/// The name of the socket that agents listen on for tracers, in their directory.
pub const SOCKET: &str = "tracer.sock";
/// How much is read at once.
const READ: usize = 16 * 1024;
/// How long an agent may take to answer Hello.
const ANSWER: Duration = Duration::from_secs(5);

/// Something that became of the connection.
#[derive(Debug)]
pub enum Notice {
    /// The agent said something.
    Heard(Heard),
    /// There is no connection, or not any more. The next attempt is made after a while.
    Apart(Parting),
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum Parting {
    /// No agent takes connections.
    #[error("cannot connect to {}: {error}", path.display())]
    Connect {
        /// The socket.
        path: PathBuf,
        /// The kernel's answer.
        error: io::Error,
    },
    /// The connection broke.
    #[error("the connection to the agent broke: {0}")]
    Broken(io::Error),
    /// The agent closed it.
    #[error("the agent closed the connection")]
    Closed,
    /// The agent said something that no agent says.
    #[error("the agent does not speak the protocol: {0}")]
    Violation(#[from] Violation),
    /// The agent did not answer Hello.
    #[error("the agent does not answer")]
    Silent,
}

#[derive(Debug)]
enum Link {
    /// The next attempt is made then.
    Apart {
        until: Instant,
    },
    Connected {
        stream: UnixStream,
        since: Instant,
    },
    /// No attempt is made any more.
    Over,
}

/// A tracer's way to its agent.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    token: Token,
    end: TracerEnd,
    backoff: Backoff,
    link: Link,
    origin: Instant,
}

impl Client {
    /// A client for the agent whose sockets are in `directory`. Its first attempt to connect is made by
    /// [`Self::go_on`]. Readiness of its socket is told to the owner of `token`.
    #[must_use]
    pub fn new(directory: &Path, token: Token, end: TracerEnd, seed: u64) -> Self {
        let origin = Instant::now();
        let link = Link::Apart { until: origin };
        Self { path: directory.join(SOCKET), token, end, backoff: Backoff::new(seed), link, origin }
    }

    /// The socket that it connects to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes what was observed.
    pub fn observe(&mut self, observation: &Observation) {
        self.end.observe(observation);
    }

    /// What somebody wants to hear of from now on.
    pub fn want(&mut self, events: EventSet) {
        self.end.want(events);
    }

    /// The tracer's own counters, for the next report.
    pub fn count(&mut self, counters: Counters) {
        self.end.count(counters);
    }

    /// Says what became of a plan.
    pub fn applied(&mut self, revision: u64, missing: Vec<String>) {
        self.end.applied(revision, missing);
    }

    /// Answers what is left out.
    pub fn list(&mut self, id: u64, left: &Left) {
        self.end.list(id, left);
    }

    /// Tells what a process holds; only while [`Self::has_room`].
    pub fn tell_held(&mut self, id: u64, pid: Pid, held: &Held) {
        self.end.tell_held(id, pid, held);
    }

    /// Tells that all has been told of what processes hold.
    pub fn told_held(&mut self, id: u64) {
        self.end.told_held(id);
    }

    /// Whether there is room for what another process holds.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.end.has_room()
    }

    /// What became of all observations.
    #[must_use]
    pub fn account(&self) -> Account {
        self.end.account()
    }

    /// Whether an agent takes observations.
    #[must_use]
    pub fn is_welcome(&self) -> bool {
        self.end.is_welcome()
    }

    /// Whether an agent has acknowledged all that was not lost.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.end.is_settled()
    }

    /// When [`Self::go_on`] has something to do without the socket becoming ready.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        match &self.link {
            Link::Apart { until } => Some(*until),
            Link::Connected { since, .. } if !self.end.is_welcome() => Some(*since + ANSWER),
            Link::Connected { .. } => self.end.due().map(|due| self.origin + due),
            Link::Over => None,
        }
    }

    /// Does whatever can be done without waiting: connects if it is time, reads, writes. Tells one by one what became
    /// of it; call it until nothing did.
    pub fn go_on(&mut self, registry: &Registry) -> Vec<Notice> {
        let now = Instant::now();
        if let Link::Apart { until } = self.link
            && until <= now
        {
            match self.connect(registry) {
                Ok(stream) => {
                    self.end.connected();
                    self.link = Link::Connected { stream, since: now };
                }
                Err(error) => {
                    let path = self.path.clone();
                    return vec![self.part_from(Parting::Connect { path, error })];
                }
            }
        }
        let mut notices = Vec::new();
        match self.exchange(now, &mut notices) {
            Ok(()) => {}
            Err(parting) => notices.push(self.part_from(parting)),
        }
        notices
    }

    fn connect(&self, registry: &Registry) -> io::Result<UnixStream> {
        let mut stream = UnixStream::connect(&self.path)?;
        registry.register(&mut stream, self.token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(stream)
    }

    /// Reads and writes until neither is possible.
    fn exchange(&mut self, now: Instant, notices: &mut Vec<Notice>) -> Result<(), Parting> {
        let Link::Connected { stream, since } = &mut self.link else { return Ok(()) };
        let mut buffer = [0; READ];
        loop {
            let mut moved = false;
            match stream.read(&mut buffer) {
                Ok(0) => return Err(Parting::Closed),
                Ok(length) => {
                    moved = true;
                    for heard in self.end.receive(&buffer[..length])? {
                        match &heard {
                            Heard::Welcome { .. } => self.backoff.reset(),
                            Heard::Refused { reason, .. } if !is_passing(*reason) => self.backoff.be_patient(),
                            _ => {}
                        }
                        notices.push(Notice::Heard(heard));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Parting::Broken(error)),
            }
            let out = self.end.outgoing(now.saturating_duration_since(self.origin));
            if !out.is_empty() {
                match stream.write(out) {
                    Ok(length) => {
                        moved |= length > 0;
                        self.end.sent(length);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    // What the agent said last, a refusal perhaps, may be there still.
                    Err(error) if !moved => return Err(Parting::Broken(error)),
                    Err(_) => {}
                }
            }
            if !moved {
                break;
            }
        }
        if !self.end.is_welcome() && *since + ANSWER <= now {
            return Err(Parting::Silent);
        }
        Ok(())
    }

    fn part_from(&mut self, parting: Parting) -> Notice {
        self.end.disconnected();
        // With the stream goes its registration.
        self.link = Link::Apart { until: Instant::now() + self.backoff.wait() };
        Notice::Apart(parting)
    }

    /// Says Goodbye, if anybody is there to hear it. What has not been sent by then is not sent.
    pub fn say_goodbye(&mut self) {
        self.end.part();
    }

    /// Whether all that was said has left for the agent, or nobody is there to say it to.
    #[must_use]
    pub fn has_said_all(&self) -> bool {
        !matches!(self.link, Link::Connected { .. }) || self.end.has_said_all()
    }

    /// Closes the connection, and makes no other.
    pub fn close(&mut self) {
        self.end.disconnected();
        self.link = Link::Over;
    }
}

/// Whether what an agent refuses a tracer for passes without a person doing something about it.
fn is_passing(reason: RefusalReason) -> bool {
    matches!(reason, RefusalReason::Busy | RefusalReason::Ending | RefusalReason::Slow)
}

#[cfg(test)]
mod tests;
