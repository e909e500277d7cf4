//! Lapwing ends with the last of those that it traces, and as the command did.

use lapwing_integration::harness::{Backend, Lapwing};
use lapwing_integration::under_each_backend;
use tempfile::TempDir;

under_each_backend!(
    it_waits_for_a_daemon,
    every_process_has_its_end,
    an_orphan_that_executes_something_has_a_new_parent
);

fn it_waits_for_a_daemon(backend: Backend) {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    let outcome = Lapwing::with(backend).watch(&[env!("CARGO_BIN_EXE_tracee-daemon"), file.to_str().unwrap()]);
    assert_eq!(outcome.status.code(), Some(5), "{outcome}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "no leader true\na child of the daemon\nend\n");
    let opened = outcome.of_type("open").any(|event| event["open"]["file"]["path"] == file.to_str().unwrap());
    assert!(opened, "the daemon was not watched to its end: {outcome}");
    let echo = outcome
        .of_type("exec")
        .any(|event| event["exec"]["file"]["path"].as_str().is_some_and(|path| path.ends_with("/echo")));
    assert!(echo, "{outcome}");
}

fn every_process_has_its_end(backend: Backend) {
    let script = "for i in 1 2 3 4 5; do (sleep 0.1; exit $i) & done; exit 9";
    let outcome = Lapwing::with(backend).watch(&["bash", "-c", script]);
    assert_eq!(outcome.status.code(), Some(9));
    let count = |what| outcome.of_type(what).count();
    assert_eq!(count("exit"), count("fork") + 1, "{outcome}");
    let codes: Vec<u64> = outcome.of_type("exit").filter_map(|event| event["exit"]["code"].as_u64()).collect();
    for code in [1, 2, 3, 4, 5, 9] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
}

/// By then the kernel has given it to the sub-init, and both backends hear of that with the exec.
fn an_orphan_that_executes_something_has_a_new_parent(backend: Backend) {
    let outcome = Lapwing::with(backend).watch(&[env!("CARGO_BIN_EXE_tracee-orphan")]);
    assert_eq!(outcome.stdout, b"adopted\n", "{outcome}");
    let last = |what| outcome.of_type(what).last().unwrap_or_else(|| panic!("no {what}: {outcome}"));
    let (sub_init, orphan) = (&outcome.events[0]["process"]["pid"], &last("exec")["process"]);
    assert_eq!(orphan["argv0"], "echo", "{outcome}");
    assert_eq!((&orphan["ppid"], &orphan["parent"]["pid"]), (sub_init, sub_init), "{orphan}");
    // Itself before the exec, and then that parent. The one that made it is gone.
    let ancestors: Vec<_> = orphan["ancestors"].as_array().unwrap().iter().map(|ancestor| &ancestor["pid"]).collect();
    assert_eq!(ancestors[..2], [&orphan["pid"], sub_init], "{orphan}");
    assert_eq!(outcome.of_type("fork").count(), 2, "{outcome}");
    assert!(outcome.events.iter().all(|event| event["event"]["broken_lineage"].is_null()), "{outcome}");
}
