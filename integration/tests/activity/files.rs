//! `run --dump` and its files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use lapwing_integration::harness::binary;
use lapwing_integration::run::finish;
use tempfile::TempDir;

#[test]
fn a_file_in_the_way_is_told_of_before_the_command_runs() {
    let directory = TempDir::new().unwrap();
    let (dump, witness) = (directory.path().join("a.json"), directory.path().join("ran"));
    fs::write(&dump, "precious").unwrap();
    let run = |force: &[&str]| {
        let mut command = Command::new(binary());
        command.args(["run", "--backend", "ptrace", "-q", "--dump"]).arg(&dump).args(force);
        finish(command.args(["--", "touch"]).arg(&witness), b"")
    };
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("a.json exists already"), "{output:?}");
    assert!(!witness.exists());
    assert_eq!(fs::read_to_string(&dump).unwrap(), "precious");
    assert!(run(&["--force"]).status.success());
    assert!(witness.exists());
    assert_eq!(fs::metadata(&dump).unwrap().permissions().mode() & 0o777, 0o400);
    assert!(fs::read_to_string(&dump).unwrap().starts_with("{\"host\":"));
}

#[test]
fn what_is_shown_does_not_limit_what_is_dumped() {
    let directory = TempDir::new().unwrap();
    let (dump, events) = (directory.path().join("a.json"), directory.path().join("events.jsonl"));
    let mut command = Command::new(binary());
    command.args(["run", "--backend", "ptrace", "--type", "exit", "-q", "-o"]).arg(&events).arg("--dump").arg(&dump);
    assert!(finish(command.args(["--", "cat", "/etc/passwd"]), b"").status.success());
    let events = fs::read_to_string(events).unwrap();
    assert!(!events.is_empty() && events.lines().all(|line| line.starts_with("{\"type\":\"exit\"")), "{events}");
    assert!(fs::read_to_string(dump).unwrap().contains("\"path\":\"/etc/passwd\""));
}

#[test]
fn a_dump_without_room_says_so() {
    let directory = TempDir::new().unwrap();
    let mut command = Command::new(binary());
    command.args(["run", "--backend", "ptrace", "--summary", "never", "--type", "exit", "--dump-limit", "100k"]);
    command.arg("--dump").arg(directory.path().join("a.json")).args(["--", "sh", "-c"]);
    let script = "i=0; while [ $i -lt 700 ]; do i=$((i+1)); : >\"$1/file-with-a-long-name-$i\"; done";
    let output = finish(command.args([script, "sh"]).arg(directory.path()), b"");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("the dump is as large as it may be") && text.contains("--dump-limit"), "{text}");
}

#[test]
fn differences_are_told_and_counted() {
    let directory = TempDir::new().unwrap();
    let file = |name: &str| directory.path().join(name);
    for (name, script) in [("a.json", "cat /etc/passwd"), ("b.profile", "cat /etc/group; ls /")] {
        super::backends::record("ptrace", directory.path(), &[name], script);
    }
    let diff = |options: &[&str]| {
        let mut command = Command::new(binary());
        command.args(["activity-dump", "diff"]).args(options);
        finish(command.arg(file("a.json")).arg(file("b.profile")), b"")
    };
    let tree = diff(&[]);
    assert!(tree.status.success());
    let text = String::from_utf8(tree.stdout).unwrap();
    assert!(text.contains("\n+   ") && text.contains("/etc/group") && text.contains("\n-"), "{text}");
    assert_eq!(diff(&["--exit-code"]).status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&diff(&["--format", "json"]).stdout).unwrap();
    let changes = json["changes"].as_array().unwrap();
    assert!(changes.iter().any(|change| change["change"] == "added" && change["kind"] == "program"), "{changes:?}");
    assert!(String::from_utf8(diff(&["--format", "svg"]).stdout).unwrap().contains("class=\"added\""));
    let outputs = [file("c.svg"), file("c.json.gz"), file("c.dot")];
    let mut encode = Command::new(binary());
    encode.args(["activity-dump", "encode"]).arg(file("b.profile"));
    let encoded = finish(encode.args(&outputs), b"");
    assert!(encoded.status.success(), "{encoded:?}");
    assert!(outputs.iter().all(|output| output.exists()));
    let same = finish(
        Command::new(binary())
            .args(["activity-dump", "diff", "--exit-code"])
            .args([file("c.json.gz"), file("b.profile")]),
        b"",
    );
    assert!(same.status.success(), "{same:?}");
}
