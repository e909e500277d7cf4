//! The meaning of expressions once more, written for being plain: straight from the tree, value by value, every
//! rule by itself. What is compiled, indexed and remembered has to agree with it.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashMap;

use crate::rules::SampleValue;
use crate::rules::syntax::{Arithmetic, Comparison, Expr, Logic, Node};

/// Values by name, and which element is looked at.
pub(super) struct Oracle<'a> {
    pub(super) values: &'a HashMap<String, SampleValue>,
    pub(super) elements: usize,
}

#[derive(Clone, Copy, Default)]
struct At {
    nearest: Option<usize>,
    register: Option<usize>,
}

#[derive(Clone, Debug, PartialEq)]
enum Val {
    Bool(bool),
    Int(i64),
    Text(Vec<u8>),
    Glob(Vec<u8>),
}

impl Oracle<'_> {
    pub(super) fn matches(&self, node: &Node) -> bool {
        let mut register = false;
        node.visit(&mut |part| register |= matches!(&part.kind, Expr::Name(name) if name.contains("[A]")));
        if register {
            return (0..self.elements).any(|index| self.truth(node, At { register: Some(index), ..At::default() }));
        }
        self.truth(node, At::default())
    }

    fn truth(&self, node: &Node, at: At) -> bool {
        match &node.kind {
            Expr::Logic(Logic::And, parts) => parts.iter().all(|part| self.truth(part, at)),
            Expr::Logic(Logic::Or, parts) => parts.iter().any(|part| self.truth(part, at)),
            Expr::Not(inner) => !self.truth(inner, at),
            Expr::Compare(comparison, left, right) => {
                let negative = matches!(comparison, Comparison::NotEqual | Comparison::NotIn | Comparison::NotMatches);
                let mut sequence = false;
                node.visit(&mut |part| {
                    sequence |= matches!(&part.kind, Expr::Name(name) if name.starts_with("process.ancestors."));
                });
                let holds = if sequence {
                    (0..self.elements)
                        .any(|index| self.compare(*comparison, left, right, At { nearest: Some(index), ..at }))
                } else {
                    self.compare(*comparison, left, right, at)
                };
                holds != negative
            }
            _ => self.values_of(node, at) == [Val::Bool(true)],
        }
    }

    fn compare(&self, comparison: Comparison, left: &Node, right: &Node, at: At) -> bool {
        let path = matches!(&left.kind, Expr::Name(name) if name.ends_with("path"));
        let as_pattern = matches!(comparison, Comparison::Matches | Comparison::NotMatches);
        let rights: Vec<Val> = match &right.kind {
            Expr::List(members) => members.iter().flat_map(|member| self.values_of(member, at)).collect(),
            _ => self.values_of(right, at),
        };
        let lefts = self.values_of(left, at);
        let one = |left: &Val, right: &Val| match (left, right) {
            (Val::Text(text), Val::Text(other)) if !as_pattern => text == other,
            (Val::Text(text), Val::Text(pattern) | Val::Glob(pattern)) if path => glob(pattern, text),
            (Val::Text(text), Val::Text(pattern) | Val::Glob(pattern)) => wild(pattern, text),
            (Val::Int(left), Val::Int(right)) => match comparison {
                Comparison::Less => left < right,
                Comparison::LessEqual => left <= right,
                Comparison::Greater => left > right,
                Comparison::GreaterEqual => left >= right,
                _ => left == right,
            },
            (left, right) => left == right,
        };
        let any = |left: &Val| rights.iter().any(|right| one(left, right));
        if comparison == Comparison::AllIn { lefts.iter().all(any) } else { lefts.iter().any(any) }
    }

    fn values_of(&self, node: &Node, at: At) -> Vec<Val> {
        let int = |node: &Node| match self.values_of(node, at).as_slice() {
            [Val::Int(value)] => *value,
            other => panic!("{other:?} is no number"),
        };
        match &node.kind {
            Expr::Int(value) => vec![Val::Int(*value)],
            Expr::Str(text) => vec![Val::Text(text.as_bytes().into())],
            Expr::Pattern(text) => vec![Val::Glob(text.as_bytes().into())],
            Expr::Negate(inner) => vec![Val::Int(-int(inner))],
            Expr::Arithmetic(operation, left, right) => {
                let (left, right) = (int(left), int(right));
                vec![Val::Int(match operation {
                    Arithmetic::Add => left + right,
                    Arithmetic::Subtract => left - right,
                    Arithmetic::And => left & right,
                    Arithmetic::Or => left | right,
                    Arithmetic::Xor => left ^ right,
                })]
            }
            Expr::Name(name) if matches!(&**name, "true" | "false") => vec![Val::Bool(**name == *"true")],
            Expr::Name(name) => {
                let (plain, index) = match name.strip_prefix("process.ancestors[A].") {
                    Some(member) => (alloc::format!("process.ancestors.{member}"), at.register),
                    None => (name.as_ref().into(), at.nearest.filter(|_| name.starts_with("process.ancestors."))),
                };
                match (self.values.get(&plain), index) {
                    (Some(SampleValue::Bool(value)), _) => vec![Val::Bool(*value)],
                    (Some(SampleValue::Int(value)), _) => vec![Val::Int(*value)],
                    (Some(SampleValue::Text(value)), _) => vec![Val::Text(value.to_vec())],
                    (Some(SampleValue::Texts(values)), Some(index)) => vec![Val::Text(values[index].to_vec())],
                    (Some(SampleValue::Texts(values)), None) => {
                        values.iter().map(|value| Val::Text(value.to_vec())).collect()
                    }
                    (Some(SampleValue::Ints(values)), index) => vec![Val::Int(values[index.unwrap_or(0)])],
                    (None, _) => panic!("{name} has no value"),
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

fn wild(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|skip| wild(rest, &text[skip..])),
        Some((byte, rest)) => text.split_first().is_some_and(|(first, text)| first == byte && wild(rest, text)),
    }
}

fn glob(pattern: &[u8], path: &[u8]) -> bool {
    let parts = |text: &[u8]| -> Vec<Vec<u8>> { text.split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect() };
    let (pattern, path) = (parts(pattern), parts(path));
    let same = |one: &[Vec<u8>], other: &[Vec<u8>]| one.iter().zip(other).all(|(one, other)| wild(one, other));
    match pattern.iter().position(|part| part == b"**") {
        None => pattern.len() == path.len() && same(&pattern, &path),
        Some(at) => {
            let tail = &pattern[at + 1..];
            let enough = if tail.is_empty() { path.len() > at } else { path.len() >= at.max(tail.len() + 1) };
            enough && same(&pattern[..at], &path) && same(tail, &path[path.len() - tail.len()..])
        }
    }
}
