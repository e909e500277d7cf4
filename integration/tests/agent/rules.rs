//! An agent with rules: what matches is streamed and counted, a mistake costs nothing but itself, and a reload loses
//! nothing, under each backend.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use lapwing_integration::agent::{Agent, Home, Talker};
use lapwing_integration::harness::{Backend, binary};
use lapwing_integration::run::{shell_status, until};
use lapwing_integration::under_each_backend;
use lapwing_proto::control::v1::{Request, StatusRequest, from_agent, from_client, request, response};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::observing::{Follower, Shell};

under_each_backend!(
    matches_are_streamed_with_their_rules,
    a_rule_is_told_of_no_more_than_its_rate,
    what_is_wrong_is_reported_and_the_rest_works,
    no_match_is_missed_while_rules_change,
    new_rules_see_what_runs_already,
);

const MARKER: &str = "
  - id: marker
    expression: open.file.name == \"marker\" && process.comm == \"sh\"
    tags: {mitre: T1003}
";

/// A shell, an agent that sees what it does, and a directory with policies.
pub(super) struct Ground {
    pub(super) home: Home,
    policies: PathBuf,
    pub(super) shell: Shell,
    agent: Agent,
}

impl Ground {
    /// `rules` is what stands below `rules:` of the one policy, `settings` what stands in the configuration file.
    pub(super) fn new(backend: Backend, rules: &str, settings: &str) -> Self {
        let _ = binary();
        let home = Home::new();
        let policies = home.path().join("policies");
        fs::create_dir(&policies).unwrap();
        let file = home.path().join("agent.toml");
        fs::write(&file, settings).unwrap();
        let written = policies.join("test.policy");
        fs::write(&written, format!("version: 1.0.0\nrules:{rules}")).unwrap();
        let options = |more: [&str; 4]| {
            let common = ["--config", file.to_str().unwrap(), "--policies", policies.to_str().unwrap()];
            common.into_iter().chain(more).map(str::to_owned).collect::<Vec<_>>()
        };
        let start = |options: Vec<String>| home.start(&options.iter().map(String::as_str).collect::<Vec<_>>());
        let (shell, agent) = match backend {
            Backend::Kernel => {
                let mut command = std::process::Command::new("sh");
                let shell = Shell::by(command.current_dir(home.path()));
                let scope = format!("tree:{}", shell.pid());
                let agent = start(options(["--backend", "kernel", "--scope", &scope]));
                (shell, agent)
            }
            Backend::Ptrace => {
                let agent = start(options(["--backend", "none", "--scope", "host"]));
                let mut command = home.command(&["trace", "--", "sh"]);
                let mut shell = Shell::by(command.current_dir(home.path()));
                // Begun by the plan of now.
                shell.tell(":");
                (shell, agent)
            }
        };
        Self { policies, shell, agent, home }
    }

    pub(super) fn write(&self, rules: &str) {
        fs::write(self.policies.join("test.policy"), format!("version: 1.0.0\nrules:{rules}")).unwrap();
    }

    pub(super) fn reload(&self) -> (u8, Value) {
        let output = self.home.run(&["policy", "reload", "--format", "json"]);
        let status = u8::try_from(shell_status(output.status)).unwrap();
        assert!(!output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        (status, serde_json::from_slice(&output.stdout).unwrap())
    }

    pub(super) fn rule(&self, id: &str) -> Value {
        let status = self.home.status();
        let rules = status["rules"]["working"].as_array().unwrap();
        rules.iter().find(|rule| rule["rule_id"] == id).cloned().unwrap_or_default()
    }

    pub(super) fn until_matches(&self, id: &str, count: u64) {
        until("all matches are counted", || self.rule(id)["matches"].as_u64() >= Some(count));
        assert_eq!(self.rule(id)["matches"], count);
    }
}

fn matches_are_streamed_with_their_rules(backend: Backend) {
    let mut ground = Ground::new(backend, MARKER, "");
    let home = &ground.home;
    let all = Follower::start(home, "all", &["--type", "open"]);
    let matches = Follower::start(home, "matches", &["--matches"]);
    let ours = Follower::start(home, "ours", &["--rule", "marker,other"]);
    let others = Follower::start(home, "others", &["--rule", "other"]);
    ground.shell.tell("true >marker; true >harmless; cat harmless <marker");
    ground.until_matches("marker", 2);
    let seen = ours.events(2);
    assert_eq!(seen.len(), 2);
    let rule = json!({
        "id": "marker", "policy": "test.policy", "tags": { "mitre": "T1003" },
        "fields": { "open.file.name": "marker", "process.comm": "sh" },
    });
    assert_eq!(seen[0]["rule"], rule);
    assert_eq!(seen[0]["open"]["file"]["path"], ground.home.path().join("marker").to_str().unwrap());
    assert_eq!(matches.events(2), seen);
    // The kernel, or the tracer, reports no other name.
    assert_eq!(all.events(2), seen);
    assert_eq!(others.events(0).len(), 0);
    let status = ground.home.status();
    assert_eq!((&status["rules"]["approved"], &status["losses"]), (&json!(["open"]), &json!([])), "{status:#}");
}

fn a_rule_is_told_of_no_more_than_its_rate(backend: Backend) {
    let once = "
  - id: once
    expression: open.file.name == \"slow\"
    every: 1h
";
    let mut ground = Ground::new(backend, &format!("{MARKER}{once}"), "[rules]\nrate = 1\nburst = 3\n");
    let stream = Follower::start(&ground.home, "stream", &["--rule", "marker,once"]);
    ground.shell.tell("i=0; while [ $i -lt 2000 ]; do : >marker; i=$((i+1)); done");
    ground.shell.tell("i=0; while [ $i -lt 20 ]; do : >slow; i=$((i+1)); done");
    ground.until_matches("marker", 2000);
    ground.until_matches("once", 20);
    let (marker, once) = (ground.rule("marker"), ground.rule("once"));
    let count = |rule: &Value, key: &str| rule[key].as_u64().unwrap();
    // A token more for each second that this takes.
    assert!((3..1000).contains(&count(&marker, "told")), "{marker}");
    assert_eq!(count(&marker, "told") + count(&marker, "limited"), 2000);
    assert_eq!((count(&once, "told"), count(&once, "limited")), (1, 19));
    let told = count(&marker, "told") + 1;
    assert_eq!(stream.events(told).len(), usize::try_from(told).unwrap());
    let metrics = String::from_utf8(ground.home.run(&["metrics"]).stdout).unwrap();
    assert!(metrics.contains("lapwing_rules_rate_limiter_drop_total{rule_id=\"once\"} 19\n"), "{metrics}");
    assert!(metrics.contains("lapwing_lost_total{place=\"rules\",reason=\"limited\"} "), "{metrics}");
}

fn what_is_wrong_is_reported_and_the_rest_works(backend: Backend) {
    let mut ground = Ground::new(backend, MARKER, "");
    let broken = "
  - id: broken
    expression: open.file.nmae == \"x\"
  - id: second
    expression: open.file.name == \"second\"
";
    ground.write(&format!("{MARKER}{broken}"));
    let (status, report) = ground.reload();
    assert_eq!(status, 1);
    let output = ground.home.run(&["policy", "check", "--loaded-policies"]);
    let loaded: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((shell_status(output.status), &loaded["problems"]), (1, &report["problems"]));
    assert_eq!((&loaded["backend"], &loaded["rules"]), (&json!(backend.name()), &report["written"]));
    let values = &loaded["approvers"]["open"]["approvers"]["open.file.name"];
    assert_eq!((&values[0]["Value"], &values[1]["Value"]), (&json!("marker"), &json!("second")));
    let problem = &report["problems"][0];
    assert_eq!(problem["rule_id"], "broken");
    assert_eq!(problem["hint"], "did you mean `open.file.name`?");
    assert_eq!((&problem["line"], &problem["column"]), (&json!(8), &json!(17)));
    ground.shell.tell("true >marker; true >second");
    ground.until_matches("marker", 1);
    ground.until_matches("second", 1);
    // With nothing that works the old rules stay.
    fs::write(ground.policies.join("test.policy"), "rules: [").unwrap();
    let output = ground.home.run(&["policy", "reload"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(shell_status(output.status), 1);
    assert!(said.starts_with("lapwing: the rules stay as they were: no rule of "), "{said}");
    assert!(ground.home.status()["rules"]["error"].as_str().unwrap().starts_with("no rule of "));
    ground.shell.tell("true >marker");
    ground.until_matches("marker", 2);
    ground.write(MARKER);
    assert_eq!(ground.reload().0, 0);
    assert_eq!(ground.home.status()["rules"]["error"], "");
}

/// What else is asked for, from reload to reload: other names, all names, other types, flags.
const COMPANY: [&str; 4] = [
    "",
    "
  - id: company
    expression: open.file.name =~ \"*.nowhere\"
",
    "
  - id: company
    expression: unlink.file.name == \"nothing\"
  - id: connection
    expression: connect.addr.port == 1
",
    "
  - id: company
    expression: open.flags & O_TRUNC > 0 && open.file.name == \"none\"
",
];

fn no_match_is_missed_while_rules_change(backend: Backend) {
    const RELOADS: usize = 20;
    const BATCH: u64 = 100;
    let mut ground = Ground::new(backend, MARKER, "");
    ground.shell.tell(": >marker");
    let over = AtomicBool::new(false);
    let mut made = 1;
    std::thread::scope(|scope| {
        let (home, policies) = (&ground.home, &ground.policies);
        scope.spawn(|| {
            for reload in 0..RELOADS {
                let rules = format!("version: 1.0.0\nrules:{MARKER}{}", COMPANY[reload % COMPANY.len()]);
                // Never half a file.
                fs::write(policies.join("next"), rules).unwrap();
                fs::rename(policies.join("next"), policies.join("test.policy")).unwrap();
                let output = home.run(&["policy", "reload"]);
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            }
            over.store(true, Relaxed);
        });
        let mut talker = Talker::welcome(&home.socket());
        let order = format!("i=0; while [ $i -lt {BATCH} ]; do : <marker; i=$((i+1)); done");
        while !over.load(Relaxed) {
            ground.shell.tell(&order);
            made += BATCH;
            // No more under way than a ring holds, however slow this machine is.
            until("most have arrived", || counted(&mut talker) + 4000 >= made);
        }
    });
    ground.until_matches("marker", made);
    let status = ground.home.status();
    assert_eq!(status["rules"]["loads"], u64::try_from(RELOADS + 1).unwrap());
    let losses = status["losses"].as_array().unwrap();
    assert!(losses.iter().all(|loss| loss["place"] == "rules"), "{losses:?}");
}

/// Matches of the rule about markers.
fn counted(talker: &mut Talker) -> u64 {
    let what = Some(request::What::Status(StatusRequest {}));
    talker.say(from_client::Message::Request(Request { id: 1, what }));
    let Some(from_agent::Message::Response(answer)) = talker.hear() else { panic!("no answer") };
    let Some(response::What::Status(status)) = answer.what else { panic!("no status") };
    let rules = status.rules.unwrap();
    rules.working.iter().find(|rule| rule.id == "marker").unwrap().matches
}

fn new_rules_see_what_runs_already(backend: Backend) {
    let mut ground = Ground::new(backend, MARKER, "");
    ground.shell.tell("sleep 600 & echo $! >pid");
    let stream = Follower::start(&ground.home, "stream", &["--matches"]);
    let late = "
  - id: sleeper
    expression: exec.file.name in [\"sleep\", \"coreutils\"] && event.source == \"snapshot\"
";
    ground.write(&format!("{MARKER}{late}"));
    assert_eq!(ground.reload().0, 0);
    ground.until_matches("sleeper", 1);
    // It is new once only.
    assert_eq!(ground.reload().0, 0);
    let seen = stream.events(1);
    assert_eq!(seen.len(), 1);
    let pid = fs::read_to_string(ground.home.path().join("pid")).unwrap();
    assert_eq!(seen[0]["process"]["pid"].to_string(), pid.trim());
    assert_eq!((&seen[0]["event"]["snapshot"], &seen[0]["rule"]["id"]), (&json!(true), &json!("sleeper")));
    ground.shell.tell(&format!("kill {}", pid.trim()));
}

#[test]
fn the_self_test_passes_by_a_rule() {
    let ground = Ground::new(Backend::Ptrace, MARKER, "");
    let output = ground.home.run(&["self-test"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("ptrace: passed\n"), "{said}");
    assert!(said.contains("  seen      rule     a rule about that matches\n"), "{said}");
    // It is nobody else's business.
    assert_eq!(ground.rule("lapwing_self_test"), Value::Null);
}

#[test]
fn an_agent_without_a_rule_that_works_goes_on_and_says_so() {
    let home = Home::new();
    let policies = home.path().join("policies");
    let agent = home.start(&["--backend", "none", "--policies", policies.to_str().unwrap()]);
    let rules = home.status()["rules"].clone();
    assert_eq!((&rules["path"], &rules["loads"]), (&json!(policies), &json!(0)));
    assert!(rules["error"].as_str().unwrap().starts_with("cannot read "), "{rules}");
    let text = String::from_utf8(home.run(&["status"]).stdout).unwrap();
    assert!(text.contains("not loaded"), "{text}");
    // When there are some they work.
    fs::create_dir(&policies).unwrap();
    fs::write(policies.join("test.policy"), format!("version: 1.0.0\nrules:{MARKER}")).unwrap();
    assert!(home.run(&["policy", "reload"]).status.success());
    let rules = home.status()["rules"].clone();
    assert_eq!((&rules["error"], &rules["working"][0]["rule_id"]), (&json!(""), &json!("marker")), "{rules}");
    drop(agent);
}

#[test]
fn sighup_reads_policies_again() {
    let ground = Ground::new(Backend::Ptrace, MARKER, "");
    ground.write(&format!("{MARKER}{}", COMPANY[1]));
    ground.agent.signal(Signal::SIGHUP);
    assert!(ground.home.notice().starts_with("RELOADING=1\n"));
    assert!(ground.home.notice().starts_with("READY=1\n"), "when the rules work");
    assert_ne!(ground.rule("company"), Value::Null);
}

#[test]
fn a_tracer_stops_for_what_rules_are_about_and_says_what_it_cannot_report() {
    let mut ground = Ground::new(Backend::Ptrace, MARKER, "[tracers]\nreserve = [\"unlink\"]\n");
    let more = "
  - id: removal
    expression: unlink.file.name == \"gone\"
  - id: made
    expression: mkdir.file.name == \"made\"
";
    ground.write(&format!("{MARKER}{more}"));
    assert_eq!(ground.reload().0, 0);
    until("the tracer has answered", || ground.home.status()["tracers"][0]["missing"] == json!(["mkdir"]));
    ground.shell.tell(": >gone; mkdir made; rm gone; rm -r made; true >marker");
    ground.until_matches("marker", 1);
    // What is held in reserve stops, and is reported when somebody asks for it.
    ground.until_matches("removal", 1);
    ground.until_matches("made", 0);
    assert_eq!(ground.home.status()["counters"]["tracers.unmet_plans"], 1);
    // Whoever comes now has the plan of now.
    let mut command = ground.home.command(&["trace", "--", "mkdir", "made"]);
    assert!(command.current_dir(ground.home.path()).status().unwrap().success());
    ground.until_matches("made", 1);
}
