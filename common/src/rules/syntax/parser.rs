//! From words to an expression.
//!
//! The grammar is that of the reference (`docs/rules.md`), its peculiarity included: `&&` and `||`
//! bind alike, to the right. Where one expression mixes them without parentheses that is kept, since
//! existing rules rely on it, and a warning says how it was read.
//!
//! Recursion is bounded by [`MAX_DEPTH`]. Chains of conditions are read in a loop, however long.

use alloc::boxed::Box;
use alloc::string::ToString as _;
use alloc::vec;
use alloc::vec::Vec;

use super::ast::{Arithmetic, Comparison, Expr, Logic, Node};
use super::lexer::lex;
use super::token::{Lexeme, Token};
use super::{MAX_DEPTH, Span};
use crate::rules::problem::{Problem, SyntaxError, Warning};

/// An expression and what is doubtful about it.
#[derive(Clone, Debug)]
pub(crate) struct Parsed {
    pub(crate) root: Node,
    pub(crate) warnings: Vec<Problem>,
}

/// Reads the expression of a rule.
pub(crate) fn parse(text: &str) -> Result<Parsed, Problem> {
    read(text, Parser::expression)
}

/// Reads the body of a macro: an expression, or a list.
pub(crate) fn parse_macro(text: &str) -> Result<Parsed, Problem> {
    read(text, |parser| match parser.peek() {
        Lexeme::OpenList => parser.list(),
        _ => parser.expression(),
    })
}

fn read(text: &str, rule: impl FnOnce(&mut Parser) -> Result<Node, Problem>) -> Result<Parsed, Problem> {
    let tokens = lex(text)?;
    let warnings = tokens.iter().filter_map(|token| leading_zero(text, token)).collect();
    let mut parser = Parser { tokens, at: 0, depth: 0, warnings };
    let root = rule(&mut parser)?;
    match parser.peek() {
        Lexeme::End => Ok(Parsed { root, warnings: parser.warnings }),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

/// A number that somebody may have meant as octal.
fn leading_zero(text: &str, token: &Token) -> Option<Problem> {
    let Lexeme::Int(value) = token.kind else { return None };
    let digits = text.get(token.span.start..token.span.end)?.trim_start_matches(['+', '-']);
    if digits.len() < 2 || !digits.starts_with('0') {
        return None;
    }
    let problem = Problem::warning(Warning::LeadingZero(value), token.span);
    Some(match i64::from_str_radix(digits, 8) {
        Ok(octal) => problem.hint(alloc::format!("if octal is meant, write {octal}")),
        Err(_) => problem,
    })
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    warnings: Vec<Problem>,
}

impl Parser {
    fn peek(&self) -> &Lexeme {
        &self.tokens[self.at].kind
    }

    fn span(&self) -> Span {
        self.tokens[self.at].span
    }

    fn advance(&mut self) -> Token {
        let token = self.tokens[self.at].clone();
        // The last one is the end, which nobody gets past.
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Lexeme::Ident(ident) if **ident == *word)
    }

    fn unexpected(&self, expected: &'static str) -> Problem {
        let problem =
            Problem::syntax(SyntaxError::Unexpected { found: self.peek().to_string(), expected }, self.span());
        match self.peek() {
            Lexeme::Int(_) => problem.hint("an operator is missing"),
            Lexeme::Or => problem.hint("conditions are joined by `||`; `|` joins bits"),
            Lexeme::And => problem.hint("conditions are joined by `&&`; `&` joins bits"),
            _ => problem,
        }
    }

    fn deeper<T>(&mut self, rule: impl FnOnce(&mut Self) -> Result<T, Problem>) -> Result<T, Problem> {
        if self.depth >= MAX_DEPTH {
            return Err(Problem::syntax(SyntaxError::TooDeep, self.span()));
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    fn expression(&mut self) -> Result<Node, Problem> {
        self.deeper(|parser| {
            let mut terms = vec![parser.comparison()?];
            let mut operators = Vec::new();
            loop {
                let logic = match parser.peek() {
                    Lexeme::AndAnd => Logic::And,
                    Lexeme::OrOr => Logic::Or,
                    _ if parser.is_word("and") => Logic::And,
                    _ if parser.is_word("or") => Logic::Or,
                    _ => break,
                };
                operators.push((logic, parser.advance().span));
                terms.push(parser.comparison()?);
            }
            parser.join(terms, &operators)
        })
    }

    /// Joins conditions from the right, as the reference does.
    fn join(&mut self, mut terms: Vec<Node>, operators: &[(Logic, Span)]) -> Result<Node, Problem> {
        let change = operators.windows(2).find(|pair| pair[0].0 != pair[1].0);
        if let Some([_, (second, span)]) = change {
            let (text, hint) = match second {
                Logic::Or => ("a && (b || c)", "write `(a && b) || c` or `a && (b || c)`, whichever is meant"),
                Logic::And => ("a || (b && c)", "write `(a || b) && c` or `a || (b && c)`, whichever is meant"),
            };
            self.warnings.push(Problem::warning(Warning::MixedLogic { read_as: text }, *span).hint(hint));
        }
        let Some(mut joined) = terms.pop() else { return Err(self.unexpected("a condition")) };
        let mut changes = 0;
        let mut last = None;
        for (term, (logic, _)) in terms.into_iter().zip(operators).rev() {
            let span = term.span.to(joined.span);
            match &mut joined.kind {
                Expr::Logic(_, parts) if last == Some(*logic) => {
                    parts.push(term);
                    joined.span = span;
                }
                _ => {
                    changes += 1;
                    if self.depth + changes > MAX_DEPTH {
                        return Err(Problem::syntax(SyntaxError::TooDeep, span));
                    }
                    finish(&mut joined, last);
                    joined = Node { span, kind: Expr::Logic(*logic, vec![joined, term]) };
                }
            }
            last = Some(*logic);
        }
        finish(&mut joined, last);
        Ok(joined)
    }

    fn comparison(&mut self) -> Result<Node, Problem> {
        self.deeper(|parser| {
            let left = parser.sum()?;
            let comparison = match parser.peek() {
                Lexeme::Equal => Comparison::Equal,
                Lexeme::NotEqual => Comparison::NotEqual,
                Lexeme::Matches => Comparison::Matches,
                Lexeme::NotMatches => Comparison::NotMatches,
                Lexeme::Less => Comparison::Less,
                Lexeme::LessEqual => Comparison::LessEqual,
                Lexeme::Greater => Comparison::Greater,
                Lexeme::GreaterEqual => Comparison::GreaterEqual,
                _ if parser.is_word("in") => Comparison::In,
                _ if parser.is_word("allin") => Comparison::AllIn,
                _ if parser.is_word("not") => {
                    parser.advance();
                    if !parser.is_word("in") {
                        return Err(parser.unexpected("`in` after `not`"));
                    }
                    Comparison::NotIn
                }
                _ => return Ok(left),
            };
            parser.advance();
            let right = match comparison {
                Comparison::In | Comparison::NotIn | Comparison::AllIn => parser.collection()?,
                _ => parser.comparison()?,
            };
            let span = left.span.to(right.span);
            Ok(Node { span, kind: Expr::Compare(comparison, Box::new(left), Box::new(right)) })
        })
    }

    fn sum(&mut self) -> Result<Node, Problem> {
        let mut left = self.bits()?;
        let mut length = 0;
        loop {
            let operation = match self.peek() {
                Lexeme::Plus => Arithmetic::Add,
                Lexeme::Minus => Arithmetic::Subtract,
                _ => return Ok(left),
            };
            length += 1;
            if self.depth + length > MAX_DEPTH {
                return Err(Problem::syntax(SyntaxError::TooDeep, self.span()));
            }
            self.advance();
            left = arithmetic(operation, left, self.bits()?);
        }
    }

    fn bits(&mut self) -> Result<Node, Problem> {
        self.deeper(|parser| {
            let left = parser.unary()?;
            let operation = match parser.peek() {
                Lexeme::And => Arithmetic::And,
                Lexeme::Or => Arithmetic::Or,
                Lexeme::Xor => Arithmetic::Xor,
                _ => return Ok(left),
            };
            parser.advance();
            Ok(arithmetic(operation, left, parser.bits()?))
        })
    }

    fn unary(&mut self) -> Result<Node, Problem> {
        let wrap: fn(Box<Node>) -> Expr = match self.peek() {
            Lexeme::Not => Expr::Not,
            Lexeme::Minus => Expr::Negate,
            Lexeme::Xor => Expr::Complement,
            _ if self.is_word("not") => Expr::Not,
            _ => return self.primary(),
        };
        self.deeper(|parser| {
            let span = parser.advance().span;
            let inner = parser.unary()?;
            Ok(Node { span: span.to(inner.span), kind: wrap(Box::new(inner)) })
        })
    }

    fn primary(&mut self) -> Result<Node, Problem> {
        let span = self.span();
        let kind = match self.peek() {
            Lexeme::Open => {
                self.advance();
                let mut inner = self.expression()?;
                inner.span = span.to(self.close(&Lexeme::Close, "`)`")?);
                return Ok(inner);
            }
            Lexeme::Ident(word) if matches!(&**word, "in" | "allin" | "and" | "or" | "not") => None,
            Lexeme::OpenList => return Err(self.unexpected("a value").hint("lists follow `in`, `not in` or `allin`")),
            token => literal(token),
        };
        let Some(kind) = kind else { return Err(self.unexpected("a value")) };
        self.advance();
        Ok(Node { span, kind })
    }

    fn collection(&mut self) -> Result<Node, Problem> {
        if *self.peek() == Lexeme::OpenList {
            return self.list();
        }
        let node = self.primary()?;
        match node.kind {
            Expr::Cidr(_) | Expr::Variable(_) | Expr::Field(_) | Expr::Name(_) => Ok(node),
            _ => Err(Problem::syntax(
                SyntaxError::Unexpected { found: "a single value".into(), expected: "a list" },
                node.span,
            )
            .hint("lists stand in brackets: [\"a\", \"b\"]")),
        }
    }

    fn list(&mut self) -> Result<Node, Problem> {
        let start = self.advance().span;
        let mut members = Vec::new();
        if *self.peek() == Lexeme::CloseList {
            return Err(self.unexpected("a value").hint("a list is not empty"));
        }
        loop {
            let node = self.unary()?;
            members.push(node);
            match self.peek() {
                Lexeme::Comma => drop(self.advance()),
                Lexeme::CloseList => break,
                _ => return Err(self.unexpected("`,` or `]`")),
            }
            // As in the reference's lists, a comma may end one.
            if *self.peek() == Lexeme::CloseList {
                break;
            }
        }
        let end = self.close(&Lexeme::CloseList, "`]`")?;
        Ok(Node { span: start.to(end), kind: Expr::List(members) })
    }

    fn close(&mut self, kind: &Lexeme, expected: &'static str) -> Result<Span, Problem> {
        if self.peek() == kind { Ok(self.advance().span) } else { Err(self.unexpected(expected)) }
    }
}

/// Puts the operands into the order in which they were written. `last` is set for what was joined here.
fn finish(node: &mut Node, last: Option<Logic>) {
    if let (Some(_), Expr::Logic(_, parts)) = (last, &mut node.kind) {
        parts.reverse();
    }
}

fn arithmetic(operation: Arithmetic, left: Node, right: Node) -> Node {
    Node { span: left.span.to(right.span), kind: Expr::Arithmetic(operation, Box::new(left), Box::new(right)) }
}

fn literal(token: &Lexeme) -> Option<Expr> {
    Some(match token {
        Lexeme::Ident(name) => Expr::Name(name.clone()),
        Lexeme::FieldRef(name) => Expr::Field(name.clone()),
        Lexeme::Variable(name) => Expr::Variable(name.clone()),
        Lexeme::Int(value) => Expr::Int(*value),
        Lexeme::Duration(value) => Expr::Duration(*value),
        Lexeme::Str(text) => Expr::Str(text.clone()),
        Lexeme::Pattern(text) => Expr::Pattern(text.clone()),
        Lexeme::Regexp(text) => Expr::Regexp(text.clone()),
        Lexeme::Cidr(cidr) => Expr::Cidr(*cidr),
        _ => return None,
    })
}
