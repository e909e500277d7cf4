//! Finds secrets in the arguments of a program and masks them.
//!
//! Matching is by hand instead of by regular expressions: it is a single pass that allocates only
//! when there is something to mask, and it knows where an argument ends, which patterns over a joined
//! command line do not. A key counts as secret by how it *ends*, so `--password-file=/x` stays
//! readable and `--db-password=x` does not. The mask is kept as small as is safe: whatever it covers is
//! lost to detection as well.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops::Range;

const MASK: &[u8] = b"********";

/// What secret keys end in, without the `-` and `_` that they may contain.
const SECRETS: [&[u8]; 11] = [
    b"password",
    b"passwd",
    b"mysqlpwd",
    b"accesstoken",
    b"authtoken",
    b"apikey",
    b"secret",
    b"secretkey",
    b"secretaccesskey",
    b"credentials",
    b"stripetoken",
];

/// What makes an option a switch, which no value follows: `psql --no-password`.
const SWITCHES: [&[u8]; 4] = [b"no", b"without", b"skip", b"disable"];

/// Goes through the arguments of one program, the name it was called by left out.
#[derive(Debug, Default)]
pub(super) struct Scrubber {
    /// The argument before was an option whose value is secret.
    value_follows: bool,
}

impl Scrubber {
    /// The next argument with its secrets masked.
    pub(super) fn scrub<'a>(&mut self, argument: &'a [u8]) -> Cow<'a, [u8]> {
        let secret = self.value_follows && !is_option(argument);
        self.value_follows = !secret && takes_secret(argument);
        if secret { Cow::Borrowed(MASK) } else { scrub_within(argument) }
    }
}

/// Masks the secrets that a text carries together with their keys: an argument may be `key=value`, a
/// header, a URL, JSON, or a whole command line for a shell.
fn scrub_within(text: &[u8]) -> Cow<'_, [u8]> {
    let mut scrubbed = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text[at..].iter().position(|byte| matches!(byte, b'=' | b':') || is_space(*byte)) {
        let delimiter = at + found;
        at = delimiter + 1;
        let secret = match text[delimiter] {
            b'=' => assigned(text, delimiter),
            b':' => url_password(text, delimiter).or_else(|| header(text, delimiter)),
            _ => option_value(text, delimiter),
        };
        if let Some(secret) = secret.filter(|secret| !secret.is_empty()) {
            scrubbed.extend_from_slice(&text[copied..secret.start]);
            scrubbed.extend_from_slice(MASK);
            copied = secret.end;
            at = secret.end;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    scrubbed.extend_from_slice(&text[copied..]);
    Cow::Owned(scrubbed)
}

/// `--password=x`, `PASSWORD=x`, `?access_token=x&`, `user=me,password=x`, `User=me;Password=x`.
fn assigned(text: &[u8], equals: usize) -> Option<Range<usize>> {
    let key = word_before(text, equals);
    let before = byte_before(text, key.start);
    if before == Some(b'/') || !is_secret(&text[key.clone()]) {
        return None;
    }
    let start = equals + 1;
    // An argument that is nothing but this option or variable is secret to its end.
    if before.is_none() && (text[0] == b'-' || !text[start..].iter().copied().any(is_space)) {
        return Some(start..text.len());
    }
    let until = |ends: &[u8]| start..end(text, start, |byte| is_space(byte) || ends.contains(&byte));
    Some(match before {
        _ if is_quote(text.get(start)) => quoted(text, start),
        Some(quote @ (b'"' | b'\'')) => start..closing(text, start, quote),
        Some(b'?' | b'&') => until(b"&#\"'"),
        Some(b',') => until(b",\"'"),
        Some(b';') => until(b";\"'"),
        _ => until(b""),
    })
}

/// `scheme://user:password@host`.
fn url_password(text: &[u8], colon: usize) -> Option<Range<usize>> {
    if !text[colon..].starts_with(b"://") || !byte_before(text, colon)?.is_ascii_alphanumeric() {
        return None;
    }
    let start = colon + 3;
    let authority = &text[start..end(text, start, |byte| is_space(byte) || b"/?#\"'".contains(&byte))];
    let user_info = &authority[..authority.iter().rposition(|byte| *byte == b'@')?];
    let password = user_info.iter().position(|byte| *byte == b':')? + 1;
    Some(start + password..start + user_info.len())
}

/// `Authorization: Bearer x`, `X-Api-Key: x`, `"password": "x"`.
fn header(text: &[u8], colon: usize) -> Option<Range<usize>> {
    let start = skip_space(text, colon + 1);
    if let Some(quote @ (b'"' | b'\'')) = byte_before(text, colon) {
        let key = word_before(text, colon - 1);
        let is_key = byte_before(text, key.start) == Some(quote) && is_secret(&text[key]);
        return is_key.then(|| match is_quote(text.get(start)) {
            true => quoted(text, start),
            false => start..end(text, start, |byte| is_space(byte) || b",}]".contains(&byte)),
        });
    }
    let key = word_before(text, colon);
    let last = match byte_before(text, key.start) {
        None => text.len(),
        // `--header=Authorization: Bearer x`
        Some(b'=') if text[0] == b'-' => text.len(),
        Some(quote @ (b'"' | b'\'')) => closing(text, start, quote),
        // In the middle of a text, a colon is punctuation.
        Some(_) => return None,
    };
    if suffix(&text[key.clone()], b"authorization").is_some() {
        // The scheme is no secret, unless it is all there is.
        let credentials = skip_space(text, end(text, start, is_space));
        return Some(if credentials < last { credentials..last } else { start..last });
    }
    // `secret:latest` is the image of a container.
    (start > colon + 1 && is_secret(&text[key])).then(|| start..end(text, start, is_space).min(last))
}

/// `--password x` within a command line for a shell.
fn option_value(text: &[u8], space: usize) -> Option<Range<usize>> {
    let option = word_before(text, space);
    let starts_word = byte_before(text, option.start).is_none_or(|byte| is_space(byte) || b"\"'(".contains(&byte));
    if !starts_word || !takes_secret(&text[option]) {
        return None;
    }
    let start = skip_space(text, space);
    if is_quote(text.get(start)) {
        return Some(quoted(text, start));
    }
    let value = start..end(text, start, is_space);
    (!is_option(&text[value.clone()])).then_some(value)
}

/// Whether the next argument is the secret value of this one.
fn takes_secret(argument: &[u8]) -> bool {
    let Some(name) = argument.strip_prefix(b"-") else { return false };
    let name = name.strip_prefix(b"-").unwrap_or(name);
    let first_word = &name[..end(name, 0, |byte| matches!(byte, b'-' | b'_'))];
    name.iter().copied().all(in_word)
        && is_secret(name)
        && !SWITCHES.iter().any(|switch| first_word.eq_ignore_ascii_case(switch))
}

/// Whether an argument is an option rather than a value that begins with a dash, as one base64 text
/// in 64 does.
fn is_option(argument: &[u8]) -> bool {
    let long = |name: &[u8]| {
        let name = &name[..end(name, 0, |byte| byte == b'=')];
        name.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
    };
    match argument.strip_prefix(b"-") {
        Some([_]) => true,
        Some([b'-', name @ ..]) => long(name) || takes_secret(argument),
        Some(_) => takes_secret(argument),
        None => false,
    }
}

fn is_secret(key: &[u8]) -> bool {
    SECRETS.iter().any(|secret| suffix(key, secret).is_some())
        // As a whole word only: `--max-tokens` is a number, and so may be something ending in `token`.
        || suffix(key, b"token").is_some_and(|at| match at.checked_sub(1).map(|before| key[before]) {
            None => true,
            Some(before) => !before.is_ascii_alphanumeric() || (before.is_ascii_lowercase() && key[at] == b'T'),
        })
}

/// Where `word` begins if the key ends in it, whatever the case and the `-` and `_` in between.
fn suffix(key: &[u8], word: &[u8]) -> Option<usize> {
    let mut left = word;
    for (at, byte) in key.iter().enumerate().rev().filter(|(_, byte)| !matches!(byte, b'-' | b'_')) {
        let (last, rest) = left.split_last()?;
        if !byte.eq_ignore_ascii_case(last) {
            return None;
        }
        if rest.is_empty() {
            return Some(at);
        }
        left = rest;
    }
    None
}

fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

fn is_quote(byte: Option<&u8>) -> bool {
    matches!(byte, Some(b'"' | b'\''))
}

fn byte_before(text: &[u8], at: usize) -> Option<u8> {
    at.checked_sub(1).map(|before| text[before])
}

fn word_before(text: &[u8], at: usize) -> Range<usize> {
    let start = text[..at].iter().rposition(|byte| !in_word(*byte)).map_or(0, |before| before + 1);
    start..at
}

fn skip_space(text: &[u8], from: usize) -> usize {
    end(text, from, |byte| !is_space(byte))
}

fn end(text: &[u8], from: usize, mut ends: impl FnMut(u8) -> bool) -> usize {
    text[from..].iter().position(|byte| ends(*byte)).map_or(text.len(), |found| from + found)
}

/// What stands in the quotes that open at `open`.
fn quoted(text: &[u8], open: usize) -> Range<usize> {
    open + 1..closing(text, open + 1, text[open])
}

/// Where the quote ends that has been opened before `from`.
fn closing(text: &[u8], from: usize, quote: u8) -> usize {
    let mut escaped = false;
    end(text, from, |byte| {
        let closes = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}
