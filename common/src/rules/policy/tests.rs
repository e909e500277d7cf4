//! Policies from text to matches.

use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;

use super::{Effect, Host, Loaded, Options, PolicySource, load};
use crate::ids::Timestamp;
use crate::rules::tests::sample;
use crate::rules::{Feed, SampleValue};

fn source(name: &str, text: &str) -> PolicySource {
    PolicySource { name: name.into(), text: text.into() }
}

fn load_all(sources: &[(&str, &str)]) -> (Vec<PolicySource>, Loaded) {
    let sources: Vec<_> = sources.iter().map(|(name, text)| source(name, text)).collect();
    let host = Host { id: "debian".into(), kernel: [6, 1, 0], ..Host::default() };
    let loaded = load(&sources, &Options { feed: Feed::Everything, host, only: None });
    (sources, loaded)
}

fn rules(text: &str) -> Loaded {
    let (sources, loaded) = load_all(&[("test.policy", text)]);
    let shown: String = loaded.reports.iter().map(|report| report.render(&sources[0].text)).collect();
    assert!(!loaded.has_errors(), "{shown}");
    loaded
}

fn ids(loaded: &Loaded) -> Vec<&str> {
    loaded.rules.rules().iter().map(|rule| &*rule.id).collect()
}

/// The rules that match events, one list for each event, of those that people are told of.
fn run(loaded: &Loaded, events: &[(&str, &str)]) -> Vec<Vec<String>> {
    let mut memory = loaded.rules.memory(1);
    let start = sample("").timestamp;
    events
        .iter()
        .enumerate()
        .map(|(index, (event, values))| {
            let mut sample = sample(values);
            sample.timestamp = Timestamp(start.0 + index as u64 * 1_000_000_000);
            let mut found = Vec::new();
            loaded.rules.evaluate_sample(event, &sample, &mut memory, &mut |matched| {
                if matched.told {
                    found.push(matched.rule.id.clone());
                }
            });
            found
        })
        .collect()
}

#[test]
fn a_policy_is_read_and_its_rules_match() {
    let loaded = rules(
        r#"---
version: 1.2.3
macros:
  - id: SHELLS
    values: [sh, bash]
  - id: is_root
    expression: process.uid == 0
rules:
  - id: shell_as_root
    description: a shell as root
    expression: >-
      exec.file.name in SHELLS &&
      is_root
    tags:
      mitre: T1059
"#,
    );
    let rule = &loaded.rules.rules()[0];
    assert_eq!((&*rule.id, &*rule.event, &*rule.policy_version), ("shell_as_root", "exec", "1.2.3"));
    assert_eq!(rule.tags["mitre"], "T1059");
    let found =
        run(&loaded, &[("exec", "exec.file.name = \"sh\"\nprocess.uid = 0"), ("exec", "exec.file.name = \"ls\"")]);
    assert_eq!(found, [vec!["shell_as_root"], vec![]]);
}

#[test]
fn what_is_wrong_is_shown_where_it_is() {
    let text = r#"version: 1
rules:
  - id: good
    expression: open.flags == 1
  - id: folded
    expression: >-
      open.flags == 1 &&
      open.file.pth == "/x"
  - id: quoted
    expression: "open.file.path == \"relative\""
  - id: plain
    expression: open.flags == 1 && (
  - id: no-id
    expression: open.flags == 1
  - expression: open.flags == 1
  - id: nothing
  - id: shape
    expression: open.flags == 1
    tags: 7
  - id: typo
    expresion: open.flags == 1
    expression: open.flags == 1
  - id: doubt
    expression: open.flags == 1 || open.flags == 2 && open.flags == 3
"#;
    let (_, loaded) = load_all(&[("test.policy", text)]);
    assert_eq!(ids(&loaded), ["good", "typo", "doubt"]);
    let shown: String = loaded.reports.iter().map(|report| report.render(text)).collect();
    insta::assert_snapshot!(shown);
}

#[test]
fn yaml_that_is_none_is_one_report() {
    for text in ["rules: [", "a: b: c", "\t- x", "rules:\n  - id: x\n expression: y"] {
        let (_, loaded) = load_all(&[("test.policy", text)]);
        assert_eq!(loaded.reports.len(), 1, "{text}: {:?}", loaded.reports);
        assert!(loaded.has_errors());
    }
    for text in ["", "# nothing\n", "---\nversion: 1\n"] {
        let (_, loaded) = load_all(&[("test.policy", text)]);
        assert_eq!(loaded.reports.len(), 1, "{text}: {:?}", loaded.reports);
    }
}

#[test]
fn one_policy_changes_another() {
    let default = r#"
version: 1
macros:
  - id: NAMES
    values: [a, b]
  - id: OTHER
    values: [x]
rules:
  - id: one
    expression: open.file.name in NAMES
    tags: {severity: low}
  - id: two
    expression: open.file.name == "two"
  - id: three
    expression: open.file.name in OTHER
  - id: four
    expression: open.file.name == "four"
    disabled: true
"#;
    let custom = r#"
version: 2
macros:
  - id: NAMES
    values: [c]
    combine: merge
  - id: OTHER
    values: [y]
    combine: override
rules:
  - id: one
    combine: override
    override_options: {fields: [tags, every]}
    tags: {team: us}
    every: 10s
  - id: two
    disabled: true
  - id: three
    combine: override
    override_options: {fields: [all]}
    expression: open.file.name == "never"
    description: changed
  - id: four
    expression: open.file.name == "vier"
  - id: one
    expression: open.file.name == "again"
"#;
    let (_, loaded) = load_all(&[("a.policy", custom), ("default.policy", default)]);
    assert_eq!(ids(&loaded), ["one", "three", "four"]);
    let one = &loaded.rules.rules()[0];
    assert_eq!((&*one.tags["severity"], &*one.tags["team"], one.every), ("low", "us", Some(10_000_000_000)));
    assert_eq!(loaded.rules.rules()[1].description, "changed");
    let open = |name: &str| alloc::format!("open.file.name = \"{name}\"");
    let names = ["c", "y", "x", "vier", "four", "two"].map(open);
    let events: Vec<_> = names.iter().map(|values| ("open", &**values)).collect();
    assert_eq!(run(&loaded, &events), [vec!["one"], vec!["three"], vec![], vec!["four"], vec![], vec![]]);
    let states: Vec<_> = loaded.statuses.iter().map(|one| (&*one.policy, &*one.rule, one.state)).collect();
    assert!(
        states.contains(&("a.policy", "one", "filtered")) && states.contains(&("default.policy", "two", "filtered"))
    );
}

#[test]
fn rules_are_for_versions_and_machines() {
    let loaded = rules(
        r#"
version: 1
rules:
  - id: old
    expression: open.flags == 1
    agent_version: "< 7.50"
  - id: both
    expression: open.flags == 1
    agent_version: "< 7.50"
  - id: both
    expression: open.flags == 2
    agent_version: ">= 7.50"
  - id: here
    expression: open.flags == 1
    filters: [os.is_rhel, os.id == "debian" && kernel.version.major >= 5]
  - id: elsewhere
    expression: open.flags == 1
    filters: [os == "windows"]
"#,
    );
    assert_eq!(ids(&loaded), ["both", "here"]);
    assert_eq!(run(&loaded, &[("open", "open.flags = 2")]), [vec!["both"]]);
}

#[test]
fn variables_go_from_event_to_event() {
    let loaded = rules(
        r#"
version: 1
rules:
  - id: note
    expression: open.file.name == "drop"
    actions:
      - set: {name: dropped, field: open.file.path, append: true, scope: container, ttl: 10s, size: 2}
      - set: {name: seen, value: true, scope: process}
      - set: {name: count, value: 1, append: true}
      - set: {name: last, field: open.file.name, default_value: none}
      - set: {name: sum, default_value: 5, expression: "${sum} + open.flags"}
  - id: same_event
    expression: open.flags == 7 && ${process.seen}
  - id: exec_dropped
    expression: exec.file.path in ${container.dropped}
  - id: by_pattern
    expression: exec.file.path =~ "/*/${last}"
  - id: counted
    expression: exec.uid == 1 && ${count} == 2 && ${sum} == 19
"#,
    );
    let drop = |path: &str| {
        alloc::format!(
            "open.file.name = \"drop\"\nopen.file.path = \"{path}\"\nopen.flags = 7\nprocess.pid = 5\nprocess.container.id = \"c1\""
        )
    };
    let exec = |container: &str, path: &str| {
        alloc::format!("exec.file.path = \"{path}\"\nprocess.container.id = \"{container}\"\nexec.uid = 1")
    };
    let (first, second) = (drop("/tmp/a"), drop("/tmp/b"));
    let (a, b, other, base) = (exec("c1", "/tmp/a"), exec("c1", "/tmp/b"), exec("c2", "/tmp/a"), exec("c2", "/x/drop"));
    let mut events = vec![("open", "open.flags = 7\nprocess.pid = 5"), ("exec", &*a), ("open", &*first), ("exec", &*a)];
    events.extend([("exec", &*other), ("exec", &*base), ("open", &*second), ("exec", &*b)]);
    let found = run(&loaded, &events);
    assert_eq!(
        found,
        [
            vec![],
            vec![],
            vec!["note", "same_event"],
            vec!["exec_dropped"],
            vec![],
            vec!["by_pattern"],
            vec!["note", "same_event"],
            vec!["exec_dropped", "counted"],
        ]
    );
    // Ten seconds after it was written, it is gone.
    let mut late = vec![("open", &*first)];
    late.extend(core::iter::repeat_n(("open", "open.flags = 0"), 10));
    late.push(("exec", &a));
    assert_eq!(run(&loaded, &late).last().unwrap(), &[""; 0]);
}

#[test]
fn variables_that_make_no_sense_are_refused() {
    for (set, expected) in [
        ("{name: x}", "an action sets one of value, field and expression"),
        ("{name: x, value: 1, field: open.flags}", "an action sets one of value, field and expression"),
        ("{name: a-b, value: 1}", "`a-b` is no name of a variable: letters, digits and `_`"),
        ("{name: pid, scope: process, value: 1}", "`process.pid` is the name of a field or a constant"),
        ("{name: O_CREAT, value: 1}", "`O_CREAT` is the name of a field or a constant"),
        ("{name: x, field: process.argv}", "a list field is appended to a variable: say `append: true`"),
        ("{name: x, expression: 1 + 1}", "the type of `x` is not known: give a default_value"),
        ("{name: x, value: 1, inherited: true}", "inherited goes with scope: process"),
        ("{name: known, value: text}", "`known` has another type in another action"),
        ("{name: known, value: 1, ttl: 5s}", "`known` has another ttl in another action"),
        ("{name: x, value: []}", "`value` is true, false, a number, a text or a list of them"),
    ] {
        let text = alloc::format!(
            "version: 1\nrules:\n  - id: first\n    expression: open.flags == 1\n    actions:\n      - set: {{name: known, value: 1}}\n  - id: second\n    expression: open.flags == 1\n    actions:\n      - set: {set}\n"
        );
        let (_, loaded) = load_all(&[("test.policy", &text)]);
        assert_eq!(ids(&loaded), ["first"], "{set}");
        assert_eq!(loaded.reports[0].fault.to_string(), expected, "{set}");
    }
}

#[test]
fn actions_are_asked_for() {
    let loaded = rules(
        r#"
version: 1
rules:
  - id: act
    expression: exec.file.name == "nc"
    actions:
      - filter: process.uid != 0
        kill: {signal: SIGTERM, scope: container}
      - log: {level: warning, message: "%{process.uid} ran %{exec.file.name}"}
      - log: {}
      - hash: {}
      - coredump: {process: true}
      - network_filter: {filter: port 80}
"#,
    );
    let effects = |uid: &str| {
        let mut found = Vec::new();
        let sample = sample(&alloc::format!("exec.file.name = \"nc\"\nprocess.uid = {uid}"));
        loaded.rules.evaluate_sample("exec", &sample, &mut loaded.rules.memory(1), &mut |matched| {
            found.extend(matched.effects);
        });
        found
    };
    let found = effects("7");
    assert!(matches!(found[0], Effect::Kill(kill) if kill.signal == 15 && kill.target == super::Target::Container));
    assert!(matches!(&found[1], Effect::Log { message, .. } if message == "7 ran nc"));
    assert!(matches!(&found[2], Effect::Log { message, .. } if message == "Rule act triggered"));
    assert!(matches!(&found[3], Effect::Hash { field, .. } if field == "exec.file"));
    assert_eq!(found.len(), 4);
    assert_eq!(effects("0").len(), 3);
    let faults: Vec<_> = loaded.reports.iter().map(|report| report.fault.to_string()).collect();
    assert_eq!(
        faults,
        ["coredump", "network_filter"]
            .map(|name| alloc::format!("the action `{name}` is not supported: the rule works without it"))
    );
}

#[test]
fn matches_are_told_as_often_as_the_rule_says() {
    let loaded = rules(
        r#"
version: 1
rules:
  - {id: often, expression: open.flags == 1, every: 3s}
  - {id: by_name, expression: open.flags == 1, every: 3s, limiter_token: [open.file.name]}
  - {id: silent, expression: open.flags == 1, silent: true}
"#,
    );
    let (a, b) = ("open.flags = 1\nopen.file.name = \"a\"", "open.flags = 1\nopen.file.name = \"b\"");
    let found = run(&loaded, &[("open", a), ("open", b), ("open", a), ("open", a)]);
    assert_eq!(found, [vec!["often", "by_name"], vec!["by_name"], vec![], vec!["often", "by_name"]]);
}

#[test]
fn a_rule_about_changed_files_is_eight_rules() {
    let loaded = rules(
        "version: 1\nrules:\n  - id: fim\n    group_id: g\n    expression: fim.write.file.path =~ \"/etc/*\" && process.uid == 0\n",
    );
    let ids = ids(&loaded);
    assert_eq!(ids.len(), 8);
    assert!(ids.contains(&"__fim_expanded_open_g_fim") && ids.contains(&"__fim_expanded_rename_destination_g_fim"));
    let found = run(
        &loaded,
        &[
            ("open", "open.file.path = \"/etc/x\"\nopen.flags = 0\nprocess.uid = 0"),
            ("open", "open.file.path = \"/etc/x\"\nopen.flags = 65\nprocess.uid = 0"),
            ("rename", "rename.file.destination.path = \"/etc/x\"\nrename.file.path = \"/x\"\nprocess.uid = 0"),
            ("chmod", "chmod.file.path = \"/etc/x\"\nchmod.file.rights = 420\nchmod.file.destination.rights = 420"),
            (
                "chown",
                "chown.file.path = \"/etc/x\"\nchown.file.uid = 1\nchown.file.destination.uid = -1\nchown.file.destination.gid = 5",
            ),
        ],
    );
    assert_eq!(
        found,
        [
            vec![],
            vec!["__fim_expanded_open_g_fim"],
            vec!["__fim_expanded_rename_destination_g_fim"],
            vec![],
            vec!["__fim_expanded_chown_g_fim"]
        ]
    );
}

#[test]
fn a_variable_can_be_set_to_try_a_rule() {
    let loaded = rules(
        "version: 1\nrules:\n  - id: a\n    expression: open.flags == ${x}\n    actions: [{set: {name: x, value: 3}}]\n",
    );
    let sample = sample("open.flags = 9");
    let mut memory = loaded.rules.memory(1);
    assert!(memory.set_variable(&loaded.rules, "x", SampleValue::Int(9), &sample));
    assert!(!memory.set_variable(&loaded.rules, "x", SampleValue::Bool(true), &sample));
    assert!(!memory.set_variable(&loaded.rules, "y", SampleValue::Int(9), &sample));
    let mut found = 0;
    loaded.rules.evaluate_sample("open", &sample, &mut memory, &mut |_| found += 1);
    assert_eq!((found, memory.matches()), (1, &[1][..]));
}
