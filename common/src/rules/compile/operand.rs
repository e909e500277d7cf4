//! What is compared: numbers, texts, addresses, and conditions themselves.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::lower::{FieldUse, Named, mismatch};
use super::{Compiler, Rule};
use crate::rules::catalogue::{Part, TextKind, Ty, nearest};
use crate::rules::problem::{MeaningError, Problem};
use crate::rules::program::{Cond, Ips, Num, Numbers, Piece, Slot, Template, Texts};
use crate::rules::syntax::{Arithmetic, Expr, Node, Span};
use crate::rules::variables::{Builtin, VariableName};

/// An operand, by type.
#[derive(Debug)]
pub(super) enum Operand {
    Cond(Cond),
    Number {
        num: Num,
        /// A field that is a point in time, and nothing else.
        time: bool,
        /// A duration as it was written.
        duration: bool,
    },
    Numbers(Numbers),
    Text(TextOperand),
    Ip(Ips),
}

/// A text, and how it is to be compared.
#[derive(Debug)]
pub(super) struct TextOperand {
    pub(super) texts: Texts,
    pub(super) kind: TextKind,
    /// Patterns and literals are checked as those of paths.
    pub(super) is_real_path: bool,
    /// It is written out, or set by actions: not a field.
    pub(super) is_field: bool,
}

impl Operand {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Cond(_) => "a bool",
            Self::Number { time: true, .. } => "a time",
            Self::Number { duration: true, .. } => "a duration",
            Self::Number { .. } => "a number",
            Self::Numbers(_) => "a list of numbers",
            Self::Text(_) => "a text",
            Self::Ip(_) => "an IP address",
        }
    }

    fn number(num: Num) -> Self {
        Self::Number { num, time: false, duration: false }
    }

    fn text(texts: Texts) -> Self {
        Self::Text(TextOperand { texts, kind: TextKind::Plain, is_real_path: false, is_field: false })
    }
}

impl Compiler {
    pub(super) fn operand(&mut self, rule: &mut Rule, node: &Node) -> Result<Operand, Problem> {
        self.count(rule, node)?;
        match &node.kind {
            Expr::Int(value) => Ok(Operand::number(Num::Const(*value))),
            Expr::Duration(value) => Ok(Operand::Number { num: Num::Const(*value), time: false, duration: true }),
            Expr::Str(text) => Ok(Operand::text(self.text(rule, text, node.span)?)),
            Expr::Cidr(cidr) => Ok(Operand::Ip(Ips::Literal(*cidr))),
            Expr::Variable(name) => self.variable(rule, name, node.span),
            Expr::Field(name) => {
                let used = self.field_use(rule, name, node.span)?;
                Ok(self.field(&used))
            }
            Expr::Name(name) => match self.named(rule, name, node.span)? {
                Named::Bool(value) => Ok(Operand::Cond(Cond::Const(value))),
                Named::Int(value) => Ok(Operand::number(Num::Const(value))),
                Named::Macro(body) => self.within(rule, name, node.span, |this, rule| this.operand(rule, &body)),
                Named::Field(used) => Ok(self.field(&used)),
            },
            Expr::Negate(inner) => {
                let num = self.number(rule, inner)?;
                Ok(Operand::number(fold(Num::Negative(Box::new(num)))))
            }
            Expr::Complement(inner) => {
                let num = self.number(rule, inner)?;
                Ok(Operand::number(fold(Num::Complement(Box::new(num)))))
            }
            Expr::Arithmetic(operation, left, right) => {
                let (left, right) = (self.number(rule, left)?, self.number(rule, right)?);
                Ok(Operand::number(fold(Num::Both(*operation, Box::new(left), Box::new(right)))))
            }
            Expr::Logic(..) | Expr::Not(_) | Expr::Compare(..) => Ok(Operand::Cond(self.condition(rule, node)?)),
            Expr::Pattern(_) | Expr::Regexp(_) => Err(Problem::meaning(MeaningError::DynamicPattern, node.span)
                .hint("a pattern stands at the right of an operator")),
            Expr::List(_) => {
                Err(Problem::meaning(MeaningError::Type { found: "a list", expected: "a single value" }, node.span)
                    .hint("lists follow `in`, `not in` or `allin`"))
            }
        }
    }

    fn number(&mut self, rule: &mut Rule, node: &Node) -> Result<Num, Problem> {
        match self.operand(rule, node)? {
            Operand::Number { num, .. } => Ok(num),
            other => Err(mismatch(&other, "a number", node.span)),
        }
    }

    fn field(&self, used: &FieldUse) -> Operand {
        let reference = used.field;
        let field = self.program.field(reference);
        match (used.part, used.index, field.ty) {
            (Part::Length, ..) => Operand::number(Num::Length(reference)),
            (Part::RootDomain, ..) => Operand::text(Texts::RootDomain(reference)),
            (_, Some(index), Ty::Texts) => Operand::text(Texts::Nth(reference, index)),
            (.., Ty::Bool) => Operand::Cond(Cond::Flag(reference)),
            (.., Ty::Int) => Operand::number(Num::Field(reference)),
            (.., Ty::Time) => Operand::Number { num: Num::Field(reference), time: true, duration: false },
            (.., Ty::Ints) => Operand::Numbers(Numbers::Field(reference)),
            (.., Ty::Ip | Ty::Ips) => Operand::Ip(Ips::Field(reference)),
            (.., Ty::Text | Ty::Texts) => {
                let name = &*field.name;
                let as_passed = name.contains(".syscall.") || name.contains(".addr.") || name == "mount.source.path";
                Operand::Text(TextOperand {
                    texts: Texts::Field(reference),
                    kind: field.kind,
                    is_real_path: field.kind == TextKind::Path && !as_passed,
                    is_field: true,
                })
            }
        }
    }

    fn variable(&mut self, rule: &mut Rule, name: &str, span: Span) -> Result<Operand, Problem> {
        let id = match self.variables.find(name) {
            Some(VariableName::Declared(id)) => id,
            Some(VariableName::Builtin(builtin)) => return self.builtin(rule, builtin, span),
            None => return Err(self.unknown_variable(name, span)),
        };
        rule.touched.volatile = true;
        Ok(match self.variable_type(id) {
            Ty::Bool => Operand::Cond(Cond::FlagVariable(id)),
            Ty::Int | Ty::Time => Operand::number(Num::Variable(id)),
            Ty::Ints => Operand::Numbers(Numbers::Variable(id)),
            Ty::Text | Ty::Texts => Operand::text(Texts::Variable(id)),
            Ty::Ip | Ty::Ips => Operand::Ip(Ips::Variable(id)),
        })
    }

    fn builtin(&mut self, rule: &mut Rule, builtin: Builtin, span: Span) -> Result<Operand, Problem> {
        match builtin {
            Builtin::ProcessPid => {
                let used = self.field_use(rule, "process.pid", span)?;
                Ok(self.field(&used))
            }
            Builtin::Uuid4 => {
                rule.touched.volatile = true;
                Ok(Operand::text(Texts::Template(Template { pieces: alloc::vec![Piece::Uuid] })))
            }
        }
    }

    fn unknown_variable(&self, name: &str, span: Span) -> Problem {
        let problem = Problem::meaning(MeaningError::UnknownVariable(name.into()), span);
        match nearest(name, self.variables.names()) {
            Some(candidate) => problem.hint(alloc::format!("did you mean `${{{candidate}}}`?")),
            None => problem.hint("a variable is set by an action of a rule"),
        }
    }

    /// Text as it is written, with what it names put in.
    pub(super) fn text(&mut self, rule: &mut Rule, text: &str, span: Span) -> Result<Texts, Problem> {
        let template = self.template(rule, text, span)?;
        Ok(match template.pieces.as_slice() {
            [] => Texts::Literal(Box::default()),
            [Piece::Text(text)] => Texts::Literal(text.clone()),
            _ => Texts::Template(template),
        })
    }

    /// Reads `${variable}` and `%{field}` inside a text. Without a closing brace they are text too.
    pub(super) fn template(&mut self, rule: &mut Rule, text: &str, span: Span) -> Result<Template, Problem> {
        let mut pieces = Vec::new();
        let mut plain = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['$', '%']) {
            let (before, from) = rest.split_at(at);
            plain.extend_from_slice(before.as_bytes());
            let Some((name, after)) = from[1..].strip_prefix('{').and_then(|inside| inside.split_once('}')) else {
                plain.extend_from_slice(&from.as_bytes()[..1]);
                rest = &from[1..];
                continue;
            };
            if !plain.is_empty() {
                pieces.push(Piece::Text(core::mem::take(&mut plain).into()));
            }
            pieces.push(self.piece(rule, from.starts_with('%'), name, span)?);
            rest = after;
        }
        plain.extend_from_slice(rest.as_bytes());
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain.into()));
        }
        Ok(Template { pieces })
    }

    fn piece(&mut self, rule: &mut Rule, is_field: bool, name: &str, span: Span) -> Result<Piece, Problem> {
        let not_text = || Problem::meaning(MeaningError::NotText(name.into()), span);
        let field_piece = |this: &Self, used: &FieldUse| {
            let whole = used.part == Part::Whole && used.index.is_none() && used.field.slot != Slot::Nearest;
            match this.program.field(used.field).ty {
                Ty::Int | Ty::Text | Ty::Texts | Ty::Ints if whole => Ok(Piece::Field(used.field)),
                _ => Err(not_text()),
            }
        };
        if is_field {
            let used = self.field_use(rule, name, span)?;
            return field_piece(self, &used);
        }
        match self.variables.find(name) {
            Some(VariableName::Declared(id)) => {
                rule.touched.volatile = true;
                match self.variable_type(id) {
                    Ty::Bool | Ty::Ip | Ty::Ips => Err(not_text()),
                    _ => Ok(Piece::Variable(id)),
                }
            }
            Some(VariableName::Builtin(Builtin::Uuid4)) => {
                rule.touched.volatile = true;
                Ok(Piece::Uuid)
            }
            Some(VariableName::Builtin(Builtin::ProcessPid)) => {
                let used = self.field_use(rule, "process.pid", span)?;
                field_piece(self, &used)
            }
            None => Err(self.unknown_variable(name, span)),
        }
    }
}

/// Numbers that are known are computed once.
fn fold(num: Num) -> Num {
    match &num {
        Num::Negative(inner) => match **inner {
            Num::Const(value) => Num::Const(value.wrapping_neg()),
            _ => num,
        },
        Num::Complement(inner) => match **inner {
            Num::Const(value) => Num::Const(!value),
            _ => num,
        },
        Num::Both(operation, one, other) => match (&**one, &**other) {
            (Num::Const(one), Num::Const(other)) => Num::Const(compute(*operation, *one, *other)),
            _ => num,
        },
        _ => num,
    }
}

/// Both numbers made one. What does not fit into 64 bits wraps.
pub(crate) fn compute(operation: Arithmetic, one: i64, other: i64) -> i64 {
    match operation {
        Arithmetic::Add => one.wrapping_add(other),
        Arithmetic::Subtract => one.wrapping_sub(other),
        Arithmetic::And => one & other,
        Arithmetic::Or => one | other,
        Arithmetic::Xor => one ^ other,
    }
}
