//! Events for people: a line each, the columns aligned, the sentence short.
//!
//! ```text
//!    0.003    4711  bash             open           /etc/passwd O_RDONLY|O_CLOEXEC → 3
//! ```
//! Seconds since the beginning, process, its command name, type; then what was done and, where the call failed,
//! the error. One file a group of types.

mod file;
mod kernel;
mod line;
mod network;
mod process;

use std::io::Write as _;

use anstyle::Style;
use lapwing_common::event::{Event, Payload, Quality};
use lapwing_common::ids::Timestamp;
use lapwing_common::rules::policy::Match;

use super::Anomaly;
use super::facts;
use super::palette::Palette;
use super::quote::{escape, quote};
use line::Line;

/// The longest command name.
const COMM: usize = 15;
/// Where the line about a rule begins: below the command's name.
const INDENT: usize = 20;
/// The longest name of a type.
const TYPE: usize = 13;

/// Writes events as lines.
#[derive(Debug)]
pub(crate) struct Pretty {
    palette: Palette,
    start: Timestamp,
}

impl Pretty {
    /// `start` is where times count from.
    pub(crate) fn new(colour: bool, start: Timestamp) -> Self {
        Self { palette: Palette::new(colour), start }
    }

    /// Appends the event as one line, line feed included.
    pub(crate) fn write_line(&self, event: &Event, out: &mut Vec<u8>) {
        let since = event.timestamp.0.saturating_sub(self.start.0) / 1_000_000;
        let kind = event.event_type();
        let mut line = Line::new(out, &self.palette);
        // Writing to a `Vec` cannot fail.
        line.column(0, self.palette.dim, |out| drop(write!(out, "{:>5}.{:03}", since / 1000, since % 1000)));
        line.column(0, Style::new(), |out| drop(write!(out, "{:>7}", event.process.key().pid)));
        line.column(COMM, Style::new(), |out| escape(out, event.process.comm().as_bytes()));
        line.column(TYPE, self.palette.group(kind.group()), |out| out.extend_from_slice(kind.name().as_bytes()));
        sentence(&mut line, &event.payload);
        if let Some(retval) = facts::retval(&event.payload) {
            line.failure(retval);
        }
        if event.quality.contains(Quality::TRUNCATED) {
            line.note("truncated");
        }
        if event.quality.contains(Quality::UNRESOLVED) || line.is_unresolved() {
            line.note("unresolved");
        }
        if event.quality.contains(Quality::BROKEN_LINEAGE) {
            line.note("broken lineage");
        }
        line.end();
    }
}

impl Pretty {
    /// Appends a line about the rule that matched the event of the line before.
    pub(crate) fn write_match(&self, matched: &Match<'_>, out: &mut Vec<u8>) {
        out.resize(out.len() + INDENT, b' ');
        let mut line = Line::new(out, &self.palette);
        line.styled(self.palette.bad, |out| out.extend_from_slice(matched.rule.id.as_bytes()));
        for (key, value) in &matched.rule.tags {
            line.styled(self.palette.dim, |out| {
                escape(out, key.as_bytes());
                out.push(b':');
                escape(out, value.as_bytes());
            });
        }
        for (field, value) in &matched.fields {
            line.styled(Style::new(), |out| {
                out.extend_from_slice(field.as_bytes());
                out.push(b'=');
                quote(out, value.as_bytes());
            });
        }
        line.end();
    }
}

impl Pretty {
    /// Appends a line about the profile that the event of the line before departs from: what is new, and the programs
    /// that led to it.
    pub(crate) fn write_anomaly(&self, anomaly: &Anomaly<'_>, out: &mut Vec<u8>) {
        out.resize(out.len() + INDENT, b' ');
        let mut line = Line::new(out, &self.palette);
        line.styled(self.palette.bad, |out| {
            out.extend_from_slice(b"anomaly: new ");
            out.extend_from_slice(anomaly.what.as_bytes());
        });
        line.styled(self.palette.dim, |out| escape(out, anomaly.profile.to_string().as_bytes()));
        for (index, path) in anomaly.lineage.iter().enumerate() {
            let above = if index == 0 { &b"by "[..] } else { b"> " };
            line.styled(Style::new(), |out| {
                out.extend_from_slice(above);
                quote(out, path);
            });
        }
        line.end();
    }
}

fn sentence(line: &mut Line<'_>, payload: &Payload) {
    match payload {
        Payload::Exec(event) => process::exec(line, event),
        Payload::Fork(event) => process::fork(line, event),
        Payload::Exit(event) => process::exit(line, event),
        Payload::Setuid(event) => process::setuid(line, event),
        Payload::Setgid(event) => process::setgid(line, event),
        Payload::Capset(event) => process::capset(line, event),
        Payload::Setrlimit(event) => process::setrlimit(line, event),
        Payload::Prctl(event) => process::prctl(line, event),
        Payload::Signal(event) => process::signal(line, event),
        Payload::Ptrace(event) => process::ptrace(line, event),
        Payload::Chdir(event) => line.file(&event.file, event.path.as_ref()),
        Payload::Chroot(event) => line.file(&event.file, event.path.as_ref()),
        Payload::Setns(event) => process::setns(line, event),
        Payload::Unshare(event) => process::unshare(line, event),
        Payload::Open(event) => file::open(line, event),
        Payload::Mkdir(event) => file::mkdir(line, event),
        Payload::Rmdir(event) => line.file(&event.file, event.path.as_ref()),
        Payload::Unlink(event) => file::unlink(line, event),
        Payload::Rename(event) => file::rename(line, event),
        Payload::Link(event) => file::link(line, event),
        Payload::Chmod(event) => file::chmod(line, event),
        Payload::Chown(event) => file::chown(line, event),
        Payload::Utimes(event) => file::utimes(line, event),
        Payload::Setxattr(event) => file::setxattr(line, event),
        Payload::Removexattr(event) => file::removexattr(line, event),
        Payload::Mount(event) => file::mount(line, event),
        Payload::Umount(event) => file::umount(line, event),
        Payload::PivotRoot(event) => file::pivot_root(line, event),
        Payload::Splice(event) => file::splice(line, event),
        Payload::Mmap(event) => kernel::mmap(line, event),
        Payload::Mprotect(event) => kernel::mprotect(line, event),
        Payload::LoadModule(event) => kernel::load_module(line, event),
        Payload::UnloadModule(event) => line.quoted(&event.name),
        Payload::Bpf(event) => kernel::bpf(line, event),
        Payload::Blind(event) => kernel::blind(line, event),
        Payload::Syscalls(event) => event.names.iter().for_each(|name| line.escaped(name)),
        Payload::Socket(event) => network::socket(line, event),
        Payload::Bind(event) => network::bind(line, event),
        Payload::Connect(event) => network::connect(line, event),
        Payload::Accept(event) => network::accept(line, event),
        Payload::Setsockopt(event) => network::setsockopt(line, event),
    }
}

#[cfg(test)]
mod tests;
