//! Tests of one set of rules after another.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Loaded, Memory, Options, PolicySource, load};
use crate::rules::Feed;
use crate::rules::tests::sample;

fn rules(text: &str) -> Loaded {
    let source = PolicySource { name: "test.policy".into(), text: text.into() };
    let loaded = load(&[source], &Options { feed: Feed::Everything, ..Options::default() });
    assert!(!loaded.has_errors(), "{:?}", loaded.reports);
    loaded
}

/// The rules that match an event, with whether that is told.
fn found(loaded: &Loaded, memory: &mut Memory, event: &str, values: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    loaded.rules.evaluate_sample(event, &sample(values), memory, &mut |matched| {
        found.push((matched.rule.id.clone(), matched.told));
    });
    found
}

const BEFORE: &str = r#"
version: 1
rules:
  - id: gone
    expression: open.flags == 3
    actions: [{set: {name: other, value: 1}}]
  - id: note
    expression: open.file.name == "drop"
    every: 1h
    actions:
      - set: {name: dropped, field: open.file.path, append: true}
      - set: {name: changed, value: 1}
  - id: look
    expression: exec.file.path in ${dropped}
"#;

const AFTER: &str = r#"
version: 2
rules:
  - id: look
    expression: exec.file.path in ${dropped} && ${other} == 0 && ${changed} == ""
  - id: note
    expression: open.file.name == "drop"
    every: 1h
    actions:
      - set: {name: changed, value: text}
      - set: {name: dropped, field: open.file.path, append: true}
      - set: {name: other, value: 1}
"#;

#[test]
fn what_was_known_before_is_known_after() {
    let (before, after) = (rules(BEFORE), rules(AFTER));
    let mut memory = before.rules.memory(1);
    let drop = "open.file.name = \"drop\"\nopen.file.path = \"/a\"";
    assert_eq!(found(&before, &mut memory, "open", drop), [("note".into(), true)]);
    let mut memory = after.rules.succeed(1, &before.rules, memory);
    // A variable of another type is another one, and one that nobody had set is not set.
    assert_eq!(found(&after, &mut memory, "exec", "exec.file.path = \"/a\""), [("look".into(), true)]);
    assert_eq!(found(&after, &mut memory, "exec", "exec.file.path = \"/b\""), []);
    // That hour is not over.
    assert_eq!(found(&after, &mut memory, "open", drop), [("note".into(), false)]);
    assert_eq!(memory.matches(), [1, 1], "counted anew");
}

#[test]
fn a_rule_means_something_else_when_its_macros_do() {
    let text = |names: &str, other: &str| {
        alloc::format!(
            "version: 1\nmacros:\n  - id: INNER\n    values: [{names}]\n  - id: OUTER\n    expression: open.file.name in INNER\n  \
             - id: UNUSED\n    values: [{other}]\nrules:\n  - id: a\n    expression: OUTER && open.flags == 1\n"
        )
    };
    let meaning = |text: &str| rules(text).rules.rules()[0].meaning;
    let first = meaning(&text("x, y", "z"));
    assert_eq!(first, meaning(&text("x, y", "other")));
    assert_ne!(first, meaning(&text("x", "z")));
    assert_ne!(first, meaning(&text("x, y", "z").replace("== 1", "== 2")));
}
