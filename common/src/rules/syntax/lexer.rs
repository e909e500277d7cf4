//! From text to words.
//!
//! A name takes its dots and brackets with it (`process.ancestors[A].comm` is one word), but never a
//! bracket that it did not open. A sign belongs to a number only where no operand comes before it, so
//! that `5-3` is a subtraction; the reference reads two numbers there and refuses the rule.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::token::{Lexeme, Token};
use super::{MAX_LENGTH, Span};
use crate::rules::problem::{Problem, SyntaxError};
use crate::rules::{Cidr, address};

/// The words of an expression, [`Lexeme::End`] last.
pub(super) fn lex(text: &str) -> Result<Vec<Token>, Problem> {
    if text.len() > MAX_LENGTH {
        return Err(Problem::syntax(SyntaxError::TooLong, Span { start: MAX_LENGTH, end: MAX_LENGTH }));
    }
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new() };
    while let Some(token) = lexer.next()? {
        lexer.tokens.push(token);
    }
    let span = Span { start: text.len(), end: text.len() };
    lexer.tokens.push(Token { kind: Lexeme::End, span });
    Ok(lexer.tokens)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<Token>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn next(&mut self) -> Result<Option<Token>, Problem> {
        self.skip_blank();
        let start = self.at;
        let Some(first) = self.rest().bytes().next() else { return Ok(None) };
        let kind = match first {
            _ if self.network().is_some() => self.take_network()?,
            b'r' | b'~' if self.rest().as_bytes().get(1) == Some(&b'"') => {
                self.at += 1;
                let raw = self.quoted()?;
                if first == b'r' { Lexeme::Regexp(raw.into()) } else { Lexeme::Pattern(unquote_pattern(raw)) }
            }
            b'"' => Lexeme::Str(unquote(self.quoted()?)),
            b'$' | b'%' if self.rest().as_bytes().get(1) == Some(&b'{') => self.braced(first)?,
            b'0'..=b'9' => self.number()?,
            b'+' | b'-' if self.signs_a_number() => self.number()?,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.ident(),
            _ => self.symbol()?,
        };
        Ok(Some(Token { kind, span: Span { start, end: self.at } }))
    }

    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start();
            self.at += rest.len() - trimmed.len();
            if !(trimmed.starts_with('#') || trimmed.starts_with("//")) {
                return;
            }
            self.at += trimmed.find('\n').unwrap_or(trimmed.len());
        }
    }

    fn signs_a_number(&self) -> bool {
        self.rest().as_bytes().get(1).is_some_and(u8::is_ascii_digit)
            && !self.tokens.last().is_some_and(|token| token.kind.ends_operand())
    }

    /// What may be an address here: it has more than one dot or colon, which no number or name has.
    fn network(&self) -> Option<&'a str> {
        let rest = self.rest();
        let end = rest
            .bytes()
            .position(|byte| !(byte.is_ascii_hexdigit() || byte == b':' || byte == b'.'))
            .unwrap_or(rest.len());
        let word = &rest[..end];
        let looks = word.matches(':').count() > 1
            || (word.matches('.').count() == 3 && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
        if !looks {
            return None;
        }
        let prefix = rest[end..].strip_prefix('/').map_or(0, |digits| {
            let count = digits.bytes().take_while(u8::is_ascii_digit).count();
            if count > 0 { count + 1 } else { 0 }
        });
        Some(&rest[..end + prefix])
    }

    fn take_network(&mut self) -> Result<Lexeme, Problem> {
        let start = self.at;
        let Some(length) = self.network().map(str::len) else { return self.symbol() };
        let parsed: Option<Cidr> = address::parse(&self.text[start..start + length]);
        self.at += length;
        parsed
            .map(Lexeme::Cidr)
            .ok_or_else(|| Problem::syntax(SyntaxError::BadAddress, Span { start, end: start + length }))
    }

    /// The inside of quotes, as it is written.
    fn quoted(&mut self) -> Result<&'a str, Problem> {
        let start = self.at;
        let mut escaped = false;
        for (index, byte) in self.rest().bytes().enumerate().skip(1) {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => {
                    self.at += index + 1;
                    return Ok(&self.text[start + 1..start + index]);
                }
                _ => {}
            }
        }
        Err(Problem::syntax(SyntaxError::Unterminated, Span { start, end: self.text.len() }))
    }

    fn braced(&mut self, sigil: u8) -> Result<Lexeme, Problem> {
        let start = self.at;
        let bad = |end| Problem::syntax(SyntaxError::BadReference, Span { start, end });
        let Some(length) = self.rest().find('}') else { return Err(bad(self.text.len())) };
        let name = &self.text[start + 2..start + length];
        self.at += length + 1;
        let brackets = sigil == b'%';
        if !is_name(name, brackets) {
            return Err(bad(self.at));
        }
        Ok(if brackets { Lexeme::FieldRef(name.into()) } else { Lexeme::Variable(name.into()) })
    }

    fn number(&mut self) -> Result<Lexeme, Problem> {
        let start = self.at;
        let rest = self.rest();
        let sign = usize::from(!rest.as_bytes()[0].is_ascii_digit());
        let digits = sign + rest.bytes().skip(sign).take_while(u8::is_ascii_digit).count();
        let unit = rest.bytes().skip(digits).take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
        let span = Span { start, end: start + digits + unit };
        let (number, unit) = (&rest[..digits], &rest[digits..digits + unit]);
        let value = number
            .strip_prefix('+')
            .unwrap_or(number)
            .parse::<i64>()
            .map_err(|_overflow| Problem::syntax(SyntaxError::NumberTooLarge, span))?;
        let scale = match unit {
            "" => {
                self.at = span.end;
                return Ok(Lexeme::Int(value));
            }
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => {
                return Err(Problem::syntax(SyntaxError::BadDuration, span)
                    .hint(alloc::format!("days are not a unit: write {}h", value.saturating_mul(24))));
            }
            _ if number == "0" && matches!(unit.as_bytes(), [b'x' | b'X' | b'o' | b'b', ..]) => {
                return Err(Problem::syntax(SyntaxError::BadNumber, span).hint("0x, 0o and 0b are not known here"));
            }
            _ => return Err(Problem::syntax(SyntaxError::BadDuration, span).hint("the units are ms, s, m and h")),
        };
        self.at = span.end;
        value.checked_mul(scale).map(Lexeme::Duration).ok_or_else(|| Problem::syntax(SyntaxError::NumberTooLarge, span))
    }

    fn ident(&mut self) -> Lexeme {
        let start = self.at;
        let mut open = 0_usize;
        let mut length = 0;
        for byte in self.rest().bytes() {
            match byte {
                b'[' => open += 1,
                b']' if open > 0 => open -= 1,
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' => {}
                _ => break,
            }
            length += 1;
        }
        self.at += length;
        Lexeme::Ident(self.text[start..self.at].into())
    }

    fn symbol(&mut self) -> Result<Lexeme, Problem> {
        const SYMBOLS: [(&str, Lexeme); 22] = [
            ("||", Lexeme::OrOr),
            ("&&", Lexeme::AndAnd),
            ("==", Lexeme::Equal),
            ("!=", Lexeme::NotEqual),
            ("=~", Lexeme::Matches),
            ("!~", Lexeme::NotMatches),
            ("<=", Lexeme::LessEqual),
            (">=", Lexeme::GreaterEqual),
            ("<", Lexeme::Less),
            (">", Lexeme::Greater),
            ("+", Lexeme::Plus),
            ("-", Lexeme::Minus),
            ("&", Lexeme::And),
            ("|", Lexeme::Or),
            ("^", Lexeme::Xor),
            ("!", Lexeme::Not),
            ("(", Lexeme::Open),
            (")", Lexeme::Close),
            ("[", Lexeme::OpenList),
            ("]", Lexeme::CloseList),
            (",", Lexeme::Comma),
            ("=", Lexeme::End),
        ];
        let rest = self.rest();
        let start = self.at;
        match SYMBOLS.into_iter().find(|(symbol, _)| rest.starts_with(symbol)) {
            Some((_, Lexeme::End)) => {
                let span = Span { start, end: start + 1 };
                Err(Problem::syntax(SyntaxError::UnexpectedCharacter('='), span).hint("equality is written `==`"))
            }
            Some((symbol, kind)) => {
                self.at += symbol.len();
                Ok(kind)
            }
            None => {
                let character = rest.chars().next().unwrap_or(' ');
                let span = Span { start, end: start + character.len_utf8() };
                let problem = Problem::syntax(SyntaxError::UnexpectedCharacter(character), span);
                Err(if character == '\'' { problem.hint("strings stand in double quotes") } else { problem })
            }
        }
    }
}

fn is_name(name: &str, brackets: bool) -> bool {
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    let inside = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.') || (brackets && matches!(byte, b'[' | b']'))
    };
    first && name.bytes().all(inside)
}

/// A string without its escapes. An escape that has no meaning stays as it is written.
fn unquote(raw: &str) -> Box<str> {
    let mut text = String::with_capacity(raw.len());
    let mut characters = raw.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some(escaped @ ('"' | '\\')) => text.push(escaped),
            other => {
                text.push('\\');
                text.extend(other);
            }
        }
    }
    text.into()
}

/// Patterns are raw but for the quotes, which have no other way in.
fn unquote_pattern(raw: &str) -> Box<str> {
    raw.replace("\\\"", "\"").into()
}
