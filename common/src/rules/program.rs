//! Rules in the form in which they are evaluated.
//!
//! Types are settled: each kind of operand has its own tree, and no name is looked up any more. What
//! several rules ask alike is kept once ([`Cond::Shared`]), and asked once for an event.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::Cidr;
use super::catalogue::{Field, List};
use super::syntax::Arithmetic;
use super::text::{Regexp, TextSet};
use super::variables::VariableId;

/// A condition.
#[derive(Clone, Debug)]
pub(crate) enum Cond {
    Const(bool),
    /// It depends on a field that is not fed; gone once a rule is compiled.
    Unknown,
    /// One that several rules may have.
    Shared(u32),
    Flag(FieldRef),
    FlagVariable(VariableId),
    Not(Box<Cond>),
    All(Vec<Cond>),
    Any(Vec<Cond>),
    /// Both are true or both are false.
    Same(Box<Cond>, Box<Cond>),
    Number(Numbers, Quantifier, NumberTest),
    Text(Texts, Quantifier, TextTest),
    Ip(Ips, Quantifier, IpTest),
    /// It holds for an element of the sequence.
    Each(List, Slot, Box<Cond>),
}

/// How many values have to satisfy a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantifier {
    Some,
    Every,
}

/// Which element a field is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Slot {
    /// It is one of the event.
    Event,
    /// The element at which a condition of its own is.
    Nearest,
    /// The element that the rule's register holds.
    Register,
}

/// A field, and of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FieldRef {
    pub(crate) id: u32,
    pub(crate) slot: Slot,
}

/// One number or several.
#[derive(Clone, Debug)]
pub(crate) enum Numbers {
    One(Num),
    Field(FieldRef),
    Variable(VariableId),
}

/// A number.
#[derive(Clone, Debug)]
pub(crate) enum Num {
    Const(i64),
    Field(FieldRef),
    Variable(VariableId),
    /// Bytes of a text, or elements of a list.
    Length(FieldRef),
    /// Nanoseconds since then.
    Age(Box<Num>),
    Negative(Box<Num>),
    Complement(Box<Num>),
    Both(Arithmetic, Box<Num>, Box<Num>),
}

/// What a number is compared with.
#[derive(Clone, Debug)]
pub(crate) enum NumberTest {
    Order(Order, Num),
    In(Box<[i64]>),
    Among(Numbers),
}

/// How numbers are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Equal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Order {
    pub(crate) fn holds(self, one: i64, other: i64) -> bool {
        match self {
            Self::Equal => one == other,
            Self::Less => one < other,
            Self::LessEqual => one <= other,
            Self::Greater => one > other,
            Self::GreaterEqual => one >= other,
        }
    }

    /// The same with its sides exchanged.
    pub(crate) fn flipped(self) -> Self {
        match self {
            Self::Equal => Self::Equal,
            Self::Less => Self::Greater,
            Self::LessEqual => Self::GreaterEqual,
            Self::Greater => Self::Less,
            Self::GreaterEqual => Self::LessEqual,
        }
    }
}

/// One text or several.
#[derive(Clone, Debug)]
pub(crate) enum Texts {
    Field(FieldRef),
    Nth(FieldRef, usize),
    RootDomain(FieldRef),
    Variable(VariableId),
    Literal(Box<[u8]>),
    Template(Template),
}

/// Text with values inside.
#[derive(Clone, Debug, Default)]
pub(crate) struct Template {
    pub(crate) pieces: Vec<Piece>,
}

/// A part of a template.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    /// A random identifier.
    Uuid,
    Text(Box<[u8]>),
    Variable(VariableId),
    Field(FieldRef),
}

/// What a text is compared with.
#[derive(Clone, Debug)]
pub(crate) enum TextTest {
    /// What is written out.
    Set(TextSet),
    /// Equal to one of those.
    Among(Texts),
    /// A pattern that is put together for each event.
    Pattern(Template, Wildcards),
    /// One of them.
    Either(Box<[TextTest]>),
}

/// What stars stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wildcards {
    Plain,
    Path,
}

/// One address or several.
#[derive(Clone, Debug)]
pub(crate) enum Ips {
    Field(FieldRef),
    Variable(VariableId),
    Literal(Cidr),
}

/// What an address is compared with.
#[derive(Clone, Debug)]
pub(crate) enum IpTest {
    In(Box<[Cidr]>),
    Among(Ips),
}

/// What all rules of a set share.
#[derive(Debug, Default)]
pub(crate) struct Program {
    pub(crate) fields: Vec<Field>,
    pub(crate) shared: Vec<Cond>,
    pub(crate) regexps: Vec<Regexp>,
}

impl Program {
    pub(crate) fn field(&self, field: FieldRef) -> &Field {
        &self.fields[field.id as usize]
    }
}
