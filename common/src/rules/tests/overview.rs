//! What rules say about approvers and discarders.

use alloc::string::String;
use alloc::vec::Vec;

use crate::event::EventType;
use crate::rules::overview::{Obstacle, Overview};
use crate::rules::{Feed, Sought, SoughtValue};

fn overview(texts: &[&str]) -> Overview {
    let mut compiler = crate::rules::compile::Compiler::new(Feed::Everything);
    let compiled: Vec<_> = texts.iter().map(|text| compiler.rule(text).unwrap()).collect();
    crate::rules::set::RuleSet::new(compiler.program, compiler.variables, compiled).overview()
}

/// The reference's own examples, and what a name says.
#[test]
fn a_rule_about_a_name_keeps_directories_from_being_discarded() {
    let path = r#"open.file.path == "/etc/x""#;
    let alone = overview(&[path]);
    assert_eq!((&*alone.directories, &*alone.obstacles), (&[String::from("open.file.path")][..], &[][..]));
    let both = overview(&[path, r#"open.file.name == "x""#]);
    let obstacle = |place| Obstacle { place, field: "open.file.path".into() };
    assert_eq!((both.directories.len(), &*both.obstacles), (0, &[obstacle(1)][..]));
    assert_eq!(both.files, ["open.file.path"]);
    let flags = overview(&["open.flags & O_CREAT > 0", path]);
    assert_eq!((&*flags.obstacles, flags.files.len()), (&[obstacle(0)][..], 0));
}

#[test]
fn globs_that_reach_everywhere_are_obstacles() {
    for (glob, is_obstacle) in [("/tmp/**", false), ("/*/x", false), ("/**/x", true), ("*/x", false)] {
        let found = overview(&[&alloc::format!("unlink.file.path =~ \"{glob}\"")]);
        assert_eq!(!found.obstacles.is_empty(), is_obstacle, "{glob}");
        assert_ne!(found.directories.is_empty(), !is_obstacle, "{glob}");
    }
    // Nobody asks for files, and there is nothing to say.
    let exec = overview(&[r#"exec.file.name == "x""#]);
    assert!(exec.directories.is_empty() && exec.obstacles.is_empty());
}

#[test]
fn approvers_are_told_as_rules_say_them() {
    let found = overview(&[
        r#"open.file.path in ["/etc/shadow", ~"/home/*/.ssh/id_rsa"] && open.file.path != "/x""#,
        "open.flags & (O_CREAT|O_WRONLY) > 0",
        r#"open.file.path == "/etc/shadow" && process.uid == 0"#,
    ]);
    let sought = |field: &str, value| Sought { field: field.into(), value };
    let open = found.approvals.into_iter().find(|one| one.event == EventType::Open).unwrap();
    assert_eq!(
        open.sought,
        [
            sought("open.file.path", SoughtValue::Text("/etc/shadow".into())),
            sought("open.file.path", SoughtValue::Glob("/home/*/.ssh/id_rsa".into())),
            sought("open.flags", SoughtValue::Flags(0o101)),
        ]
    );
    let values = overview(&["ptrace.request in [PTRACE_ATTACH, PTRACE_SEIZE]", "signal.type == SIGKILL"]).arguments;
    let number = |field: &str, value| sought(field, SoughtValue::Number(value));
    let ptrace = [16, 0x4206].map(|request| number("ptrace.request", request));
    assert!(values.contains(&(EventType::Ptrace, ptrace.into())), "{values:?}");
    assert!(values.contains(&(EventType::Signal, [number("signal.type", 9)].into())), "{values:?}");
    assert_eq!((found.uses["open.file.path"], found.uses["open.flags"], found.uses["process.uid"]), (2, 1, 1));
}
