//! Peers that may not, or that behave badly: the agent goes on, they are told or cut, and counted.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use lapwing_integration::agent::{Home, Talker};
use lapwing_integration::harness::binary;
use lapwing_integration::need::{Need, installed, require};
use lapwing_integration::run::{finish, shell_status, until};
use lapwing_proto::control::v1::{
    Cancel, EventsRequest, Fault, Hello, MetricsRequest, PROTOCOL, Reason, Request, StatusRequest, from_agent,
    from_client, request, response,
};

const QUIET: [&str; 2] = ["--backend", "none"];

/// How often the agent has refused or cut for a reason.
fn refused(home: &Home, reason: &str) -> u64 {
    home.status()["clients"]["refused"][reason].as_u64().unwrap_or(0)
}

fn request(id: u64, what: request::What) -> from_client::Message {
    from_client::Message::Request(Request { id, what: Some(what) })
}

#[test]
fn another_user_is_refused() {
    if !require(&[Need::Root]) || !installed(&["setpriv"]) {
        return;
    }
    let home = Home::new();
    let _agent = home.start(&QUIET);
    // Where the other user may execute it.
    let copy = home.path().join("lapwing");
    fs::copy(binary(), &copy).unwrap();
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(&copy, 0o755);
    let ask = || {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&copy).arg("status");
        let output = finish(command.arg("--socket-dir").arg(home.path()), b"");
        assert_eq!((shell_status(output.status), output.stdout), (1, Vec::new()));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    mode(home.path(), 0o755);
    let said = ask();
    assert!(said.starts_with("lapwing: not permitted to use ") && said.contains("control.sock"), "{said}");
    // The mode of the socket is not all that stands in the way.
    mode(&home.socket(), 0o666);
    let said = ask();
    assert!(said.contains("user 65534 may not control this agent: only root and its own user, 0, may"), "{said}");
    assert_eq!(refused(&home, "not_permitted"), 1);
}

#[test]
fn what_is_no_message_is_refused_and_counted() {
    let home = Home::new();
    let _agent = home.start(&QUIET);
    let garbage: [&[u8]; 4] =
        [b"GET / HTTP/1.1\r\n\r\n", &[0xff; 4096], &[2, 0, 0, 0, 0xff, 0xff], &[1, 0, 1, 0, 0, 0, 0]];
    for (bytes, so_far) in garbage.into_iter().zip(1..) {
        let mut talker = Talker::mute(&home.socket());
        talker.stream.write_all(bytes).unwrap();
        assert_eq!(talker.refusal().reason(), Reason::Malformed);
        assert!(talker.hear().is_none());
        assert_eq!(refused(&home, "malformed"), so_far);
    }
}

#[test]
fn messages_out_of_order_are_refused() {
    let home = Home::new();
    let _agent = home.start(&QUIET);
    let mut hasty = Talker::mute(&home.socket());
    hasty.say(request(1, request::What::Status(StatusRequest {})));
    assert_eq!(hasty.refusal().reason(), Reason::Malformed);
    let mut twice = Talker::welcome(&home.socket());
    twice.say(from_client::Message::Hello(Hello { protocol: PROTOCOL, release: String::new() }));
    assert_eq!(twice.refusal().reason(), Reason::Malformed);
    let mut future = Talker::mute(&home.socket());
    future.say(from_client::Message::Hello(Hello { protocol: PROTOCOL + 1, release: "9.9".to_owned() }));
    let refusal = future.refusal();
    assert_eq!(refusal.reason(), Reason::Version);
    assert!(refusal.message.contains("speaks version 1 of its protocol, not 2"), "{}", refusal.message);
    assert_eq!((refused(&home, "malformed"), refused(&home, "version")), (2, 1));
}

#[test]
fn who_dawdles_is_cut_and_nobody_waits() {
    let home = Home::new();
    let _agent = home.start(&QUIET);
    let begun = Instant::now();
    let mut silent = Talker::mute(&home.socket());
    let mut slow = Talker::welcome(&home.socket());
    let mut half = Talker::welcome(&home.socket());
    half.stream.write_all(&[200, 0, 0, 0, 1, 2]).unwrap();
    // A byte at a time does not buy time.
    let mut drip = slow.stream.try_clone().unwrap();
    let dripping = std::thread::spawn(move || {
        drip.write_all(&200_u32.to_le_bytes()).unwrap();
        while drip.write_all(&[1]).is_ok() {
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let asked = Instant::now();
    home.status();
    assert!(asked.elapsed() < Duration::from_secs(4), "somebody else was waited for");
    for talker in [&mut silent, &mut slow, &mut half] {
        assert_eq!(talker.refusal().reason(), Reason::TooSlow);
    }
    assert!(begun.elapsed() >= Duration::from_secs(5));
    drop((silent, slow, half));
    dripping.join().unwrap();
    assert_eq!(refused(&home, "too_slow"), 3);
}

#[test]
fn five_hundred_connections_do_no_harm() {
    let home = Home::new();
    let agent = home.start(&QUIET);
    let connections: Vec<_> = (0..500).map(|_| UnixStream::connect(home.socket()).unwrap()).collect();
    // Those that were taken say nothing, and are cut; meanwhile there is a clear answer.
    let output = home.run(&["status"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("this agent has 64 clients, and takes no more; try again later"), "{said}");
    until("there is room again", || home.run(&["status"]).status.success());
    // They were taken one after the other, and each has its own five seconds.
    until("all 64 are cut", || refused(&home, "too_slow") == 64);
    assert!(refused(&home, "too_many") > 500 - 64);
    let descriptors = fs::read_dir(format!("/proc/{}/fd", agent.pid())).unwrap().count();
    assert!(descriptors < 20, "{descriptors} descriptors are open");
    drop(connections);
}

#[test]
fn who_asks_and_does_not_listen_stops_itself() {
    let home = Home::new();
    let agent = home.start(&QUIET);
    let mut deaf = Talker::welcome(&home.socket());
    deaf.stream.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut bytes = Vec::new();
    for id in 0..1000 {
        let message = request(id, request::What::Metrics(MetricsRequest {}));
        let from = lapwing_proto::control::v1::FromClient { message: Some(message) };
        lapwing_proto::frame::encode(&from, &mut bytes).unwrap();
    }
    let mut sent = 0;
    while deaf.stream.write_all(&bytes).is_ok() {
        sent += bytes.len();
        assert!(sent < 64 << 20, "nothing stops it");
    }
    assert!(home.status()["memory"]["anonymous_bytes"].as_u64().unwrap() < 8 << 20);
    drop(deaf);
    until("it is forgotten", || home.status()["clients"]["connected"] == 1);
    assert_eq!(home.status()["pid"], agent.pid());
}

#[test]
fn too_many_streams_and_unknown_requests_fail_alone() {
    let home = Home::new();
    let _agent = home.start(&QUIET);
    let mut talker = Talker::welcome(&home.socket());
    let events = |types: &[&str]| {
        let types = types.iter().map(|name| (*name).to_owned()).collect();
        request::What::Events(EventsRequest { types, ..EventsRequest::default() })
    };
    let mut answer = |message| {
        talker.say(message);
        match talker.hear() {
            Some(from_agent::Message::Response(response)) => (response.id, response.what.unwrap()),
            other => panic!("{other:?}"),
        }
    };
    let fault = |what| match what {
        response::What::Failure(failure) => failure.fault(),
        other => panic!("{other:?}"),
    };
    for id in 1..=4 {
        assert!(matches!(answer(request(id, events(&["exec"]))), (found, response::What::Events(_)) if found == id));
    }
    assert_eq!(fault(answer(request(4, events(&[]))).1), Fault::Invalid);
    assert_eq!(fault(answer(request(5, events(&[]))).1), Fault::TooMany);
    assert!(matches!(answer(from_client::Message::Cancel(Cancel { id: 2 })), (2, response::What::Done(_))));
    assert_eq!(fault(answer(request(5, events(&["opem"]))).1), Fault::Invalid);
    assert!(matches!(answer(request(5, events(&[]))), (5, response::What::Events(_))));
    let unknown = from_client::Message::Request(Request { id: 6, what: None });
    assert_eq!(fault(answer(unknown).1), Fault::Unsupported);
    assert_eq!(home.status()["clients"]["streams"], 4);
    drop(talker);
    until("the streams are gone with their client", || home.status()["clients"]["streams"] == 0);
}
