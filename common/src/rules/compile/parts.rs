//! What belongs to a rule besides its condition: filters of actions, values, messages. All of it may ask about the
//! event that the rule matched, and about no other.

use super::operand::Operand;
use super::{Compiler, Rule, settle};
use crate::rules::catalogue::{Part, Subject, Ty};
use crate::rules::problem::{MeaningError, Problem};
use crate::rules::program::{Cond, FieldRef, Slot, Template};
use crate::rules::syntax::{Span, parse};
use crate::rules::variables::Source;

impl Compiler {
    /// A condition about an event of a known type.
    pub(crate) fn filter(&mut self, text: &str, subject: Subject) -> Result<Cond, Problem> {
        let parsed = parse(text)?;
        let mut rule = Rule::default();
        let condition = self.condition(&mut rule, &parsed.root)?;
        self.agrees(&rule, subject, parsed.root.span)?;
        let condition = match &rule.register {
            Some((_, list)) => Cond::Each(*list, Slot::Register, alloc::boxed::Box::new(condition)),
            None => condition,
        };
        Ok(settle::settle(condition, &self.program))
    }

    /// A value of a type.
    pub(crate) fn value(&mut self, text: &str, subject: Subject, ty: Ty) -> Result<Source, Problem> {
        let parsed = parse(text)?;
        let mut rule = Rule::default();
        let operand = self.operand(&mut rule, &parsed.root)?;
        let span = parsed.root.span;
        self.agrees(&rule, subject, span)?;
        match (operand, ty) {
            (Operand::Cond(cond), Ty::Bool) => Ok(Source::Flag(settle::settle(cond, &self.program))),
            (Operand::Number { num, .. }, Ty::Int | Ty::Time | Ty::Ints) => Ok(Source::Number(num)),
            (Operand::Text(text), Ty::Text | Ty::Texts) => Ok(Source::Text(text.texts)),
            (Operand::Ip(ips), Ty::Ip | Ty::Ips) => Ok(Source::Ip(ips)),
            (operand, _) => {
                Err(Problem::meaning(MeaningError::Type { found: operand.name(), expected: ty.name() }, span))
            }
        }
    }

    /// A text with values inside.
    pub(crate) fn message(&mut self, text: &str, subject: Subject) -> Result<Template, Problem> {
        let mut rule = Rule::default();
        let span = Span { start: 0, end: text.len() };
        let template = self.template(&mut rule, text, span)?;
        self.agrees(&rule, subject, span)?;
        Ok(template)
    }

    /// A field of the event itself, and its type.
    pub(crate) fn plain_field(&mut self, name: &str, subject: Subject) -> Result<(FieldRef, Ty), Problem> {
        let mut rule = Rule::default();
        let span = Span { start: 0, end: name.len() };
        let used = self.field_use(&mut rule, name, span)?;
        self.agrees(&rule, subject, span)?;
        if used.part != Part::Whole || used.index.is_some() || used.field.slot != Slot::Event {
            return Err(Problem::meaning(MeaningError::UnknownField(name.into()), span));
        }
        Ok((used.field, self.program.field(used.field).ty))
    }

    fn agrees(&self, rule: &Rule, subject: Subject, span: Span) -> Result<(), Problem> {
        match &rule.subject {
            Some((other, name)) if *other != subject => {
                let (field, event) = ((**name).into(), subject.name().into());
                Err(Problem::meaning(MeaningError::FieldOfOther { field, event }, span))
            }
            _ => Ok(()),
        }
    }
}
