//! A client against agents that are absent, slow, rude, or gone.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use lapwing_common::event::Origin;
use lapwing_common::ids::{Pid, PidNs, Tid, Timestamp};
use lapwing_common::record::{Sighting, Task};
use lapwing_common::session::{AgentEnd, Said, Terms};
use mio::{Events, Poll};
use tempfile::TempDir;

use super::*;

struct Stage {
    directory: TempDir,
    poll: Poll,
    client: Client,
}

impl Stage {
    fn new(limit: usize) -> Self {
        let directory = TempDir::new().unwrap();
        let end = TracerEnd::new(identity("1", true).unwrap(), limit);
        let client = Client::new(directory.path(), Token(0), end, 1);
        Self { directory, poll: Poll::new().unwrap(), client }
    }

    fn listen(&self) -> UnixListener {
        let path = self.directory.path().join(SOCKET);
        let _ = std::fs::remove_file(&path);
        UnixListener::bind(path).unwrap()
    }

    /// Lets the client go on until it says something that is looked for.
    fn until<T>(&mut self, mut find: impl FnMut(Notice) -> Option<T>) -> T {
        let begun = Instant::now();
        let mut events = Events::with_capacity(4);
        loop {
            for notice in self.client.go_on(self.poll.registry()) {
                if let Some(found) = find(notice) {
                    return found;
                }
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "nothing came");
            let wait = self.client.due().map(|due| due.saturating_duration_since(Instant::now()));
            self.poll
                .poll(&mut events, Some(wait.unwrap_or(Duration::from_millis(20)).min(Duration::from_millis(20))))
                .unwrap();
        }
    }

    fn observe(&mut self, count: i32) {
        let namespace = PidNs(1);
        for pid in 1..=count {
            let task = Task { pid: Pid(pid), tid: Tid(pid), namespace, mark: None };
            let what = Sighting::Fork { child: Pid(pid + 1) };
            self.client.observe(&Observation { timestamp: Timestamp(1), origin: Origin::Ptrace, task, what });
        }
    }
}

/// Serves one connection: welcomes it, and stops after so many observations, or when it ends. Returns how many came.
fn serve(mut stream: UnixStream, most: u64) -> u64 {
    let mut end = AgentEnd::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).unwrap();
        let mut input = &buffer[..length];
        if length == 0 {
            return end.observations();
        }
        while let Some(said) = end.receive(&mut input).unwrap() {
            match said {
                Said::Hello(_) => end.welcome(Terms {
                    acknowledged: None,
                    window: 1 << 20,
                    plan: None,
                    container: None,
                    release: "agent".into(),
                }),
                Said::Observation(_) if end.observations() == most => return most,
                _ => {}
            }
        }
        let out = end.outgoing().to_vec();
        end.sent(out.len());
        stream.write_all(&out).unwrap();
    }
}

fn welcomed(notice: Notice) -> Option<()> {
    matches!(notice, Notice::Heard(Heard::Welcome { .. })).then_some(())
}

#[test]
fn an_agent_that_comes_late_gets_everything() {
    let mut stage = Stage::new(1 << 20);
    let parting = stage.until(|notice| if let Notice::Apart(parting) = notice { Some(parting) } else { None });
    assert!(matches!(parting, Parting::Connect { .. }), "{parting}");
    stage.observe(1000);
    let listener = stage.listen();
    let agent = std::thread::spawn(move || serve(listener.accept().unwrap().0, u64::MAX));
    stage.until(welcomed);
    while !stage.client.is_settled() {
        stage.client.go_on(stage.poll.registry());
    }
    stage.client.say_goodbye();
    while !stage.client.has_said_all() {
        stage.client.go_on(stage.poll.registry());
    }
    stage.client.close();
    assert_eq!(agent.join().unwrap(), 1000);
    let account = stage.client.account();
    assert_eq!((account.confirmed, account.lost()), (1000, 0));
}

#[test]
fn an_agent_that_goes_in_the_middle_is_followed_by_another() {
    let mut stage = Stage::new(1 << 20);
    stage.observe(5000);
    let listener = stage.listen();
    let agents = std::thread::spawn(move || {
        let first = serve(listener.accept().unwrap().0, 700);
        (first, serve(listener.accept().unwrap().0, u64::MAX))
    });
    let mut welcomes = 0;
    stage.until(|notice| {
        welcomes += i32::from(welcomed(notice).is_some());
        (welcomes == 2).then_some(())
    });
    while !stage.client.is_settled() {
        stage.client.go_on(stage.poll.registry());
    }
    stage.client.close();
    let (first, second) = agents.join().unwrap();
    assert_eq!(first, 700);
    assert!((4300..=5000).contains(&second), "{second}");
    assert_eq!((stage.client.account().confirmed, stage.client.account().lost()), (5000, 0));
}

#[test]
fn a_refusal_is_told_and_another_attempt_is_made_much_later() {
    let mut stage = Stage::new(1 << 20);
    let listener = stage.listen();
    let agent = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut end = AgentEnd::new();
        end.refuse(RefusalReason::User, "not you");
        stream.write_all(end.outgoing()).unwrap();
    });
    let text = stage.until(|notice| match notice {
        Notice::Heard(Heard::Refused { reason: RefusalReason::User, text }) => Some(text),
        _ => None,
    });
    assert_eq!(text, "not you");
    agent.join().unwrap();
    stage.until(|notice| matches!(notice, Notice::Apart(_)).then_some(()));
    let wait = stage.client.due().unwrap().saturating_duration_since(Instant::now());
    assert!(wait > Duration::from_secs(4), "{wait:?}");
}

#[test]
fn an_agent_that_talks_nonsense_is_left() {
    let mut stage = Stage::new(1 << 20);
    let listener = stage.listen();
    let agent = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(&[0xff; 64]).unwrap();
        stream
    });
    let parting = stage.until(|notice| if let Notice::Apart(parting) = notice { Some(parting) } else { None });
    assert!(matches!(parting, Parting::Violation(_)), "{parting}");
    drop(agent.join().unwrap());
}

/// An agent that reads nothing costs memory up to the limit, and no time.
#[test]
fn an_agent_that_does_not_read_holds_nobody_up() {
    let mut stage = Stage::new(50_000);
    let listener = stage.listen();
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let agent = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut end = AgentEnd::new();
        let mut buffer = [0; 4096];
        while !end.is_welcome() {
            let length = stream.read(&mut buffer).unwrap();
            if let Some(Said::Hello(_)) = end.receive(&mut &buffer[..length]).unwrap() {
                end.welcome(Terms {
                    acknowledged: None,
                    window: 1 << 30,
                    plan: None,
                    container: None,
                    release: String::new(),
                });
            }
        }
        stream.write_all(end.outgoing()).unwrap();
        let _ = wait.recv();
    });
    stage.until(welcomed);
    for _ in 0..200 {
        stage.observe(1000);
        stage.client.go_on(stage.poll.registry());
    }
    let account = stage.client.account();
    assert_eq!(account.generated, 200_000);
    assert!(account.waiting < 2000 && account.lost() > 190_000, "{account:?}");
    assert_eq!(account.generated, account.confirmed + account.waiting + account.lost());
    drop(go_on);
    agent.join().unwrap();
}
