//! `--type`: event types and groups by name, and help for those who do not know the names.

use std::fmt;

use lapwing_common::engine::EventSet;
use lapwing_common::event::{EventType, Group};
use thiserror::Error;

const GROUPS: [Group; 5] = [Group::Process, Group::File, Group::Kernel, Group::Network, Group::Lapwing];

/// How alike two words must be for one to be suggested for the other, from 0 to 1; clap's own limit is 0.7.
const ALIKE: f64 = 0.7;

/// No event type or group has this name.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) struct UnknownType {
    name: String,
    similar: Option<&'static str>,
}

impl UnknownType {
    /// What was given for one.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for UnknownType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--type {}: there is no such type of event", self.name)?;
        if let Some(similar) = self.similar {
            write!(f, "; did you mean `{similar}`?")?;
        }
        f.write_str("\n\nThe types, by group; a group's name stands for all of its types:\n")?;
        for group in GROUPS {
            write!(f, "\n  {:<8}", group_name(group))?;
            let mut column = 10;
            for event in EventType::ALL.into_iter().filter(|event| event.group() == group) {
                if column + event.name().len() > 90 {
                    write!(f, "\n  {:<8}", "")?;
                    column = 10;
                }
                write!(f, " {event}")?;
                column += 1 + event.name().len();
            }
        }
        Ok(())
    }
}

/// Whether the types are asked for, not named.
pub(crate) fn asks_for_help(names: &[String]) -> bool {
    names.iter().any(|name| name == "help")
}

/// All types with what they report, for `--type help`.
pub(crate) fn listing() -> String {
    let mut text = String::from("Types of events, by group. A group's name stands for all of its types.\n");
    for group in GROUPS {
        text.push_str(&format!("\n{}\n", group_name(group)));
        for event in EventType::ALL.into_iter().filter(|event| event.group() == group) {
            text.push_str(&format!("  {event:<14} {}\n", event.doc()));
        }
    }
    text
}

/// The set that is named; no name at all means every type.
pub(crate) fn parse(names: &[String]) -> Result<EventSet, UnknownType> {
    if names.is_empty() {
        return Ok(EventSet::ALL);
    }
    names.iter().try_fold(EventSet::NONE, |set, name| {
        if let Some(event) = EventType::named(name) {
            return Ok(set.with(event));
        }
        let group = GROUPS.into_iter().find(|group| group_name(*group) == name).ok_or_else(|| unknown(name))?;
        Ok(EventType::ALL.into_iter().filter(|event| event.group() == group).fold(set, EventSet::with))
    })
}

/// One word for the group.
fn group_name(group: Group) -> &'static str {
    match group {
        Group::Kernel => "kernel",
        other => other.name(),
    }
}

fn unknown(name: &str) -> UnknownType {
    let known = EventType::ALL.into_iter().map(EventType::name).chain(GROUPS.map(group_name));
    UnknownType { name: name.to_owned(), similar: similar(name, known) }
}

/// The known word that is most like this one, if one is alike enough to be meant.
pub(super) fn similar(name: &str, known: impl IntoIterator<Item = &'static str>) -> Option<&'static str> {
    known
        .into_iter()
        .map(|candidate| (strsim::jaro(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
