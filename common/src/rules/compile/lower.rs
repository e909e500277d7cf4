//! Conditions.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::operand::Operand;
use super::{Compiler, MAX_PARTS, Rule};
use crate::rules::catalogue::{self, Lost, Part, Subject, nearest};
use crate::rules::problem::{MeaningError, Problem};
use crate::rules::program::{Cond, FieldRef, NumberTest, Numbers, Order, Quantifier, Slot};
use crate::rules::syntax::{Comparison, Expr, Logic, Node, Span};

/// What a name stands for.
pub(super) enum Named {
    Bool(bool),
    Int(i64),
    Macro(Node),
    Field(FieldUse),
}

/// A field as it is used.
pub(super) struct FieldUse {
    pub(super) field: FieldRef,
    pub(super) index: Option<usize>,
    pub(super) part: Part,
}

impl Compiler {
    pub(super) fn condition(&mut self, rule: &mut Rule, node: &Node) -> Result<Cond, Problem> {
        self.count(rule, node)?;
        match &node.kind {
            Expr::Logic(logic, parts) => {
                let parts = parts.iter().map(|part| self.condition(rule, part)).collect::<Result<Vec<_>, _>>()?;
                Ok(if *logic == Logic::And { Cond::All(parts) } else { Cond::Any(parts) })
            }
            Expr::Not(inner) => Ok(Cond::Not(Box::new(self.condition(rule, inner)?))),
            Expr::Compare(comparison, left, right) => {
                self.atom(rule, node, |this, rule| this.comparison(rule, *comparison, left, right))
            }
            Expr::Name(name) => match self.named(rule, name, node.span)? {
                Named::Bool(value) => Ok(Cond::Const(value)),
                Named::Macro(body) => self.within(rule, name, node.span, |this, rule| this.condition(rule, &body)),
                Named::Int(_) | Named::Field(_) => self.bare(rule, node),
            },
            Expr::Field(_) | Expr::Variable(_) => self.bare(rule, node),
            _ => {
                let operand = self.operand(rule, node)?;
                Err(Problem::meaning(MeaningError::NotACondition(operand.name()), node.span))
            }
        }
    }

    /// A field or variable that is a condition by itself.
    fn bare(&mut self, rule: &mut Rule, node: &Node) -> Result<Cond, Problem> {
        self.atom(rule, node, |this, rule| match this.operand(rule, node)? {
            Operand::Cond(cond) => Ok(cond),
            other => Err(Problem::meaning(MeaningError::NotACondition(other.name()), node.span)),
        })
    }

    /// What stands or falls as one: it holds for an element, it is kept once for all rules, and it is unknown if
    /// a part of it is.
    fn atom(
        &mut self,
        rule: &mut Rule,
        node: &Node,
        lower: impl FnOnce(&mut Self, &mut Rule) -> Result<Cond, Problem>,
    ) -> Result<Cond, Problem> {
        let outer = core::mem::take(&mut rule.touched);
        let cond = lower(self, rule);
        let touched = core::mem::replace(&mut rule.touched, outer);
        let mut cond = cond?;
        rule.touched.volatile |= touched.volatile;
        rule.touched.register |= touched.register;
        if touched.unfed {
            return Ok(Cond::Unknown);
        }
        if let Some(list) = touched.list {
            cond = Cond::Each(list, Slot::Nearest, Box::new(cond));
        }
        // What is denied of a sequence is denied of all of it.
        if is_negative(node) {
            cond = Cond::Not(Box::new(cond));
        }
        if touched.volatile || touched.register || matches!(cond, Cond::Const(_)) {
            return Ok(cond);
        }
        let shared = &mut self.program.shared;
        Ok(self
            .interned
            .entry(node.canonical())
            .or_insert_with(|| {
                shared.push(cond);
                Cond::Shared(u32::try_from(shared.len() - 1).unwrap_or(u32::MAX))
            })
            .clone())
    }

    /// A comparison in its positive form: [`Self::atom`] denies it where it was written as a denial.
    fn comparison(
        &mut self,
        rule: &mut Rule,
        comparison: Comparison,
        left: &Node,
        right: &Node,
    ) -> Result<Cond, Problem> {
        let one = self.operand(rule, left)?;
        let quantifier = if comparison == Comparison::AllIn { Quantifier::Every } else { Quantifier::Some };
        let unfit = |operand: &Operand| {
            let operator = comparison.symbol();
            Problem::meaning(MeaningError::Operator { operator, operand: operand.name() }, left.span)
        };
        if matches!(comparison, Comparison::In | Comparison::NotIn | Comparison::AllIn) {
            return match one {
                Operand::Number { num, .. } => {
                    let test = self.number_members(rule, right)?;
                    Ok(Cond::Number(Numbers::One(num), quantifier, test))
                }
                Operand::Numbers(numbers) => Ok(Cond::Number(numbers, quantifier, self.number_members(rule, right)?)),
                Operand::Text(text) => {
                    let test = self.text_members(rule, &text, right, false)?;
                    Ok(Cond::Text(text.texts, quantifier, test))
                }
                Operand::Ip(ips) => Ok(Cond::Ip(ips, quantifier, self.ip_members(rule, right)?)),
                Operand::Cond(_) => Err(unfit(&one)),
            };
        }
        let order = match comparison {
            Comparison::Less => Order::Less,
            Comparison::LessEqual => Order::LessEqual,
            Comparison::Greater => Order::Greater,
            Comparison::GreaterEqual => Order::GreaterEqual,
            _ => Order::Equal,
        };
        let matches = matches!(comparison, Comparison::Matches | Comparison::NotMatches);
        match one {
            Operand::Text(text) if order == Order::Equal => self.text_comparison(rule, text, right, matches),
            Operand::Ip(ips) if order == Order::Equal && !matches => {
                Ok(Cond::Ip(ips, Quantifier::Some, self.ip_members(rule, right)?))
            }
            Operand::Cond(cond) if order == Order::Equal && !matches => match self.operand(rule, right)? {
                Operand::Cond(other) => Ok(Cond::Same(Box::new(cond), Box::new(other))),
                other => Err(mismatch(&other, "a bool", right.span)),
            },
            Operand::Number { .. } | Operand::Numbers(_) if !matches => {
                let other = self.operand(rule, right)?;
                number_comparison(one, order, other, right.span)
            }
            other => Err(unfit(&other)),
        }
    }

    /// Finds out what a name stands for, and notes what that means for the rule.
    pub(super) fn named(&mut self, rule: &mut Rule, name: &str, span: Span) -> Result<Named, Problem> {
        match name {
            "true" => return Ok(Named::Bool(true)),
            "false" => return Ok(Named::Bool(false)),
            _ => {}
        }
        if let Some(value) = self.constants.get(name) {
            return Ok(Named::Int(value));
        }
        if let Some(body) = self.macros.get(name) {
            return Ok(Named::Macro(body.clone()));
        }
        // Of a family that nothing here is told in: what it is compared with is unknown, whatever it is.
        if rule.touched.unfed && is_like_constant(name) {
            return Ok(Named::Int(0));
        }
        self.field_use(rule, name, span).map(Named::Field)
    }

    pub(super) fn field_use(&mut self, rule: &mut Rule, name: &str, span: Span) -> Result<FieldUse, Problem> {
        let found = if self.host { catalogue::find_of_host(name) } else { catalogue::find(name) };
        let found = found.map_err(|lost| match lost {
            Lost::Unknown => self.unknown(name, span),
            Lost::BadRegister => Problem::meaning(MeaningError::BadRegister, span),
            Lost::NotAList(list) => Problem::meaning(MeaningError::NotAList(list), span),
        })?;
        let list = found.field.list();
        let subject = found.field.subject;
        let id = self.intern_field(found.field);
        rule.fields.entry(id).or_insert(span);
        self.note_subject(rule, subject, name, span)?;
        if !self.is_fed(id) {
            rule.unfed.entry(id).or_insert(span);
            rule.touched.unfed = true;
        }
        let slot = match (list, found.register) {
            (None, _) => Slot::Event,
            (Some(list), Some(register)) => {
                rule.touched.register = true;
                match &rule.register {
                    Some((name, _)) if *name != register => {
                        return Err(Problem::meaning(MeaningError::TwoRegisters((**name).into()), span));
                    }
                    Some((_, other)) if *other != list => {
                        return Err(Problem::meaning(MeaningError::RegisterOfTwo((*register).into()), span));
                    }
                    _ => rule.register = Some((register, list)),
                }
                Slot::Register
            }
            (Some(list), None) => {
                if rule.touched.list.is_some_and(|other| other != list) {
                    let error = MeaningError::Operator { operator: "this comparison", operand: "two sequences" };
                    return Err(Problem::meaning(error, span));
                }
                rule.touched.list = Some(list);
                Slot::Nearest
            }
        };
        Ok(FieldUse { field: FieldRef { id, slot }, index: found.index, part: found.part })
    }

    fn note_subject(&self, rule: &mut Rule, subject: Subject, name: &str, span: Span) -> Result<(), Problem> {
        if subject == Subject::Any {
            return Ok(());
        }
        // Packets and what is found in them have the network's fields in common.
        let network = |subject| matches!(subject, Subject::Unobserved("network"));
        match &rule.subject {
            Some((known, _)) if *known == subject || network(subject) => {}
            Some((known, first)) if !network(*known) => {
                let (first, second) = ((**first).into(), name.into());
                return Err(Problem::meaning(MeaningError::TwoEvents { first, second }, span)
                    .hint("write two rules, one for each type of event"));
            }
            _ => rule.subject = Some((subject, name.into())),
        }
        Ok(())
    }

    /// Goes on inside a macro. What is wrong there is shown where the macro is named.
    pub(super) fn within<T>(
        &mut self,
        rule: &mut Rule,
        name: &str,
        span: Span,
        lower: impl FnOnce(&mut Self, &mut Rule) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        if rule.within.iter().any(|outer| **outer == *name) || rule.within.len() >= crate::rules::syntax::MAX_DEPTH {
            return Err(Problem::meaning(MeaningError::MacroCycle(name.into()), span));
        }
        rule.within.push(name.into());
        let result = lower(self, rule);
        rule.within.pop();
        result.map_err(|problem| match problem.kind {
            crate::rules::ProblemKind::Meaning(MeaningError::MacroCycle(_)) => problem,
            _ => {
                let hint = alloc::format!("this is in the macro {name}");
                Problem { span, hint: Some(problem.hint.unwrap_or(hint)), ..problem }
            }
        })
    }

    pub(super) fn count(&self, rule: &mut Rule, node: &Node) -> Result<(), Problem> {
        rule.parts += 1;
        if rule.parts > MAX_PARTS {
            return Err(Problem::meaning(MeaningError::TooLarge, node.span));
        }
        Ok(())
    }

    fn unknown(&self, name: &str, span: Span) -> Problem {
        let fields = catalogue::names();
        let constants = self.constants.names();
        let macros = self.macros.keys().map(|name| &**name);
        let candidates = fields.iter().map(|name| &**name).chain(constants.iter().copied()).chain(macros);
        let problem = Problem::meaning(MeaningError::UnknownName(name.into()), span);
        match nearest(name, candidates) {
            Some(candidate) => problem.hint(alloc::format!("did you mean `{candidate}`?")),
            None => problem.hint("docs/events.md lists the fields"),
        }
    }
}

fn number_comparison(one: Operand, order: Order, other: Operand, span: Span) -> Result<Cond, Problem> {
    let is_age = |one: &Operand, other: &Operand| {
        matches!(one, Operand::Number { time: true, .. }) && matches!(other, Operand::Number { duration: true, .. })
    };
    let (one, order, other) = match (&one, &other) {
        (_, Operand::Numbers(_)) if !matches!(one, Operand::Numbers(_)) => (other, order.flipped(), one),
        (Operand::Number { duration: true, .. }, Operand::Number { time: true, .. }) => (other, order.flipped(), one),
        _ => (one, order, other),
    };
    let age = is_age(&one, &other);
    let numbers = match one {
        Operand::Number { num, .. } if age => Numbers::One(crate::rules::program::Num::Age(Box::new(num))),
        Operand::Number { num, .. } => Numbers::One(num),
        Operand::Numbers(numbers) => numbers,
        one => return Err(mismatch(&one, "a number", span)),
    };
    let test = match other {
        Operand::Number { num, .. } => NumberTest::Order(order, num),
        Operand::Numbers(numbers) if order == Order::Equal => NumberTest::Among(numbers),
        other => return Err(mismatch(&other, "a number", span)),
    };
    Ok(Cond::Number(numbers, Quantifier::Some, test))
}

pub(super) fn mismatch(found: &Operand, expected: &'static str, span: Span) -> Problem {
    Problem::meaning(MeaningError::Type { found: found.name(), expected }, span)
}

/// Whether a name is written as constants are.
fn is_like_constant(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Whether a comparison denies.
fn is_negative(node: &Node) -> bool {
    matches!(node.kind, Expr::Compare(Comparison::NotEqual | Comparison::NotIn | Comparison::NotMatches, ..))
}
