//! Defects that tracers of this kind are known to have had, B1 to B18: none of them may ever be ours.
//!
//! Most are played by a scenario whose full expectations stand elsewhere; here is the one thing that the
//! defect would get wrong. Pure decoding is tested in `common` too.

#![allow(clippy::unwrap_used, reason = "a failure is the test's")]

use std::os::unix::fs::PermissionsExt as _;

use lapwing_integration::harness::{Backend, Lapwing, Outcome};
use lapwing_integration::need::{Need, require};
use lapwing_integration::scenario::{Case, Ground, check, play};
use lapwing_integration::{marker, tiny, under_each_backend};
use serde_json::Value;

under_each_backend!(
    b1_a_denied_exec_leaves_the_process_what_it_was,
    b2_a_denied_setuid_leaves_the_user_what_it_was,
    b3_setuid_changes_every_id_that_the_kernel_changes,
    b4_setrlimit_is_read_with_its_own_layout,
    b5_symlinkat_is_no_linkat,
    b6_a_relative_target_starts_from_the_links_directory,
    b7_times_have_their_units_and_marks,
    b8_handles_of_two_files_do_not_collide,
    b9_a_mount_without_source_and_type_is_seen,
    b10_accept_names_the_peer_whether_or_not_it_was_asked_for,
    b11_a_socket_is_known_wherever_it_came_from,
    b12_an_option_means_something_at_its_level_only,
    b13_an_empty_path_means_the_descriptor,
    b14_a_descriptor_closed_by_exec_leaves_no_path_behind,
    b15_the_first_exec_of_a_process_is_a_whole_one,
    b16_every_environment_is_read_from_its_start,
    b17_an_exec_is_told_once_and_never_instead_of_another,
    b18_what_nobody_wants_is_not_reported,
    an_exec_whose_path_is_swapped_meanwhile_is_told_as_what_ran,
);

const PROGRAM: &str = env!("CARGO_BIN_EXE_scenario");

fn expect(backend: Backend, scenario: &str, needs: &[Need], expected: &str) {
    check(PROGRAM, backend, Case { scenario, needs, options: &[], expected });
}

fn paths<'a>(outcome: &'a Outcome, event: &'a str) -> Vec<&'a str> {
    let path = |event: &'a Value, name: &str| event.pointer(&format!("/{name}/file/path")).and_then(Value::as_str);
    outcome.of_type(event).filter_map(|found| path(found, event)).collect()
}

fn b1_a_denied_exec_leaves_the_process_what_it_was(backend: Backend) {
    expect(
        backend,
        "execve/denied-then-look",
        &[],
        "exec file.path=$DIR/text retval=-13 process.file.path=$BIN process.comm=lw-begin
         chdir file.path=$DIR process.file.path=$BIN process.comm=lw-begin process.argv0=$BIN",
    );
}

fn b2_a_denied_setuid_leaves_the_user_what_it_was(backend: Backend) {
    expect(
        backend,
        "setuid/denied",
        &[Need::Root],
        "setuid uid=0 retval=-1 process.uid=65534 process.euid=65534
         chdir file.path=$DIR process.uid=65534 process.euid=65534",
    );
}

fn b3_setuid_changes_every_id_that_the_kernel_changes(backend: Backend) {
    expect(
        backend,
        "setuid/success",
        &[Need::Root],
        "setuid uid=65534 euid=65534 fsuid=65534 process.uid=0
         chdir file.path=$DIR process.uid=65534 process.euid=65534 process.fsuid=65534 process.cap_effective=0",
    );
}

fn b4_setrlimit_is_read_with_its_own_layout(backend: Backend) {
    expect(
        backend,
        "setrlimit/success",
        &[],
        "setrlimit resource_str=RLIMIT_NOFILE rlim_cur=100 rlim_max=200 pid=$PID",
    );
    expect(backend, "i386_setrlimit/success", &[Need::Ia32], "setrlimit rlim_cur=100 rlim_max=18446744073709551615");
}

fn b5_symlinkat_is_no_linkat(backend: Backend) {
    let expected =
        "link symbolic=true syscall.path=file syscall.destination.path=link file.destination.path=$DIR/sub/link";
    expect(backend, "symlinkat/dirfd-elsewhere", &[], expected);
}

fn b6_a_relative_target_starts_from_the_links_directory(backend: Backend) {
    expect(backend, "symlink/relative-text", &[], "link file.path=$DIR/sub/file file.destination.path=$DIR/sub/link");
}

fn b7_times_have_their_units_and_marks(backend: Backend) {
    expect(
        backend,
        "utimensat/now-and-omit",
        &[],
        "utimes access_time=- modification_time=-
         utimes access_time=2004-01-10T13:37:03.000000000Z modification_time=-
         utimes access_time=- modification_time=2004-01-10T13:37:02.000000001Z",
    );
    let micros = "utimes access_time=1970-01-01T00:00:01.000001000Z modification_time=1970-01-01T00:00:02.999999000Z";
    expect(backend, "futimesat/null-path", &[Need::Root], micros);
}

fn b8_handles_of_two_files_do_not_collide(backend: Backend) {
    expect(
        backend,
        "open_by_handle_at/success",
        &[Need::Root],
        "open file.path=$DIR/one retval=0..
         open file.path=$DIR/two retval=0..",
    );
}

fn b9_a_mount_without_source_and_type_is_seen(backend: Backend) {
    expect(
        backend,
        "mount/remount",
        &[Need::MountNamespace],
        "mount mountpoint.path=$DIR/place fs_type=- source.path=-",
    );
}

fn b10_accept_names_the_peer_whether_or_not_it_was_asked_for(backend: Backend) {
    for scenario in ["accept/v4", "accept/null"] {
        let ground = Ground::new();
        let case = Case { scenario, needs: &[], options: &[], expected: "" };
        let outcome = play(PROGRAM, backend, &ground, case);
        let (events, _) = marker::between(&outcome.events).unwrap();
        // The scenario prints the port of the connecting end.
        let port: u64 = String::from_utf8_lossy(&outcome.stdout).trim().parse().unwrap();
        assert_eq!(events[0]["accept"]["addr"]["port"], port, "{scenario}");
        assert_eq!(events[0]["accept"]["addr"]["ip"], "127.0.0.1", "{scenario}");
    }
}

fn b11_a_socket_is_known_wherever_it_came_from(backend: Backend) {
    expect(backend, "connect/duplicate", &[], "connect addr.ip=127.0.0.1 protocol_str=IP_PROTO_TCP");
    expect(backend, "socket/tcp", &[], "socket type_str=SOCK_STREAM protocol_str=IP_PROTO_TCP retval=0..");
}

fn b12_an_option_means_something_at_its_level_only(backend: Backend) {
    expect(
        backend,
        "setsockopt/other-level",
        &[],
        "setsockopt level_str=IPPROTO_IPV6 optname=26 filter_len=- optname_str=-",
    );
    expect(
        backend,
        "setsockopt/filter",
        &[],
        "setsockopt level_str=SOL_SOCKET optname_str=SO_ATTACH_FILTER filter_len=2",
    );
}

fn b13_an_empty_path_means_the_descriptor(backend: Backend) {
    expect(backend, "fchmodat2/empty", &[Need::Root, Need::Fchmodat2], "chmod file.path=$DIR/file syscall.path=");
    expect(backend, "linkat/empty", &[Need::Root], "link file.path=$DIR/file syscall.path=");
    expect(backend, "utimensat/empty", &[Need::Root], "utimes file.path=$DIR/file syscall.path=");
    expect(backend, "utimensat/null-path", &[Need::Root], "utimes file.path=$DIR/file syscall.path=-");
    expect(backend, "fchownat/empty-cwd", &[Need::Root], "chown file.path=$DIR syscall.path=");
}

fn b14_a_descriptor_closed_by_exec_leaves_no_path_behind(backend: Backend) {
    expect(backend, "fchmod/after-exec", &[], "chmod file.path=$DIR/second");
    expect(backend, "fchmod/reused", &[Need::Root], "chmod file.path=$DIR/second");
}

fn b15_the_first_exec_of_a_process_is_a_whole_one(backend: Backend) {
    // Upstream took the process of the first exec for a thread. Nothing before it may be lacking.
    let ground = Ground::new();
    let program = ground.path().join("program");
    std::fs::write(&program, tiny::exits(3)).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let outcome = Lapwing::with(backend).watch(&[&program]);
    let types: Vec<_> = outcome.events.iter().filter_map(|event| event["type"].as_str()).collect();
    assert_eq!(types, ["exec", "exit"], "{outcome}");
    let (exec, exit) = (&outcome.events[0], &outcome.events[1]);
    assert_eq!(exec["process"]["file"]["path"], program.to_str().unwrap());
    assert_eq!(exec["process"]["pid"], exec["process"]["tid"]);
    assert_eq!(exec["process"]["ppid"], exit["process"]["ppid"]);
    assert_eq!((outcome.status.code(), &exit["exit"]["code"]), (Some(3), &Value::from(3)));
}

fn b16_every_environment_is_read_from_its_start(backend: Backend) {
    let ground = Ground::new();
    let outcome =
        Lapwing::with(backend).variable("LAPWING_B16", "x").watch(&[PROGRAM, "execve/environment", ground.text()]);
    let environments: Vec<_> = outcome.of_type("exec").map(|event| event["exec"]["envs"].clone()).collect();
    assert_eq!(environments.len(), 2, "{outcome}");
    assert!(environments[0].as_array().unwrap().contains(&Value::from("LAPWING_B16")));
    assert_eq!(environments[1], serde_json::json!(["PATH", "SECRET", "EMPTY"]));
}

fn b17_an_exec_is_told_once_and_never_instead_of_another(backend: Backend) {
    expect(
        backend,
        "i386_execve/after-refusal",
        &[Need::Ia32],
        "fork pid=$child
         exec file.path=$DIR/text syscall.path=$DIR/text retval=-13 process.pid=$child
         exec file.path=$DIR/file syscall.path=file process.pid=$child
         exit code=0 process.pid=$child",
    );
}

fn b18_what_nobody_wants_is_not_reported(backend: Backend) {
    let ground = Ground::new();
    let scenario = |option: &str| {
        let lapwing = Lapwing::with(backend).option("--type").option(option);
        lapwing.watch(&[PROGRAM, "chdir/then-relative", ground.text()])
    };
    let outcome = scenario("chdir");
    let types: Vec<_> = outcome.events.iter().filter_map(|event| event["type"].as_str()).collect();
    // The scenario's own way into its directory is one too.
    assert_eq!(types, ["chdir", "chdir"], "{outcome}");
    assert_eq!(paths(&outcome, "chdir")[0], ground.text());
    expect(backend, "prctl/vma", &[], "");
}

/// Not upstream's defect alone: whoever believes the string that was passed has it.
fn an_exec_whose_path_is_swapped_meanwhile_is_told_as_what_ran(backend: Backend) {
    const TIMES: usize = 300;
    if !require(&[]) {
        return;
    }
    let ground = Ground::new();
    for name in ["a", "b"] {
        let program = ground.path().join(name);
        std::fs::write(&program, tiny::prints(&format!("{}\n", program.display()), 0)).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let swapping = env!("CARGO_BIN_EXE_swapped-exec");
    let lapwing = Lapwing::with(backend).option("--type").option("exec");
    let outcome = lapwing.watch(&[swapping, ground.text(), &TIMES.to_string()]);
    assert!(outcome.status.success(), "{outcome}");
    let printed = String::from_utf8_lossy(&outcome.stdout);
    let ran: Vec<_> = printed.lines().collect();
    assert_eq!(ran.len(), TIMES);
    assert_eq!(paths(&outcome, "exec")[1..], ran);
}
