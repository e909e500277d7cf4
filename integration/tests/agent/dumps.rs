//! Files that an agent writes when it is asked to, and what other programs read in them.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use lapwing_integration::agent::Home;
use lapwing_integration::harness::Backend;
use lapwing_integration::need::installed;
use lapwing_integration::run::{shell_status, until};
use serde_json::Value;

use super::observing::Shell;

/// Has a dump written, and returns its files.
pub(crate) fn dump(home: &Home, words: &[&str]) -> Vec<PathBuf> {
    let output = home.run(words);
    assert_eq!(shell_status(output.status), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let files: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(PathBuf::from).collect();
    for file in &files {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o7777, 0o400, "{file:?}");
    }
    files
}

pub(crate) fn refused(home: &Home, words: &[&str]) -> String {
    let output = home.run(words);
    assert_eq!(shell_status(output.status), 1);
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

pub(crate) fn json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// Whether Graphviz reads it without a complaint.
fn is_graph(file: &Path) -> bool {
    let output = Command::new("dot").arg("-Tsvg").arg(file).output().unwrap();
    output.status.success() && output.stderr.is_empty()
}

#[test]
fn what_an_agent_observes_is_in_its_dumps() {
    if !Backend::Kernel.is_available() || !installed(&["dot"]) {
        return;
    }
    let (home, mut shell) = (Home::new(), Shell::start());
    let (scope, to) = (format!("tree:{}", shell.pid()), home.path().to_owned());
    let _agent = home.start(&["--backend", "kernel", "--scope", &scope, "--dump-dir", to.to_str().unwrap()]);
    shell.tell("sleep 30 & true");
    let entries = || json(&dump(&home, &["process-cache", "dump", "--with-args", "--format", "json"])[0]);
    let sleeping = |entries: Value| {
        let mut entries = entries["Entries"].as_array().unwrap().iter();
        entries.find(|entry| entry["Comm"] == "sleep").cloned()
    };
    until("it is known that it executes something", || sleeping(entries()).is_some());
    let sleeping = sleeping(entries()).unwrap();
    assert_eq!((&sleeping["Args"][1], &sleeping["PPID"]), (&"30".into(), &shell.pid().into()));
    let graph = dump(&home, &["process-cache", "dump"]);
    assert!(is_graph(&graph[0]));
    let text = fs::read_to_string(&graph[0]).unwrap();
    assert!(text.starts_with("digraph ProcessTree {\n") && text.ends_with(";\n}"), "{text}");
    let edge = format!("\"{}:sh\" -> ", shell.pid());
    assert!(text.contains(&edge) && !text.contains("comment"), "{text}");
    let files = dump(&home, &["network-namespace", "dump"]);
    assert!(is_graph(&files[1]));
    let own = fs::read_link("/proc/self/ns/net").unwrap();
    let found = json(&files[0]);
    assert_eq!(own.to_str().unwrap(), format!("net:[{}]", found[0]["NsID"]));
    assert!(found[0]["Devices"].as_array().unwrap().iter().any(|device| device["IfName"] == "lo"));
    let without = json(&dump(&home, &["network-namespace", "dump", "--snapshot-interfaces=false"])[0]);
    assert!(without[0]["Devices"].is_null());
    let text = fs::read_to_string(&dump(&home, &["discarders", "dump"])[0]).unwrap();
    assert!(text.contains("inodes: []") && text.contains("    open:\n        discarder_added: 0\n"), "{text}");
    shell.tell("kill $!");
}

#[test]
fn who_observes_nothing_has_nothing_to_dump() {
    let home = Home::new();
    let _agent = home.start(&["--backend", "none", "--dump-dir", home.path().to_str().unwrap()]);
    assert_eq!(json(&dump(&home, &["network-namespace", "dump"])[0]), Value::Null);
    assert!(fs::read_to_string(&dump(&home, &["discarders", "dump"])[0]).unwrap().contains("inodes: []"));
}

#[test]
fn a_directory_for_dumps_that_is_none_is_refused() {
    let home = Home::new();
    let (link, gone) = (home.path().join("link"), home.path().join("gone"));
    symlink(home.path(), &link).unwrap();
    fs::create_dir(&gone).unwrap();
    for (dir, expected) in [(&link, "symbolic link"), (&gone, "No such file or directory")] {
        let mut agent = home.start(&["--backend", "none", "--dump-dir", dir.to_str().unwrap()]);
        let _ = fs::remove_dir(&gone);
        let said = refused(&home, &["process-cache", "dump"]);
        assert!(said.contains(expected) && said.contains(dir.to_str().unwrap()), "{said}");
        // The agent goes on.
        assert_eq!(home.status()["pid"], agent.pid());
        agent.end(nix::sys::signal::Signal::SIGTERM);
        assert_eq!(home.notice(), "STOPPING=1");
    }
}

#[test]
fn without_an_agent_there_is_no_dump() {
    let home = Home::new();
    for words in [["process-cache", "dump"], ["network-namespace", "dump"], ["discarders", "dump"]] {
        let said = refused(&home, &words);
        assert!(said.contains("no agent runs"), "{said}");
    }
}
