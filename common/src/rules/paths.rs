//! The paths that rules ask for, for those who have no rules: a tracer can be told them, and lets calls about all others
//! pass.
//!
//! Where every rule of a type asks for one of some paths or names, whatever else it asks, no other path is of interest.
//! Unlike approvers ([`super::approve`]) these are whole paths and patterns of them. One rule that asks for a path by other
//! means (what it is not, a regular expression, any case), and all paths of the type are of interest.

use alloc::boxed::Box;
use alloc::vec::Vec;

use hashbrown::{HashMap, HashSet};

use super::partial::{Part, part};
use super::program::{Cond, Program, Quantifier, TextTest, Texts};
use super::set::RuleSet;
use super::text::Glob;
use crate::discard::invalidates;
use crate::event::EventType;

/// The paths of which alone rules about a type of events want to hear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedPaths {
    /// These.
    pub paths: Vec<Box<[u8]>>,
    /// Those whose last component is one of these.
    pub names: Vec<Box<[u8]>>,
    /// Those that one of these globs matches.
    pub globs: Vec<Box<[u8]>>,
}

impl WantedPaths {
    fn count(&self) -> (usize, usize) {
        (self.globs.len(), self.paths.len() + self.names.len())
    }

    fn add(&mut self, other: Self) {
        self.paths.extend(other.paths);
        self.names.extend(other.names);
        self.globs.extend(other.globs);
    }

    fn once(mut self) -> Self {
        for list in [&mut self.paths, &mut self.names, &mut self.globs] {
            list.sort_unstable();
            list.dedup();
        }
        self
    }
}

/// What paths are of interest, by type.
#[derive(Debug, Default)]
pub struct PathInterests(HashMap<EventType, Interesting>);

#[derive(Debug, Default)]
struct Interesting {
    paths: HashSet<Box<[u8]>>,
    names: HashSet<Box<[u8]>>,
    globs: Vec<Glob>,
}

impl Interesting {
    /// `None` if a glob is none.
    fn new(wanted: WantedPaths) -> Option<Self> {
        let globs = wanted.globs.iter().map(|glob| Glob::new(glob).ok()).collect::<Option<_>>()?;
        Some(Self { paths: wanted.paths.into_iter().collect(), names: wanted.names.into_iter().collect(), globs })
    }

    fn includes(&self, path: &[u8]) -> bool {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        self.paths.contains(path) || self.names.contains(name) || self.globs.iter().any(|glob| glob.matches(path))
    }
}

impl PathInterests {
    /// Of types that are not here, or of which something is not understood, all paths are of interest.
    #[must_use]
    pub fn new(wanted: impl IntoIterator<Item = (EventType, WantedPaths)>) -> Self {
        Self(wanted.into_iter().filter_map(|(event, paths)| Some((event, Interesting::new(paths)?))).collect())
    }

    /// Whether nobody wants to hear of an event of this type about this path, whatever else is true of it.
    #[must_use]
    pub fn are_indifferent_to(&self, event: EventType, path: &[u8]) -> bool {
        self.0.get(&event).is_some_and(|interesting| !interesting.includes(path))
    }
}

impl RuleSet {
    /// The paths that rules ask for, of types of events with one file of which all ask for some.
    pub(crate) fn wanted_paths(&self) -> Vec<(EventType, WantedPaths)> {
        let has_one_file = |event: &EventType| event.is_discardable() && !invalidates(*event);
        let of = |event: EventType| {
            let places = self.rules_of(event);
            let mut all = WantedPaths::default();
            for place in places {
                all.add(wanted(&self.entries[*place as usize].condition, event, &self.program)?);
            }
            (!places.is_empty()).then(|| (event, all.once()))
        };
        EventType::ALL.into_iter().filter(has_one_file).filter_map(of).collect()
    }
}

/// Paths of which every event has one for which the condition holds; `None` if that may be any.
fn wanted(cond: &Cond, event: EventType, program: &Program) -> Option<WantedPaths> {
    match cond {
        Cond::Const(false) => Some(WantedPaths::default()),
        Cond::Shared(id) => wanted(program.shared.get(*id as usize)?, event, program),
        Cond::All(parts) => parts.iter().filter_map(|part| wanted(part, event, program)).min_by_key(WantedPaths::count),
        Cond::Any(parts) => {
            let mut all = WantedPaths::default();
            for part in parts {
                all.add(wanted(part, event, program)?);
            }
            Some(all)
        }
        Cond::Text(Texts::Field(field), Quantifier::Some | Quantifier::Every, TextTest::Set(set)) => {
            if set.fold || !set.regexps.is_empty() {
                return None;
            }
            let exact = set.exact().map(Box::from).collect();
            let globs = set.globs.iter().map(|glob| glob.source().into());
            match part(program, event.name(), *field)? {
                Part::Path if set.patterns.is_empty() => {
                    Some(WantedPaths { paths: exact, globs: globs.collect(), ..WantedPaths::default() })
                }
                Part::Name if set.globs.is_empty() => {
                    let anywhere = |pattern: Vec<u8>| -> Option<Box<[u8]>> {
                        let glob = [b"/**/", &*pattern].concat();
                        Glob::new(&glob).ok().map(|_| glob.into())
                    };
                    let globs = set.patterns.iter().map(|pattern| anywhere(pattern.source())).collect::<Option<_>>()?;
                    Some(WantedPaths { names: exact, globs, ..WantedPaths::default() })
                }
                _ => None,
            }
        }
        _ => None,
    }
}
