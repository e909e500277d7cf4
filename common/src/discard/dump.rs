//! The dump of discarders: YAML in the reference's layout, which its users have tools for.
//!
//! Three differences: a comment says what the masks mean, since their bits moved between the reference's
//! releases, the processes of its older releases (`pids`) are there, and below `tracers` stands the same of each
//! tracer. It is written here and not by a
//! serialiser because those that are looked after do not indent lists, which the reference does.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use super::{InodeDiscarder, InodeKey, Listing, Params, Statistics};
use crate::event::EventType;
use crate::ids::{Pid, PidNs, Timestamp};
use crate::json::rfc3339_at;

/// What a dump shows.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    /// When it was made.
    pub date: Timestamp,
    /// The local time's distance from UTC in seconds, east being positive.
    pub offset: i32,
    /// What the backend at hand leaves out.
    pub own: Section,
    /// What tracers leave out.
    pub tracers: Vec<TracerSection>,
}

/// What one backend leaves out.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Discarded inodes, with the path under which each was known; empty if that is not known.
    pub inodes: Vec<(InodeKey, InodeDiscarder, Box<[u8]>)>,
    /// Discarded processes.
    pub pids: Vec<(Pid, Params)>,
    /// The counters of both buffers.
    pub statistics: Statistics,
}

/// What a tracer leaves out.
#[derive(Clone, Debug)]
pub struct TracerSection {
    /// Its process, as the agent's pid namespace numbers it; 0 if that does not see it.
    pub pid: i32,
    /// The pid namespace in which it numbers processes.
    pub namespace: PidNs,
    /// The container that it is in; empty outside of one.
    pub container: String,
    /// Why nothing is known, if that is so.
    pub left: Result<Section, &'static str>,
}

impl Section {
    /// What is listed, in the order of paths; `path` says under which path an inode was known.
    #[must_use]
    pub fn new(listing: Listing, statistics: Statistics, mut path: impl FnMut(&InodeKey) -> Box<[u8]>) -> Self {
        let inodes = listing.inodes.into_iter().map(|(key, discarder)| (key, discarder, path(&key))).collect();
        Self::of(inodes, listing.pids, statistics)
    }

    /// The same of inodes whose paths are there already.
    #[must_use]
    pub fn of(
        mut inodes: Vec<(InodeKey, InodeDiscarder, Box<[u8]>)>,
        pids: Vec<(Pid, Params)>,
        statistics: Statistics,
    ) -> Self {
        // Those without come last.
        inodes.sort_by(|(one, _, path), (other, _, other_path)| {
            (path.is_empty(), path, one.mount, one.inode).cmp(&(
                other_path.is_empty(),
                other_path,
                other.mount,
                other.inode,
            ))
        });
        Self { inodes, pids, statistics }
    }

    fn write(&self, out: &mut impl Write, indent: &str) -> fmt::Result {
        self.write_inodes(out, indent)?;
        self.write_pids(out, indent)?;
        self.write_statistics(out, indent)
    }

    fn write_inodes(&self, out: &mut impl Write, indent: &str) -> fmt::Result {
        if self.inodes.is_empty() {
            return writeln!(out, "{indent}inodes: []");
        }
        writeln!(out, "{indent}inodes:")?;
        for (index, (key, discarder, path)) in self.inodes.iter().enumerate() {
            writeln!(out, "{indent}    - index: {index}\n{indent}      value:\n{indent}        params:")?;
            write_params(out, indent, &discarder.params)?;
            writeln!(out, "{indent}        revision: {}", discarder.mount_revision)?;
            writeln!(out, "{indent}      path: {}", Scalar(&String::from_utf8_lossy(path)))?;
            writeln!(out, "{indent}      inode: {}\n{indent}      mount_id: {}", key.inode, key.mount)?;
        }
        Ok(())
    }

    fn write_pids(&self, out: &mut impl Write, indent: &str) -> fmt::Result {
        if self.pids.is_empty() {
            return writeln!(out, "{indent}pids: []");
        }
        writeln!(out, "{indent}pids:")?;
        for (index, (pid, params)) in self.pids.iter().enumerate() {
            writeln!(out, "{indent}    - index: {index}\n{indent}      value:\n{indent}        params:")?;
            write_params(out, indent, params)?;
            writeln!(out, "{indent}      pid: {pid}")?;
        }
        Ok(())
    }

    fn write_statistics(&self, out: &mut impl Write, indent: &str) -> fmt::Result {
        let mut rows: Vec<_> = filtered_types().map(|event| (event.name(), self.statistics.of(event))).collect();
        rows.push(("unknown", self.statistics.of_pids()));
        rows.sort_unstable_by_key(|(name, _)| *name);
        writeln!(out, "{indent}stats:")?;
        for (name, counts) in rows {
            writeln!(out, "{indent}    {name}:")?;
            writeln!(out, "{indent}        discarder_added: {}", counts.added)?;
            writeln!(out, "{indent}        event_discarded: {}", counts.discarded)?;
        }
        Ok(())
    }
}

impl Dump {
    /// Writes the dump.
    ///
    /// # Errors
    ///
    /// When `out` cannot be written to.
    pub fn write(&self, out: &mut impl Write) -> fmt::Result {
        meaning_of_masks(out)?;
        let mut date = Vec::new();
        rfc3339_at(&mut date, self.date, self.offset);
        writeln!(out, "date: {}", String::from_utf8_lossy(&date))?;
        self.own.write(out, "")?;
        if self.tracers.is_empty() {
            return Ok(());
        }
        writeln!(out, "tracers:")?;
        for TracerSection { pid, namespace, container, left } in &self.tracers {
            writeln!(out, "    - pid: {pid}\n      pid_namespace: {}", namespace.0)?;
            writeln!(out, "      container: {}", Quoted(container))?;
            match left {
                Ok(section) => section.write(out, "      ")?,
                Err(why) => writeln!(out, "      error: {}", Quoted(why))?,
            }
        }
        Ok(())
    }
}

/// A string that need not look like a path.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        self.0.chars().try_for_each(|c| escaped(f, c))?;
        f.write_char('"')
    }
}

fn write_params(out: &mut impl Write, outer: &str, params: &Params) -> fmt::Result {
    let indent = alloc::format!("{outer}            ");
    writeln!(out, "{indent}event_mask: {}", params.event_mask.bits())?;
    writeln!(out, "{indent}expire_at: {}", params.expire_at.0)?;
    writeln!(out, "{indent}is_retained: {}", u8::from(params.is_retained))?;
    writeln!(out, "{indent}revision: {}", params.revision)
}

/// The types that have counters, by number.
fn filtered_types() -> impl Iterator<Item = EventType> {
    let mut events = EventType::ALL;
    events.sort_unstable();
    events.into_iter().filter(|event| event.is_filtered())
}

fn meaning_of_masks(out: &mut impl Write) -> fmt::Result {
    writeln!(out, "# An event_mask is the sum of 1 << (number - 1) over the numbers of its event types:")?;
    let mut separator = "#";
    for event in filtered_types() {
        write!(out, "{separator} {} {event}", event as u8)?;
        separator = ",";
    }
    writeln!(out)?;
    writeln!(out, "# These are Lapwing's numbers. In stats, `unknown` counts discarded processes (pids).")
}

/// A string as YAML writes it: plain where that is read back as the same string, quoted else.
struct Scalar<'a>(&'a str);

impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            f.write_str("\"\"")
        } else if self.0.chars().any(|c| !is_printable(c)) {
            f.write_char('"')?;
            self.0.chars().try_for_each(|c| escaped(f, c))?;
            f.write_char('"')
        } else if is_plain(self.0) {
            f.write_str(self.0)
        } else {
            let doubled = self.0.replace('\'', "''");
            write!(f, "'{doubled}'")
        }
    }
}

/// An absolute path cannot be taken for a number, a boolean, a list or the like: what is left to look
/// at is what ends a plain string.
fn is_plain(text: &str) -> bool {
    text.starts_with('/') && !text.contains(": ") && !text.contains(" #") && !text.ends_with([' ', ':'])
}

/// What YAML 1.2 calls printable, without the line breaks, the byte order mark, and what is no
/// character at all.
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn escaped(f: &mut fmt::Formatter<'_>, c: char) -> fmt::Result {
    match c {
        '"' => f.write_str("\\\""),
        '\\' => f.write_str("\\\\"),
        '\n' => f.write_str("\\n"),
        '\t' => f.write_str("\\t"),
        '\r' => f.write_str("\\r"),
        c if is_printable(c) => f.write_char(c),
        c if u32::from(c) < 0x100 => write!(f, "\\x{:02x}", u32::from(c)),
        c => write!(f, "\\u{:04x}", u32::from(c)),
    }
}
