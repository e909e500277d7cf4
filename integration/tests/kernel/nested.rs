//! In a pid namespace of its own, as in a container.

use std::collections::BTreeSet;
use std::process::Command;

use lapwing_integration::harness::{Backend, Lapwing, read_events};
use lapwing_integration::need::{Need, installed, require};
use serde_json::Value;
use tempfile::TempDir;

use super::said::Said;

fn may_nest() -> bool {
    Backend::Kernel.is_available() && require(&[Need::Root, Need::MountNamespace]) && installed(&["unshare"])
}

/// Lapwing and its command in namespaces.
fn inside(options: &[&str], command: &[&str], events: &TempDir) -> Said {
    let lapwing = Lapwing::with(Backend::Kernel).telling_losses().command(command, &events.path().join("events"));
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork"]).args(options).arg(lapwing.get_program()).args(lapwing.get_args());
    Said::by(&mut unshare)
}

#[test]
fn processes_have_the_numbers_of_inside() {
    if !may_nest() {
        return;
    }
    let directory = TempDir::new().unwrap();
    let script = "echo shell $$; sh -c 'echo inner $$ $PPID; /bin/true'; sh -c 'kill -9 $$'; exec sh -c 'echo last $$'";
    let said = inside(&["--mount-proc"], &["sh", "-c", script], &directory);
    assert_eq!((said.status, said.stderr.as_str()), (0, "Killed\n"), "{said:?}");
    let events = read_events(&directory.path().join("events")).unwrap();
    let number = |event: &Value, pointer: &str| event.pointer(pointer).and_then(Value::as_i64).unwrap();
    let of_type = |name: &'static str| events.iter().filter(move |event| event["type"] == name);

    // Lapwing is the first process, and the command its child.
    assert_eq!((said.word("shell"), said.word("last")), ("2", "2"));
    assert!(events.iter().all(|event| number(event, "/process/pid") >= 2));
    let inner = said.word("inner").parse::<i64>().unwrap();
    let exec = of_type("exec")
        .find(|event| event["exec"]["argv"][1].as_str().is_some_and(|text| text.starts_with("echo inner")));
    let exec = exec.unwrap();
    assert_eq!((number(exec, "/process/pid"), number(exec, "/process/ppid")), (inner, 2));
    let ancestors = exec["process"]["ancestors"].as_array().unwrap();
    assert!(ancestors.iter().all(|ancestor| [2, inner].contains(&number(ancestor, "/pid"))), "{exec}");

    let made: BTreeSet<_> = of_type("fork").map(|event| number(event, "/fork/pid")).chain([2]).collect();
    let ended: BTreeSet<_> = of_type("exit").map(|event| number(event, "/process/pid")).collect();
    assert_eq!((made.len(), &made), (4, &ended));
    let killed = of_type("exit").filter(|event| event["exit"]["code"] == 9).count();
    assert_eq!(killed, 1, "{events:#?}");
}

/// By the numbers of another `/proc`, another process would be taken for the command.
#[test]
fn a_proc_of_another_namespace_is_refused() {
    if !may_nest() {
        return;
    }
    let said = inside(&[], &["true"], &TempDir::new().unwrap());
    assert_eq!((said.status, said.stderr.lines().count()), (1, 1), "{said:?}");
    assert!(said.stderr.contains("/proc is that of another pid namespace"), "{said:?}");
}
