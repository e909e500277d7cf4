//! What a set of rules lets backends leave out, for those who write rules: approvers, whether files can be discarded,
//! and which rules stand in the way.
//!
//! Of discarders the question is whether a rule could ever be ruled out by where a file is. It is tried with a path
//! that no rule names: if the rule may match even there, no directory can be discarded for its type, and if it does
//! so whatever the name, no file can.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::approve::{Approval, Sought, SoughtValue};
use super::arguments::field_of;
use super::partial::Known;
use super::set::RuleSet;
use crate::backend::{ArgumentTest, Values};
use crate::event::EventType;

/// Deeper than globs of rules reach, unless they reach everywhere.
const NOWHERE: &[u8] = b"/\x01/\x01/\x01/\x01/\x01/\x01/\x01/\x01/\x01/\x01/\x01/\x01/\x01/\x01/\x01/\x01";

/// What backends may leave out for the sake of a set of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Of which events only some need to be reported.
    pub approvals: Vec<Approval>,
    /// What calls have to pass, where their types have no approvers: fields that show an argument.
    pub arguments: Vec<(EventType, Vec<Sought>)>,
    /// Paths by which whole directories can be discarded (`open.file.path`).
    pub directories: Vec<String>,
    /// Paths by which only files can be, one by one.
    pub files: Vec<String>,
    /// Rules that may match wherever a file is, so that no directory can be discarded.
    pub obstacles: Vec<Obstacle>,
    /// How many rules name each field.
    pub uses: BTreeMap<String, usize>,
}

/// A rule that a field's values never rule out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// The rule, by its place.
    pub place: usize,
    /// The field.
    pub field: String,
}

impl RuleSet {
    pub(crate) fn overview(&self) -> Overview {
        let (mut directories, mut files, mut obstacles) = (Vec::new(), Vec::new(), Vec::new());
        let types = EventType::ALL.into_iter().filter(|event| event.is_discardable());
        for event in types.filter(|event| !self.rules_of(*event).is_empty()) {
            let field = format!("{}.file.path", event.name());
            let stays = |place: &&u32| self.may_match(event, **place, Known::Below(NOWHERE));
            let found: Vec<_> = self.rules_of(event).iter().filter(stays).map(|place| *place as usize).collect();
            if found.is_empty() {
                directories.push(field);
                continue;
            }
            obstacles.extend(found.into_iter().map(|place| Obstacle { place, field: field.clone() }));
            if self.is_of_no_interest(event, Known::Path(NOWHERE)) {
                files.push(field);
            }
        }
        let mut uses = BTreeMap::new();
        for id in self.entries.iter().flat_map(|entry| &entry.fields) {
            if let Some(field) = self.program.fields.get(*id as usize) {
                *uses.entry(field.name.to_string()).or_default() += 1;
            }
        }
        let arguments = self.arguments().filter_map(|(event, test)| Some((event, sought(event, test)?))).collect();
        Overview { approvals: self.approvals(), arguments, directories, files, obstacles, uses }
    }
}

/// The values of an argument, as of the field that shows it.
fn sought(event: EventType, test: ArgumentTest) -> Option<Vec<Sought>> {
    let (role, values) = test.value?;
    let field = field_of(event, role)?;
    let one = |value| Sought { field: field.to_string(), value };
    Some(match values {
        Values::OneOf(..) => values.each().iter().map(|value| one(SoughtValue::Number((*value).into()))).collect(),
        Values::AnyBit(bits) => alloc::vec![one(SoughtValue::Flags(bits.into()))],
    })
}
