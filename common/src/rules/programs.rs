//! What rules say of events of which only the program of the process is known.
//!
//! What exec put in place stays until the next exec: the executed file, its arguments, its environment. A condition
//! on these has one answer for all that the program does; all else (credentials, names of threads, ancestors, what
//! variables hold, the event itself) may be one way or the other. If no rule of a type can hold then, none of that program's
//! events of the type is of interest.

use super::eval::Run;
use super::partial::{Answer, weigh};
use super::program::{Cond, FieldRef, Num, NumberTest, Numbers, Program, Slot, TextTest, Texts};
use super::set::{RuleSet, State};
use crate::event::{Event, EventType};
use crate::process::Source;

impl RuleSet {
    /// Whether no rule can match an event of the type by a process that runs the program of this event's process.
    pub(crate) fn is_indifferent_to_program(&self, about: EventType, event: &Event, state: &mut State) -> bool {
        // Of what it runs nothing may be known yet.
        let process = &event.process;
        if process.source() == Source::Placeholder || process.image().file.path.is_empty() {
            return false;
        }
        let rules = self.rules_of(about);
        let State { scratch, variables, .. } = state;
        scratch.next_event();
        let mut run = Run::new(&self.program, &self.declarations, variables, event, scratch);
        let mut single = |cond: &Cond| {
            if lasts(&self.program, cond) { Answer::of(run.holds(cond)) } else { Answer::Open }
        };
        let mut conditions = rules.iter().map(|place| &self.entries[*place as usize].condition);
        !rules.is_empty() && conditions.all(|condition| weigh(&self.program, condition, &mut single) == Answer::No)
    }
}

/// Whether a condition has one answer as long as a process runs its program.
fn lasts(program: &Program, cond: &Cond) -> bool {
    let is_text = |test: &TextTest| match test {
        TextTest::Set(_) => true,
        TextTest::Either(tests) => tests.iter().all(|test| matches!(test, TextTest::Set(_))),
        TextTest::Among(_) | TextTest::Pattern(..) => false,
    };
    match cond {
        Cond::Flag(field) => is_of_program(program, *field),
        Cond::Number(Numbers::One(num), _, test) => {
            number_lasts(program, num)
                && match test {
                    NumberTest::Order(_, num) => number_lasts(program, num),
                    NumberTest::In(_) => true,
                    NumberTest::Among(_) => false,
                }
        }
        Cond::Text(Texts::Field(field) | Texts::Nth(field, _), _, test) => {
            is_of_program(program, *field) && is_text(test)
        }
        _ => false,
    }
}

fn number_lasts(program: &Program, num: &Num) -> bool {
    match num {
        Num::Const(_) => true,
        Num::Field(field) | Num::Length(field) => is_of_program(program, *field),
        // Time goes on.
        Num::Variable(_) | Num::Age(_) => false,
        Num::Negative(inner) | Num::Complement(inner) => number_lasts(program, inner),
        Num::Both(_, one, other) => number_lasts(program, one) && number_lasts(program, other),
    }
}

/// Whether a field is of what exec put in place, and known from then on.
fn is_of_program(program: &Program, field: FieldRef) -> bool {
    let known = program.field(field);
    let Some(rest) = known.name.strip_prefix("process.").filter(|_| field.slot == Slot::Event) else { return false };
    let rest = rest.strip_prefix("interpreter.").unwrap_or(rest);
    // Hashes come later.
    let is_of_file = rest.starts_with("file.") && !known.is_of_hashes();
    is_of_file || ["arg", "env"].iter().any(|beginning| rest.starts_with(beginning))
}
