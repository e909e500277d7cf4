//! What stands for an event: values by name, as a person writes them down to try a rule.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::{Element, Facts};
use crate::ids::{Pid, PidNs, ProcessKey, Timestamp};
use crate::rules::catalogue::{Field, List, Ty};
use crate::rules::variables::{Owner, Scope};
use crate::schema::Value;

/// The values of fields that an event would have. Those that are not given are absent.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// When it happened.
    pub timestamp: Timestamp,
    values: HashMap<Box<str>, SampleValue>,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum SampleValue {
    /// True or false.
    Bool(bool),
    /// A number, or a time in nanoseconds.
    Int(i64),
    /// Text, or an address.
    Text(Box<[u8]>),
    /// Several texts; of a field of a sequence, one for each element.
    Texts(Vec<Box<[u8]>>),
    /// Several numbers: of a field of a sequence, one for each element.
    Ints(Vec<i64>),
}

impl Sample {
    /// Nothing but when it happened.
    #[must_use]
    pub fn at(timestamp: Timestamp) -> Self {
        Self { timestamp, ..Self::default() }
    }

    /// Gives a field a value.
    pub fn set(&mut self, field: impl Into<String>, value: SampleValue) {
        self.values.insert(field.into().into(), value);
    }

    /// The fields that have a value.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(|name| &**name)
    }
}

impl Facts for Sample {
    fn now(&self) -> Timestamp {
        self.timestamp
    }

    fn read<'a>(&'a self, field: &Field, element: Option<Element<'a>>) -> Value<'a> {
        let index = match element {
            Some(Element::Index(index)) => Some(index),
            _ => None,
        };
        let text = |text: &'a [u8]| match field.ty {
            Ty::Ip => {
                core::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).map_or(Value::Absent, Value::Ip)
            }
            _ => Value::Bytes(text),
        };
        match (self.values.get(&field.name), index) {
            (Some(SampleValue::Bool(value)), _) => Value::Bool(*value),
            (Some(SampleValue::Int(value)), _) => Value::Int(*value),
            (Some(SampleValue::Text(value)), _) => text(value),
            (Some(SampleValue::Texts(values)), Some(index)) => values.get(index).map_or(Value::Absent, |one| text(one)),
            (Some(SampleValue::Texts(values)), None) => Value::Strings(values),
            (Some(SampleValue::Ints(values)), index) => {
                values.get(index.unwrap_or(0)).map_or(Value::Absent, |one| Value::Int(*one))
            }
            (None, _) => self.count(&field.name),
        }
    }

    fn any<'a>(&'a self, list: List, test: &mut dyn FnMut(Element<'a>) -> bool) -> bool {
        (0..self.elements(list.name())).any(|index| test(Element::Index(index)))
    }

    fn applet(&self) -> Option<&[u8]> {
        match (self.values.get("process.file.name"), self.values.get("process.argv0")) {
            (Some(SampleValue::Text(name)), Some(SampleValue::Text(called))) if **name == *b"busybox" => {
                called.rsplit(|byte| *byte == b'/').next().filter(|name| !name.is_empty() && *name != b"busybox")
            }
            _ => None,
        }
    }

    fn owner(&self, scope: Scope) -> Option<Owner> {
        let text = |name: &str| match self.values.get(name) {
            Some(SampleValue::Text(text)) => text.clone(),
            _ => Box::default(),
        };
        let pid = match self.values.get("process.pid") {
            Some(SampleValue::Int(pid)) => i32::try_from(*pid).unwrap_or(0),
            _ => 0,
        };
        match scope {
            Scope::Global => None,
            Scope::Process => Some(Owner::Process(ProcessKey { pid: Pid(pid), namespace: PidNs(0) })),
            Scope::Container => Some(Owner::Container(text("process.container.id"))),
            Scope::Cgroup => Some(Owner::Cgroup(text("process.cgroup.id"))),
        }
    }

    fn ancestor(&self, _test: &mut dyn FnMut(ProcessKey) -> bool) {}
}

impl Sample {
    fn elements(&self, list: &str) -> usize {
        let length = |value: &SampleValue| match value {
            SampleValue::Texts(values) => values.len(),
            SampleValue::Ints(values) => values.len(),
            _ => 1,
        };
        let members =
            self.values.iter().filter(|(name, _)| name.strip_prefix(list).is_some_and(|rest| rest.starts_with('.')));
        members.map(|(_, value)| length(value)).max().unwrap_or(0)
    }

    fn count(&self, name: &str) -> Value<'_> {
        match name.strip_suffix(".length") {
            Some(list) => Value::Uint(self.elements(list) as u64),
            None => Value::Absent,
        }
    }
}
