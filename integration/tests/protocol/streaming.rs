//! What an agent hears of a command is what `lapwing run` shows of it.

use std::process::Stdio;

use lapwing_common::backend::FilterPlan;
use lapwing_common::engine::EventSet;
use lapwing_common::event::EventType;
use lapwing_common::session::plan_message;
use lapwing_integration::harness::{Backend, Lapwing};
use lapwing_integration::run::until;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::collector::{Collector, Manner};

/// A script of a few programs, files and processes.
const SCRIPT: &str = "/bin/true; (cat /etc/hostname; /bin/true) >/dev/null; cat /etc/passwd >/dev/null; exit 7";

fn kinds(events: &[serde_json::Value]) -> Vec<String> {
    events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_agent_hears_what_run_would_show_and_the_status_is_the_commands() {
    let agent = Collector::present();
    let status = agent.trace(&["--", "sh", "-c", SCRIPT]).status().unwrap();
    assert_eq!(status.code(), Some(7));
    agent.until_parted();
    let shown = Lapwing::with(Backend::Ptrace).watch(&["sh", "-c", SCRIPT]);
    agent.look(|sessions| {
        let [session] = sessions else { panic!("{} sessions", sessions.len()) };
        assert_eq!(kinds(&session.events), kinds(&shown.events));
        let programs: Vec<_> = shown.events.iter().filter_map(|event| event["exec"]["file"]["path"].as_str()).collect();
        assert_eq!(session.executed(), programs);
        assert!(session.parted);
        let account = &session.account;
        assert_eq!((account.generated, account.confirmed), (session.observations, session.observations));
        assert_eq!((account.waiting, account.lost(), session.missing), (0, 0, 0));
        let greeting = session.greeting.as_ref().unwrap();
        assert!(greeting.starts_command && greeting.same_catalogue);
    });
}

#[test]
fn standard_streams_belong_to_the_command() {
    let agent = Collector::present();
    let output = agent.trace(&["--", "sh", "-c", "cat; echo err >&2"]).stdin(Stdio::null()).output().unwrap();
    assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (b"".as_slice(), b"err\n".as_slice()));
}

#[test]
fn a_plan_decides_what_is_captured() {
    let events = EventSet::NONE.with(EventType::Exec).with(EventType::Connect);
    let plan = plan_message(&FilterPlan { events, ..FilterPlan::default() }, 4);
    let agent = Collector::mannered(Manner { plan: Some(plan), ..Manner::default() });
    assert!(agent.trace(&["--", "sh", "-c", "cat /etc/passwd >/dev/null"]).status().unwrap().success());
    agent.until_parted();
    agent.look(|sessions| {
        let session = &sessions[0];
        assert_eq!(session.opened("/etc/passwd"), [""; 0]);
        assert_eq!(session.executed().len(), 2);
        assert_eq!(session.unmet, [""; 0]);
    });
}

/// What the user left out is not captured for an agent either, and the agent is told.
#[test]
fn what_a_plan_cannot_have_is_said() {
    let events = EventSet::NONE.with(EventType::Exec).with(EventType::Open);
    let plan = plan_message(&FilterPlan { events, ..FilterPlan::default() }, 4);
    let agent = Collector::mannered(Manner { plan: Some(plan), ..Manner::default() });
    assert!(
        agent.trace(&["--type", "exec", "--", "cat", "/etc/passwd"]).stdout(Stdio::null()).status().unwrap().success()
    );
    agent.until_parted();
    agent.look(|sessions| {
        assert_eq!(sessions[0].unmet, ["open"]);
        assert_eq!(sessions[0].opened("/etc/passwd"), [""; 0]);
    });
}

/// A plan that comes after the beginning has less looked at, although it stops as before.
#[test]
fn a_command_that_began_without_an_agent_heeds_its_plan_later() {
    let mut agent = Collector::absent();
    let script = "cat /etc/passwd; echo; read line; cat /etc/hostname";
    let mut child = agent
        .trace(&["--async", "--", "sh", "-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let plan = plan_message(&FilterPlan { events: EventSet::NONE.with(EventType::Exec), ..FilterPlan::default() }, 1);
    agent.start(Manner { plan: Some(plan), ..Manner::default() });
    until("connected", || agent.look(|sessions| sessions.iter().any(|session| session.executed().len() == 2)));
    drop(child.stdin.take());
    assert!(child.wait_with_output().unwrap().status.success());
    agent.until_parted();
    agent.look(|sessions| {
        let session = sessions.last().unwrap();
        assert_eq!(session.executed().len(), 3);
        assert_eq!(session.opened("/etc/hostname"), [""; 0]);
    });
}

/// Attached processes are streamed, too, and go on when the tracer leaves.
#[test]
fn processes_that_run_are_streamed() {
    let agent = Collector::present();
    let mut shell = std::process::Command::new("sh")
        .args(["-c", "while read line; do cat /etc/hostname; done"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut tracer = agent.trace(&["--pid", &shell.id().to_string()]).spawn().unwrap();
    let pid = i32::try_from(shell.id()).unwrap();
    until("attached", || {
        agent.look(|sessions| sessions.first().is_some_and(|session| session.living().contains_key(&pid)))
    });
    std::io::Write::write_all(shell.stdin.as_mut().unwrap(), b"once\n").unwrap();
    until("seen", || agent.look(|sessions| sessions[0].opened("/etc/hostname").len() == 1));
    kill(Pid::from_raw(tracer.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert_eq!(tracer.wait().unwrap().code(), Some(0));
    drop(shell.stdin.take());
    assert!(shell.wait().unwrap().success());
    agent.until_parted();
    agent.look(|sessions| {
        assert!(!sessions[0].greeting.as_ref().unwrap().starts_command);
        assert!(sessions[0].parted && sessions[0].account.lost() == 0);
    });
}
