//! What becomes of events: lines of text or JSON, and a summary.

mod departures;
mod facts;
mod matches;
pub(crate) mod palette;
mod pretty;
pub(crate) mod quote;
#[cfg(test)]
pub(crate) mod sample;
pub(crate) mod stages;
mod summary;
mod writer;

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use lapwing_common::event::Event;
use lapwing_common::ids::Timestamp;
use lapwing_common::json;
use lapwing_common::rules::policy::Match;
use thiserror::Error;

use crate::config::{Destination, Format, OutputConfig};
use crate::pipeline::Consumer;
use pretty::Pretty;

pub(crate) use summary::{Ended, Summary};
use writer::Writer;

pub(crate) use departures::{Anomaly, novelty};
pub(crate) use facts::retval;
pub(crate) use writer::Flushed;

/// Turns events into lines.
#[derive(Debug)]
pub(crate) struct Output {
    format: Formatter,
    pub(crate) writer: Writer,
}

/// How events become lines.
#[derive(Debug)]
pub(crate) enum Formatter {
    Pretty(Pretty),
    Json(json::Lines),
}

impl Formatter {
    /// Pretty times count from `start`.
    pub(crate) fn new(format: Format, colour: bool, start: Timestamp) -> Self {
        match format {
            Format::Pretty => Self::Pretty(Pretty::new(colour, start)),
            Format::Json => Self::Json(json::Lines::default()),
        }
    }

    /// Appends the event as one line, line feed included.
    pub(crate) fn write_line(&mut self, event: &Event, out: &mut Vec<u8>) {
        match self {
            Self::Pretty(pretty) => pretty.write_line(event, out),
            Self::Json(lines) => lines.write(event, out),
        }
    }

    /// The same, with what the event departs from: another member, or another line below.
    pub(crate) fn write_departure(&mut self, event: &Event, anomaly: &Anomaly<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Pretty(pretty) => {
                pretty.write_line(event, out);
                pretty.write_anomaly(anomaly, out);
            }
            Self::Json(lines) => departures::write_line(lines, event, anomaly, out),
        }
    }

    /// Appends the event with a rule that matched it.
    pub(crate) fn write_match(&mut self, event: &Event, matched: &Match<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Pretty(pretty) => {
                pretty.write_line(event, out);
                pretty.write_match(matched, out);
            }
            Self::Json(lines) => matches::write_line(lines, event, matched, out),
        }
    }
}

/// Events cannot be written where they should go.
#[derive(Debug, Error)]
pub(crate) enum OutputError {
    #[error("cannot create {path}: {error}; name another file with `-o`")]
    Create { path: PathBuf, error: io::Error },
    #[error("cannot use {name}: {error}; write events to a file with `-o`")]
    Stream { name: &'static str, error: io::Error },
}

impl Output {
    /// `start` is where pretty times count from.
    pub(crate) fn open(config: &OutputConfig, start: Timestamp) -> Result<Self, OutputError> {
        let format = Formatter::new(config.format, config.colour, start);
        let stream = |name, fd: io::Result<std::os::fd::OwnedFd>| {
            fd.map(|fd| Writer::new(File::from(fd))).map_err(|error| OutputError::Stream { name, error })
        };
        let writer = match &config.destination {
            Destination::Stderr => stream("stderr", io::stderr().as_fd().try_clone_to_owned())?,
            Destination::Stdout => stream("stdout", io::stdout().as_fd().try_clone_to_owned())?,
            // Events may hold what only their owner should read.
            Destination::File(path) => OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(path)
                .map(Writer::new)
                .map_err(|error| OutputError::Create { path: path.clone(), error })?,
            Destination::Nowhere => Writer::nowhere(),
        };
        Ok(Self { format, writer })
    }
}

/// Adds events to what is to be written.
impl Output {
    /// Adds an event with the rule that matched it.
    pub(crate) fn matched(&mut self, event: &Event, matched: &Match<'_>) {
        let format = &mut self.format;
        self.writer.line(|buffer| format.write_match(event, matched, buffer));
    }
}

impl Output {
    /// Adds an event that departs from a profile.
    pub(crate) fn departed(&mut self, event: &Event, anomaly: &Anomaly<'_>) {
        let format = &mut self.format;
        self.writer.line(|buffer| format.write_departure(event, anomaly, buffer));
    }
}

impl Consumer for Output {
    fn event(&mut self, event: &Event) {
        let format = &mut self.format;
        self.writer.line(|buffer| format.write_line(event, buffer));
    }
}
