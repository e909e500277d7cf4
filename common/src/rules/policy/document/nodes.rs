//! Parts of a file, read as what they should be. One of another kind is reported, and left out.

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde_saphyr::Spanned;

use super::FileReader;
use super::yaml::{Entries, Yaml, place};
use crate::rules::SampleValue;
use crate::rules::catalogue::nearest;
use crate::rules::policy::definition::{Located, Place};
use crate::rules::policy::report::{Fault, Report};

impl FileReader<'_> {
    pub(super) fn report(&mut self, place: Place, fault: Fault) {
        let (policy, rule) = (self.source.name.clone(), self.rule.clone());
        self.reports.push(Report { policy, rule, place, width: 1, fault });
    }

    pub(super) fn shape(&mut self, node: &Spanned<Yaml>, key: &str, expected: &'static str) {
        self.report(place(node), Fault::Shape { key: key.into(), expected });
    }

    pub(super) fn map<'n>(&mut self, node: &'n Spanned<Yaml>, key: &str) -> Option<&'n Entries> {
        match &node.value {
            Yaml::Map(entries) => Some(entries),
            Yaml::Null => Some(&[]),
            _ => {
                self.shape(node, key, "a map");
                None
            }
        }
    }

    pub(super) fn list<'n>(&mut self, node: &'n Spanned<Yaml>, key: &str) -> &'n [Spanned<Yaml>] {
        match &node.value {
            Yaml::List(items) => items,
            Yaml::Null => &[],
            _ => {
                self.shape(node, key, "a list");
                &[]
            }
        }
    }

    pub(super) fn text(&mut self, node: &Spanned<Yaml>, key: &str) -> Option<Located<String>> {
        let value = match &node.value {
            Yaml::Text(text) => text.clone(),
            // As it is written: 1.10 is no 1.1, and somebody may be called y.
            Yaml::Int(value) => self.raw(node).unwrap_or_else(|| value.to_string()),
            Yaml::Float(value) => self.raw(node).unwrap_or_else(|| value.to_string()),
            Yaml::Bool(value) => self.raw(node).unwrap_or_else(|| value.to_string()),
            Yaml::Null => return None,
            Yaml::List(_) | Yaml::Map(_) => {
                self.shape(node, key, "a text");
                return None;
            }
        };
        Some(Located { value, place: place(node) })
    }

    pub(super) fn raw(&self, node: &Spanned<Yaml>) -> Option<String> {
        let rest = self.source.text.get(place(node).offset..)?;
        let end = rest.find(['\n', ',', '}', ']', '#']).unwrap_or(rest.len());
        Some(rest[..end].trim().into())
    }

    pub(super) fn plain(&mut self, node: &Spanned<Yaml>, key: &str) -> String {
        self.text(node, key).map(|text| text.value).unwrap_or_default()
    }

    pub(super) fn bool(&mut self, node: &Spanned<Yaml>, key: &str) -> bool {
        match node.value {
            Yaml::Bool(value) => value,
            Yaml::Null => false,
            _ => {
                self.shape(node, key, "true or false");
                false
            }
        }
    }

    pub(super) fn texts(&mut self, node: &Spanned<Yaml>, key: &str) -> Vec<Located<String>> {
        if let Yaml::Text(_) = node.value {
            return self.text(node, key).into_iter().collect();
        }
        self.list(node, key).iter().filter_map(|item| self.text(item, key)).collect()
    }

    /// `5s`, `1h30m`, or nanoseconds.
    pub(super) fn duration(&mut self, node: &Spanned<Yaml>, key: &str) -> Option<u64> {
        let parsed = match &node.value {
            Yaml::Int(value) => u64::try_from(*value).ok(),
            Yaml::Text(text) => duration(text),
            Yaml::Null => return None,
            _ => None,
        };
        if parsed.is_none() {
            self.shape(node, key, "a duration, such as 10s or 5m");
        }
        parsed
    }

    pub(super) fn number(&mut self, node: &Spanned<Yaml>, key: &str) -> Option<i64> {
        match &node.value {
            Yaml::Int(value) => Some(*value),
            Yaml::Null => None,
            _ => {
                self.shape(node, key, "a number");
                None
            }
        }
    }

    pub(super) fn unknown(&mut self, key: &str, node: &Spanned<Yaml>, of: &'static str, known: &[&str]) {
        let nearest = nearest(key, known.iter().copied());
        self.report(place(node), Fault::UnknownKey { key: key.into(), of, nearest });
    }
    pub(super) fn value(&mut self, node: &Spanned<Yaml>, key: &str) -> Option<SampleValue> {
        let bytes = |text: &str| -> Box<[u8]> { text.as_bytes().into() };
        match &node.value {
            Yaml::Bool(value) => Some(SampleValue::Bool(*value)),
            Yaml::Int(value) => Some(SampleValue::Int(*value)),
            Yaml::Text(text) => Some(SampleValue::Text(bytes(text))),
            Yaml::List(items) if !items.is_empty() => {
                let numbers =
                    items.iter().map(|item| if let Yaml::Int(value) = item.value { Some(value) } else { None });
                let texts =
                    items.iter().map(|item| if let Yaml::Text(text) = &item.value { Some(bytes(text)) } else { None });
                let texts = || texts.collect::<Option<Vec<_>>>().map(SampleValue::Texts);
                let value = numbers.collect::<Option<Vec<_>>>().map(SampleValue::Ints).or_else(texts);
                if value.is_none() {
                    self.shape(node, key, "a list of texts or of numbers");
                }
                value
            }
            Yaml::Null => None,
            _ => {
                self.shape(node, key, "true, false, a number, a text or a list of them");
                None
            }
        }
    }
}

/// A duration as Go writes it, in nanoseconds.
fn duration(text: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 6] = [
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let mut rest = text.trim();
    let mut total: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|one: char| !one.is_ascii_digit())?;
        let value: u64 = rest[..digits].parse().ok()?;
        let after = &rest[digits..];
        let length = after.find(|one: char| one.is_ascii_digit()).unwrap_or(after.len());
        let (_, scale) = UNITS.iter().find(|(unit, _)| *unit == &after[..length])?;
        total = total.checked_add(value.checked_mul(*scale)?)?;
        rest = &after[length..];
    }
    Some(total)
}
