//! In the middle of a run: an agent that dies, is followed by another, or is too slow.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::time::Duration;

use lapwing_integration::run::until;

use super::collector::{Collector, Manner};

/// Opens files as fast as it can, until its input ends; processes that come and go between them.
const LOAD: &str = "while ! [ -e \"$1/stop\" ]; do cat /etc/passwd >/dev/null; : < /etc/hostname; done; exit 5";

fn load(agent: &Collector, options: &[&str]) -> Child {
    let directory = agent.directory().to_str().unwrap();
    let command = [options, &["--", "sh", "-c", LOAD, "sh", directory]].concat();
    agent.trace(&command).stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn stop(agent: &Collector, child: Child) -> String {
    std::fs::write(agent.directory().join("stop"), "").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stderr).unwrap()
}

fn seen(agent: &Collector, session: usize) -> u64 {
    agent.look(|sessions| sessions.get(session).map_or(0, |session| session.observations))
}

/// Everything that one agent or the other has seen or that was reported lost is everything there was.
fn assert_all_accounted(agent: &Collector) {
    until("parted", || agent.look(|sessions| sessions.last().unwrap().parted));
    agent.look(|sessions| {
        let account = &sessions.last().unwrap().account;
        assert_eq!(account.generated, account.confirmed + account.lost(), "{account:?}");
        let union: BTreeSet<_> = sessions.iter().flat_map(|session| &session.stamps).collect();
        let union = u64::try_from(union.len()).unwrap();
        // Stamps are unique but for a clock that stands still.
        assert!(union + account.lost() >= account.generated * 99 / 100, "{union} seen, {account:?}");
    });
}

#[test]
fn an_agent_that_dies_under_load_is_followed_by_one_that_knows_everything() {
    let mut agent = Collector::present();
    let child = load(&agent, &[]);
    for life in 0..3 {
        until("streaming", || seen(&agent, life) > 500);
        agent.kill();
        std::thread::sleep(Duration::from_millis(300));
        agent.start(Manner::default());
    }
    until("streaming", || seen(&agent, 3) > 500);
    let shell = agent.look(|sessions| sessions[3].living());
    let stderr = stop(&agent, child);
    assert!(!stderr.contains("lost"), "{stderr}");
    assert_all_accounted(&agent);
    agent.look(|sessions| {
        assert_eq!(sessions.len(), 4);
        assert!(sessions.iter().all(|session| session.snapshots == 1));
        let account = &sessions[3].account;
        assert_eq!((account.lost(), account.confirmed), (0, account.generated));
        // The shell began long ago; only a snapshot can have told of it.
        let programs: Vec<_> = sessions[3].snapshot.values().collect();
        assert!(programs.iter().any(|path| path.ends_with("sh")), "{programs:?}");
        assert!(!shell.is_empty());
    });
}

#[test]
fn an_agent_that_is_away_for_long_is_told_what_was_lost() {
    let mut agent = Collector::present();
    let child = load(&agent, &["--queue-bytes", "1M"]);
    until("streaming", || seen(&agent, 0) > 200);
    agent.kill();
    std::thread::sleep(Duration::from_secs(4));
    agent.start(Manner::default());
    until("streaming", || seen(&agent, 1) > 500);
    stop(&agent, child);
    assert_all_accounted(&agent);
    agent.look(|sessions| assert_eq!(sessions[1].account.lost(), sessions[1].missing));
}

/// The command is not slowed down by an agent that is.
#[test]
fn a_slow_agent_holds_nobody_up() {
    let agent = Collector::mannered(Manner { pause: Duration::from_millis(100), ..Manner::default() });
    let child = load(&agent, &["--queue-bytes", "1M"]);
    until("streaming", || seen(&agent, 0) > 200);
    std::thread::sleep(Duration::from_secs(2));
    stop(&agent, child);
    agent.look(|sessions| {
        let account = &sessions[0].account;
        assert_eq!(account.generated, account.confirmed + account.waiting + account.lost(), "{account:?}");
    });
}

#[test]
fn a_tracer_that_is_killed_takes_its_command_along_unless_asked_not_to() {
    for (choice, survives) in [("kill", false), ("continue", true)] {
        let agent = Collector::present();
        let mut child = load(&agent, &["--on-tracer-death", choice]);
        until("streaming", || seen(&agent, 0) > 200);
        let shell = *agent.look(|sessions| sessions[0].living()).keys().next().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let lives = || {
            let stat = std::fs::read_to_string(format!("/proc/{shell}/stat")).unwrap_or_default();
            stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
        };
        if survives {
            std::thread::sleep(Duration::from_millis(200));
            assert!(lives());
            std::fs::write(agent.directory().join("stop"), "").unwrap();
        }
        until("gone", || !lives());
        agent.look(|sessions| assert!(!sessions[0].parted));
    }
}
