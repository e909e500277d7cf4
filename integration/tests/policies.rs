//! `run --policies`: what matches rules is shown, whoever captured it, and nothing else.

#![allow(clippy::unwrap_used, reason = "a failure of the fixture is the test's")]

use std::fs;
use std::path::Path;
use std::process::Command;

use lapwing_integration::harness::{Backend, Lapwing, Outcome, read_events};
use lapwing_integration::need::{Need, require};
use lapwing_integration::under_each_backend;
use lapwing_proto::dumps::{Limits, ProcessActivityNode, decode_dump};
use serde_json::json;
use tempfile::TempDir;

/// One rule that approvers serve, one about flags, one that needs every event of its type, one about lineage.
const POLICY: &str = r#"
version: 1.2.3
rules:
  - id: reads_secret
    description: the secret was opened
    expression: open.file.name == "secret"
    tags: {mitre: T1003}
  - id: creates
    expression: open.flags & O_CREAT > 0 && open.file.path =~ "**/made"
  - id: removes_below
    expression: unlink.file.path =~ "/**/place/*"
  - id: true_of_shell
    expression: exec.file.name == "true" && process.parent.file.name in ["sh", "dash", "bash"]
  - id: broken
    expression: open.file.nmae == "x"
"#;

fn watched(backend: Backend) -> (TempDir, Outcome) {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("place")).unwrap();
    fs::create_dir(at("policies")).unwrap();
    fs::write(at("policies").join("test.policy"), POLICY).unwrap();
    for name in ["secret", "harmless"] {
        fs::write(at(name), "").unwrap();
    }
    let script = "cat secret harmless; : >made; : >place/gone; rm place/gone; env true; sh -c '/bin/true; :'";
    let dump = at("dump.protobuf");
    let lapwing = Lapwing::with(backend).in_directory(directory.path()).option("--dump").option(&dump);
    let outcome = lapwing.option("--policies").option(at("policies")).watch(&["sh", "-c", script]);
    (directory, outcome)
}

fn matches_are_shown_and_nothing_else(backend: Backend) {
    let (directory, outcome) = watched(backend);
    let rules: Vec<_> = outcome.events.iter().map(|event| event["rule"]["id"].as_str().unwrap()).collect();
    // `env` executes `true` itself: the parent of that is the shell. The other has a shell of its own.
    assert_eq!(rules, ["reads_secret", "creates", "removes_below", "true_of_shell", "true_of_shell"]);
    let secret = &outcome.events[0];
    assert_eq!(secret["rule"]["tags"], json!({ "mitre": "T1003" }));
    assert_eq!(secret["rule"]["fields"], json!({ "open.file.name": "secret" }));
    assert_eq!(secret["open"]["file"]["path"], directory.path().join("secret").to_str().unwrap());
    assert_eq!(secret["process"]["comm"], "cat");
}

fn sha256(program: &Path) -> String {
    let output = Command::new("sha256sum").arg(program).output().unwrap();
    format!("sha256:{}", str::from_utf8(&output.stdout).unwrap().split_whitespace().next().unwrap())
}

/// The shell goes on until its own hash and that of what it opens are known, however long reading takes: nothing was
/// asked for by an option.
fn a_program_is_known_by_its_hash(backend: Backend) {
    let directory = TempDir::new().unwrap();
    let (events, policy) = (directory.path().join("events.json"), directory.path().join("hashes.policy"));
    let shell = fs::canonicalize("/bin/sh").unwrap();
    let (hash, other) = (sha256(&shell), sha256(&fs::canonicalize("/bin/sleep").unwrap()));
    let rules = format!(
        r#"
rules:
  - id: known
    expression: open.file.name == "probe" && process.file.hashes in ["{hash}", "md5:0"]
    actions: [{{hash: {{field: open.file}}}}]
  - id: other
    expression: open.file.name == "probe" && process.file.hashes == "{other}"
"#
    );
    fs::write(&policy, rules).unwrap();
    fs::write(directory.path().join("probe"), "").unwrap();
    let script = "left=600; until grep -q open.file.hash_state.:.done events.json || [ $((left -= 1)) = 0 ]; do
         : <probe; sleep 0.1; done";
    let lapwing = Lapwing::with(backend).in_directory(directory.path()).option("--policies").option(&policy);
    let status = lapwing.command(&["sh", "-c", script], &events).status().unwrap();
    assert!(status.success());
    let found = read_events(&events).unwrap();
    assert!(!found.is_empty() && found.iter().all(|event| event["rule"]["id"] == "known"), "{found:?}");
    let fields = &found[found.len() - 1]["rule"]["fields"];
    let probe = sha256(&directory.path().join("probe"));
    assert!(fields["open.file.hashes"].as_str().is_some_and(|hashes| hashes.contains(&probe)), "{found:?}");
    assert!(fields["process.file.hashes"].as_str().unwrap().contains(&hash), "{found:?}");
}

/// Rules by the file or the program that matched them.
fn matched(nodes: &[ProcessActivityNode], found: &mut Vec<(String, String)>) {
    for node in nodes {
        let program = node.process.as_ref().unwrap().argv0.clone();
        found.extend(node.matched_rules.iter().map(|rule| (program.clone(), rule.rule_id.clone())));
        let mut files: Vec<_> = node.files.iter().collect();
        while let Some(file) = files.pop() {
            found.extend(file.matched_rules.iter().map(|rule| (file.name.clone(), rule.rule_id.clone())));
            files.extend(&file.children);
        }
        matched(&node.children, found);
    }
}

fn the_dump_says_what_matched(backend: Backend) {
    let (directory, _) = watched(backend);
    let bytes = fs::read(directory.path().join("dump.protobuf")).unwrap();
    let dump = decode_dump(&bytes, Limits::default()).unwrap();
    let mut found = Vec::new();
    matched(&dump.tree, &mut found);
    found.sort();
    // Removals have no node, and `true` has one, whoever of the shells ran it.
    let expected = [("made", "creates"), ("secret", "reads_secret"), ("true", "true_of_shell")];
    assert_eq!(found, expected.map(|(what, rule)| (what.to_owned(), rule.to_owned())));
    let shell = &dump.tree[0];
    let is_matched = |node: &&ProcessActivityNode| !node.matched_rules.is_empty();
    let inner = shell.children.iter().flat_map(|node| &node.children).find(is_matched).unwrap();
    assert_eq!(inner.matched_rules[0].policy_version, "1.2.3");
}

fn every_stage_is_counted_by_type(backend: Backend) {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    let condition = "open.flags & (O_WRONLY|O_RDWR|O_CREAT) > 0 && open.file.path =~ \"/**/made\"";
    fs::write(at("test.policy"), format!("rules:\n- id: writes\n  expression: {condition}\n")).unwrap();
    let script = "for i in 1 2 3 4 5; do : <test.policy; : >other; done; : >made";
    let lapwing = Lapwing::with(backend).in_directory(directory.path()).option("--policies").option(at("test.policy"));
    let outcome = lapwing.option("--counters").option(at("counters")).watch(&["sh", "-c", script]);
    assert_eq!(outcome.events.len(), 1);
    let counters: serde_json::Value = serde_json::from_str(&fs::read_to_string(at("counters")).unwrap()).unwrap();
    let stages = &counters["filters"]["stages"][0];
    let of = |name: &str| stages[name].as_u64();
    assert_eq!((stages["type"].as_str(), of("matched"), of("evaluated")), (Some("open"), Some(1), Some(1)), "{stages}");
    assert!(of("rejected") >= Some(5), "{stages}");
    match backend {
        Backend::Kernel => assert!(of("unasked") >= Some(5), "{stages}"),
        Backend::Ptrace => assert!(stages["unasked"].is_null(), "{stages}"),
    }
}

under_each_backend!(
    matches_are_shown_and_nothing_else,
    the_dump_says_what_matched,
    a_program_is_known_by_its_hash,
    every_stage_is_counted_by_type,
    what_is_on_a_detached_mount_is_told_from_other_files,
);

/// A program that no path leads to is told by its mount, as is the making of that.
fn what_is_on_a_detached_mount_is_told_from_other_files(backend: Backend) {
    const RULES: &str = r#"
rules:
  - id: makes
    expression: mount.detached == true && mount.visible == false && mount.root.path == "/" && mount.fs_type == "tmpfs"
  - id: puts
    expression: mount.detached == false && mount.visible == true && mount.fs_type == "tmpfs"
  - id: runs
    expression: exec.file.mount_detached == true && exec.file.mount_visible == false
  - id: begins
    expression: exec.file.mount_detached == false && exec.file.mount_visible == true
"#;
    if !require(&[Need::MountNamespace]) {
        return;
    }
    let directory = TempDir::new().unwrap();
    let policy = directory.path().join("mounts.policy");
    fs::write(&policy, RULES).unwrap();
    let lapwing = Lapwing::with(backend).in_directory(directory.path()).option("--policies").option(&policy);
    let place = directory.path().to_str().unwrap();
    let outcome = lapwing.watch(&[env!("CARGO_BIN_EXE_scenario"), "fsmount/used", place]);
    let rules: Vec<_> = outcome.events.iter().map(|event| event["rule"]["id"].as_str().unwrap()).collect();
    assert_eq!(rules, ["begins", "makes", "runs"], "{outcome}");
}

/// A shell of which no rule wants to hear becomes the program that the rules are about, under the same number.
#[test]
fn what_is_left_out_of_a_program_is_not_of_the_next() {
    if !require(&[Need::Bpf]) {
        return;
    }
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    let rules = "rules:\n- id: reads\n  expression: open.file.path != \"\" && process.file.name == \"cat\"\n";
    fs::write(at("test.policy"), rules).unwrap();
    fs::write(at("file"), "").unwrap();
    let script = "for i in $(seq 100); do : <file; : <file; sleep 0.02; done; exec cat file";
    let lapwing = Lapwing::with(Backend::Kernel).in_directory(directory.path()).option("--policies");
    let lapwing = lapwing.option(at("test.policy")).option("--counters").option(at("counters"));
    let outcome = lapwing.watch(&["sh", "-c", script]);
    let opened = |event: &&serde_json::Value| event["open"]["file"]["name"] == "file";
    assert_eq!(outcome.events.iter().filter(opened).count(), 1, "{outcome}");
    let counters: serde_json::Value = serde_json::from_str(&fs::read_to_string(at("counters")).unwrap()).unwrap();
    assert!(counters["filters"]["discarded"].as_u64().unwrap() > 0, "{counters}");
}

/// What no rule can be about passes without a stop, and is counted.
#[test]
fn what_is_opened_elsewhere_does_not_stop_for_rules_about_paths() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("test.policy"), "rules:\n- id: secret\n  expression: open.file.path =~ \"/**/secret\"\n").unwrap();
    fs::write(at("secret"), "").unwrap();
    let watched = |filters: &[&str]| {
        let script = "i=0; while [ $i -lt 200 ]; do : <test.policy; i=$((i+1)); done; : <secret; : <secret";
        let lapwing = Lapwing::with(Backend::Ptrace).in_directory(directory.path()).options(filters);
        let lapwing = lapwing.option("--policies").option(at("test.policy"));
        let outcome = lapwing.option("--counters").option(at("counters")).watch(&["sh", "-c", script]);
        let counters = fs::read_to_string(at("counters")).unwrap();
        let counters: serde_json::Value = serde_json::from_str(&counters).unwrap();
        let left_out = |name: &str| counters["filters"][name].as_u64().unwrap();
        let stops = counters["stops"].as_u64().unwrap();
        (outcome.events.len(), stops, left_out("rejected") + left_out("discarded"))
    };
    let ((matches, some, kept_back), (every, all, none)) = (watched(&[]), watched(&["--no-filters"]));
    assert_eq!((matches, every, none), (2, 2, 0));
    assert!(kept_back >= 200, "{kept_back}");
    // Where the kernel has no listeners (or a container's filter has one), they still stop.
    println!("{some} stops instead of {all}");
    assert!(some <= all, "{some} stops of {all}");
}

/// What a program looks for where there is not even a directory passes too, and an exec stops once: with its new program.
#[test]
fn what_is_looked_for_in_vain_does_not_stop_for_rules_about_paths() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("test.policy"), "rules:\n- id: secret\n  expression: open.file.path =~ \"/**/secret\"\n").unwrap();
    let watched = |times: u32| {
        let script = "for i in $(seq $1); do { command : <no/place; } 2>/dev/null; /bin/true; done; :";
        let lapwing = Lapwing::with(Backend::Ptrace).in_directory(directory.path()).option("--policies");
        let lapwing = lapwing.option(at("test.policy")).option("--counters").option(at("counters"));
        let _ = lapwing.watch(&["sh", "-c", script, "sh", &times.to_string()]);
        let counters: serde_json::Value = serde_json::from_slice(&fs::read(at("counters")).unwrap()).unwrap();
        [&counters["stops"], &counters["filters"]["answered"]].map(|count| count.as_u64().unwrap())
    };
    let ([few, answered], [many, _]) = (watched(10), watched(110));
    if answered == 0 {
        println!("skipped: calls cannot be answered here");
        return;
    }
    // At its begin, in its parent, with its program, and at its end with the parent's signal.
    assert!((500..550).contains(&(many - few)), "{few} stops, and {many}");
}

/// A call filter that knows the flags lets others through without a stop.
#[test]
fn what_is_opened_for_reading_does_not_stop_for_rules_about_writing() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    let condition = "open.flags & (O_WRONLY|O_RDWR|O_CREAT) > 0 && open.file.path =~ \"/**/made\"";
    fs::write(at("test.policy"), format!("rules:\n- id: writes\n  expression: {condition}\n")).unwrap();
    let watched = |filters: &[&str]| {
        let script = "i=0; while [ $i -lt 200 ]; do : <test.policy; i=$((i+1)); done; : >made";
        let lapwing = Lapwing::with(Backend::Ptrace).in_directory(directory.path()).options(filters);
        let lapwing = lapwing.option("--policies").option(at("test.policy"));
        let outcome = lapwing.option("--counters").option(at("counters")).watch(&["sh", "-c", script]);
        let counters = fs::read_to_string(at("counters")).unwrap();
        let counters: serde_json::Value = serde_json::from_str(&counters).unwrap();
        (outcome.events.len(), counters["stops"].as_u64().unwrap())
    };
    let ((matches, some), (every, all)) = (watched(&[]), watched(&["--no-filters"]));
    assert_eq!((matches, every), (1, 1));
    assert!(all > some + 390, "{some} stops of {all}");
}
