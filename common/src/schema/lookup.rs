//! Fields by name, for rules; and all of them, for the event reference.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Detail, Kind, Member, Record, Value};

type Get<T> = dyn for<'a> Fn(&'a T) -> Value<'a> + Send + Sync;

/// A field that was found: its type and how to read it.
pub struct Accessor<T: 'static> {
    /// Its type.
    pub kind: Kind,
    get: Box<Get<T>>,
}

impl<T> core::fmt::Debug for Accessor<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Accessor").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl<T> Accessor<T> {
    /// Reads the field.
    #[must_use]
    pub fn get<'a>(&self, record: &'a T) -> Value<'a> {
        (self.get)(record)
    }

    /// The accessor for the same field of a record that holds a `T`.
    pub(super) fn through<Outer>(self, inner: fn(&Outer) -> Option<&T>) -> Accessor<Outer> {
        let get = self.get;
        Accessor { kind: self.kind, get: Box::new(move |outer| inner(outer).map_or(Value::Absent, &get)) }
    }
}

/// Finds a field by its dotted name.
#[must_use]
pub fn find<T: Record>(name: &str) -> Option<Accessor<T>> {
    find_member(T::MEMBERS, name)
}

fn find_member<T>(members: &'static [Member<T>], name: &str) -> Option<Accessor<T>> {
    members.iter().find_map(|member| match member {
        Member::Leaf(leaf) if leaf.name == name => {
            let get = leaf.get;
            Some(Accessor { kind: leaf.kind, get: Box::new(get) })
        }
        Member::Group { name: group, members } => {
            let rest = name.strip_prefix(group)?.strip_prefix('.')?;
            find_member(members, rest)
        }
        Member::Inline(embedded) => embedded.find(name),
        Member::Choice { members, .. } | Member::Recurring { members, .. } => find_member(members, name),
        // An element of a sequence is not a field of the record: rules iterate over it.
        Member::Leaf(_) | Member::List { .. } => None,
    })
}

/// One field, for the event reference.
#[derive(Clone, Debug)]
pub struct Description {
    /// The dotted name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// From which detail on it is shown.
    pub detail: Detail,
    /// What it means.
    pub doc: &'static str,
}

/// Lists every field of a record.
#[must_use]
pub fn describe<T: Record>() -> Vec<Description> {
    let mut out = Vec::new();
    describe_members(T::MEMBERS, &mut String::new(), &mut out);
    out
}

pub(super) fn describe_members<T>(members: &'static [Member<T>], prefix: &mut String, out: &mut Vec<Description>) {
    let nested = |prefix: &mut String, name: &str, inside: &mut dyn FnMut(&mut String)| {
        let length = prefix.len();
        prefix.push_str(name);
        prefix.push('.');
        inside(prefix);
        prefix.truncate(length);
    };
    for member in members {
        match member {
            Member::Leaf(leaf) => out.push(Description {
                name: alloc::format!("{prefix}{}", leaf.name),
                kind: leaf.kind,
                detail: leaf.detail,
                doc: leaf.doc,
            }),
            Member::Group { name, members } => {
                nested(prefix, name, &mut |prefix| describe_members(members, prefix, out));
            }
            Member::Inline(embedded) => embedded.describe(prefix, out),
            Member::Choice { members, .. } | Member::Recurring { members, .. } => {
                describe_members(members, prefix, out);
            }
            Member::List { name, of, .. } => nested(prefix, name, &mut |prefix| of.describe(prefix, out)),
        }
    }
}
