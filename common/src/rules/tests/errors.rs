//! Expressions that mean nothing, and what is said about them.

use alloc::string::String;
use alloc::vec::Vec;

use super::{compile, read_macro, shown};
use crate::event::Origin;
use crate::rules::Feed;
use crate::rules::compile::Compiler;

#[track_caller]
fn refused(text: &str, expected: &str) {
    assert_eq!(compile(text, &[]).map(|_| ()), Err(expected.into()), "{text}");
}

#[test]
fn names_have_to_be_known() {
    refused(
        r#"open.file.pth == "/x""#,
        "1:1: no field, constant or macro is called `open.file.pth` (did you mean `open.file.path`?)",
    );
    refused(
        "open.flags & O_CRAT > 0",
        "1:14: no field, constant or macro is called `O_CRAT` (did you mean `O_CREAT`?)",
    );
    refused(
        "open.flags == ${nothing}",
        "1:15: no rule sets the variable `nothing` (a variable is set by an action of a rule)",
    );
    refused("zzzzzzz", "1:1: no field, constant or macro is called `zzzzzzz` (docs/events.md lists the fields)");
}

#[test]
fn types_have_to_agree() {
    refused("open.file.path == 1", "1:19: a number where a text is expected");
    refused(r#"open.flags == "x""#, "1:15: a text where a number is expected");
    refused(r#"open.flags =~ "x""#, "1:1: `=~` does not apply to a number");
    refused(r#"open.file.path > "x""#, "1:1: `>` does not apply to a text");
    refused("connect.addr.ip > 10.0.0.1", "1:1: `>` does not apply to an IP address");
    refused(
        r#"connect.addr.ip in ["x"]"#,
        "1:21: a text where an IP address is expected (addresses stand without quotes)",
    );
    refused("open.flags in [open.retval]", "1:16: a field where a number that is written out is expected");
    refused("open.flags", "1:1: a rule is a condition, and this is a number");
    refused(r#"process.is_thread == "x" && open.flags == 1"#, "1:22: a text where a bool is expected");
    refused("process.is_thread > true && open.flags == 1", "1:1: `>` does not apply to a bool");
    refused("open.file.path =~ process.comm", "1:19: what is matched against must be written out or be a variable");
    refused("open.flags + process.comm == 1", "1:14: a text where a number is expected");
    refused("!open.flags", "1:2: a rule is a condition, and this is a number");
}

#[test]
fn paths_have_to_be_such_as_events_have() {
    for (value, expected) in [
        (
            r#""etc/passwd""#,
            "a path starts with `/`, or with `*` (match the last component by `.name`, or the end by ~\"**/...\")",
        ),
        (r#""/etc/../x""#, "a path in an event has no `.`, `..` or `//`"),
        (r#""/etc//x""#, "a path in an event has no `.`, `..` or `//`"),
        (r#""/etc/""#, "a path in an event has no `.`, `..` or `//`"),
        (r#"~"*""#, "`*` alone is no path"),
        (r#""~/x""#, "`~` is not expanded (write the directory out, or ~\"/home/*/...\")"),
        (r#"r"^/etc""#, "paths are not matched by regular expressions (use a pattern: ~\"/etc/**/*.conf\")"),
        (r#"~"/a/**/b/**""#, "`**` may stand once in a path, as a whole component"),
    ] {
        refused(&alloc::format!("open.file.path == {value}"), &alloc::format!("1:19: {expected}"));
    }
    for accepted in [r#""""#, r#""/""#, r#"~"*/x""#, r#"~"**/x""#] {
        assert!(compile(&alloc::format!("open.file.path == {accepted}"), &[]).is_ok(), "{accepted}");
    }
    assert!(compile(r#"open.syscall.path == "../x""#, &[]).is_ok());
    assert!(compile(r#"open.file.name == r"(""#, &[]).unwrap_err().starts_with("1:19: not a regular expression: "));
}

#[test]
fn a_rule_is_about_one_type_of_event() {
    refused(
        r#"process.comm == "x""#,
        "1:1: no field tells which type of event this is about (name a field of an event, such as exec.file.path or open.file.path)",
    );
    refused(
        "open.flags == 1 || exec.uid == 0",
        "1:20: fields of `open.flags` and of `exec.uid`: an event has one type (write two rules, one for each type of event)",
    );
    assert!(compile("network.size > 1 && dns.id == 2", &[]).is_ok());
}

#[test]
fn registers_have_a_name_and_a_sequence() {
    for name in ["process.ancestors[].comm", "process.ancestors[_].comm", "process.ancestors[0].comm"] {
        refused(
            &alloc::format!(r#"{name} == "x" && open.flags == 1"#),
            "1:1: a register has a name, as in process.ancestors[A].comm",
        );
    }
    refused(
        r#"process.ancestors[A].comm == "x" && process.ancestors[B].comm == "y" && open.flags == 1"#,
        "1:37: a rule has one register, and this one has `A` already",
    );
    refused(
        r#"process.ancestors[A].comm == "x" && ptrace.tracee.ancestors[A].comm == "y""#,
        "1:37: the register `A` is that of another sequence",
    );
    refused("open.flags[1] == 1", "1:1: `open.flags` is no list");
}

#[test]
fn macros_may_not_contain_themselves_or_explode() {
    let cycle = compile("a && open.flags == 1", &[("a", "b"), ("b", "a")]).unwrap_err();
    assert!(cycle.contains("contains itself"), "{cycle}");
    let names: Vec<String> = (0..30).map(|level| alloc::format!("m{level}")).collect();
    let bodies: Vec<String> = (0..30).map(|level| alloc::format!("[m{0}, m{0}, m{0}]", level + 1)).collect();
    let mut compiler = Compiler::new(Feed::Everything);
    for (name, body) in names.iter().zip(&bodies) {
        compiler.add_macro(name, read_macro(body));
    }
    compiler.add_macro("m30", read_macro(r#"["x"]"#));
    let problem = compiler.rule("open.file.name in m0").unwrap_err();
    assert!(shown(&problem, "").contains("more than"), "{problem}");
}

#[test]
fn what_nobody_feeds_never_makes_a_rule_match() {
    let rule = |feed, text: &str| {
        let mut compiler = Compiler::new(feed);
        compiler.rule(text).map(|compiled| compiled.warnings).map_err(|problem| shown(&problem, text))
    };
    let kernel = Feed::Backend(Origin::Kernel);
    assert_eq!(
        rule(kernel, r#"open.file.in_upper_layer && open.flags == 1"#).unwrap_err(),
        "1:1: cannot match: the kernel backend does not feed `open.file.in_upper_layer`"
    );
    assert_eq!(
        rule(Feed::Lapwing, r#"dns.question.name == "x""#).unwrap_err(),
        "1:1: Lapwing does not observe dns events"
    );
    // Denied or not, what is not known does not make a rule match.
    assert!(rule(kernel, "!open.file.in_upper_layer && open.flags == 1").is_err());
    let warnings = rule(kernel, r#"open.file.in_upper_layer || open.flags == 1"#).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].is_warning());
    assert!(rule(Feed::Everything, "open.file.in_upper_layer").unwrap().is_empty());
    // Constants of such fields are what they are.
    let warnings = rule(kernel, r#"exec.file.metadata.type in [ELF_EXECUTABLE, PE] || exec.comm == "x""#).unwrap();
    assert_eq!(warnings.len(), 1);
    assert!(rule(kernel, "exec.uid == ELF_EXECUTABLE").unwrap_err().contains("no field, constant or macro"));
}
