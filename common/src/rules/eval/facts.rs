//! What rules are asked about: an event, or what stands for one.

use crate::event::Event;
use crate::ids::{ProcessKey, Timestamp};
use crate::process::Process;
use crate::rules::catalogue::{Field, List, read};
use crate::rules::variables::{Owner, Scope};
use crate::schema::Value;

/// An element of a sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Element<'a> {
    Process(&'a Process),
    /// By its place, where there is no process behind it.
    Index(usize),
}

/// What rules are asked about.
pub(crate) trait Facts {
    /// When it happened.
    fn now(&self) -> Timestamp;

    /// The value of a field.
    fn read<'a>(&'a self, field: &Field, element: Option<Element<'a>>) -> Value<'a>;

    /// Calls back with each element of a sequence, until one is what is looked for.
    fn any<'a>(&'a self, list: List, test: &mut dyn FnMut(Element<'a>) -> bool) -> bool;

    /// The name that busybox was called by, if that is the program.
    fn applet(&self) -> Option<&[u8]>;

    /// Whose variables of a scope are meant; `None` for those of all.
    fn owner(&self, scope: Scope) -> Option<Owner>;

    /// Calls back with the ancestors, nearest first, until one is what is looked for.
    fn ancestor(&self, test: &mut dyn FnMut(ProcessKey) -> bool);
}

impl Facts for Event {
    fn now(&self) -> Timestamp {
        self.timestamp
    }

    fn read<'a>(&'a self, field: &Field, element: Option<Element<'a>>) -> Value<'a> {
        let process = match element {
            Some(Element::Process(process)) => Some(process),
            _ => None,
        };
        read(field, self, process)
    }

    fn any<'a>(&'a self, list: List, test: &mut dyn FnMut(Element<'a>) -> bool) -> bool {
        list.of(self).is_some_and(|process| process.ancestors().any(|ancestor| test(Element::Process(ancestor))))
    }

    fn applet(&self) -> Option<&[u8]> {
        let image = self.process.image();
        if image.file.name() != b"busybox" {
            return None;
        }
        let called = image.arguments.first();
        let name = called.rsplit(|byte| *byte == b'/').next()?;
        (!name.is_empty() && name != b"busybox").then_some(name)
    }

    fn owner(&self, scope: Scope) -> Option<Owner> {
        match scope {
            Scope::Global => None,
            Scope::Process => Some(Owner::Process(self.process.key())),
            Scope::Container => Some(Owner::Container(self.process.container_id().into())),
            Scope::Cgroup => {
                Some(Owner::Cgroup(self.process.cgroup().map_or_else(Default::default, |cgroup| cgroup.path.clone())))
            }
        }
    }

    fn ancestor(&self, test: &mut dyn FnMut(ProcessKey) -> bool) {
        let own = self.process.key();
        let mut ancestors = self.process.ancestors().map(Process::key).filter(|key| *key != own);
        ancestors.any(test);
    }
}

/// A value as a number; zero if it is none.
pub(crate) fn integer(value: &Value<'_>) -> i64 {
    match *value {
        Value::Int(value) | Value::Symbol(value, _) => value,
        Value::Uint(value) | Value::Flags(value, _) => value.cast_signed(),
        Value::Time(time) => time.0.cast_signed(),
        Value::Bool(value) => value.into(),
        _ => 0,
    }
}
