//! Lapwing ends with the last of those that it traces, and as the command did.

use lapwing_integration::harness::{Backend, Lapwing};
use lapwing_integration::under_each_backend;
use tempfile::TempDir;

under_each_backend!(it_waits_for_a_daemon, every_process_has_its_end);

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
