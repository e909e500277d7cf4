//! What is known of processes whose fork or exec was lost.
//!
//! Nobody waits for Lapwing under the kernel backend: while it does not read, the kernel's buffers fill, and what
//! does not fit is gone. Here the command itself stops Lapwing, and has it go on when enough has been lost.

use std::collections::BTreeSet;

use lapwing_integration::harness::{Backend, Lapwing, losses, read_events};
use lapwing_integration::run::finish;
use serde_json::Value;
use tempfile::TempDir;

/// Stops Lapwing, fills the buffer for processes, has a process execute `mkdir` that was forked before, and starts one
/// more, which writes its pid. Once Lapwing has seen that it may go on (the file `first`), that one makes a directory,
/// and ends when Lapwing has seen that too.
const SCRIPT: &str = r#"
    (: >waiting; until [ -e filled ]; do sleep 0.1; done; exec mkdir by-another) &
    until [ -e waiting ]; do sleep 0.1; done
    kill -STOP $PPID
    i=0; while [ $i -lt 1500 ]; do /bin/true; i=$((i + 1)); done
    : >filled
    until [ -d by-another ]; do sleep 0.1; done
    sh -c 'echo $$ >pid; until [ -e drained ]; do sleep 0.1; done; cd lost; until grep -q /lost\" "$0"; do sleep 0.1; done' "$1" &
    until [ -s pid ]; do sleep 0.1; done
    kill -CONT $PPID
    : >first
    until grep -q /first\" "$1"; do sleep 0.1; done
    : >drained
    wait
"#;

fn is_broken(event: &&Value) -> bool {
    event["event"]["broken_lineage"] == true
}

/// Those that `tell` of a process by itself, or by its parent: `of` points to its number.
fn told<'a>(events: &'a [Value], tell: &str, of: &str) -> BTreeSet<i64> {
    let of_type = events.iter().filter(|event| event["type"] == tell);
    of_type.filter_map(|event: &'a Value| event.pointer(of)?.as_i64()).collect()
}

fn name(path: &Value) -> &str {
    path.as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default()
}

#[test]
fn who_lives_and_who_is_gone_is_found() {
    if !Backend::Kernel.is_available() {
        return;
    }
    let directory = TempDir::new().unwrap();
    std::fs::create_dir(directory.path().join("lost")).unwrap();
    let file = directory.path().join("events.json");
    // A record of an exec has the environment: the buffer holds some hundred of these.
    let lapwing = Lapwing::with(Backend::Kernel).in_directory(directory.path()).variable("BALLAST", "x".repeat(50_000));
    let command = ["sh", "-c", SCRIPT, "sh", file.to_str().unwrap()];
    let output = finish(&mut lapwing.telling_losses().command(&command, &file), b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(losses(&output.stderr).contains_key("forks execs and exits"), "the buffer held it all");

    let events = read_events(&file).unwrap();
    let (forked, executed) = (told(&events, "fork", "/fork/pid"), told(&events, "exec", "/process/pid"));
    let shell = &events[0]["process"];

    // One that lives. What it was started with is in /proc.
    let pid: i64 = std::fs::read_to_string(directory.path().join("pid")).unwrap().trim().parse().unwrap();
    assert!(!forked.contains(&pid), "its fork was not lost after all");
    let chdir = events.iter().find(|event| event["type"] == "chdir" && event["process"]["pid"] == pid).unwrap();
    let process = &chdir["process"];
    assert_eq!((&process["comm"], &process["ppid"]), (&shell["comm"], &shell["pid"]), "{chdir}");
    assert_eq!(process["file"]["path"], shell["file"]["path"], "{chdir}");
    assert_eq!(process["ancestors"][0]["pid"], shell["pid"], "{chdir}");

    // Those that are gone: the programs have kept what they were.
    let is_lost = |event: &&Value| event["process"]["pid"].as_i64().is_some_and(|pid| !forked.contains(&pid));
    let of_true: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == "open" && name(&event["process"]["file"]["path"]) == "true")
        .filter(is_lost)
        .collect();
    assert!(of_true.len() > 500, "{}", of_true.len());
    for event in of_true {
        assert_eq!(event["process"]["ppid"], shell["pid"], "{event}");
        assert_eq!(event["process"]["uid"], shell["uid"], "{event}");
    }

    // One whose fork was told, and whose program was not.
    let mkdir = events.iter().find(|event| event["type"] == "mkdir").unwrap();
    let process = &mkdir["process"];
    let pid = process["pid"].as_i64().unwrap();
    assert!(forked.contains(&pid) && !executed.contains(&pid), "{mkdir}");
    assert_eq!((name(&process["file"]["path"]), &process["comm"]), ("mkdir", &Value::from("mkdir")), "{mkdir}");
    assert_eq!(process["ppid"], shell["pid"], "{mkdir}");

    let broken: Vec<_> = events.iter().filter(is_broken).collect();
    assert!(broken.is_empty(), "{} of {}: {}", broken.len(), events.len(), broken[0]);
}
