//! More than is usual: many connections, many processes, a full disk.

use std::fs;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use lapwing_integration::agent::{Agent, Home, Talker};
use lapwing_integration::need::{Need, require};
use lapwing_integration::run::until;
use lapwing_proto::control::v1::{EventsRequest, Request, from_agent, from_client, request, response};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::dumps::{dump, refused};
use super::tracers::{Played, own_namespace, processes, refusals};

/// A tracer with so many processes, which the agent knows.
fn crowd(home: &Home, processes_of_it: i32) -> Played {
    let mut tracer = Played::connect(home, own_namespace(), "", 1);
    tracer.stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    for pid in 2..2 + processes_of_it {
        tracer.runs(pid);
    }
    tracer.is_welcome();
    until("all are known", || {
        (0..50).for_each(|_| tracer.talk());
        processes(home) >= u64::try_from(processes_of_it).unwrap()
    });
    tracer
}

fn start(home: &Home, dumps: &std::path::Path) -> Agent {
    home.start(&["--backend", "none", "--dump-dir", dumps.to_str().unwrap()])
}

#[test]
fn five_hundred_connections_of_tracers_do_no_harm() {
    let home = Home::new();
    let agent = home.start(&["--backend", "none"]);
    let connections: Vec<_> = (0..500).map(|_| UnixStream::connect(home.path().join("tracer.sock")).unwrap()).collect();
    // There is room for 256. They say nothing, and each has ten seconds.
    until("the others are told so", || refusals(&home, "busy") >= 500 - 256);
    until("those are cut", || refusals(&home, "slow") + refusals(&home, "busy") == 500);
    let mut tracer = Played::connect(&home, own_namespace(), "", 1);
    tracer.is_welcome();
    tracer.fork(100, 101);
    tracer.send();
    until("what it tells arrives", || home.status()["counters"]["tracers.observations"] == 1);
    let descriptors = fs::read_dir(format!("/proc/{}/fd", agent.pid())).unwrap().count();
    assert!(descriptors < 30, "{descriptors} descriptors are open");
    drop(connections);
}

/// In a mount namespace of this test's own thread, so that nobody else sees the disk.
#[test]
fn a_full_disk_fails_the_dump_alone() {
    if !require(&[Need::MountNamespace]) {
        return;
    }
    let thread = std::thread::spawn(|| {
        let home = Home::new();
        let dumps = home.path().join("dumps");
        fs::create_dir(&dumps).unwrap();
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
        mount(Some("lapwing"), &dumps, Some("tmpfs"), MsFlags::empty(), Some("size=64k")).unwrap();
        // Ends before its home and its disk do.
        let _agent = start(&home, &dumps);
        let mut tracer = crowd(&home, 1000);
        for _ in 0..2 {
            let said = refused(&home, &["process-cache", "dump", "--with-args", "--format", "json"]);
            assert!(said.contains("No space left on device"), "{said}");
            assert_eq!(fs::read_dir(&dumps).unwrap().count(), 0, "half a file was left");
        }
        // Events go on, and so do dumps for which there is room.
        tracer.fork(2, 2000);
        tracer.send();
        until("the event is seen", || home.status()["counters"]["tracers.observations"] == 1001);
        assert_eq!(dump(&home, &["network-namespace", "dump"]).len(), 2);
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// Prints how long an event takes from a tracer to a follower, while 50,000 processes are dumped and otherwise.
#[test]
#[ignore = "a measurement, for an idle machine and a release build"]
fn events_beside_a_dump_of_fifty_thousand_processes() {
    let home = Home::new();
    let _agent = start(&home, home.path());
    let mut tracer = crowd(&home, 50_000);
    let mut follower = Talker::welcome(&home.socket());
    let what =
        Some(request::What::Events(EventsRequest { types: vec!["fork".to_owned()], ..EventsRequest::default() }));
    follower.say(from_client::Message::Request(Request { id: 1, what }));
    until("it follows", || home.status()["clients"]["streams"] == 1);
    // An event at a time: how long until it is heard of.
    let mut takes = |child: i32| {
        let begun = Instant::now();
        tracer.fork(2, child);
        tracer.send();
        let marker = format!("\"fork\":{{\"pid\":{child}");
        loop {
            let Some(from_agent::Message::Response(answer)) = follower.hear() else { panic!("it is cut") };
            let Some(response::What::Events(events)) = answer.what else { panic!("no events") };
            if String::from_utf8_lossy(&events.lines).contains(&marker) {
                break;
            }
        }
        tracer.talk();
        begun.elapsed()
    };
    let mut children = 60_000..;
    let mut longest = |until: &mut dyn FnMut() -> bool| {
        let mut longest = Duration::ZERO;
        while !until() {
            longest = longest.max(takes(children.next().unwrap()));
        }
        longest
    };
    let mut left = 500;
    let alone = longest(&mut || {
        left -= 1;
        left == 0
    });
    for format in ["json", "dot"] {
        let begun = Instant::now();
        let mut dump = home.command(&["process-cache", "dump", "--with-args", "--format", format]).spawn().unwrap();
        let beside = longest(&mut || dump.try_wait().unwrap().is_some());
        println!("{format}: written in {:?}; longest way of an event {beside:?}, otherwise {alone:?}", begun.elapsed());
    }
}
