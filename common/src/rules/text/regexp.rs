//! Regular expressions: those of Go's RE2, in linear time.
//!
//! The engine is regex-automata's, whose syntax differs from RE2's in a few places: classes such as `\d`
//! are ASCII in RE2, `[` and `&&` mean nothing in its bracket expressions, and it has `\Q...\E`. So the text is
//! translated first. Text is bytes here: what matches any character matches a byte that is none, so that a name with
//! such bytes does not escape a rule.

use alloc::format;
use alloc::string::{String, ToString as _};
use core::fmt;

use regex_automata::meta::{Cache, Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind};

/// Bytes of a compiled regular expression, and of what it needs to search.
const SIZE_LIMIT: usize = 2 * 1024 * 1024;

/// A compiled regular expression. Searching needs a [`Cache`] of its own.
#[derive(Clone)]
pub(crate) struct Regexp {
    text: String,
    regex: Regex,
}

impl Regexp {
    /// Compiles RE2's syntax. The error is a sentence for people.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let config = Config::new()
            .utf8_empty(false)
            .match_kind(MatchKind::LeftmostFirst)
            .nfa_size_limit(Some(SIZE_LIMIT))
            .onepass_size_limit(Some(SIZE_LIMIT))
            .hybrid_cache_capacity(SIZE_LIMIT);
        let syntax = syntax::Config::new().utf8(false).octal(true).nest_limit(100);
        Regex::builder()
            .configure(config)
            .syntax(syntax)
            .build(&translate(text))
            .map(|regex| Self { text: text.into(), regex })
            .map_err(|error| match error.syntax_error() {
                Some(error) => {
                    error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").into()
                }
                None => error.to_string(),
            })
    }

    /// As it was written.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What one search at a time needs.
    pub(crate) fn cache(&self) -> Cache {
        self.regex.create_cache()
    }

    pub(crate) fn matches(&self, cache: &mut Cache, text: &[u8]) -> bool {
        self.regex.search_half_with(cache, &Input::new(text).earliest(true)).is_some()
    }
}

impl fmt::Debug for Regexp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{:?}", self.text)
    }
}

/// Ends an alternative: or a byte that is part of no character.
const OR_NO_CHARACTER: &str = r"|(?-u:[\x80-\xff]))";

/// RE2's syntax as regex-syntax has it.
fn translate(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut characters = text.char_indices().peekable();
    let mut in_class = false;
    let mut is_negated = false;
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => {
                let Some((_, escaped)) = characters.next() else {
                    out.push('\\');
                    break;
                };
                if escaped == 'Q' && !in_class {
                    let quoted = &text[index + 2..];
                    let end = quoted.find("\\E").unwrap_or(quoted.len());
                    for literal in quoted[..end].chars() {
                        push_literal(&mut out, literal);
                    }
                    let next = index + 2 + (end + 2).min(quoted.len());
                    while characters.next_if(|(at, _)| *at < next).is_some() {}
                    continue;
                }
                out.push_str(&escape(escaped, in_class));
            }
            '[' if !in_class => {
                in_class = true;
                is_negated = characters.next_if(|(_, next)| *next == '^').is_some();
                out.push_str(if is_negated { "(?:[^" } else { "[" });
                // A bracket that comes first is one of the class.
                if characters.next_if(|(_, next)| *next == ']').is_some() {
                    out.push_str("\\]");
                }
            }
            '[' => match text[index..].find(":]").filter(|_| text[index..].starts_with("[:")) {
                Some(end) => {
                    out.push_str(&text[index..index + end + 2]);
                    while characters.next_if(|(at, _)| *at < index + end + 2).is_some() {}
                }
                None => out.push_str("\\["),
            },
            ']' if in_class => {
                in_class = false;
                out.push(']');
                if is_negated {
                    out.push_str(OR_NO_CHARACTER);
                }
            }
            '.' if !in_class => {
                out.push_str("(?:.");
                out.push_str(OR_NO_CHARACTER);
            }
            '&' | '~' if in_class => push_literal(&mut out, character),
            // A minus twice is an operator there, once it makes a range.
            '-' if in_class && characters.peek().is_some_and(|(_, next)| *next == '-') => out.push_str("\\-"),
            _ => out.push(character),
        }
    }
    out
}

fn push_literal(out: &mut String, literal: char) {
    if literal.is_ascii_punctuation() {
        out.push('\\');
    }
    out.push(literal);
}

fn escape(escaped: char, in_class: bool) -> String {
    let class = match escaped {
        'd' => "0-9",
        'D' => "^0-9",
        's' => "\\t\\n\\x0C\\r ",
        'S' => "^\\t\\n\\x0C\\r ",
        'w' => "0-9A-Za-z_",
        'W' => "^0-9A-Za-z_",
        'b' | 'B' if !in_class => return format!("(?-u:\\{escaped})"),
        'C' if !in_class => return "(?s-u:.)".into(),
        _ => return format!("\\{escaped}"),
    };
    if class.starts_with('^') && !in_class { format!("(?:[{class}]{OR_NO_CHARACTER}") } else { format!("[{class}]") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn matches(regexp: &str, text: &[u8]) -> bool {
        let regexp = Regexp::new(regexp).unwrap();
        regexp.matches(&mut regexp.cache(), text)
    }

    #[test]
    fn matches_are_found_anywhere() {
        assert!(matches("b+", b"abbc"));
        assert!(matches("^ab", b"abbc") && !matches("^b", b"abbc"));
        assert!(matches("(?i)ABB", b"abbc"));
        assert!(matches(".*", b""));
        for regexp in ["^a.c$", "^a[^x]c$", r"^a\Sc$", r"^a\Wc$"] {
            assert!(matches(regexp, b"a\xffc"), "{regexp}");
        }
        assert!(!matches("^a.c$", b"a\nc") && matches("(?s)^a.c$", b"a\nc"));
    }

    #[test]
    fn classes_are_those_of_re2() {
        assert!(matches(r"^\d+$", b"12") && !matches(r"^\d+$", "١٢".as_bytes()));
        assert!(!matches(r"^\w$", "é".as_bytes()));
        assert!(matches(r"^[\d-]+$", b"1-2") && matches(r"^[^\s]$", b"\x0b"));
        assert!(matches("^[[a]$", b"[") && matches("^[]a]$", b"]") && matches("^[a&&b]+$", b"a&b"));
        assert!(matches("^[[:alpha:]_]+$", b"a_b") && matches("^[a--]$", b"-"));
        assert!(matches(r"^\Qa.b*\Ec$", b"a.b*c") && !matches(r"\Qa.b", b"axb"));
        assert!(matches(r"\bcat\b", b"a cat.") && matches(r"\x41\101", b"AA"));
    }

    #[test]
    fn what_is_none_is_refused_with_a_reason() {
        for (text, reason) in [("(", "unclosed group"), ("a**{3", "repetition"), (r"(?=a)", "look-around")] {
            let error = Regexp::new(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
        assert!(Regexp::new(&"(a{1,1000}){1,1000}".replace("a", "[a-z]{1,1000}")).is_err());
    }

    #[test]
    fn time_does_not_explode() {
        let text = [b'a'; 4000];
        assert!(!matches("^(a+)+$b", &text));
    }
}
