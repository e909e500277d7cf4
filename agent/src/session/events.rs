//! The main loop: what comes in, and what is done about it.
//!
//! Lines are written when nothing comes for a moment, when they have waited long enough, or when there are
//! many: a person sees events at once, and under load no write is made for one event. While the output takes
//! nothing, nothing is drained: a tracer waits, as any program waits for a full pipe (the kernel backend does not,
//! and counts what it loses), but signals are still passed on. Once one of them asks the command to end, it does
//! not have to wait any more: events are counted as lost until somebody reads again.

use std::io;
use std::time::{Duration, Instant};

use lapwing_common::backend::{Ending, Progress};
use lapwing_common::discard::dump::Dump;
use lapwing_common::ids::Timestamp;
use mio::unix::SourceFd;
use mio::{Events, Interest};
use nix::sys::signal::{Signal, raise};

use super::jobs::Step;
use super::judge::Judge;
use super::signals::{self, Meaning, Received};
use super::stream::Stream;
use super::{CHILD, OBSERVATIONS, OUTPUT, Role, SIGNALS, Session, SessionError};
use crate::activity::Target;
use crate::output::{Ended, Flushed};
use crate::pipeline::Only;
use crate::policy::Live;
use crate::profile::Guard;

/// What a tracer gets to let go of its tracees.
const LETTING_GO: Duration = Duration::from_secs(2);

impl Session {
    /// Watches until there is nothing more to see, or until told to leave. Returns how the command ended.
    pub(super) fn until_the_end(&mut self) -> Result<Option<Ending>, SessionError> {
        let mut events = Events::with_capacity(8);
        loop {
            let now = Instant::now();
            match self.poll.poll(&mut events, self.timeout(now)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(SessionError::System { what: "wait for events", error });
                }
                _ => {}
            }
            for event in &events {
                match event.token() {
                    OBSERVATIONS => self.drain_by(Instant::now() + self.source.gathering()),
                    OUTPUT => self.unblock(),
                    SIGNALS => self.on_signals(),
                    CHILD => self.on_child(),
                    // Below, with what was drained.
                    _ => {}
                }
            }
            // What has gathered for an interval is followed by nothing for another one: there is no lull to wait for.
            let mut is_all = false;
            if self.is_time_to_drain() {
                if let Progress::Finished(ending) = self.drain()? {
                    return Ok(ending);
                }
                is_all = self.source.interval().is_some_and(|interval| !interval.is_zero());
            }
            if let Some(stream) = &mut self.stream {
                stream.count(&self.source);
                stream.go_on(&self.poll);
            }
            let now = Instant::now();
            if events.is_empty() || is_all || self.output.writer.is_overdue(now) {
                self.flush();
            }
            self.job_control(now);
            if self.role == Role::Visitor && self.output.writer.is_closed() && self.leaving.is_none() {
                self.console.info("nobody reads the events any more");
                self.leave(now);
            }
            if self.leaving.is_some_and(|at| at <= Instant::now()) {
                return Ok(self.source.ending());
            }
        }
    }

    /// Until when nothing needs to be done unless something comes in.
    fn timeout(&self, now: Instant) -> Option<Duration> {
        let flush = if self.blocked { None } else { self.output.writer.due(now) };
        let drain = self.pending.filter(|_| self.may_drain());
        let stream = self.stream.as_ref().and_then(Stream::due);
        let due = [drain, flush, self.jobs.due(now), self.leaving, stream].into_iter().flatten().min()?;
        Some(due.saturating_duration_since(now))
    }

    /// Whether there is a use for events: they can be written, or need not be any more.
    fn may_drain(&self) -> bool {
        !self.blocked || self.output.writer.is_skipping()
    }

    /// What has been announced may be left to gather.
    fn is_time_to_drain(&self) -> bool {
        self.may_drain() && self.pending.is_some_and(|at| at <= Instant::now() || self.source.is_over())
    }

    fn drain_by(&mut self, at: Instant) {
        self.pending = Some(self.pending.map_or(at, |pending| pending.min(at)));
    }

    fn drain(&mut self) -> Result<Progress, SessionError> {
        let Self { source, pipeline, output, summary, shown, dump, live, guard, stream, .. } = self;
        if let Some(stream) = stream {
            self.pending = None;
            return source.drain(&mut |observation| stream.observe(&observation));
        }
        let recorder = dump.as_mut().map(|dump| &mut dump.recorder);
        let progress = match (&live, &guard) {
            (None, None) => {
                let shown = Only { types: *shown, consumer: (output, summary.as_mut()) };
                let mut consumers = (shown, recorder);
                source.drain(&mut |observation| pipeline.feed(observation, &mut consumers))
            }
            _ => {
                let (live, guard, types) = (live.as_mut(), guard.as_mut(), *shown);
                let summary = Only { types, consumer: summary.as_mut() };
                let mut consumers = (Judge { live, guard, output, types, recorder }, summary);
                source.drain(&mut |observation| pipeline.feed(observation, &mut consumers))
            }
        };
        self.pending = self.source.interval().map(|interval| Instant::now() + interval);
        progress
    }

    fn flush(&mut self) {
        if self.blocked {
            return;
        }
        if self.output.writer.flush() == Flushed::Blocked {
            let registered = self
                .output
                .writer
                .stream_fd()
                .map(|fd| self.poll.registry().register(&mut SourceFd(&fd), OUTPUT, Interest::WRITABLE));
            match registered {
                Some(Ok(())) => self.blocked = true,
                // What cannot be waited for beside other things is waited for alone.
                _ => self.output.writer.finish(),
            }
        }
        self.report_write_error();
    }

    fn unblock(&mut self) {
        if self.blocked
            && let Some(fd) = self.output.writer.stream_fd()
        {
            // Fails only for what was never registered.
            let _ = self.poll.registry().deregister(&mut SourceFd(&fd));
        }
        self.blocked = false;
        self.output.writer.resume();
        self.flush();
    }

    fn report_write_error(&mut self) {
        if let Some(error) = self.output.writer.take_error() {
            let target = &self.target;
            let after = "the command goes on, and what cannot be written is counted";
            self.console.warn(format_args!("cannot write events to {target}: {error}; {after}"));
        }
    }

    fn on_signals(&mut self) {
        while let Some(received) = self.signals.next() {
            self.console.debug(format_args!("signal {} from {:?}", received.signal, received.sender));
            match self.role {
                Role::Parent { .. } => self.pass_on(received),
                Role::Visitor => self.obey(received),
            }
        }
    }

    /// Something has become of the command: if it has ended, what it did last is wanted now.
    fn on_child(&mut self) {
        self.source.on_child();
        self.drain_by(Instant::now());
    }

    /// A parent's signals are meant for its command.
    fn pass_on(&mut self, received: Received) {
        let now = Instant::now();
        let command = self.source.command_pid().filter(|_| !self.source.command_is_over());
        let Some(command) = command else {
            // Descendants live on. They are not ours to signal; but whoever waits for Lapwing has had enough.
            if received.meaning() == Meaning::End {
                self.leave(now);
            }
            return;
        };
        match received.meaning() {
            Meaning::Nothing => return,
            Meaning::Continue => return self.jobs.go_on(now),
            Meaning::Stop => self.jobs.stop(now),
            // The command waits for the tracer, the tracer for this loop, and that for whoever does not read.
            Meaning::End if self.blocked => self.output.writer.skip(),
            Meaning::End | Meaning::Other => {}
        }
        // What the kernel sent for a terminal, the command got too. So did it what one of its own sent to
        // their process group; and what one of its own sent to Lapwing alone is not meant to come back.
        if received.sender.is_some_and(|sender| !self.is_watched(sender))
            && let Err(errno) = signals::send(command, received.signal)
        {
            self.console.warn(format_args!("cannot pass signal {} on to process {command}: {errno}", received.signal));
        }
    }

    fn is_watched(&mut self, pid: i32) -> bool {
        if let Some(answer) = self.source.watches(pid) {
            return answer;
        }
        // That it was made may wait to be drained. How that ends, the loop sees when it drains again.
        let _ = self.drain();
        self.drain_by(Instant::now());
        self.source.watches(pid) == Some(true)
    }

    /// A visitor's signals are meant for itself.
    fn obey(&mut self, received: Received) {
        match received.meaning() {
            Meaning::End => self.leave(Instant::now()),
            Meaning::Stop => {
                self.console.warn("not stopping, since what is traced would stop too; Ctrl-C ends the tracing");
            }
            _ => {}
        }
    }

    fn job_control(&mut self, now: Instant) {
        match self.jobs.step(now, self.source.command_is_stopped()) {
            Step::Nothing => {}
            Step::Stop => {
                self.flush();
                // Returns when Lapwing is told to go on. SIGSTOP cannot fail.
                let _ = raise(Signal::SIGSTOP);
            }
            Step::Wake => {
                if let Some(command) = self.source.command_pid() {
                    // It may have ended.
                    let _ = signals::send(command, libc::SIGCONT);
                }
            }
        }
    }

    fn leave(&mut self, now: Instant) {
        if self.leaving.is_some() {
            return;
        }
        self.source.read_calls();
        // What was seen up to now is still wanted. An error comes again in the loop.
        let _ = self.drain();
        self.source.stop();
        self.pending = Some(Instant::now());
        let patience = if self.role == (Role::Parent { detaches: false }) { Duration::ZERO } else { LETTING_GO };
        self.leaving = Some(now + patience);
    }

    /// Writes what is left, the summary, what was lost, and the dumps.
    pub(super) fn conclude(mut self) -> Result<(), SessionError> {
        if let Some(stream) = &mut self.stream {
            stream.part(&self.source, &mut self.poll, &mut self.signals);
        }
        self.output.writer.flush();
        self.report_write_error();
        self.signals.release();
        self.output.writer.finish();
        let counters = self.source.counters();
        let ended = Ended {
            wall: self.begun.elapsed(),
            stages: self.live.as_ref().map(|live| live.stages(&counters)),
            backend: counters,
            cache: self.pipeline.processes().counters(),
            lost_lines: self.output.writer.lost(),
        };
        match &self.summary {
            Some(summary) => {
                self.console.text(&summary.render(&ended, self.config.summary_colour));
                let texts = [self.live.as_ref().map(Live::summary), self.guard.as_ref().map(Guard::summary)];
                texts.into_iter().flatten().for_each(|text| self.console.text(text.as_bytes()));
            }
            None => ended.losses().into_iter().for_each(|(count, what)| {
                self.console.warn(format_args!("lost: {count} {what}"));
            }),
        }
        if let Some(file) = &self.config.counters
            && let Err(error) = std::fs::write(file, ended.counters())
        {
            self.console.warn(format_args!("cannot write {}: {error}", file.display()));
        }
        if let Some((request, errno)) = self.source.last_refused_request() {
            let errno = io::Error::from_raw_os_error(errno);
            self.console.debug(format_args!("the request refused last was {request}: {errno}"));
        }
        let listed = self.discarders.take().map_or(Ok(()), |target| write_discarders(self.live.as_ref(), target));
        let dumped = self.dump.map_or(Ok(()), |dump| Ok(dump.write(self.console)?));
        listed.and(dumped)
    }
}

/// Writes what the rules let the backend leave out.
fn write_discarders(live: Option<&Live>, target: Target) -> Result<(), SessionError> {
    let listed = live.and_then(|live| live.discarders(Timestamp::now())).transpose();
    let listed = listed.map_err(SessionError::Discarders)?;
    let mut text = String::new();
    // Without a type of which a file could be discarded there is nothing to list. A string takes everything.
    let _ = listed.unwrap_or_else(|| Dump { date: Timestamp::now(), ..Dump::default() }).write(&mut text);
    Ok(target.finish(text.as_bytes(), false)?)
}
