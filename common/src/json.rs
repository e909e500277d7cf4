//! Events as JSON: one object, keys nested at the dots of the field names.
//!
//! Written straight into a byte buffer that the caller reuses, without an intermediate tree: this is
//! the hot path of the output. Paths are bytes on Linux; ill-formed UTF-8 is shown as U+FFFD.

use alloc::vec::Vec;
use core::fmt::Write as _;
use core::net::IpAddr;

use crate::event::Event;
use crate::ids::Timestamp;
use crate::schema::{Detail, Record, Sink, Value, walk};

/// Appends the event as one line, line feed included.
pub fn write_line(event: &Event, out: &mut Vec<u8>) {
    write_object(event, out);
    out.push(b'\n');
}

/// Appends a record as one object.
pub fn write_object<T: Record>(record: &T, out: &mut Vec<u8>) {
    out.push(b'{');
    let mut sink = JsonSink { out, pending: smallvec::SmallVec::new(), detail: Detail::Context };
    walk(T::MEMBERS, record, &mut sink);
    out.push(b'}');
}

struct JsonSink<'a> {
    out: &'a mut Vec<u8>,
    /// Groups that were entered but have not shown anything yet: empty ones leave no trace.
    pending: smallvec::SmallVec<[&'static str; 8]>,
    detail: Detail,
}

impl JsonSink<'_> {
    fn key(&mut self, name: &str) {
        for group in core::mem::take(&mut self.pending) {
            self.raw_key(group);
            self.out.push(b'{');
        }
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

    fn twin(&mut self, twin: &'static str, words: impl FnOnce(&mut Vec<u8>)) {
        if !twin.is_empty() {
            self.raw_key(twin);
            self.out.push(b'"');
            words(self.out);
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
                self.twin(twin, |out| flag_words(bits, set, out));
            }
            Value::Symbol(value, symbols) => {
                number(self.out, value);
                if let Some(word) = symbols.name_of(value) {
                    self.twin(twin, |out| out.extend_from_slice(word.as_bytes()));
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
                rfc3339(self.out, time);
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

/// Appends a time as RFC 3339 in UTC with nanoseconds.
pub fn rfc3339(out: &mut Vec<u8>, time: Timestamp) {
    rfc3339_at(out, time, 0);
}

/// Appends a time as RFC 3339 with nanoseconds, as a clock shows it that is this many seconds ahead of
/// UTC. Only whole minutes can be written, so that what is left of the offset is not applied.
pub fn rfc3339_at(out: &mut Vec<u8>, time: Timestamp, offset: i32) {
    let minutes = offset / 60;
    let (seconds, nanoseconds) = (time.0 / 1_000_000_000, time.0 % 1_000_000_000);
    let seconds = seconds.saturating_add_signed(i64::from(minutes) * 60);
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let mut text = *b"0000-00-00T00:00:00.000000000";
    digits(&mut text[0..4], year);
    digits(&mut text[5..7], month);
    digits(&mut text[8..10], day);
    digits(&mut text[11..13], second / 3600);
    digits(&mut text[14..16], second / 60 % 60);
    digits(&mut text[17..19], second % 60);
    digits(&mut text[20..29], nanoseconds);
    out.extend_from_slice(&text);
    if minutes == 0 {
        out.push(b'Z');
        return;
    }
    let mut zone = [if minutes < 0 { b'-' } else { b'+' }, b'0', b'0', b':', b'0', b'0'];
    let distance = u64::from(minutes.unsigned_abs());
    digits(&mut zone[1..3], distance / 60);
    digits(&mut zone[4..6], distance % 60);
    out.extend_from_slice(&zone);
}

fn digits(to: &mut [u8], mut value: u64) {
    for digit in to.iter_mut().rev() {
        *digit = b'0' + (value % 10).to_le_bytes()[0];
        value /= 10;
    }
}

/// Year, month and day of a day counted from 1970-01-01, by the proleptic Gregorian calendar: years
/// are taken to begin in March, so that the leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

fn number(out: &mut Vec<u8>, value: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn address(out: &mut Vec<u8>, ip: IpAddr) {
    // Writing to a `Vec` cannot fail.
    let _ = write!(Text(out), "{ip}");
}

/// Appends bytes as a JSON string.
pub fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    escaped(out, bytes);
    out.push(b'"');
}

/// Appends an array of strings, which `items` hands over one by one.
fn strings(out: &mut Vec<u8>, items: impl FnOnce(&mut dyn FnMut(&[u8]))) {
    out.push(b'[');
    let mut first = true;
    items(&mut |item| {
        if !core::mem::take(&mut first) {
            out.push(b',');
        }
        string(out, item);
    });
    out.push(b']');
}

fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        escaped_text(out, chunk.valid().as_bytes());
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{fffd}".as_bytes());
        }
    }
}

fn escaped_text(out: &mut Vec<u8>, text: &[u8]) {
    let mut plain = 0;
    for (index, byte) in text.iter().enumerate() {
        let short: &[u8] = match byte {
            b'"' => b"\\\"",
            b'\\' => b"\\\\",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            b'\t' => b"\\t",
            0..0x20 | 0x7f => b"",
            _ => continue,
        };
        out.extend_from_slice(&text[plain..index]);
        plain = index + 1;
        if short.is_empty() {
            // Writing to a `Vec` cannot fail.
            let _ = write!(Text(out), "\\u{byte:04x}");
        } else {
            out.extend_from_slice(short);
        }
    }
    out.extend_from_slice(&text[plain..]);
}

/// Formats into bytes; never fails.
pub(crate) struct Text<'a>(pub(crate) &'a mut Vec<u8>);

impl core::fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
