//! Every way to make a process, a thread or another program of oneself.

use super::both::Both;

fn spawn(way: &str) -> String {
    let did = Both::tracee(env!("CARGO_BIN_EXE_tracee-spawn"), &[way]).agree();
    assert_eq!((did.status, did.stderr.as_str()), (0, ""), "{did:?}");
    did.stdout
}

#[test]
fn vfork() {
    assert!(spawn("vfork").ends_with("round 19: exited with 0, ran 20\n"));
}

#[test]
fn posix_spawn() {
    assert!(spawn("posix_spawn").contains("exited with 9"));
}

#[test]
fn clone_with_other_signals_and_parents() {
    assert!(spawn("clone").contains("signal 0: tid written true, exited with 3"));
}

#[test]
fn clone3() {
    assert!(spawn("clone3").contains("pidfd true, exited with 4"));
}

#[test]
fn exec_from_a_thread_that_is_not_the_leader() {
    let expected = "[\"x\", \"arguments\", \"from a thread\"], leader true, threads 1, environment 0\nexited with 0\n";
    assert_eq!(spawn("thread-exec"), expected.repeat(10));
}

#[test]
fn exec_from_a_thread_that_fails() {
    assert_eq!(spawn("thread-exec-fails"), "Some([2, 13, 13, 13]), threads left true\nsleeper true\n");
}

#[test]
fn odd_arguments() {
    assert!(spawn("argv").starts_with("[\"\"], leader true"));
}

#[test]
fn the_parents_death_is_told() {
    assert_eq!(
        spawn("death-signal"),
        "parent: exited with 6\nchild: killed by 12, core false\nnone left: waitpid: 10\n"
    );
}

#[test]
fn a_sub_init_reaps_orphans() {
    assert!(spawn("reaper").ends_with("none left: waitpid: 10\n"));
}

#[test]
fn a_tree_of_processes() {
    assert_eq!(spawn("tree"), "121 processes\n");
}

#[test]
fn ends_of_threads_and_leaders() {
    assert!(spawn("exit").contains("the leader ends first: exited with 22"));
}

#[test]
fn threads() {
    let did = Both::tracee(env!("CARGO_BIN_EXE_tracee-threads"), &[]).agree();
    let expected = "turns: 16 threads, 1600 steps\nclocks: 0 sleeps too short\nshort threads: 320 with the right name\n\
                    written 400 times\nsignals: 160 to the right thread, 0 to another\n8 threads panicked\n";
    assert_eq!(did.stdout, expected);
}

/// Lapwing stays until the last descendant has ended, and watches it until then.
#[test]
fn a_daemon_outlives_its_parent() {
    let daemon = env!("CARGO_BIN_EXE_tracee-daemon");
    // Alone, the test has to wait for it; under Lapwing, it has ended already.
    let script = "\"$0\" file; echo $?; until grep -q end file 2>/dev/null; do sleep 0.1; done; cat file";
    let did = Both::new(&["bash", "-c", script, daemon]).agree();
    assert_eq!(did.stdout, "starting\n5\nno leader true\na child of the daemon\nend\n");
}
