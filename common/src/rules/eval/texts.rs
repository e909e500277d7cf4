//! Texts: where they come from, and what they are compared with.

use super::Run;
use super::run::any_of;
use crate::process::Convention;
use crate::rules::catalogue::TextKind;
use crate::rules::program::{FieldRef, Piece, Template, TextTest, Texts, Wildcards};
use crate::rules::text::{TextSet, raw_glob, raw_pattern};
use crate::rules::variables::{Scalar, VariableId};
use crate::schema::Value;

type Test<'t, 'r, 'a> = &'t mut dyn FnMut(&mut Run<'r, 'a>, &[u8]) -> bool;

impl<'r, 'a> Run<'r, 'a> {
    /// Asks of each text, until one is what is looked for. What is absent is an empty text, and an empty list.
    pub(crate) fn any_text(&mut self, texts: &Texts, test: Test<'_, 'r, 'a>) -> bool {
        match texts {
            Texts::Field(field) => self.any_of_field(*field, test),
            Texts::Literal(text) => test(self, text),
            Texts::Template(template) => self.put_together(|run, out| run.write(template, out), test),
            Texts::Variable(id) => self.any_of_variable(*id, test),
            Texts::Nth(field, index) => {
                let mut at = 0;
                let mut found = None;
                self.each_item(*field, &mut |run, text| {
                    at += 1;
                    if at == *index + 1 {
                        found = Some(test(run, text));
                    }
                    found.is_some()
                });
                found.unwrap_or_else(|| test(self, b""))
            }
            Texts::RootDomain(field) => self.any_of_field(*field, &mut |run, text| test(run, root_domain(text))),
        }
    }

    pub(super) fn text_passes(&mut self, text: &[u8], test: &TextTest) -> bool {
        match test {
            TextTest::Set(set) => self.in_set(set, text),
            TextTest::Among(texts) => self.any_text(texts, &mut |_, other| text == other),
            TextTest::Pattern(template, wildcards) => {
                let matches = match wildcards {
                    Wildcards::Plain => raw_pattern,
                    Wildcards::Path => raw_glob,
                };
                self.put_together(|run, out| run.write(template, out), &mut |_, pattern| matches(pattern, text))
            }
            TextTest::Either(tests) => tests.iter().any(|test| self.text_passes(text, test)),
        }
    }

    pub(super) fn in_set(&mut self, set: &TextSet, text: &[u8]) -> bool {
        let (program, caches) = (self.program, &mut self.scratch.caches);
        set.matches(text, |index, text| {
            let index = index as usize;
            match (program.regexps.get(index), caches.get_mut(index)) {
                (Some(regexp), Some(cache)) => regexp.matches(cache, text),
                _ => false,
            }
        })
    }

    /// Bytes of a text, or elements of a list.
    pub(super) fn length(&mut self, field: FieldRef) -> i64 {
        let is_list = self.program.field(field).ty.is_list();
        let mut length = 0_usize;
        self.each_item(field, &mut |_, text| {
            length += if is_list { 1 } else { text.len() };
            false
        });
        i64::try_from(length).unwrap_or(i64::MAX)
    }

    fn any_of_field(&mut self, field: FieldRef, test: Test<'_, 'r, 'a>) -> bool {
        if self.each_item(field, test) {
            return true;
        }
        let known = self.program.field(field);
        let kind = known.kind;
        if !known.aliased {
            return false;
        }
        let facts = self.facts;
        let Some(applet) = facts.applet() else { return false };
        if kind != TextKind::Path {
            return test(self, applet);
        }
        [&b"/bin/"[..], b"/usr/bin/"].into_iter().any(|directory| {
            self.put_together(
                |_, out| {
                    out.extend_from_slice(directory);
                    out.extend_from_slice(applet);
                },
                test,
            )
        })
    }

    /// Calls back with the text, or with each of the list.
    fn each_item(&mut self, field: FieldRef, test: Test<'_, 'r, 'a>) -> bool {
        match self.read(field) {
            Value::Bytes(text) => test(self, text),
            Value::Short(text) => test(self, text.as_bytes()),
            Value::Strings(texts) => texts.iter().any(|text| test(self, text)),
            Value::Joined(texts) => self.put_together(|_, out| join(texts, out), test),
            Value::Options(arguments, convention) => self.any_option(arguments, convention, test),
            _ if self.program.field(field).ty.is_list() => false,
            _ => test(self, b""),
        }
    }

    fn any_option(
        &mut self,
        arguments: &[alloc::boxed::Box<[u8]>],
        convention: Convention,
        test: Test<'_, 'r, 'a>,
    ) -> bool {
        let mut room = self.scratch.buffers.pop().unwrap_or_default();
        let mut found = false;
        convention.each_with(&mut room, arguments, |option| found = found || test(self, option));
        self.scratch.buffers.push(room);
        found
    }

    /// Asks of a text that has to be put together first.
    fn put_together(
        &mut self,
        write: impl FnOnce(&mut Self, &mut alloc::vec::Vec<u8>),
        test: Test<'_, 'r, 'a>,
    ) -> bool {
        let mut buffer = self.scratch.buffers.pop().unwrap_or_default();
        buffer.clear();
        write(self, &mut buffer);
        let found = test(self, &buffer);
        self.scratch.buffers.push(buffer);
        found
    }

    /// Appends a template with its values.
    pub(crate) fn write(&mut self, template: &Template, out: &mut alloc::vec::Vec<u8>) {
        for piece in &template.pieces {
            match piece {
                Piece::Text(text) => out.extend_from_slice(text),
                Piece::Uuid => self.write_uuid(out),
                Piece::Variable(id) => {
                    let start = out.len();
                    any_of(self.variables, self.declarations, self.facts, *id, &mut |value| {
                        separate(out, start);
                        write_scalar(value, out);
                        false
                    });
                }
                Piece::Field(field) => match self.read(*field) {
                    value @ (Value::Int(_) | Value::Uint(_) | Value::Flags(..) | Value::Symbol(..)) => {
                        write_integer(super::integer(&value), out);
                    }
                    _ => {
                        let start = out.len();
                        self.each_item(*field, &mut |_, text| {
                            separate(out, start);
                            out.extend_from_slice(text);
                            false
                        });
                    }
                },
            }
        }
    }

    fn any_of_variable(&mut self, id: VariableId, test: Test<'_, 'r, 'a>) -> bool {
        let (variables, declarations, facts) = (self.variables, self.declarations, self.facts);
        let is_list = declarations.ty(id).is_list();
        let found = any_of(variables, declarations, facts, id, &mut |value| match value {
            Scalar::Text(text) => test(self, text),
            _ => false,
        });
        match found {
            Some(found) => found,
            None => !is_list && test(self, b""),
        }
    }

    /// A random identifier (RFC 9562, version 4). It tells things apart; it is no secret.
    fn write_uuid(&mut self, out: &mut alloc::vec::Vec<u8>) {
        let mut bytes = [0; 16];
        for half in bytes.chunks_exact_mut(8) {
            half.copy_from_slice(&next_random(&mut self.scratch.random).to_le_bytes());
        }
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        for (index, byte) in bytes.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                out.push(b'-');
            }
            let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble & 15)];
            out.extend([digit(byte >> 4), digit(*byte)]);
        }
    }
}

/// `SplitMix64` (Steele, Lea, Flood 2014).
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut word = *state;
    word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ word >> 31
}

fn separate(out: &mut alloc::vec::Vec<u8>, start: usize) {
    if out.len() > start {
        out.push(b',');
    }
}

fn write_scalar(value: &Scalar, out: &mut alloc::vec::Vec<u8>) {
    match value {
        Scalar::Int(value) => write_integer(*value, out),
        Scalar::Text(text) => out.extend_from_slice(text),
        Scalar::Ip(_) => {}
    }
}

fn write_integer(value: i64, out: &mut alloc::vec::Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn join(texts: &[alloc::boxed::Box<[u8]>], out: &mut alloc::vec::Vec<u8>) {
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(text);
    }
}

/// The last two labels of a host's name.
fn root_domain(name: &[u8]) -> &[u8] {
    let mut dots = name.iter().enumerate().rev().filter(|(_, byte)| **byte == b'.').map(|(index, _)| index);
    dots.nth(1).map_or(name, |dot| &name[dot + 1..])
}
