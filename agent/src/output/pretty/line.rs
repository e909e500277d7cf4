//! The rest of a line: words with a space between, each in its style.

use std::io::Write as _;

use anstyle::Style;
use lapwing_common::event::{File, Text};
use lapwing_common::json::flag_words;
use lapwing_common::names;
use lapwing_common::process::Process;
use lapwing_common::schema::{FlagSet, Symbols};

use crate::output::facts::write_symbol;
use crate::output::palette::Palette;
use crate::output::quote::{escape, quote};

/// Where the words of one event go.
#[derive(Debug)]
pub(super) struct Line<'a> {
    out: &'a mut Vec<u8>,
    palette: &'a Palette,
    /// Spaces before the next word.
    gap: usize,
    unresolved: bool,
}

impl<'a> Line<'a> {
    pub(super) fn new(out: &'a mut Vec<u8>, palette: &'a Palette) -> Self {
        Self { out, palette, gap: 0, unresolved: false }
    }

    /// A word in its style.
    pub(super) fn styled(&mut self, style: Style, write: impl FnOnce(&mut Vec<u8>)) {
        self.out.resize(self.out.len() + self.gap, b' ');
        // Writing to a `Vec` cannot fail, here and below.
        let _ = write!(self.out, "{}", style.render());
        write(self.out);
        let _ = write!(self.out, "{}", style.render_reset());
        self.gap = 1;
    }

    /// A word in a column of at least that width, and two spaces.
    pub(super) fn column(&mut self, width: usize, style: Style, write: impl FnOnce(&mut Vec<u8>)) {
        let mut written = 0;
        self.styled(style, |out| {
            let start = out.len();
            write(out);
            written = String::from_utf8_lossy(&out[start..]).chars().count();
        });
        self.gap = width.saturating_sub(written) + 2;
    }

    pub(super) fn word(&mut self, word: &str) {
        self.styled(Style::new(), |out| out.extend_from_slice(word.as_bytes()));
    }

    pub(super) fn number(&mut self, number: impl std::fmt::Display) {
        self.styled(Style::new(), |out| drop(write!(out, "{number}")));
    }

    /// `name=number`, and who that is: `uid=33(www-data)`, as id(1) has it. `-` is what is left as it is.
    pub(super) fn id(&mut self, name: &str, id: i64, who: &[u8]) {
        self.styled(Style::new(), |out| {
            let _ = if id == -1 { write!(out, "{name}=-") } else { write!(out, "{name}={id}") };
            if id != -1 && !who.is_empty() {
                out.push(b'(');
                escape(out, who);
                out.push(b')');
            }
        });
    }

    pub(super) fn quoted(&mut self, bytes: &[u8]) {
        self.styled(Style::new(), |out| quote(out, bytes));
    }

    pub(super) fn escaped(&mut self, bytes: &[u8]) {
        self.styled(Style::new(), |out| escape(out, bytes));
    }

    /// A file, or the string that was meant to name it.
    pub(super) fn file(&mut self, file: &File, passed: Option<&Text>) {
        self.unresolved |= file.unresolved;
        match passed {
            _ if !file.path.is_empty() => self.quoted(&file.path),
            Some(text) => {
                self.quoted(&text.bytes);
                self.unresolved = true;
            }
            None => self.word("?"),
        }
    }

    pub(super) fn flags(&mut self, bits: u64, set: &FlagSet) {
        self.styled(Style::new(), |out| {
            let start = out.len();
            flag_words(bits, set, out);
            if out.len() == start {
                out.push(b'0');
            }
        });
    }

    /// Flags, unless there is none.
    pub(super) fn some_flags(&mut self, bits: u64, set: &FlagSet) {
        if bits != 0 {
            self.flags(bits, set);
        }
    }

    pub(super) fn symbol(&mut self, value: i64, symbols: &Symbols) {
        self.styled(Style::new(), |out| write_symbol(out, value, symbols));
    }

    /// Permission bits.
    pub(super) fn mode(&mut self, mode: u16) {
        self.number(format_args!("{mode:04o}"));
    }

    /// A process by its number, and its name if it is known.
    pub(super) fn process(&mut self, pid: i64, process: Option<&Process>) {
        self.number(pid);
        if let Some(process) = process {
            self.styled(self.palette.dim, |out| {
                out.push(b'(');
                escape(out, process.comm().as_bytes());
                out.push(b')');
            });
        }
    }

    pub(super) fn arrow(&mut self) {
        self.styled(self.palette.dim, |out| out.extend_from_slice("→".as_bytes()));
    }

    /// The descriptor that a call returned. Zero is not shown: `truncate`, an `open` too, returns it.
    pub(super) fn descriptor(&mut self, retval: i64) {
        if retval > 0 {
            self.arrow();
            self.number(retval);
        }
    }

    /// The error, if the call failed.
    pub(super) fn failure(&mut self, retval: i64) {
        if retval < 0 {
            self.styled(self.palette.bad, |out| match names::ERRNOS.name_of(-retval) {
                Some(name) => out.extend_from_slice(name.as_bytes()),
                None => drop(write!(out, "error {}", -retval)),
            });
        }
    }

    /// Something bad that is no error.
    pub(super) fn alarm(&mut self, text: &str) {
        self.styled(self.palette.bad, |out| out.extend_from_slice(text.as_bytes()));
    }

    /// A remark in passing.
    pub(super) fn note(&mut self, text: &str) {
        self.styled(self.palette.dim, |out| drop(write!(out, "({text})")));
    }

    /// Whether a file was named by what was passed only.
    pub(super) fn is_unresolved(&self) -> bool {
        self.unresolved
    }

    pub(super) fn end(self) {
        self.out.push(b'\n');
    }
}
