//! Fields: each has its name, type, meaning and accessor in one place.
//!
//! A record type lists its members once, as [`Record::MEMBERS`]. JSON output walks that list, rules
//! look names up in it, the event reference prints it: none of the three can disagree with another.
//! Members nest (`file.path` lies in the group `file`), and a record may embed another whole, so the
//! block of file fields is written down once, however many events carry a file.

mod embed;
mod lookup;
mod value;

pub use embed::{Each, Embed, Embedded, Expanded, Listed, Listing, Reduced};
pub use lookup::{Accessor, Description, describe, find};
pub use value::{Flag, FlagSet, Kind, Short, Symbols, Value};

/// How much of a record a reader wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Detail {
    /// What tells one process from another: shown for every ancestor.
    Identity,
    /// What is shown with every event.
    Context,
    /// Everything an event of its own shows.
    Full,
    /// Derived from other fields: rules may name it, output leaves it out.
    Derived,
}

/// Stands for the values of fields: as long as it is the same, so are they.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The version of what they are of. No two ever have the same.
    pub own: u64,
    /// The sum of the versions of what that refers to. Versions only grow.
    pub others: u64,
}

/// A type whose values have named fields.
pub trait Record: 'static + Sized {
    /// The fields, in the order in which they are shown.
    const MEMBERS: &'static [Member<Self>];
}

/// One entry in a record's list.
#[derive(Debug)]
pub enum Member<T: 'static> {
    /// A field.
    Leaf(Leaf<T>),
    /// Fields under a common name: `syscall.path`, `syscall.flags`.
    Group {
        /// The part of the name that they share.
        name: &'static str,
        /// What is inside.
        members: &'static [Member<T>],
    },
    /// The fields of another record, in place.
    Inline(&'static dyn Embed<T>),
    /// One of these, of which a record never has two.
    Choice {
        /// Which one.
        of: fn(&T) -> usize,
        /// What there is to choose from.
        members: &'static [Member<T>],
    },
    /// Fields that many records have alike, so that a sink may remember what it made of them.
    Recurring {
        /// What they depend on.
        state: fn(&T) -> State,
        /// The fields.
        members: &'static [Member<T>],
    },
    /// The records of a sequence, under a common name.
    List {
        /// The name of the sequence.
        name: &'static str,
        /// What it holds.
        doc: &'static str,
        /// The sequence.
        of: &'static dyn Listing<T>,
    },
}

/// A field of `T`.
pub struct Leaf<T: 'static> {
    /// Last part of the name.
    pub name: &'static str,
    /// Name of the twin that shows a number in words (`flags_str`), when the kind has one.
    pub twin: &'static str,
    /// Its type.
    pub kind: Kind,
    /// From which detail on it is shown.
    pub detail: Detail,
    /// What it means.
    pub doc: &'static str,
    /// Reads it.
    pub get: for<'a> fn(&'a T) -> Value<'a>,
}

impl<T> core::fmt::Debug for Leaf<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Leaf").field("name", &self.name).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl<T> Leaf<T> {
    /// The same field, shown from another detail on.
    #[must_use]
    pub const fn at(self, detail: Detail) -> Self {
        Self { detail, ..self }
    }

    /// As a member of a list.
    #[must_use]
    pub const fn member(self) -> Member<T> {
        Member::Leaf(self)
    }
}

/// A field of the given kind, shown from [`Detail::Context`] on.
#[must_use]
pub const fn leaf<T>(
    name: &'static str,
    kind: Kind,
    doc: &'static str,
    get: for<'a> fn(&'a T) -> Value<'a>,
) -> Leaf<T> {
    Leaf { name, twin: "", kind, detail: Detail::Context, doc, get }
}

/// A shown field.
#[must_use]
pub const fn field<T>(
    name: &'static str,
    kind: Kind,
    doc: &'static str,
    get: for<'a> fn(&'a T) -> Value<'a>,
) -> Member<T> {
    Member::Leaf(leaf(name, kind, doc, get))
}

/// A shown number with a twin in words.
#[must_use]
pub const fn worded<T>(
    name: &'static str,
    twin: &'static str,
    kind: Kind,
    doc: &'static str,
    get: for<'a> fn(&'a T) -> Value<'a>,
) -> Member<T> {
    Member::Leaf(Leaf { name, twin, kind, detail: Detail::Context, doc, get })
}

/// A field that rules know and output leaves out.
#[must_use]
pub const fn derived<T>(
    name: &'static str,
    kind: Kind,
    doc: &'static str,
    get: for<'a> fn(&'a T) -> Value<'a>,
) -> Member<T> {
    Member::Leaf(leaf(name, kind, doc, get).at(Detail::Derived))
}

/// Fields under a common name. A macro, because the members must be a constant of their own.
macro_rules! group {
    ($name:expr, [$($member:expr),* $(,)?] $(,)?) => {
        $crate::schema::Member::Group { name: $name, members: const { &[$($member),*] } }
    };
}
pub(crate) use group;

/// Receives the fields of a record in order.
pub trait Sink {
    /// The detail that is wanted.
    fn detail(&self) -> Detail;
    /// Changes it for what follows. Returns the one to restore.
    fn set_detail(&mut self, detail: Detail) -> Detail;
    /// A field; never [`Value::Absent`].
    fn leaf(&mut self, name: &'static str, twin: &'static str, value: &Value<'_>);
    /// Fields under a common name follow.
    fn enter(&mut self, name: &'static str);
    /// They are over.
    fn leave(&mut self);
    /// A sequence of records follows.
    fn enter_list(&mut self, name: &'static str);
    /// The next record of the sequence follows.
    fn enter_item(&mut self);
    /// The record is over.
    fn leave_item(&mut self);
    /// The sequence is over.
    fn leave_list(&mut self);
    /// Fields in this state follow, unless the sink says that it has shown them from memory.
    fn recall(&mut self, state: State) -> bool;
    /// They are over.
    fn remember(&mut self, state: State);
}

/// Shows the members of a record to a sink.
pub fn walk<T>(members: &'static [Member<T>], record: &T, sink: &mut dyn Sink) {
    for member in members {
        match member {
            Member::Leaf(leaf) => {
                if leaf.detail <= sink.detail() {
                    let value = (leaf.get)(record);
                    if !matches!(value, Value::Absent) {
                        sink.leaf(leaf.name, leaf.twin, &value);
                    }
                }
            }
            Member::Group { name, members } => {
                sink.enter(name);
                walk(members, record, sink);
                sink.leave();
            }
            Member::Inline(embedded) => embedded.walk(record, sink),
            Member::Choice { of, members } => {
                if let Some(chosen) = members.get(of(record)..).and_then(|rest| rest.get(..1)) {
                    walk(chosen, record, sink);
                }
            }
            Member::Recurring { state, members } => {
                let state = state(record);
                if !sink.recall(state) {
                    walk(members, record, sink);
                    sink.remember(state);
                }
            }
            Member::List { name, of, .. } => of.walk(name, record, sink),
        }
    }
}

#[cfg(test)]
mod tests;
