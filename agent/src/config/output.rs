//! Where events go, how they look, and what is said at the end.

use std::fmt;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};

use crate::cli::{EventFormat, OutputArgs, When};

/// Output, decided.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OutputConfig {
    pub(crate) destination: Destination,
    pub(crate) format: Format,
    /// Whether events are coloured.
    pub(crate) colour: bool,
    /// Whether there is a summary.
    pub(crate) summary: bool,
    /// Whether the summary is coloured.
    pub(crate) summary_colour: bool,
    /// Nothing goes to stderr.
    pub(crate) quiet: bool,
    /// Where counters go in the end.
    pub(crate) counters: Option<PathBuf>,
}

/// Where events go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    Stderr,
    Stdout,
    File(PathBuf),
    Nowhere,
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stderr => f.write_str("stderr"),
            Self::Stdout => f.write_str("stdout"),
            Self::File(path) => path.display().fmt(f),
            Self::Nowhere => f.write_str("nowhere"),
        }
    }
}

/// How events look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Pretty,
    Json,
}

/// What Lapwing was started in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Surroundings {
    pub(crate) stdout_is_terminal: bool,
    pub(crate) stderr_is_terminal: bool,
    /// Whether colours suit the stream, by `--color`, the terminal and variables such as `NO_COLOR`.
    pub(crate) stdout_colour: bool,
    pub(crate) stderr_colour: bool,
    /// Colours were asked for whatever the output is.
    pub(crate) always_colour: bool,
    pub(crate) own_pid: i32,
}

impl Surroundings {
    pub(crate) fn look(color: When) -> Self {
        let choice = match color {
            When::Auto => ColorChoice::Auto,
            When::Always => ColorChoice::Always,
            When::Never => ColorChoice::Never,
        };
        choice.write_global();
        Self {
            stdout_is_terminal: io::stdout().is_terminal(),
            stderr_is_terminal: io::stderr().is_terminal(),
            stdout_colour: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            stderr_colour: AutoStream::choice(&io::stderr()) != ColorChoice::Never,
            always_colour: color == When::Always,
            own_pid: i32::try_from(std::process::id()).unwrap_or(0),
        }
    }
}

impl OutputConfig {
    pub(super) fn new(args: OutputArgs, usual: Destination, surroundings: &Surroundings) -> Self {
        let destination = match args.output {
            Some(file) => Destination::File(file),
            None if args.quiet && usual == Destination::Stderr => Destination::Nowhere,
            None => usual,
        };
        let format = match (args.format, &destination) {
            (Some(EventFormat::Pretty), _) => Format::Pretty,
            (Some(EventFormat::Json), _) => Format::Json,
            (None, Destination::File(file)) if names_json(file) => Format::Json,
            (None, _) => Format::Pretty,
        };
        let colour = match destination {
            Destination::Stderr => surroundings.stderr_colour,
            Destination::Stdout => surroundings.stdout_colour,
            Destination::File(_) | Destination::Nowhere => surroundings.always_colour,
        };
        let summary = match args.summary {
            _ if args.quiet => false,
            When::Always => true,
            When::Never => false,
            // Never into a stream of JSON that a program reads.
            When::Auto => {
                surroundings.stderr_is_terminal || (destination == Destination::Stderr && format == Format::Pretty)
            }
        };
        let summary_colour = surroundings.stderr_colour;
        Self { destination, format, colour, summary, summary_colour, quiet: args.quiet, counters: args.counters }
    }
}

fn names_json(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "json" || extension == "jsonl")
}
