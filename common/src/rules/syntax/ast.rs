//! An expression as it was written.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::Span;
use crate::rules::Cidr;

/// A part of an expression, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) kind: Expr,
}

/// What the part is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expr {
    /// A constant, a macro or a field.
    Name(Box<str>),
    /// `%{field}`.
    Field(Box<str>),
    /// `${variable}`.
    Variable(Box<str>),
    Int(i64),
    /// Nanoseconds.
    Duration(i64),
    Str(Box<str>),
    Pattern(Box<str>),
    Regexp(Box<str>),
    Cidr(Cidr),
    List(Vec<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Complement(Box<Node>),
    /// Two or more operands.
    Logic(Logic, Vec<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
}

/// How conditions are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Logic {
    And,
    Or,
}

/// How two things are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Matches,
    NotMatches,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    NotIn,
    AllIn,
}

impl Comparison {
    /// As it is written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::NotMatches => "!~",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
            Self::AllIn => "allin",
        }
    }
}

/// How two numbers make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    And,
    Or,
    Xor,
}

impl Arithmetic {
    fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::And => "&",
            Self::Or => "|",
            Self::Xor => "^",
        }
    }
}

impl Node {
    /// The parts that it is made of.
    pub(crate) fn parts(&self) -> &[Node] {
        match &self.kind {
            Expr::List(parts) | Expr::Logic(_, parts) => parts,
            Expr::Not(inner) | Expr::Negate(inner) | Expr::Complement(inner) => core::slice::from_ref(inner),
            _ => &[],
        }
    }

    /// The two sides of what has two.
    pub(crate) fn sides(&self) -> Option<(&Node, &Node)> {
        match &self.kind {
            Expr::Compare(_, left, right) | Expr::Arithmetic(_, left, right) => Some((left, right)),
            _ => None,
        }
    }

    /// Calls back with itself and everything inside.
    pub(crate) fn visit<'a>(&'a self, each: &mut dyn FnMut(&'a Node)) {
        each(self);
        self.parts().iter().for_each(|part| part.visit(each));
        if let Some((left, right)) = self.sides() {
            left.visit(each);
            right.visit(each);
        }
    }

    /// The same, changed: `each` is called with itself and everything inside.
    pub(crate) fn visit_mut(&mut self, each: &mut dyn FnMut(&mut Node)) {
        each(self);
        match &mut self.kind {
            Expr::List(parts) | Expr::Logic(_, parts) => parts.iter_mut().for_each(|part| part.visit_mut(each)),
            Expr::Not(inner) | Expr::Negate(inner) | Expr::Complement(inner) => inner.visit_mut(each),
            Expr::Compare(_, left, right) | Expr::Arithmetic(_, left, right) => {
                left.visit_mut(each);
                right.visit_mut(each);
            }
            _ => {}
        }
    }

    /// One text for all ways to write the same: two parts that mean the same in a set of rules have it in common.
    pub(crate) fn canonical(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    // Writing to a `String` cannot fail.
    fn write(&self, out: &mut String) {
        match &self.kind {
            Expr::Name(name) | Expr::Field(name) => out.push_str(name),
            Expr::Variable(name) => drop(write!(out, "${{{name}}}")),
            Expr::Int(value) => drop(write!(out, "{value}")),
            Expr::Duration(value) => drop(write!(out, "{value}ns")),
            Expr::Str(text) => drop(write!(out, "{text:?}")),
            Expr::Pattern(text) => drop(write!(out, "~{text:?}")),
            Expr::Regexp(text) => drop(write!(out, "r{text:?}")),
            Expr::Cidr(cidr) => drop(write!(out, "{cidr}")),
            Expr::List(parts) => {
                out.push('[');
                for part in parts {
                    part.write(out);
                    out.push(',');
                }
                out.push(']');
            }
            Expr::Not(inner) => prefixed(out, "!", inner),
            Expr::Negate(inner) => prefixed(out, "-", inner),
            Expr::Complement(inner) => prefixed(out, "^", inner),
            Expr::Logic(logic, parts) => {
                out.push('(');
                for (index, part) in parts.iter().enumerate() {
                    if index > 0 {
                        out.push_str(if *logic == Logic::And { " && " } else { " || " });
                    }
                    part.write(out);
                }
                out.push(')');
            }
            Expr::Compare(comparison, left, right) => between(out, left, comparison.symbol(), right),
            Expr::Arithmetic(operation, left, right) => between(out, left, operation.symbol(), right),
        }
    }
}

fn prefixed(out: &mut String, symbol: &str, inner: &Node) {
    out.push_str(symbol);
    inner.write(out);
}

fn between(out: &mut String, left: &Node, symbol: &str, right: &Node) {
    out.push('(');
    left.write(out);
    out.push(' ');
    out.push_str(symbol);
    out.push(' ');
    right.write(out);
    out.push(')');
}
