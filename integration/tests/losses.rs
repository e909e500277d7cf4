//! What is known of processes whose fork and exec were lost.
//!
//! Nobody waits for Lapwing under the kernel backend: while it does not read, the kernel's buffers fill, and what
//! does not fit is gone. Here the command itself stops Lapwing, and has it go on when enough has been lost.

use lapwing_integration::harness::{Backend, Lapwing, read_events};
use lapwing_integration::run::finish;
use serde_json::Value;
use tempfile::TempDir;

/// Stops Lapwing, fills the buffer for processes, and starts one more, which writes its pid. Once Lapwing has seen
/// that it may go on (the file `first`), that one makes a directory, and ends when Lapwing has seen that too.
const SCRIPT: &str = r#"
    kill -STOP $PPID
    i=0; while [ $i -lt 1500 ]; do /bin/true; i=$((i + 1)); done
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

#[test]
fn a_process_that_lives_is_looked_up_and_one_that_is_gone_is_said_not_to_be_known() {
    if !Backend::Kernel.is_available() {
        return;
    }
    let directory = TempDir::new().unwrap();
    std::fs::create_dir(directory.path().join("lost")).unwrap();
    let file = directory.path().join("events.json");
    // A record of an exec has the environment: the buffer holds some hundred of these.
    let lapwing = Lapwing::with(Backend::Kernel).in_directory(directory.path()).variable("BALLAST", "x".repeat(50_000));
    let command = ["sh", "-c", SCRIPT, "sh", file.to_str().unwrap()];
    let output = finish(&mut lapwing.command(&command, &file), b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let events = read_events(&file).unwrap();
    let pid: i64 = std::fs::read_to_string(directory.path().join("pid")).unwrap().trim().parse().unwrap();
    let forks: Vec<_> = events.iter().filter(|event| event["type"] == "fork").collect();
    assert!(forks.iter().all(|fork| fork["fork"]["pid"] != pid), "its fork was not lost after all");
    let shell = &events[0]["process"];
    let chdir = events.iter().find(|event| event["type"] == "chdir" && event["process"]["pid"] == pid).unwrap();
    let process = &chdir["process"];
    assert_eq!((&process["comm"], &process["ppid"]), (&shell["comm"], &shell["pid"]), "{chdir}");
    assert_eq!(process["file"]["path"], shell["file"]["path"], "{chdir}");
    assert_eq!(process["ancestors"][0]["pid"], shell["pid"], "{chdir}");
    assert!(!is_broken(&chdir), "{chdir}");

    // Of the others nothing is left but what they did.
    let broken: Vec<_> = events.iter().filter(is_broken).collect();
    assert!(!broken.is_empty());
    for event in broken {
        assert!(event["process"]["file"]["path"].is_null() && event["process"]["ancestors"].is_null(), "{event}");
    }
}
