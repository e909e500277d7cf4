//! Every way to make a process, a thread or another program of oneself.

use lapwing_integration::harness::Backend;
use lapwing_integration::under_each_backend;

use super::both::Both;

under_each_backend!(
    vfork,
    posix_spawn,
    clone_with_other_signals_and_parents,
    clone3,
    exec_from_a_thread_that_is_not_the_leader,
    exec_from_a_thread_that_fails,
    odd_arguments,
    the_parents_death_is_told,
    a_sub_init_reaps_orphans,
    a_tree_of_processes,
    ends_of_threads_and_leaders,
    threads,
    a_daemon_outlives_its_parent,
);

fn spawn(backend: Backend, way: &str) -> String {
    let did = Both::tracee(env!("CARGO_BIN_EXE_tracee-spawn"), &[way]).agree(backend);
    assert_eq!((did.status, did.stderr.as_str()), (0, ""), "{did:?}");
    did.stdout
}

fn vfork(backend: Backend) {
    assert!(spawn(backend, "vfork").ends_with("round 19: exited with 0, ran 20\n"));
}

fn posix_spawn(backend: Backend) {
    assert!(spawn(backend, "posix_spawn").contains("exited with 9"));
}

fn clone_with_other_signals_and_parents(backend: Backend) {
    assert!(spawn(backend, "clone").contains("signal 0: tid written true, exited with 3"));
}

fn clone3(backend: Backend) {
    assert!(spawn(backend, "clone3").contains("pidfd true, exited with 4"));
}

fn exec_from_a_thread_that_is_not_the_leader(backend: Backend) {
    let expected = "[\"x\", \"arguments\", \"from a thread\"], leader true, threads 1, environment 0\nexited with 0\n";
    assert_eq!(spawn(backend, "thread-exec"), expected.repeat(10));
}

fn exec_from_a_thread_that_fails(backend: Backend) {
    assert_eq!(spawn(backend, "thread-exec-fails"), "Some([2, 13, 13, 13]), threads left true\nsleeper true\n");
}

fn odd_arguments(backend: Backend) {
    assert!(spawn(backend, "argv").starts_with("[\"\"], leader true"));
}

fn the_parents_death_is_told(backend: Backend) {
    assert_eq!(
        spawn(backend, "death-signal"),
        "parent: exited with 6\nchild: killed by 12, core false\nnone left: waitpid: 10\n"
    );
}

fn a_sub_init_reaps_orphans(backend: Backend) {
    assert!(spawn(backend, "reaper").ends_with("none left: waitpid: 10\n"));
}

fn a_tree_of_processes(backend: Backend) {
    assert_eq!(spawn(backend, "tree"), "121 processes\n");
}

fn ends_of_threads_and_leaders(backend: Backend) {
    assert!(spawn(backend, "exit").contains("the leader ends first: exited with 22"));
}

fn threads(backend: Backend) {
    let did = Both::tracee(env!("CARGO_BIN_EXE_tracee-threads"), &[]).agree(backend);
    let expected = "turns: 16 threads, 1600 steps\nclocks: 0 sleeps too short\nshort threads: 320 with the right name\n\
                    written 400 times\nsignals: 160 to the right thread, 0 to another\n8 threads panicked\n";
    assert_eq!(did.stdout, expected);
}

/// Lapwing stays until the last descendant has ended, and watches it until then.
fn a_daemon_outlives_its_parent(backend: Backend) {
    let daemon = env!("CARGO_BIN_EXE_tracee-daemon");
    // Alone, the test has to wait for it; under Lapwing, it has ended already.
    let script = "\"$0\" file; echo $?; until grep -q end file 2>/dev/null; do sleep 0.1; done; cat file";
    let did = Both::new(&["bash", "-c", script, daemon]).agree(backend);
    assert_eq!(did.stdout, "starting\n5\nno leader true\na child of the daemon\nend\n");
}
