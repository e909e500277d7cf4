//! Beginning, end, death, and two at a time.

use std::fs;

use lapwing_integration::agent::Home;
use lapwing_integration::run::shell_status;
use nix::sys::signal::Signal;

const QUIET: [&str; 2] = ["--backend", "none"];

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn an_agent_takes_its_steps_in_order_and_leaves_nothing_behind() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let home = Home::new();
        let mut agent = home.start(&["--backend", "none", "--log-level", "debug"]);
        assert_eq!(home.status()["pid"], agent.pid());
        let output = agent.end(signal);
        assert_eq!(shell_status(output.status), 0);
        let said = text(&output.stderr);
        let steps: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("lapwing: debug: ")).collect();
        let names = steps.iter().map(|step| step.split(':').next().unwrap()).collect::<Vec<_>>();
        assert_eq!(names, ["init", "setup", "start", "start", "serve", "stop"], "{said}");
        assert_eq!(home.notice(), "STOPPING=1");
        assert!(!home.socket().exists());
        assert_eq!(fs::read(home.path().join("agent.lock")).unwrap(), b"");
    }
}

#[test]
fn two_agents_do_not_share_a_directory() {
    let home = Home::new();
    let agent = home.start(&QUIET);
    let second = home.run(&["agent", "--backend", "none"]);
    let said = text(&second.stderr);
    assert_eq!(shell_status(second.status), 1);
    let expected =
        format!("lapwing: another agent (process {}) serves {}: stop it", agent.pid(), home.path().display());
    assert!(said.starts_with(&expected), "{said}");
    assert_eq!(home.status()["pid"], agent.pid(), "the first one's socket is as it was");
}

#[test]
fn a_killed_agent_is_told_apart_from_none_and_succeeded_by_another() {
    let home = Home::new();
    let missing = text(&home.run(&["status"]).stderr);
    let socket = home.socket().display().to_string();
    assert!(missing.starts_with(&format!("lapwing: no agent runs: there is no {socket}; start one")), "{missing}");
    let mut agent = home.start(&QUIET);
    let first = agent.pid();
    assert_eq!(shell_status(agent.end(Signal::SIGKILL).status), 137);
    for command in ["status", "metrics", "events", "reload", "self-test"] {
        let output = home.run(&[command]);
        let said = text(&output.stderr);
        assert_eq!((shell_status(output.status), text(&output.stdout)), (1, String::new()), "{command}");
        let expected = format!("lapwing: no agent runs: {socket} is left of one that has ended");
        assert!(said.starts_with(&expected), "{command}: {said}");
    }
    let agent = home.start(&QUIET);
    assert_ne!(agent.pid(), first);
    assert_eq!(home.status()["pid"], agent.pid());
}

#[test]
fn a_directory_that_others_may_write_to_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o1777)).unwrap();
    let output = home.run(&["agent", "--backend", "none"]);
    assert_eq!(shell_status(output.status), 1);
    let said = text(&output.stderr);
    assert!(said.contains("others may write to it, by its mode 1777; name another by `--socket-dir`"), "{said}");
}

#[test]
fn a_scope_that_names_no_process_is_refused() {
    let home = Home::new();
    let output = home.run(&["agent", "--scope", "tree:0"]);
    assert_eq!(shell_status(output.status), 2);
    let said = text(&output.stderr);
    assert!(said.contains("--scope tree:0: expected `host`, `tree:PID`, or `cgroup:/PATH`"), "{said}");
}
