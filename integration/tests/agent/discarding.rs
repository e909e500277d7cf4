//! What an agent's rules have no use for is not captured again, under each backend; other rules have it back, and a dump
//! shows what is left out, and by whom.

use std::fs;

use lapwing_integration::agent::Home;
use lapwing_integration::harness::Backend;
use lapwing_integration::run::{shell_status, until};
use lapwing_integration::under_each_backend;
use serde_json::{Value, json};

use super::observing::Shell;
use super::rules::Ground;
use super::tracers::{Played, own_namespace};

under_each_backend!(
    what_no_rule_can_match_is_discarded_until_one_can,
    what_somebody_else_wants_is_not_discarded,
    nothing_is_discarded_without_filters,
    no_match_is_missed_across_reloads_with_discarders,
);

/// Rules that want files below one directory of the ground, opened for whatever.
fn about(home: &Home, directory: &str) -> String {
    let path = home.path().join(directory);
    // No component is written out, so that approvers leave everything to discarders.
    let path = format!("/{}*", path.display().to_string().trim_start_matches('/').replace('/', "*/"));
    format!("\n  - id: {directory}\n    expression: open.file.path =~ \"{path}/**\"\n")
}

/// A ground with two directories, and rules about the one.
fn ground(backend: Backend, settings: &str) -> Ground {
    // Also of interest at the beginning: a file that most programs use. So a tracer's commands stop for what is opened,
    // where all that rules are not about would pass, and nothing would be left to be discarded.
    let none = "\n  - id: none\n    expression: open.file.path in [~\"/nowhere*/**\", \"/usr/lib/libc.so.6\"]\n";
    let ground = Ground::new(backend, none, settings);
    for directory in ["first", "second"] {
        fs::create_dir_all(ground.home.path().join(directory).join("a")).unwrap();
        fs::write(ground.home.path().join(directory).join("a/file"), "").unwrap();
    }
    ground.write(&about(&ground.home, "first"));
    assert_eq!(ground.reload().0, 0);
    ground
}

/// What filters have done: those of the agent's own backend, or of its one tracer.
fn filters(home: &Home) -> Value {
    home.status()["filters"][0].clone()
}

fn discarded(home: &Home) -> u64 {
    filters(home)["discarded"].as_u64().unwrap_or(0)
}

/// Opens a file of the second directory until that is no event any more.
fn until_discarded(ground: &mut Ground) {
    let before = discarded(&ground.home);
    until("what no rule is about is discarded", || {
        ground.shell.tell("for i in 1 2 3 4 5; do : <second/a/file; done");
        discarded(&ground.home) > before + 20
    });
}

fn dump(home: &Home) -> String {
    let output = home.run(&["discarders", "dump"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(shell_status(output.status), 0, "{}", String::from_utf8_lossy(&output.stderr));
    let path = said.trim_end().strip_prefix("Discarder dump file: ").unwrap_or(said.trim_end());
    let text = fs::read_to_string(path).unwrap();
    fs::remove_file(path).unwrap();
    text
}

fn what_no_rule_can_match_is_discarded_until_one_can(backend: Backend) {
    let mut ground = ground(backend, "");
    let home_path = ground.home.path().to_str().unwrap().to_owned();
    until_discarded(&mut ground);
    let status = filters(&ground.home);
    let name = if backend == Backend::Kernel { "kernel" } else { "ptrace" };
    assert_eq!((&status["backend"], &status["refused"]), (&json!(name), &json!("")), "{status}");
    assert!(status["discarders"].as_u64() > Some(0) && status["evaluated"].as_u64() > Some(0), "{status}");
    let opens = status["stages"].as_array().unwrap().iter().find(|stages| stages["type"] == "open").unwrap();
    assert_eq!(opens["discarded"], status["discarded"], "{status}");
    assert!(opens["evaluated"].as_u64() > Some(0), "{status}");
    let text = dump(&ground.home);
    let section = text.find("\ntracers:\n").map_or(&*text, |at| &text[at..]);
    assert_eq!(text.contains("\ntracers:\n"), backend == Backend::Ptrace, "{text}");
    let lines: Vec<_> = section.lines().map(str::trim).collect();
    let above = [format!("path: {home_path}/second"), format!("path: {home_path}/second/a")];
    assert!(lines.iter().any(|line| above.iter().any(|path| line == path)), "{text}");
    assert!(!section.contains(&format!("path: {home_path}/first")), "{text}");
    assert!(lines.contains(&"event_mask: 1"), "{text}");
    // What the rules are about was never left out.
    ground.shell.tell("for i in 1 2 3 4 5; do : <first/a/file; : <second/a/file; done");
    ground.until_matches("first", 5);
    // And what others are about is not any more.
    fs::write(ground.home.path().join("second/a/exact"), "").unwrap();
    let exact = "  - id: exact\n    expression: open.file.name == \"exact\"\n";
    ground.write(&format!("{}{}{exact}", about(&ground.home, "first"), about(&ground.home, "second")));
    assert_eq!(ground.reload().0, 0);
    // A tracer hears of that a moment later.
    until("it is seen again", || {
        ground.shell.tell(": <second/a/file");
        ground.rule("second")["matches"].as_u64() > Some(0)
    });
    ground.shell.tell("for i in 1 2 3 4 5; do : <second/a/exact; done");
    ground.until_matches("exact", 5);
    ground.until_matches("first", 5);
}

/// Types that the configuration names are captured whole.
fn what_somebody_else_wants_is_not_discarded(backend: Backend) {
    let mut ground = ground(backend, "types = [\"open\"]\n");
    let opens = |home: &Home| {
        let status = home.status();
        let events = status["events"].as_array().unwrap().iter().find(|event| event["type"] == "open").cloned();
        events.map_or(0, |event| event["count"].as_u64().unwrap())
    };
    ground.shell.tell("i=0; while [ $i -lt 300 ]; do : <second/a/file; i=$((i+1)); done; : <first/a/file");
    ground.until_matches("first", 1);
    assert!(opens(&ground.home) >= 301);
    assert_eq!(discarded(&ground.home), 0);
}

fn nothing_is_discarded_without_filters(backend: Backend) {
    let mut ground = ground(backend, "[rules]\nfilters = false\n");
    ground.shell.tell("i=0; while [ $i -lt 300 ]; do : <second/a/file; i=$((i+1)); done; : <first/a/file");
    ground.until_matches("first", 1);
    let status = filters(&ground.home);
    assert_eq!((&status["discarded"], &status["rejected"]), (&json!(0), &json!(0)), "{status}");
    assert!(status["evaluated"].as_u64() >= Some(301), "{status}");
}

/// Every set of rules has the one about the first directory; the others come and go, and with them what is discarded.
fn no_match_is_missed_across_reloads_with_discarders(backend: Backend) {
    let mut ground = ground(backend, "");
    let mut made = 0;
    for reload in 0..6 {
        until_discarded(&mut ground);
        let company = if reload % 2 == 0 { about(&ground.home, "third") } else { String::new() };
        ground.write(&format!("{}{company}", about(&ground.home, "first")));
        std::thread::scope(|scope| {
            let reloaded = scope.spawn(|| {
                assert!(ground.home.run(&["policy", "reload"]).status.success());
            });
            while !reloaded.is_finished() {
                ground.shell.tell("for i in 1 2 3 4 5 6 7 8 9 10; do : <first/a/file; : <second/a/file; done");
                made += 10;
                // No more under way than a ring holds, however slow this machine is.
                if made % 500 == 0 {
                    until("most have arrived", || ground.rule("first")["matches"].as_u64() >= Some(made - 500));
                }
            }
        });
    }
    let lost = || ground.home.status()["losses"].as_array().unwrap().clone();
    until("all are counted", || ground.rule("first")["matches"].as_u64() >= Some(made) || !lost().is_empty());
    assert!(lost().iter().all(|loss| loss["place"] == "rules"), "{:?} of {made}", lost());
    ground.until_matches("first", made);
}

/// The rules that an agent begins with leave nothing to be discarded; later ones do, and then again do not.
#[test]
fn discarders_come_and_go_with_the_rules() {
    if !Backend::Kernel.is_available() {
        return;
    }
    let named = "\n  - id: named\n    expression: open.file.name == \"named\"\n";
    let mut ground = Ground::new(Backend::Kernel, named, "");
    for directory in ["first", "second"] {
        fs::create_dir_all(ground.home.path().join(directory).join("a")).unwrap();
        fs::write(ground.home.path().join(directory).join("a/file"), "").unwrap();
    }
    for round in 1..3 {
        ground.shell.tell(": <second/a/file");
        let before = discarded(&ground.home);
        ground.write(&about(&ground.home, "first"));
        assert_eq!(ground.reload().0, 0);
        until_discarded(&mut ground);
        // What ends a discarder is seen.
        ground.shell.tell("mv second/a first/b; : <first/b/file; mv first/b second/a");
        ground.until_matches("first", round);
        ground.write(named);
        assert_eq!(ground.reload().0, 0);
        assert!(discarded(&ground.home) > before);
        assert!(!dump(&ground.home).contains("path: /"), "all is taken back");
    }
}

/// Each has its own mounts: what one sees says nothing of another's files.
#[test]
fn what_one_tracer_discards_no_other_does() {
    let mut ground = ground(Backend::Ptrace, "");
    let mut command = ground.home.command(&["trace", "--", "sh"]);
    let mut other = Shell::by(command.current_dir(ground.home.path()));
    other.tell(":");
    let home = &ground.home;
    let most = || {
        let status = home.status();
        let each = status["filters"].as_array().unwrap().iter();
        each.map(|one| one["discarded"].as_u64().unwrap()).max().unwrap()
    };
    until("one of them discards", || {
        ground.shell.tell("for i in 1 2 3 4 5; do : <second/a/file; done");
        most() > 20
    });
    // The other has discarders, too, of what it saw itself.
    let text = dump(home);
    let path = format!("path: {}/second", home.path().display());
    let sections: Vec<_> = text.split("- pid: ").collect();
    assert_eq!((sections.len(), sections.iter().filter(|section| section.contains(&path)).count()), (3, 1), "{text}");
    other.tell(": <first/a/file");
    ground.until_matches("first", 1);
}

/// A tracer knows of which paths no rule is, and does not stop for them; also for those of other rules, later.
#[test]
fn what_no_rule_is_about_passes_a_tracer_without_a_stop() {
    let mut ground =
        Ground::new(Backend::Ptrace, "\n  - id: none\n    expression: open.file.path =~ \"/nowhere*/**\"\n", "");
    for directory in ["first", "second"] {
        fs::create_dir(ground.home.path().join(directory)).unwrap();
        fs::write(ground.home.path().join(directory).join("file"), "").unwrap();
    }
    let script = "i=0; while [ $i -lt 200 ]; do : <second/file; { command : <no/place; } 2>/dev/null; i=$((i+1)); done";
    let passed = |ground: &mut Ground| {
        let counts = |ground: &Ground| {
            let status = filters(&ground.home);
            [&status["answered"], &status["stopped"], &status["rejected"]].map(|count| count.as_u64().unwrap_or(0))
        };
        let before = counts(ground);
        ground.shell.tell(script);
        until("it has told what it counted", || counts(ground)[0] >= before[0] + 400 || counts(ground)[0] == 0);
        let after = counts(ground);
        [after[0] - before[0], after[1] - before[1], after[2] - before[2]]
    };
    let [answered, stopped, rejected] = passed(&mut ground);
    if answered == 0 {
        println!("skipped: calls cannot be answered here");
        return;
    }
    assert!(stopped < 20 && rejected >= 400, "of {answered} calls {stopped} stopped, {rejected} were rejected");
    ground.write(&about(&ground.home, "first"));
    assert_eq!(ground.reload().0, 0);
    until("it hears of files that the new rule is about", || {
        ground.shell.tell(": <first/file");
        ground.rule("first")["matches"].as_u64() > Some(0)
    });
    let [_, stopped, rejected] = passed(&mut ground);
    assert!(stopped < 20 && rejected >= 400, "{stopped} stopped, {rejected} were rejected");
    let before = ground.rule("first")["matches"].as_u64().unwrap();
    ground.shell.tell("for i in 1 2 3 4 5; do : <first/file; done");
    ground.until_matches("first", before + 5);
}

/// Nobody hashes unless somebody asks.
#[test]
fn programs_are_hashed_when_a_rule_asks() {
    let rule =
        "\n  - id: hashed\n    expression: exec.file.hashes != \"\" && exec.file.name in [\"true\", \"coreutils\"]\n";
    let mut ground = Ground::new(Backend::Ptrace, rule, "");
    ground.shell.tell("/bin/true");
    ground.until_matches("hashed", 1);
}

#[test]
fn a_tracer_that_does_not_answer_is_named() {
    let home = Home::new();
    let dumps = home.path().to_str().unwrap();
    let _agent = home.start(&["--backend", "none", "--dump-dir", dumps]);
    let mut silent = Played::connect(&home, own_namespace(), "", 1);
    silent.is_welcome();
    let text = dump(&home);
    assert!(text.contains("\n      error: \"has not answered in time\"\n"), "{text}");
    assert!(text.contains(&format!("\n      pid_namespace: {}\n", own_namespace().0)), "{text}");
}
