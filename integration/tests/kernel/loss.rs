//! Nothing is lost of what a machine can bear, and of a flood no fork, exec or exit.

use std::collections::BTreeSet;
use std::fs;

use lapwing_integration::harness::{Backend, Lapwing, Outcome};
use lapwing_integration::need::{Need, installed, require};
use serde_json::Value;
use tempfile::TempDir;

fn lapwing() -> Lapwing {
    Lapwing::with(Backend::Kernel).telling_losses()
}

fn number(event: &Value, pointer: &str) -> i64 {
    event.pointer(pointer).and_then(Value::as_i64).unwrap_or_else(|| panic!("no {pointer} in {event}"))
}

/// The first argument of every execution of a program, in order.
fn arguments<'a>(outcome: &'a Outcome, program: &'a str) -> impl Iterator<Item = &'a str> {
    let of_it = outcome.of_type("exec").filter(move |event| event["exec"]["argv0"] == program);
    of_it.map(|event| event["exec"]["argv"][0].as_str().unwrap_or_default())
}

/// Every process that was made ended, and nobody else.
#[track_caller]
fn lives_are_whole(outcome: &Outcome) {
    let made = outcome.of_type("fork").map(|event| number(event, "/fork/pid"));
    let command = number(&outcome.events[0], "/process/pid");
    let mut made: Vec<_> = made.chain([command]).collect();
    let mut ended: Vec<_> = outcome.of_type("exit").map(|event| number(event, "/process/pid")).collect();
    // Numbers are used again.
    made.sort_unstable();
    ended.sort_unstable();
    assert!(made == ended, "{} were made, {} ended\n{outcome}", made.len(), ended.len());
}

#[test]
fn of_five_hundred_programs() {
    if !Backend::Kernel.is_available() {
        return;
    }
    let script = "i=0; while [ $i -lt 500 ]; do /bin/true $i; i=$((i+1)); done";
    let outcome = lapwing().watch(&["sh", "-c", script]);
    assert_eq!(outcome.losses(), [].into(), "{outcome}");
    let numbers = (0..500).map(|number| number.to_string());
    assert!(arguments(&outcome, "/bin/true").eq(numbers), "{outcome}");
    lives_are_whole(&outcome);
}

#[test]
fn of_thousands_of_files() {
    if !Backend::Kernel.is_available() {
        return;
    }
    let directory = TempDir::new().unwrap();
    let path = directory.path().canonicalize().unwrap();
    for number in 0..3000 {
        fs::write(path.join(format!("file-{number}")), "text").unwrap();
    }
    let outcome = lapwing().in_directory(&path).watch(&["sh", "-c", "find . -type f | xargs cat"]);
    assert_eq!(outcome.losses(), [].into(), "{outcome}");
    assert_eq!(outcome.stdout.len(), 3000 * 4);
    let opened: BTreeSet<_> =
        outcome.of_type("open").filter_map(|event| event["open"]["file"]["path"].as_str()).collect();
    let missing = (0..3000).find(|number| !opened.contains(path.join(format!("file-{number}")).to_str().unwrap()));
    assert_eq!(missing, None, "{outcome}");
}

#[test]
fn of_pipelines_and_threads() {
    if !Backend::Kernel.is_available() || !installed(&["python3"]) {
        return;
    }
    let threads = "import os, threading
def work(n):
    for i in range(100): os.close(os.open(f'{n}-{i}', os.O_CREAT | os.O_WRONLY))
all = [threading.Thread(target=work, args=(n,)) for n in range(8)]
[t.start() for t in all]; [t.join() for t in all]";
    let script = format!(
        "for i in 1 2 3 4 5 6 7 8 9 10; do echo $i | cat | sort | uniq -c | wc -l; done; python3 -c \"{threads}\""
    );
    let directory = TempDir::new().unwrap();
    let path = directory.path().canonicalize().unwrap();
    let outcome = lapwing().in_directory(&path).watch(&["sh", "-c", &script]);
    assert_eq!(outcome.losses(), [].into(), "{outcome}");
    lives_are_whole(&outcome);
    assert_eq!(arguments(&outcome, "sort").chain(arguments(&outcome, "uniq")).count(), 20);
    let inside = |event: &&Value| {
        event["open"]["file"]["path"].as_str().is_some_and(|file| file.starts_with(path.to_str().unwrap()))
    };
    assert_eq!(outcome.of_type("open").filter(inside).count(), 800, "{outcome}");
}

/// Runs a stressor of stress-ng for `LAPWING_FLOOD_SECONDS`, 2 by default, and a last program.
fn stress(stressor: &str) {
    if !Backend::Kernel.is_available() || !installed(&["stress-ng", "setpriv"]) || !require(&[Need::Root]) {
        return;
    }
    let seconds = std::env::var("LAPWING_FLOOD_SECONDS").unwrap_or_else(|_| "2".to_owned());
    let directory = TempDir::new().unwrap();
    let path = directory.path().to_str().unwrap();
    std::os::unix::fs::chown(path, Some(65534), Some(65534)).unwrap();
    // Some stressors refuse to run as root.
    let script = format!(
        "setpriv --reuid=65534 --regid=65534 --clear-groups \
         stress-ng --temp-path {path} --timeout {seconds} --{stressor} 2; /bin/true the-end"
    );
    let outcome = lapwing().in_directory(directory.path()).watch(&["sh", "-c", &script]);
    println!("{stressor} for {seconds} s: {} events, lost: {:?}", outcome.events.len(), outcome.losses());
    for what in ["forks execs and exits", "processes for want of room", "records that made no sense"] {
        assert_eq!(outcome.losses().get(what), None, "{outcome}");
    }
    lives_are_whole(&outcome);
    assert_eq!(arguments(&outcome, "/bin/true").last(), Some("the-end"), "{outcome}");
}

#[test]
fn of_lives_in_a_flood_of_execs() {
    stress("exec");
}

#[test]
fn of_lives_in_a_flood_of_forks() {
    stress("fork");
}

#[test]
fn of_lives_in_a_flood_of_opens() {
    stress("open");
}
