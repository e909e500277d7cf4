//! What the parser makes of texts, whatever they mean.

use alloc::string::String;

use super::shown;
use crate::rules::syntax::{MAX_DEPTH, parse};

#[track_caller]
fn read(text: &str, expected: &str) {
    match parse(text) {
        Ok(parsed) => assert_eq!(parsed.root.canonical(), expected, "{text}"),
        Err(problem) => panic!("{text}: {}", shown(&problem, text)),
    }
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    match parse(text) {
        Ok(parsed) => panic!("{text} is {}", parsed.root.canonical()),
        Err(problem) => assert_eq!(shown(&problem, text), expected, "{text}"),
    }
}

#[test]
fn operators_bind_as_in_the_reference() {
    read("a && b || c", "(a && (b || c))");
    read("a || b && c || d", "(a || (b && (c || d)))");
    read("a && b && c", "(a && b && c)");
    read("(a && b) || c", "((a && b) || c)");
    read("f & A|B > 0", "((f & (A | B)) > 0)");
    read("!x == y", "(!x == y)");
    read("!(x == y)", "!(x == y)");
    read("a + b - c", "((a + b) - c)");
    read("a - 1", "(a - 1)");
    read("a -1", "(a - 1)");
    read("a == b == c", "(a == (b == c))");
    read("a & b + c", "((a & b) + c)");
    read("a == -1 && b == ^2", "((a == -1) && (b == ^2))");
    read("not a and b or c", "(!a && (b || c))");
    read("a not in [1, 2,]", "(a not in [1,2,])");
    read("a in [AF_INET, AF_INET6]", "(a in [AF_INET,AF_INET6,])");
    read("process.ancestors[A].comm == \"x\"", "(process.ancestors[A].comm == \"x\")");
    read("a in 10.0.0.0/8 && b in ::1", "((a in 10.0.0.0/8) && (b in ::1))");
    read("a == fe80::1 || fade.b == cafe", "((a == fe80::1) || (fade.b == cafe))");
    read("a > 5s && a < 10ms", "((a > 5000000000ns) && (a < 10000000ns))");
    read(
        r#"a == "q\"\\n\n" && b == r"\d\"" && c == ~"\*\"""#,
        "((a == \"q\\\"\\\\n\\n\") && (b == r\"\\\\d\\\\\\\"\") && (c == ~\"\\\\*\\\"\"))",
    );
    read("a in ${x} && b == %{c.d}", "((a in ${x}) && (b == c.d))");
}

#[test]
fn what_is_no_expression_is_refused_where_it_goes_wrong() {
    refused("", "1:1: the end where a value is expected");
    refused("a == ", "1:6: the end where a value is expected");
    refused("a = 1", "1:3: `=` has no meaning here (equality is written `==`)");
    refused("a == 'x'", "1:6: `'` has no meaning here (strings stand in double quotes)");
    refused("a == \"x", "1:6: the closing quote is missing");
    refused("a in []", "1:7: `]` where a value is expected (a list is not empty)");
    refused("a in \"x\"", "1:6: a single value where a list is expected (lists stand in brackets: [\"a\", \"b\"])");
    refused("(a == 1", "1:8: the end where `)` is expected");
    refused("a == 1 b", "1:8: `b` where an operator or the end is expected");
    refused("a == 1 &&\n  b ==", "2:7: the end where a value is expected");
    refused("a > 1d", "1:5: not a duration (days are not a unit: write 24h)");
    refused("a == 0x1f", "1:6: numbers are decimal (0x, 0o and 0b are not known here)");
    refused("a > 1x", "1:5: not a duration (the units are ms, s, m and h)");
    refused("a == 99999999999999999999", "1:6: the number is too large");
    refused("a in 10.0.0.0/40", "1:6: not an IP address or network");
    refused("${1x} == 2", "1:1: a reference is a name in braces");
    refused("a not b", "1:7: `b` where `in` after `not` is expected");
    refused("é == 1", "1:1: `é` has no meaning here");
}

#[test]
fn nesting_is_bounded_and_chains_are_not() {
    for opening in ["(", "!", "- ", "a == ", "1 & ", "1 + ", "true && false || "] {
        let deep: String = core::iter::repeat_n(opening, 10_000).chain(["x"]).collect();
        assert!(parse(&deep).is_err(), "{opening}");
    }
    let chain: String = core::iter::repeat_n("a == 1 || ", 10_000).chain(["x"]).collect();
    assert!(parse(&chain).is_ok());
    let long = alloc::format!("a == \"{}\"", "x".repeat(300_000));
    assert!(parse(&long).is_err());
    let fits: String =
        core::iter::repeat_n("(", MAX_DEPTH / 3 - 1).chain(["x"]).collect::<String>() + &")".repeat(MAX_DEPTH / 3 - 1);
    assert!(parse(&fits).is_ok());
}

#[test]
fn doubtful_readings_are_told() {
    let warnings = |text: &str| -> alloc::vec::Vec<String> {
        parse(text).unwrap().warnings.iter().map(|warning| shown(warning, text)).collect()
    };
    assert_eq!(
        warnings("a && b || c"),
        [
            "1:8: `&&` and `||` bind alike: this is read as `a && (b || c)` (write `(a && b) || c` or `a && (b || c)`, whichever is meant)"
        ]
    );
    assert_eq!(warnings("(a && b) || c && (d || e)").len(), 1);
    assert!(warnings("a || b || (c && d)").is_empty());
    assert_eq!(warnings("m == 0644"), ["1:6: numbers are decimal, and this is 644 (if octal is meant, write 420)"]);
}
