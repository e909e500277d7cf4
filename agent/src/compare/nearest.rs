//! What one stream has more often, beside what it is most like in the other.

use std::collections::BTreeMap;

use serde_json::Value;

use super::multiset::Surplus;

/// An event that is not in both streams equally often.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// Of which process, by the programs on the way to it.
    pub(crate) process: String,
    /// The type of the event.
    pub(crate) kind: String,
    /// How often.
    pub(crate) count: u64,
    /// The normal events; one is missing where nothing in that stream is like the other.
    pub(crate) events: [Option<Value>; 2],
    /// The fields that differ, where both are there.
    pub(crate) fields: Vec<Field>,
}

/// A field with its values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) values: [Option<Value>; 2],
}

/// How many fields may differ between events of different processes that are taken for counterparts.
const MOSTLY: usize = 4;

/// How many events are looked through for a counterpart: each is compared with each.
const THOROUGH: usize = 2000;

/// Puts side by side what is alike: the same type of the same process, then of any process.
pub(super) fn pair(left: Vec<Surplus>, right: Vec<Surplus>) -> Vec<Difference> {
    let [mut left, mut right] = [left, right].map(|side| side.into_iter().map(Open::new).collect::<Vec<_>>());
    let mut found = Vec::new();
    for same_process in [true, false] {
        for one in left.iter_mut().take(THOROUGH) {
            while one.count > 0 {
                let alike = right.iter_mut().take(THOROUGH).filter(|other| {
                    other.count > 0 && other.kind == one.kind && (other.process == one.process) == same_process
                });
                let nearest = alike.map(|other| (one.fields_unlike(other), other)).min_by_key(|(fields, _)| *fields);
                match nearest {
                    Some((unlike, other)) if same_process || unlike <= MOSTLY => {
                        let count = one.count.min(other.count);
                        one.count -= count;
                        other.count -= count;
                        found.push(one.against(other, count));
                    }
                    _ => break,
                }
            }
        }
    }
    for (side, rest) in [left, right].into_iter().enumerate() {
        found.extend(rest.into_iter().filter(|one| one.count > 0).map(|one| one.alone(side)));
    }
    found.sort_by(|left, right| left.process.cmp(&right.process));
    found
}

/// An event that waits for a counterpart.
#[derive(Debug)]
struct Open {
    event: Value,
    process: String,
    kind: String,
    fields: BTreeMap<String, Value>,
    count: u64,
}

impl Open {
    fn new(Surplus { event, count }: Surplus) -> Self {
        let text = |pointer| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (process, kind) = (text("/process/pid"), text("/type"));
        let mut fields = BTreeMap::new();
        flatten(&event, String::new(), &mut fields);
        Self { event, process, kind, fields, count }
    }

    fn unlike<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a String> {
        let own = self.fields.iter().filter(|(name, value)| other.fields.get(*name) != Some(value));
        let theirs = other.fields.iter().filter(|(name, _)| !self.fields.contains_key(*name));
        own.chain(theirs).map(|(name, _)| name)
    }

    fn fields_unlike(&self, other: &Self) -> usize {
        self.unlike(other).count()
    }

    fn against(&self, other: &Self, count: u64) -> Difference {
        let mut names: Vec<&String> = self.unlike(other).collect();
        names.sort_unstable();
        let value = |of: &Self, name: &String| of.fields.get(name).cloned();
        Difference {
            process: self.process.clone(),
            kind: self.kind.clone(),
            count,
            events: [Some(self.event.clone()), Some(other.event.clone())],
            fields: names
                .into_iter()
                .map(|name| Field { name: name.clone(), values: [value(self, name), value(other, name)] })
                .collect(),
        }
    }

    fn alone(self, side: usize) -> Difference {
        let mut events = [None, None];
        events[side] = Some(self.event);
        Difference { process: self.process, kind: self.kind, count: self.count, events, fields: Vec::new() }
    }
}

/// Fields by their dotted names. A list is one value.
pub(super) fn flatten(value: &Value, name: String, fields: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                flatten(member, name, fields);
            }
        }
        leaf => drop(fields.insert(name, leaf.clone())),
    }
}
