//! `lapwing policy check` and `eval`: what they print for programs and for people, and how they end.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lapwing_integration::harness::binary;
use lapwing_integration::run::{finish, shell_status};
use serde_json::{Value, json};
use tempfile::TempDir;

const BY_PATH: &str = "
  - id: by_path
    expression: open.file.path == \"/etc/x\"
";
const BY_NAME: &str = "
  - id: by_name
    expression: open.file.name == \"y\" && process.uid == ${wanted}
  - id: sets
    expression: exec.file.name == \"x\"
    actions:
      - set: {name: wanted, field: process.uid}
";

fn policy(directory: &TempDir, rules: &str) -> PathBuf {
    let path = directory.path().join("test.policy");
    fs::write(&path, format!("version: 1.0.0\nrules:{rules}")).unwrap();
    path
}

fn lapwing(words: &[&str], policy: &Path) -> (i32, String) {
    let output = finish(Command::new(binary()).arg("policy").args(words).arg("--policies").arg(policy), b"");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    (shell_status(output.status), String::from_utf8(output.stdout).unwrap())
}

fn checked(rules: &str) -> (i32, Value) {
    let directory = TempDir::new().unwrap();
    let (status, text) = lapwing(&["check"], &policy(&directory, rules));
    assert!(text.starts_with("{\n\t\""), "{text}");
    (status, serde_json::from_str(&text).unwrap())
}

#[test]
fn a_check_tells_what_backends_are_told() {
    let (status, report) = checked(BY_PATH);
    assert_eq!(status, 0);
    let row = json!({ "Field": "open.file.path", "Value": "/etc/x", "Type": "scalar" });
    let approvers = json!({ "open": { "mode": "deny", "approvers": { "open.file.path": [row] } } });
    assert_eq!(report["approvers"], approvers);
    let discarders = json!({ "supported": ["open.file.path"], "files_only": [], "invalid": [] });
    assert_eq!(report["discarders"], discarders);
    assert_eq!(report["stats"], json!({ "per_field_stats": { "open.file.path": 1 } }));
    let report = checked(&format!("{BY_PATH}{BY_NAME}")).1;
    let invalid = json!([{ "rule_id": "by_name", "field": "open.file.path" }]);
    assert_eq!((&report["discarders"]["supported"], &report["discarders"]["invalid"]), (&json!([]), &invalid));
    let glob = "
  - id: anything
    expression: open.file.name =~ \"*.x\"
";
    let report = checked(&format!("{BY_PATH}{glob}")).1;
    let accepted = json!({ "mode": "accept", "approvers": {}, "accept_mode_rules": [{ "rule_id": "anything" }] });
    assert_eq!(report["approvers"]["open"], accepted);
}

#[test]
fn what_is_wrong_has_its_place_in_both_forms() {
    let broken = format!("{BY_PATH}  - id: broken\n    expression: open.file.nmae == \"é\"\n");
    let (status, report) = checked(&broken);
    let problem = &report["problems"][0];
    let told = ["policy", "rule_id", "line", "column", "width", "hint"].map(|key| problem[key].clone());
    assert_eq!(status, 1);
    assert_eq!(json!(told), json!(["test.policy", "broken", 6, 17, 14, "did you mean `open.file.name`?"]));
    let directory = TempDir::new().unwrap();
    let (status, text) = lapwing(&["check", "--format", "pretty"], &policy(&directory, &broken));
    let rendered = problem["rendered"].as_str().unwrap();
    assert!(status == 1 && text.starts_with(rendered), "{text}");
    let caret = rendered.lines().nth(2).unwrap();
    assert_eq!(caret, format!("   | {}^^^^^^^^^^^^^^", " ".repeat(16)));
    assert!(
        text.contains("\nopen: only what has one of 1 names, components of paths, flags or values is captured\n"),
        "{text}"
    );
}

#[test]
fn a_rule_is_tried_on_an_event_that_is_written_down() {
    let directory = TempDir::new().unwrap();
    let policy = policy(&directory, &format!("{BY_PATH}{BY_NAME}"));
    let file = directory.path().join("event.json");
    let tried = |rule: &str, event: &Value| {
        fs::write(&file, event.to_string()).unwrap();
        let (status, text) = lapwing(&["eval", "--rule-id", rule, "--event-file", file.to_str().unwrap()], &policy);
        assert!(text.starts_with("{\n    \""), "{text}");
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(report["Succeeded"], status == 0, "{text}");
        (status, report)
    };
    let event = |path: &str| json!({ "Type": "open", "Values": { "open.file.path": path }, "Variables": {} });
    let (status, report) = tried("by_path", &event("/etc/x"));
    assert_eq!((status, &report["Event"]), (0, &event("/etc/x")));
    assert_eq!(report["Approvers"], json!({ "open": { "open.file.path": ["/etc/x"] } }));
    assert_eq!(report["Fields"], json!({ "open.file.path": "/etc/x" }));
    assert_eq!(tried("by_path", &event("/etc/z")).0, 255);
    let (status, report) = tried("nowhere", &event("/etc/x"));
    assert_eq!((status, &report["Error"]), (1, &json!("there is no rule nowhere")));
    for (wanted, status) in [(7, 0), (8, 255)] {
        let values = json!({ "open.file.name": "y", "process.uid": 7 });
        let event = json!({ "Type": "open", "Values": values, "Variables": { "wanted": wanted } });
        assert_eq!(tried("by_name", &event).0, status, "{wanted}");
    }
}
