//! The language as text: words, grammar, and the tree that they make.

mod ast;
mod lexer;
mod parser;
mod span;
mod token;

pub(crate) use ast::{Arithmetic, Comparison, Expr, Logic, Node};
pub(crate) use parser::{parse, parse_macro};
pub use span::Span;

/// The longest expression, in bytes.
pub const MAX_LENGTH: usize = 256 * 1024;

/// How deep an expression may nest. Parentheses count three times, for the rules of the grammar on the way to them.
pub const MAX_DEPTH: usize = 192;
