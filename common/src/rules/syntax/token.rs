//! The words of the language.

use alloc::boxed::Box;
use core::fmt;

use super::Span;
use crate::rules::Cidr;

/// A word and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Lexeme,
    pub(super) span: Span,
}

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Lexeme {
    /// A name with its dots and brackets; words such as `in` too.
    Ident(Box<str>),
    /// `${name}`.
    Variable(Box<str>),
    /// `%{name}`.
    FieldRef(Box<str>),
    Int(i64),
    /// Nanoseconds.
    Duration(i64),
    Str(Box<str>),
    Pattern(Box<str>),
    Regexp(Box<str>),
    Cidr(Cidr),
    OrOr,
    AndAnd,
    Equal,
    NotEqual,
    Matches,
    NotMatches,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Plus,
    Minus,
    And,
    Or,
    Xor,
    Not,
    Open,
    Close,
    OpenList,
    CloseList,
    Comma,
    End,
}

impl Lexeme {
    /// Whether an operand ends here, so that a sign that follows belongs to no number.
    pub(super) fn ends_operand(&self) -> bool {
        match self {
            Self::Ident(word) => !matches!(&**word, "in" | "not" | "allin" | "and" | "or"),
            Self::Variable(_)
            | Self::FieldRef(_)
            | Self::Int(_)
            | Self::Duration(_)
            | Self::Str(_)
            | Self::Pattern(_)
            | Self::Regexp(_)
            | Self::Cidr(_)
            | Self::Close
            | Self::CloseList => true,
            _ => false,
        }
    }
}

impl fmt::Display for Lexeme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Ident(name) => return write!(f, "`{name}`"),
            Self::Variable(name) => return write!(f, "`${{{name}}}`"),
            Self::FieldRef(name) => return write!(f, "`%{{{name}}}`"),
            Self::Int(value) => return write!(f, "`{value}`"),
            Self::Duration(_) => "a duration",
            Self::Str(_) => "a string",
            Self::Pattern(_) => "a pattern",
            Self::Regexp(_) => "a regular expression",
            Self::Cidr(_) => "an IP address",
            Self::OrOr => "`||`",
            Self::AndAnd => "`&&`",
            Self::Equal => "`==`",
            Self::NotEqual => "`!=`",
            Self::Matches => "`=~`",
            Self::NotMatches => "`!~`",
            Self::Less => "`<`",
            Self::LessEqual => "`<=`",
            Self::Greater => "`>`",
            Self::GreaterEqual => "`>=`",
            Self::Plus => "`+`",
            Self::Minus => "`-`",
            Self::And => "`&`",
            Self::Or => "`|`",
            Self::Xor => "`^`",
            Self::Not => "`!`",
            Self::Open => "`(`",
            Self::Close => "`)`",
            Self::OpenList => "`[`",
            Self::CloseList => "`]`",
            Self::Comma => "`,`",
            Self::End => "the end",
        };
        f.write_str(text)
    }
}
