//! Clients of an agent that comes to its end, or that hangs.

use std::net::UdpSocket;
use std::process::Stdio;
use std::time::Duration;

use lapwing_integration::agent::Home;
use lapwing_integration::run::{LIMIT, end_of, shell_status, until};
use nix::sys::signal::Signal;

#[test]
fn who_follows_events_is_told_that_the_agent_ends() {
    let home = Home::new();
    let mut agent = home.start(&["--backend", "none"]);
    let mut follower = home.command(&["events"]);
    let follower = follower.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("it follows", || home.status()["clients"]["streams"] == 1);
    agent.end(Signal::SIGTERM);
    let output = end_of(follower);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(shell_status(output.status), 1);
    assert!(
        said.starts_with("lapwing: the agent at ") && said.trim_end().ends_with(" has ended, or is about to"),
        "{said}"
    );
}

#[test]
fn an_agent_that_is_stopped_is_not_waited_for_for_ever() {
    let home = Home::new();
    let agent = home.start(&["--backend", "none"]);
    agent.signal(Signal::SIGSTOP);
    let output = home.run(&["status"]);
    agent.signal(Signal::SIGCONT);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("has not answered for 10 s: is it stopped?"), "{said}");
    assert_eq!(home.status()["pid"], agent.pid());
}

#[test]
fn statistics_are_sent_at_intervals_and_text_is_for_prometheus() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(LIMIT)).unwrap();
    let home = Home::new();
    let file = home.path().join("agent.toml");
    let address = server.local_addr().unwrap();
    let text =
        format!("backend = \"none\"\n[statsd]\naddress = \"udp:{address}\"\ninterval-s = 1\ntags = [\"env:x\"]\n");
    std::fs::write(&file, text).unwrap();
    let _agent = home.start(&["--config", file.to_str().unwrap()]);
    home.status();
    let mut bytes = [0; 2048];
    let count = server.recv(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes[..count]);
    assert!(text.contains("lapwing.tracers:0|g|#env:x"), "{text}");
    assert!(text.contains("lapwing.clients.accepted:"), "{text}");
    let text = String::from_utf8(home.run(&["metrics"]).stdout).unwrap();
    assert!(
        text.contains("\n# TYPE lapwing_clients_accepted_total counter\nlapwing_clients_accepted_total 2\n"),
        "{text}"
    );
    server.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    server.recv(&mut bytes).unwrap();
}
