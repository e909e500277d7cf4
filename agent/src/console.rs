//! What Lapwing says about itself, on stderr.
//!
//! Not through `eprintln!`, which panics when stderr is closed, and a panic would end the watching. Not
//! through a logging library: there is one reader, the person at the terminal.

use std::fmt::Display;
use std::io::{self, Write as _};

use crate::cli::LogLevel;

/// Says things on stderr, or keeps them to itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    level: LogLevel,
    quiet: bool,
}

impl Console {
    pub(crate) fn new(level: LogLevel) -> Self {
        Self { level, quiet: false }
    }

    /// The same, silent if `quiet`. Only the error that Lapwing ends with is still said.
    pub(crate) fn quieted(self, quiet: bool) -> Self {
        Self { quiet: self.quiet || quiet, ..self }
    }

    /// Why Lapwing ends.
    pub(crate) fn fatal(self, message: impl Display) {
        if self.level > LogLevel::Off {
            say("", message);
        }
    }

    pub(crate) fn warn(self, message: impl Display) {
        self.at(LogLevel::Warn, "warning: ", message);
    }

    pub(crate) fn info(self, message: impl Display) {
        self.at(LogLevel::Info, "", message);
    }

    pub(crate) fn debug(self, message: impl Display) {
        self.at(LogLevel::Debug, "debug: ", message);
    }

    /// Text that is not about Lapwing: the summary.
    pub(crate) fn text(self, text: &[u8]) {
        if !self.quiet {
            // There is nowhere to report to that stderr cannot be written.
            let _ = io::stderr().write_all(text);
        }
    }

    fn at(self, level: LogLevel, label: &str, message: impl Display) {
        if self.level >= level && !self.quiet {
            say(label, message);
        }
    }
}

fn say(label: &str, message: impl Display) {
    let line = format!("lapwing: {label}{message}\n");
    // There is nowhere to report to that stderr cannot be written.
    let _ = io::stderr().write_all(line.as_bytes());
}
