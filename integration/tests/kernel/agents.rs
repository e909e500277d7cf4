//! Two at once, and one that is killed.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use lapwing_integration::harness::{Backend, Lapwing, Outcome, read_events};
use lapwing_integration::need::{Need, require};
use lapwing_integration::run::{Watchdog, until};
use tempfile::TempDir;

use super::programs;

/// Runs a program many times, with a mark.
fn watched(mark: &str) -> Outcome {
    let script = format!("i=0; while [ $i -lt 200 ]; do /bin/true {mark}; i=$((i+1)); done");
    Lapwing::with(Backend::Kernel).telling_losses().watch(&["sh", "-c", &script])
}

/// Marks of the programs, in order.
fn marks(outcome: &Outcome) -> Vec<&str> {
    let programs = outcome.of_type("exec").filter(|event| event["exec"]["argv0"] == "/bin/true");
    programs.filter_map(|event| event["exec"]["argv"][0].as_str()).collect()
}

#[test]
fn each_sees_its_own() {
    if !Backend::Kernel.is_available() {
        return;
    }
    std::thread::scope(|scope| {
        let both = ["one", "other"].map(|mark| (mark, scope.spawn(move || watched(mark))));
        for (mark, outcome) in both {
            let outcome = outcome.join().unwrap();
            assert_eq!(marks(&outcome), [mark; 200], "{outcome}");
            assert_eq!(outcome.of_type("exit").count(), 201);
            assert_eq!(outcome.losses(), [].into());
        }
    });
}

/// A shell under Lapwing that does what it is told.
struct Shell {
    lapwing: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    directory: TempDir,
}

impl Shell {
    fn start() -> Self {
        let directory = TempDir::new().unwrap();
        let mut lapwing = Lapwing::with(Backend::Kernel).command(&["sh"], &directory.path().join("events"));
        let mut lapwing = lapwing.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (orders, answers) = (lapwing.stdin.take().unwrap(), BufReader::new(lapwing.stdout.take().unwrap()));
        let mut shell = Self { lapwing, orders, answers, directory };
        assert_eq!(shell.tell("echo ready"), "ready\n");
        shell
    }

    fn tell(&mut self, order: &str) -> String {
        let watchdog = Watchdog::over(&self.lapwing);
        writeln!(self.orders, "{order}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert!(!watchdog.barked());
        answer
    }
}

#[test]
fn one_that_is_killed_leaves_nothing_and_harms_nobody() {
    if !Backend::Kernel.is_available() || !require(&[Need::Root]) {
        return;
    }
    let (mut one, mut other) = (Shell::start(), Shell::start());
    let (ones, others) = (programs::held_by(one.lapwing.id()), programs::held_by(other.lapwing.id()));
    assert!(ones.len() >= 5 && ones.is_disjoint(&others), "{ones:?} {others:?}");
    assert!(ones.iter().chain(&others).all(|program| programs::exists(*program)));

    one.lapwing.kill().unwrap();
    one.lapwing.wait().unwrap();
    // The kernel frees what nobody holds any more after a grace period.
    until("freed", || !ones.iter().any(|program| programs::exists(*program)));
    assert!(others.iter().all(|program| programs::exists(*program)));

    // Both commands live on, and the other's is still watched.
    assert_eq!(one.tell("/bin/echo alive"), "alive\n");
    assert_eq!(other.tell("/bin/echo watched"), "watched\n");
    assert_eq!(one.tell("exec >&-; exit"), "");
    drop(other.orders);
    assert!(other.lapwing.wait().unwrap().success());
    let events = read_events(&other.directory.path().join("events")).unwrap();
    assert!(events.iter().any(|event| event["exec"]["argv"][0] == "watched"));
    assert!(!fs::read_to_string(other.directory.path().join("events")).unwrap().contains("alive"));
}
