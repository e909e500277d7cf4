//! Events as JSON: one object, keys nested at the dots of the field names.
//!
//! Written straight into a byte buffer that the caller reuses, without an intermediate tree: this is
//! the hot path of the output. Paths are bytes on Linux; ill-formed UTF-8 is shown as U+FFFD.

mod memory;
mod text;
mod time;

use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::IpAddr;

use crate::event::Event;
use crate::schema::{Detail, Record, Sink, State, Value, walk};
use memory::Memory;
pub(crate) use text::Text;
pub use text::string;
use text::{escaped, strings};
pub use time::{rfc3339, rfc3339_at};

/// Writes events as lines, one after the other, and remembers what many of them show alike: the process with those
/// it descends from, which is half of a line.
#[derive(Debug, Default)]
pub struct Lines {
    memory: Memory,
}

impl Lines {
    /// Appends the event as one line, line feed included.
    pub fn write(&mut self, event: &Event, out: &mut Vec<u8>) {
        object(event, Some(&mut self.memory), out);
        out.push(b'\n');
    }
}

/// Appends an event as one line, line feed included.
pub fn write_line(event: &Event, out: &mut Vec<u8>) {
    write_object(event, out);
    out.push(b'\n');
}

/// Appends a record as one object.
pub fn write_object<T: Record>(record: &T, out: &mut Vec<u8>) {
    object(record, None, out);
}

fn object<T: Record>(record: &T, memory: Option<&mut Memory>, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut sink = JsonSink::new(out, memory);
    walk(T::MEMBERS, record, &mut sink);
    out.push(b'}');
}

struct JsonSink<'a> {
    out: &'a mut Vec<u8>,
    /// Groups that were entered but have not shown anything yet: empty ones leave no trace.
    pending: smallvec::SmallVec<[&'static str; 8]>,
    detail: Detail,
    memory: Option<&'a mut Memory>,
    /// Where what is to be remembered begins.
    recurring_from: Option<usize>,
}

impl<'a> JsonSink<'a> {
    fn new(out: &'a mut Vec<u8>, memory: Option<&'a mut Memory>) -> Self {
        Self { out, pending: smallvec::SmallVec::new(), detail: Detail::Context, memory, recurring_from: None }
    }

    fn key(&mut self, name: &str) {
        for index in 0..self.pending.len() {
            self.raw_key(self.pending[index]);
            self.out.push(b'{');
        }
        self.pending.clear();
        self.raw_key(name);
    }

    fn raw_key(&mut self, name: &str) {
        if !matches!(self.out.last(), Some(b'{' | b'[')) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn twin(&mut self, twin: &'static str, words: impl FnOnce(&mut Vec<u8>, Option<&mut Memory>)) {
        if !twin.is_empty() {
            self.raw_key(twin);
            self.out.push(b'"');
            words(self.out, self.memory.as_deref_mut());
            self.out.push(b'"');
        }
    }
}

impl Sink for JsonSink<'_> {
    fn detail(&self) -> Detail {
        self.detail
    }

    fn set_detail(&mut self, detail: Detail) -> Detail {
        core::mem::replace(&mut self.detail, detail)
    }

    fn leaf(&mut self, name: &'static str, twin: &'static str, value: &Value<'_>) {
        self.key(name);
        match *value {
            Value::Absent => self.out.extend_from_slice(b"null"),
            Value::Bool(value) => self.out.extend_from_slice(if value { b"true" } else { b"false" }),
            Value::Int(value) => number(self.out, value),
            Value::Uint(value) => number(self.out, value),
            Value::Flags(bits, set) => {
                number(self.out, bits);
                self.twin(twin, |out, memory| match memory {
                    Some(memory) => memory.flags(bits, set, out),
                    None => flag_words(bits, set, out),
                });
            }
            Value::Symbol(value, symbols) => {
                number(self.out, value);
                if let Some(word) = symbols.name_of(value) {
                    self.twin(twin, |out, _| out.extend_from_slice(word.as_bytes()));
                }
            }
            Value::Bytes(bytes) => string(self.out, bytes),
            Value::Short(short) => string(self.out, short.as_bytes()),
            Value::Strings(items) => strings(self.out, |each| items.iter().for_each(|item| each(item))),
            Value::Options(arguments, convention) => strings(self.out, |each| convention.each(arguments, each)),
            Value::Joined(items) => {
                self.out.push(b'"');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.out.push(b' ');
                    }
                    escaped(self.out, item);
                }
                self.out.push(b'"');
            }
            Value::Time(time) => {
                self.out.push(b'"');
                match self.memory.as_deref_mut() {
                    Some(memory) => memory.time(time, self.out),
                    None => rfc3339(self.out, time),
                }
                self.out.push(b'"');
            }
            Value::Ip(ip) => {
                self.out.push(b'"');
                address(self.out, ip);
                self.out.push(b'"');
            }
        }
    }

    fn enter(&mut self, name: &'static str) {
        self.pending.push(name);
    }

    fn leave(&mut self) {
        if self.pending.pop().is_none() {
            self.out.push(b'}');
        }
    }

    fn enter_list(&mut self, name: &'static str) {
        self.key(name);
        self.out.push(b'[');
    }

    fn enter_item(&mut self) {
        if !matches!(self.out.last(), Some(b'[')) {
            self.out.push(b',');
        }
        self.out.push(b'{');
    }

    fn leave_item(&mut self) {
        self.out.push(b'}');
    }

    fn leave_list(&mut self) {
        self.out.push(b']');
    }

    fn recall(&mut self, state: State) -> bool {
        // Whatever comes first has to be behind something, so that a comma is part of what is remembered.
        let is_behind = self.pending.is_empty() && !matches!(self.out.last(), Some(b'{' | b'['));
        let memory = self.memory.as_deref().filter(|_| is_behind && self.detail == Detail::Context);
        self.recurring_from = memory.map(|_| self.out.len());
        let text = memory.and_then(|memory| memory.find(state));
        text.map(|text| self.out.extend_from_slice(text)).is_some()
    }

    fn remember(&mut self, state: State) {
        if let (Some(memory), Some(from)) = (self.memory.as_deref_mut(), self.recurring_from.take()) {
            memory.keep(state, &self.out[from..]);
        }
    }
}

/// Appends the names of the flags that are set, with `|` between, and what has no name in hexadecimal.
pub fn flag_words(bits: u64, set: &crate::schema::FlagSet, out: &mut Vec<u8>) {
    let start = out.len();
    let mut rest = 0;
    set.each(
        bits,
        |name| {
            if out.len() > start {
                out.push(b'|');
            }
            out.extend_from_slice(name.as_bytes());
        },
        |unnamed| rest = unnamed,
    );
    if rest != 0 {
        if out.len() > start {
            out.push(b'|');
        }
        // Writing to a `Vec` cannot fail.
        let _ = write!(Text(out), "{rest:#x}");
    }
}

fn number(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn address(out: &mut Vec<u8>, ip: IpAddr) {
    // Writing to a `Vec` cannot fail.
    let _ = write!(Text(out), "{ip}");
}

#[cfg(test)]
mod tests;
