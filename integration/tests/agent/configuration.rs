//! The configuration file: read at the start and again, and what a mistake in it does.

use std::fs;
use std::path::PathBuf;

use lapwing_integration::agent::{Agent, Home};
use lapwing_integration::run::{shell_status, until};
use nix::sys::signal::Signal;

/// An agent with a configuration file.
fn configured(home: &Home, text: &str) -> (PathBuf, Agent) {
    let file = home.path().join("agent.toml");
    fs::write(&file, text).unwrap();
    let agent = home.start(&["--config", file.to_str().unwrap()]);
    (file, agent)
}

#[test]
fn a_mistake_is_refused_with_its_place() {
    let home = Home::new();
    let file = home.path().join("agent.toml");
    fs::write(&file, "backend = \"none\"\n\n[control]\nclient = 3\n").unwrap();
    let output = home.run(&["agent", "--config", file.to_str().unwrap()]);
    assert_eq!(shell_status(output.status), 2);
    let said = String::from_utf8_lossy(&output.stderr);
    let expected = format!("lapwing: {}:4:1: there is no key `client`; did you mean `clients`?", file.display());
    assert!(said.starts_with(&expected), "{said}");
}

#[test]
fn sighup_reads_it_again() {
    let home = Home::new();
    let (file, agent) = configured(&home, "backend = \"none\"\n[control]\nclients = 9\n");
    fs::write(&file, "backend = \"none\"\n[control]\nclients = 7\n").unwrap();
    agent.signal(Signal::SIGHUP);
    assert!(home.notice().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert!(home.notice().starts_with("READY=1\n"));
    until("it was read again", || home.status()["configuration"]["reloads"] == 1);
    assert_eq!(home.status()["configuration"]["error"], "");
}

#[test]
fn a_mistake_leaves_a_running_agent_as_it_was() {
    let home = Home::new();
    let (file, agent) = configured(&home, "backend = \"none\"\n");
    fs::write(&file, "backend = none\n").unwrap();
    agent.signal(Signal::SIGHUP);
    let place = format!("{}:1:11: ", file.display());
    until("the error is shown", || {
        home.status()["configuration"]["error"].as_str().is_some_and(|error| error.starts_with(&place))
    });
    let output = home.run(&["reload"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(shell_status(output.status), 1);
    assert!(said.starts_with(&format!("lapwing: the configuration stays as it was: {place}")), "{said}");
    fs::write(&file, "backend = \"none\"\n").unwrap();
    assert_eq!(shell_status(home.run(&["reload"]).status), 0);
    assert_eq!(home.status()["configuration"]["error"], "");
}

#[test]
fn what_cannot_change_is_named() {
    let home = Home::new();
    let (file, _agent) = configured(&home, "backend = \"none\"\n");
    fs::write(&file, "backend = \"none\"\nscope = \"tree:1\"\ntypes = [\"exec\"]\n").unwrap();
    let output = home.run(&["reload"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(shell_status(output.status), 0);
    assert_eq!(said, "lapwing: warning: a change of scope takes effect when the agent is started the next time\n");
}
