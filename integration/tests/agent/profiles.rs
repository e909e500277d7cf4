//! Profiles of an agent: learned from what tracers tell, judged by, saved, and there again after a restart.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use lapwing_integration::agent::Home;
use lapwing_integration::run::{Watchdog, until};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::observing::Group;

/// What the workload does, every time.
const USUAL: &str = "cat /etc/passwd >/dev/null";

/// Runs a script as the workload `web`.
fn trace(home: &Home, version: &str, script: &str) {
    let workload = format!("web:{version}");
    let output = home.run(&["trace", "--without-agent", "fail", "--workload", &workload, "--", "sh", "-c", script]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn listed(home: &Home) -> Value {
    let output = home.run(&["security-profile", "list", "--ended", "--format", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["profiles"].clone()
}

/// Runs the workload until the agent takes its programs and files for learned.
fn learn(home: &Home) {
    until("the profile is stable", || {
        trace(home, "1", USUAL);
        let states = &listed(home)[0]["versions"][0]["states"];
        states["exec"] == "stable" && states["open"] == "stable"
    });
}

/// The anomalies that come while the workload does something.
fn anomalies(home: &Home, count: usize, work: impl FnOnce()) -> Vec<Value> {
    let mut events = home.command(&["events", "--anomalies", "--format", "json"]);
    let mut follower = events.stdout(Stdio::piped()).spawn().unwrap();
    let watchdog = Watchdog::over(&follower);
    until("it follows", || home.status()["clients"]["streams"] == 1);
    work();
    let lines = BufReader::new(follower.stdout.take().unwrap()).lines().take(count);
    let told = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    follower.kill().unwrap();
    follower.wait().unwrap();
    drop(watchdog);
    told
}

#[test]
fn workloads_are_learned_judged_saved_and_known_again() {
    let home = Home::new();
    let directory = home.path().join("profiles");
    let config = home.path().join("agent.toml");
    let section =
        format!("[security-profiles]\nenabled = true\ndirectory = {directory:?}\nwarmup-s = 0\nstable-s = 1\n");
    fs::write(&config, section).unwrap();
    let options = ["--backend", "none", "--config", config.to_str().unwrap()];
    let mut agent = home.start(&options);
    learn(&home);
    let [sh, cat] = ["/bin/sh", "/bin/cat"].map(|path| fs::canonicalize(path).unwrap());
    let departs = || trace(&home, "1", "cat /etc/passwd /etc/group >/dev/null; env true");
    let expected = |told: &[Value]| {
        let anomaly = |what: &str, last: Value| json!({"profile": "web:*", "new": what, "lineage": [sh, last]});
        let env = fs::canonicalize("/usr/bin/env").unwrap();
        assert_eq!(told[0]["anomaly"], anomaly("file", json!(cat)), "{told:?}");
        assert_eq!(told[0]["open"]["file"]["path"], "/etc/group");
        assert_eq!(told[1]["anomaly"], anomaly("program", json!(env)), "{told:?}");
    };
    expected(&anomalies(&home, 2, departs));
    let profile = &listed(&home)[0];
    // `env` becomes `true`, which is another program.
    assert_eq!(
        (&profile["image_name"], &profile["instances"], &profile["anomalies"]),
        (&"web".into(), &0.into(), &3.into())
    );

    // It was saved when the workload ended, and what it knows outlives the agent.
    let file = directory.join("web.profile");
    until("the profile is saved", || file.exists());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o400);
    let output = agent.end(Signal::SIGTERM);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(home.notice().starts_with("STOPPING=1"));
    let shown = home.run(&["security-profile", "show", file.to_str().unwrap()]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(
        shown.starts_with("profile of web:*\nversion 1: exec stable, open stable, bind auto_learning\n"),
        "{shown}"
    );
    assert!(shown.contains("/etc/passwd") && !shown.contains("/etc/group"), "{shown}");
    let mut agent = home.start(&options);
    let waiting = || home.run(&["security-profile", "list"]);
    assert_eq!(
        String::from_utf8_lossy(&waiting().stdout),
        format!(
            "no workload that runs has a profile\nin {}, for when their workloads run: web.profile\n",
            directory.display()
        ),
    );
    expected(&anomalies(&home, 2, departs));
    assert!(!String::from_utf8_lossy(&waiting().stdout).contains("web.profile"));
    let saved = home.run(&["security-profile", "save", "web"]);
    assert_eq!(saved.status.code(), Some(1), "no workload of that name runs");
    assert!(String::from_utf8_lossy(&saved.stderr).contains("no workload web runs"), "{saved:?}");
    agent.end(Signal::SIGTERM);
}

#[test]
fn a_running_workloads_profile_is_saved_on_demand_and_a_replaced_file_is_read_again() {
    let home = Home::new();
    let config = home.path().join("agent.toml");
    let directory = home.path().join("profiles");
    fs::write(&config, format!("[security-profiles]\nenabled = true\ndirectory = {directory:?}\n")).unwrap();
    let mut agent = home.start(&["--backend", "none", "--config", config.to_str().unwrap()]);
    let words = ["trace", "--without-agent", "fail", "--workload", "a/b:1", "--", "cat"];
    let mut workload = home.command(&words).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let watchdog = Watchdog::over(&workload);
    until("a program is learned", || listed(&home)[0]["programs"] == 1);
    let saved = home.run(&["security-profile", "save", "a/b"]);
    let file = directory.join("a%2fb.profile");
    assert_eq!(String::from_utf8_lossy(&saved.stdout), format!("{}\n", file.display()), "{saved:?}");
    // Another profile takes its place: one that knows nothing.
    let empty = home.path().join("empty.json");
    fs::write(&empty, r#"{"tags": ["image_name:a/b", "image_tag:*"]}"#).unwrap();
    let encode = ["activity-dump", "encode", "--force", empty.to_str().unwrap(), file.to_str().unwrap()];
    let encoded = home.run(&encode);
    assert!(encoded.status.success(), "{encoded:?}");
    // Nobody has to be told.
    until("it is read", || listed(&home)[0]["programs"] == 0);
    // What the agent saves itself is nobody else's, and of a file that is none the old profile stays.
    assert!(home.run(&["security-profile", "save", "a/b"]).status.success());
    fs::remove_file(&file).unwrap();
    fs::write(&file, "no profile").unwrap();
    assert!(home.run(&["reload"]).status.success());
    assert_eq!(listed(&home)[0]["programs"], 0);
    drop(workload.stdin.take());
    assert!(workload.wait().unwrap().success());
    drop(watchdog);
    agent.end(Signal::SIGTERM);
}

#[test]
fn a_control_group_is_a_workload() {
    let Some(group) = Group::new("profiles") else { return };
    let home = Home::new();
    let config = home.path().join("agent.toml");
    let (directory, path) = (home.path().join("profiles"), group.0.file_name().unwrap().to_str().unwrap());
    let section = "[security-profiles]\nenabled = true\nwarmup-s = 0\nstable-s = 1\nsyscalls = true\n";
    let text = format!("{section}directory = {directory:?}\ncgroups = {{ \"service:2\" = \"/{path}\" }}\n");
    fs::write(&config, text).unwrap();
    // A service: it is there before the agent, and stays.
    let mut shell = Command::new("sh").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    fs::write(group.0.join("cgroup.procs"), shell.id().to_string()).unwrap();
    let mut commands = shell.stdin.take().unwrap();
    let scope = format!("cgroup:{}", group.0.display());
    let mut agent = home.start(&["--backend", "kernel", "--scope", &scope, "--config", config.to_str().unwrap()]);
    until("the profile is stable", || {
        writeln!(commands, "sh -c 'cat /etc/passwd; :'").unwrap();
        let version = &listed(&home)[0]["versions"][0];
        version["tag"] == "2"
            && version["states"]["exec"] == "stable"
            && version["states"]["open"] == "stable"
            && version["states"]["syscalls"] == "stable"
    });
    let told = anomalies(&home, 2, || writeln!(commands, "sh -c 'umask 22; cat /etc/passwd /etc/group; :'").unwrap());
    assert_eq!((&told[0]["anomaly"]["profile"], &told[0]["anomaly"]["new"]), (&"service:*".into(), &"file".into()));
    assert_eq!(told[0]["open"]["file"]["path"], "/etc/group");
    // What a program has called is told when it ends.
    assert_eq!((&told[1]["anomaly"]["new"], &told[1]["syscalls"]["names"]), (&"system call".into(), &json!(["umask"])));
    agent.end(Signal::SIGTERM);
    drop(commands);
    shell.wait().unwrap();
}

#[test]
fn control_groups_of_one_pattern_are_one_workload() {
    let Some(one) = Group::new("profiles@1") else { return };
    let Some(two) = Group::new("profiles@2") else { return };
    let home = Home::new();
    let config = home.path().join("agent.toml");
    let directory = home.path().join("profiles");
    let section = "[security-profiles]\nenabled = true\nwarmup-s = 0\nstable-s = 1\n";
    let pattern = format!("/lapwing-test-profiles@*-{}", std::process::id());
    let text = format!("{section}directory = {directory:?}\ncgroups = {{ \"web:1\" = \"{pattern}\" }}\n");
    fs::write(&config, text).unwrap();
    let mut shells = [&one, &two].map(|group| {
        let shell = Command::new("sh").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        fs::write(group.0.join("cgroup.procs"), shell.id().to_string()).unwrap();
        shell
    });
    let mut commands = shells.each_mut().map(|shell| shell.stdin.take().unwrap());
    let [first, second] = [&one, &two].map(|group| format!("cgroup:{}", group.0.display()));
    let options = ["--backend", "kernel", "--scope", &first, "--scope", &second, "--config", config.to_str().unwrap()];
    let mut agent = home.start(&options);
    until("the profile is stable", || {
        writeln!(commands[0], "cat /etc/passwd; :").unwrap();
        let states = &listed(&home)[0]["versions"][0]["states"];
        states["exec"] == "stable" && states["open"] == "stable"
    });
    // What one does is normal for the other, and nothing else.
    let told = anomalies(&home, 1, || writeln!(commands[1], "cat /etc/passwd; cat /etc/group; :").unwrap());
    assert_eq!((&told[0]["anomaly"]["profile"], &told[0]["anomaly"]["new"]), (&"web:*".into(), &"file".into()));
    assert_eq!(told[0]["open"]["file"]["path"], "/etc/group");
    assert_eq!(told[0]["process"]["ppid"], shells[1].id());
    assert_eq!(listed(&home)[0]["instances"], 2);
    agent.end(Signal::SIGTERM);
    drop(commands);
    for shell in &mut shells {
        shell.wait().unwrap();
    }
}

#[test]
fn an_agent_without_profiles_says_so() {
    let home = Home::new();
    let mut agent = home.start(&["--backend", "none"]);
    for words in [&["security-profile", "list"][..], &["security-profile", "save", "web"]] {
        let output = home.run(words);
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("they are disabled. Set `enabled = true` under [security-profiles]"), "{said}");
    }
    agent.end(Signal::SIGTERM);
}
