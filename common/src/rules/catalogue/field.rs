//! Fields: their types as the language has them, and how they are read.

use alloc::boxed::Box;
use core::fmt;

use super::roots::{List, Root};
use crate::event::{Event, EventType, Origin};
use crate::process::Process;
use crate::schema::{Accessor, Kind, Value};

/// The type of a field, as the language has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ty {
    /// True or false.
    Bool,
    /// A number of 64 bits.
    Int,
    /// A point in time, in nanoseconds.
    Time,
    /// Text.
    Text,
    /// Several texts.
    Texts,
    /// Several numbers.
    Ints,
    /// An IP address.
    Ip,
    /// Several IP addresses.
    Ips,
}

impl Ty {
    pub(super) fn of(kind: Kind) -> Self {
        match kind {
            Kind::Bool => Self::Bool,
            Kind::Int | Kind::Flags(_) | Kind::Symbol(_) => Self::Int,
            Kind::String => Self::Text,
            Kind::Strings => Self::Texts,
            Kind::Time => Self::Time,
            Kind::Ip => Self::Ip,
        }
    }

    /// For people, with its article.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "a bool",
            Self::Int => "a number",
            Self::Time => "a time",
            Self::Text => "a text",
            Self::Texts => "a list of texts",
            Self::Ints => "a list of numbers",
            Self::Ip => "an IP address",
            Self::Ips => "a list of IP addresses",
        }
    }

    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::Texts | Self::Ints | Self::Ips)
    }

    pub(crate) fn has_length(self) -> bool {
        self.is_list() || self == Self::Text
    }

    /// The type of one text of it.
    pub(crate) fn text(self) -> Option<Self> {
        matches!(self, Self::Text | Self::Texts).then_some(Self::Text)
    }
}

/// What a field is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Every event has it.
    Any,
    /// Events of this type have it.
    Event(EventType),
    /// Events of a type that Lapwing does not observe.
    Unobserved(&'static str),
}

impl Subject {
    /// The type's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Event(event) => event.name(),
            Self::Unobserved(name) => name,
        }
    }
}

/// How texts of a field are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TextKind {
    Plain,
    /// Patterns are globs.
    Path,
    /// Upper and lower case of ASCII are the same, but for regular expressions.
    Folded,
    /// May be written without its dot.
    Extension,
    /// The reference's names of backends are known.
    Origin,
}

/// A field of the language.
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: Box<str>,
    /// Its type.
    pub(crate) ty: Ty,
    /// What it is about.
    pub(crate) subject: Subject,
    pub(crate) kind: TextKind,
    /// Where the program is busybox, the name that it was called by is one of its own.
    pub(crate) aliased: bool,
    /// What it is where an event does not have it, if not zero.
    unset: Option<u32>,
    pub(crate) reading: Reading,
}

/// How a field is read.
#[derive(Debug)]
pub(crate) enum Reading {
    /// It is not known to Lapwing.
    Unfed,
    Constant(&'static str),
    Event(Accessor<Event>),
    Process(Root, Accessor<Process>),
    Element(List, Accessor<Process>),
    /// How many elements a sequence has.
    Count(List),
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field").field("name", &self.name).field("ty", &self.ty).finish_non_exhaustive()
    }
}

/// The login user where nobody logged in: `AUDIT_UID_UNSET` of linux/audit.h.
pub(super) const UNSET_AUID: u32 = u32::MAX;

/// Fields that one backend can never tell while the other does: none, which the equivalence tests hold for all scenarios.
/// Where the backends differ it is in single events, see *Two backends* in the README.
const NOT_BY: &[(&str, Origin)] = &[];

impl Field {
    pub(super) fn new(name: &str, ty: Ty, reading: Reading) -> Self {
        let last = name.rsplit('.').next().unwrap_or_default();
        let kind = match last {
            "path" if ty == Ty::Text => TextKind::Path,
            "extension" => TextKind::Extension,
            _ if name == "event.origin" => TextKind::Origin,
            _ if name == "dns.question.name" => TextKind::Folded,
            _ => TextKind::Plain,
        };
        let aliased = matches!(name, "process.file.path" | "process.file.name" | "exec.file.path" | "exec.file.name");
        let unset = (last == "auid").then_some(UNSET_AUID);
        Self { name: name.into(), ty, subject: super::subject(name), kind, aliased, unset, reading }
    }

    /// The sequence that it is a member of, one value for each element.
    pub(crate) fn list(&self) -> Option<List> {
        match self.reading {
            Reading::Element(list, _) => Some(list),
            Reading::Unfed => super::roots::element(&self.name).map(|(list, _)| list),
            _ => None,
        }
    }

    /// Whether it is known only where programs are hashed.
    pub(crate) fn is_of_hashes(&self) -> bool {
        self.is_known() && matches!(self.name.rsplit('.').next(), Some("hashes" | "hash_state"))
    }

    /// Whether Lapwing knows it at all.
    pub(crate) fn is_known(&self) -> bool {
        !matches!(self.reading, Reading::Unfed)
    }

    /// Whether this backend tells it.
    pub(crate) fn is_fed_by(&self, origin: Origin) -> bool {
        self.is_known() && !NOT_BY.iter().any(|(name, by)| *by == origin && **name == *self.name)
    }
}

/// Reads a field of an event; of an element of a sequence, where the field is one's.
pub(crate) fn read<'a>(field: &Field, event: &'a Event, element: Option<&'a Process>) -> Value<'a> {
    let value = match &field.reading {
        Reading::Unfed => Value::Absent,
        Reading::Constant(text) => Value::Bytes(text.as_bytes()),
        Reading::Event(accessor) => accessor.get(event),
        Reading::Process(root, accessor) => root(event).map_or(Value::Absent, |process| accessor.get(process)),
        Reading::Element(_, accessor) => element.map_or(Value::Absent, |process| accessor.get(process)),
        Reading::Count(list) => Value::Uint(list.of(event).map_or(0, |process| process.ancestors().count()) as u64),
    };
    match (value, field.unset) {
        (Value::Absent, Some(unset)) => Value::Uint(unset.into()),
        (value, _) => value,
    }
}
