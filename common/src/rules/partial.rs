//! What rules say of events of which only the path is known.
//!
//! A condition is worked out with three answers: whatever depends on the path of the event's file is known, and all
//! else may be one way or the other. If no rule of a type can hold then, events about that path, or about any path
//! below a directory, are of no interest: that is what discarders say.
//!
//! The reference knows one field at a time, so that a rule about a name says nothing about a path. Here the name
//! and the extension follow from the path, and count. It discards below a directory although a rule asks for a name
//! only; that would hide a file of that name, and is not copied.

use super::program::{Cond, FieldRef, Program, Quantifier, TextTest, Texts};
use super::set::RuleSet;
use super::text::TextSet;
use crate::event::{EventType, File};

/// What is known of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known<'a> {
    /// It is this one.
    Path(&'a [u8]),
    /// It leads to something below this directory, however deep.
    Below(&'a [u8]),
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    No,
    Yes,
    /// That depends on what is not known.
    Open,
}

impl Answer {
    pub(super) fn of(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }

    fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Yes => Self::No,
            Self::Open => Self::Open,
        }
    }
}

/// Which part of the path a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Path,
    Name,
    Extension,
}

impl Part {
    /// This part of a file's path.
    pub(super) fn of(self, file: &File) -> &[u8] {
        match self {
            Self::Path => &file.path,
            Self::Name => file.name(),
            Self::Extension => file.extension(),
        }
    }
}

/// Which part of the path of an event's file a field is.
pub(super) fn part(program: &Program, event: &str, field: FieldRef) -> Option<Part> {
    let field = program.field(field);
    let rest = field.name.strip_prefix(event)?.strip_prefix(".file.")?;
    match rest {
        _ if field.aliased => None,
        "path" => Some(Part::Path),
        "name" => Some(Part::Name),
        "extension" => Some(Part::Extension),
        _ => None,
    }
}

impl RuleSet {
    /// Whether no rule can match an event of the type whose file is there. If no rule is about the type, nobody can
    /// tell: then somebody else wanted the event.
    pub(crate) fn is_of_no_interest(&self, event: EventType, known: Known<'_>) -> bool {
        let rules = self.rules_of(event);
        match known {
            _ if rules.is_empty() => false,
            // Rules that ask for another path than this need not even be looked at.
            Known::Path(path) => {
                let file = File::at(path);
                let asked = Asked { program: &self.program, event, known, file: Some(&file) };
                !self.any_by_path(event, &file, |entry| asked.holds(&entry.condition) != Answer::No)
            }
            Known::Below(_) => self.none_matches(event, rules, known),
        }
    }

    /// Whether a rule of the type may match such an event.
    pub(crate) fn may_match(&self, event: EventType, rule: u32, known: Known<'_>) -> bool {
        !self.none_matches(event, &[rule], known)
    }

    fn none_matches(&self, event: EventType, rules: &[u32], known: Known<'_>) -> bool {
        let file = match known {
            Known::Path(path) => Some(File::at(path)),
            Known::Below(_) => None,
        };
        let asked = Asked { program: &self.program, event, known, file: file.as_ref() };
        rules.iter().all(|place| asked.holds(&self.entries[*place as usize].condition) == Answer::No)
    }
}

/// What comes of a condition, given what comes of those in it that are not made of others.
pub(super) fn weigh(program: &Program, cond: &Cond, single: &mut dyn FnMut(&Cond) -> Answer) -> Answer {
    match cond {
        Cond::Const(value) => Answer::of(*value),
        Cond::Shared(id) => program.shared.get(*id as usize).map_or(Answer::Open, |cond| weigh(program, cond, single)),
        Cond::Not(inner) => weigh(program, inner, single).not(),
        Cond::All(parts) => every(program, parts, Answer::Yes, single),
        Cond::Any(parts) => every(program, parts, Answer::No, single),
        Cond::Same(one, other) => match (weigh(program, one, single), weigh(program, other, single)) {
            (Answer::Open, _) | (_, Answer::Open) => Answer::Open,
            (one, other) => Answer::of(one == other),
        },
        // Where there are no elements, it holds for none.
        Cond::Each(_, _, inner) if weigh(program, inner, single) == Answer::No => Answer::No,
        Cond::Unknown | Cond::Each(..) => Answer::Open,
        Cond::Flag(_) | Cond::FlagVariable(_) | Cond::Number(..) | Cond::Text(..) | Cond::Ip(..) => single(cond),
    }
}

/// The answer of several, if each by itself would leave it at `neutral`.
fn every(program: &Program, parts: &[Cond], neutral: Answer, single: &mut dyn FnMut(&Cond) -> Answer) -> Answer {
    let mut all = neutral;
    for part in parts {
        match weigh(program, part, single) {
            Answer::Open => all = Answer::Open,
            answer if answer == neutral => {}
            decided => return decided,
        }
    }
    all
}

struct Asked<'a> {
    program: &'a Program,
    event: EventType,
    known: Known<'a>,
    file: Option<&'a File>,
}

impl Asked<'_> {
    fn holds(&self, cond: &Cond) -> Answer {
        weigh(self.program, cond, &mut |cond| match cond {
            // A path is one text, so that it is the same whether some have to pass or all.
            Cond::Text(Texts::Field(field), Quantifier::Some | Quantifier::Every, test) => match self.part(*field) {
                Some(part) => self.passes(part, test),
                None => Answer::Open,
            },
            _ => Answer::Open,
        })
    }

    fn part(&self, field: FieldRef) -> Option<Part> {
        part(self.program, self.event.name(), field)
    }

    fn passes(&self, part: Part, test: &TextTest) -> Answer {
        let one = |test: &TextTest| match test {
            TextTest::Set(set) => self.is_in(part, set),
            TextTest::Among(_) | TextTest::Pattern(..) | TextTest::Either(_) => Answer::Open,
        };
        let TextTest::Either(tests) = test else { return one(test) };
        let answers = || tests.iter().map(one);
        if answers().any(|answer| answer == Answer::Yes) {
            return Answer::Yes;
        }
        if answers().all(|answer| answer == Answer::No) { Answer::No } else { Answer::Open }
    }

    fn is_in(&self, part: Part, set: &TextSet) -> Answer {
        match (self.known, self.file, part) {
            (Known::Path(_), Some(file), _) => {
                let text = part.of(file);
                // Searching needs memory that is not at hand; a rule that has it for a name keeps the file of interest.
                let mut searched = false;
                let found = set.matches(text, |_, _| {
                    searched = true;
                    false
                });
                if found || !searched { Answer::of(found) } else { Answer::Open }
            }
            (Known::Below(directory), _, Part::Path) => set.below(directory).map_or(Answer::Open, Answer::of),
            _ => Answer::Open,
        }
    }
}
