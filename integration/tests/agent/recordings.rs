//! Activity dumps of workloads that run, as an agent makes them.

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lapwing_common::syscall::{Arch, names};
use lapwing_integration::agent::{Agent, Home};
use lapwing_integration::harness::Backend;
use lapwing_integration::run::{shell_status, until};
use lapwing_proto::dumps::{
    FileActivityNode, Limits, ProcessActivityNode, SecDump, decode_dump, decode_dump_json, decode_profile,
};
use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::observing::{Group, Shell};

/// An agent that observes a shell and writes dumps to a directory below its own.
fn recording(shell: &Shell, section: &str) -> (Home, Agent, PathBuf) {
    let home = Home::new();
    let (file, to) = (home.path().join("agent.toml"), home.path().join("dumps"));
    fs::create_dir(&to).unwrap();
    let text = format!(
        "backend = \"kernel\"\nscope = \"tree:{}\"\ndump-dir = \"{}\"\n[activity-dump]\n{section}",
        shell.pid(),
        to.display()
    );
    fs::write(&file, text).unwrap();
    let agent = home.start(&["--config", file.to_str().unwrap()]);
    (home, agent, to)
}

/// Begins a dump of the command of a tracer, once the agent knows it; its pid.
pub(crate) fn recording_of_command(home: &Home, tracer: &Shell) -> String {
    let children = fs::read_dir(format!("/proc/{}/task", tracer.pid()))
        .unwrap()
        .map(|thread| fs::read_to_string(thread.unwrap().path().join("children")).unwrap_or_default());
    let pid = children.collect::<String>().trim().to_owned();
    until("the agent knows the shell", || {
        asked(home, &["start", "--pid", &pid, "--format", "protobuf"]).status.success()
    });
    pid
}

fn asked(home: &Home, words: &[&str]) -> Output {
    home.run(&[&["activity-dump"], words].concat())
}

/// What is printed, line by line.
pub(crate) fn told(home: &Home, words: &[&str]) -> Vec<String> {
    let output = asked(home, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn refused(home: &Home, words: &[&str]) -> String {
    let output = asked(home, words);
    assert_eq!(shell_status(output.status), 1, "{words:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn listed(home: &Home) -> Vec<Value> {
    serde_json::from_str(&told(home, &["list", "--format", "json"]).join("\n")).unwrap()
}

/// Starts a dump of the shell.
fn start(home: &Home, shell: &Shell, options: &[&str]) -> String {
    let pid = shell.pid().to_string();
    told(home, &[&["start", "--pid", &pid], options].concat()).remove(0)
}

pub(crate) fn read(file: &Path) -> SecDump {
    decode_dump(&fs::read(file).unwrap(), Limits::default()).unwrap()
}

fn opened(nodes: &[ProcessActivityNode], found: &mut BTreeSet<String>) {
    for node in nodes {
        let mut files: Vec<&FileActivityNode> = node.files.iter().collect();
        while let Some(file) = files.pop() {
            found.extend(file.file.iter().map(|file| file.path.clone()));
            files.extend(&file.children);
        }
        opened(&node.children, found);
    }
}

pub(crate) fn all_opened(dumps: &[SecDump]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    dumps.iter().for_each(|dump| opened(&dump.tree, &mut found));
    found
}

fn program<'a>(node: &'a ProcessActivityNode, name: &str) -> Option<&'a ProcessActivityNode> {
    node.children.iter().find(|child| child.process.as_ref().unwrap().argv0 == name)
}

#[test]
fn a_running_tree_is_recorded_until_it_is_told_to_stop() {
    if !Backend::Kernel.is_available() {
        return;
    }
    let mut shell = Shell::start();
    shell.tell("sleep 60 & sleeper=$!; cat /etc/hostname >/dev/null");
    let (home, _agent, to) = recording(&shell, "syscalls = true\n");
    let options = ["--workload", "shop:1.2", "--format", "protobuf,json,profile"];
    let name = start(&home, &shell, &options);
    let sleeper = fs::read_to_string(format!("/proc/{0}/task/{0}/children", shell.pid())).unwrap();
    let other = told(&home, &["start", "--pid", sleeper.trim(), "--format", "protobuf", "--gzip"]).remove(0);
    assert!(refused(&home, &["start", "--pid", &shell.pid().to_string()]).contains("is being dumped already"));
    shell.tell("umask 22; cat /etc/passwd >/dev/null");
    until("it is in the dump", || {
        let list = listed(&home);
        list.len() == 2 && list.iter().any(|dump| dump["name"] == name.as_str() && dump["programs"].as_u64() >= Some(3))
    });
    let files = told(&home, &["stop", &name]);
    let expected = ["protobuf", "json", "profile"].map(|format| to.join(format!("{name}.{format}")));
    assert_eq!(files, expected.each_ref().map(|path| path.display().to_string()));
    for file in &expected {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o7777, 0o400);
    }
    let dump = read(&expected[0]);
    let [root] = dump.tree.as_slice() else { panic!("{:?}", dump.tree) };
    // The shell and what it runs were there before; what it did before is not known.
    let (sleep, cat) = (program(root, "sleep").unwrap(), program(root, "cat").unwrap());
    assert_eq!((root.generation_type, sleep.generation_type, cat.generation_type), (2, 2, 1));
    let files = all_opened(std::slice::from_ref(&dump));
    assert!(files.contains("/etc/passwd") && !files.contains("/etc/hostname"), "{files:?}");
    // The calls of a program that has not ended are read for it.
    let makes = |node: &ProcessActivityNode, name| {
        let number = names::number(Arch::NATIVE, name).unwrap();
        node.syscall_nodes.iter().any(|call| call.syscall.cast_unsigned() == number)
    };
    assert!(makes(root, "umask") && makes(root, "wait4") && makes(cat, "exit_group"), "{root:?}");
    assert!(dump.tags.contains(&"image_name:shop".to_owned()) && dump.tags.contains(&"image_tag:1.2".to_owned()));
    assert_eq!(dump.metadata.unwrap().name, name);
    let by_json = decode_dump_json(&fs::read(&expected[1]).unwrap(), Limits::default()).unwrap();
    assert_eq!(by_json.tree, dump.tree);
    let profile = decode_profile(&fs::read(&expected[2]).unwrap(), Limits::default()).unwrap();
    assert_eq!(profile.tree, dump.tree);
    // The other goes on, and has the sleeping process alone.
    assert_eq!(listed(&home).len(), 1);
    let files = told(&home, &["stop", "--pid", sleeper.trim()]);
    assert_eq!(files, [to.join(format!("{other}.protobuf.gz")).display().to_string()]);
    let shown = told(&home, &["show", &files[0]]).join("\n");
    assert!(shown.contains("sleep 60") && !shown.contains("cat"), "{shown}");
    assert!(refused(&home, &["stop", &other]).contains("no such dump is being made"));
    let status = home.status();
    assert_eq!(
        (&status["counters"]["activity_dumps.begun"], &status["counters"]["activity_dumps.written"]),
        (&2.into(), &2.into())
    );
    shell.tell("kill $sleeper");
}

#[test]
fn what_a_tracer_tells_of_is_recorded_too() {
    let (home, to) = (Home::new(), TempDir::new().unwrap());
    let _agent = home.start(&["--backend", "none", "--dump-dir", to.path().to_str().unwrap()]);
    let mut shell = Shell::by(home.command(&["trace", "--", "sh"]).stderr(Stdio::null()));
    shell.tell("cat /etc/hostname >/dev/null");
    let pid = recording_of_command(&home, &shell);
    shell.tell("cat /etc/passwd >/dev/null");
    until("it is in the dump", || listed(&home)[0]["programs"].as_u64() >= Some(2));
    let files = told(&home, &["stop", "--pid", &pid]);
    let dump = read(Path::new(&files[0]));
    // What it had open when the dump began is read from outside.
    assert!(all_opened(std::slice::from_ref(&dump)).contains("/dev/null"), "{:?}", dump.tree);
    // The tracer itself, as whose fork it began, is none of it.
    assert_eq!(dump.tree[0].process.as_ref().unwrap().argv0, "sh");
    assert!(program(&dump.tree[0], "cat").is_some(), "{:?}", dump.tree);
    assert!(all_opened(&[dump]).contains("/etc/passwd"));
}

/// A dump of a service that has long begun: it is in a container, listens at a port, has a file open, and its program is
/// mapped.
#[test]
fn what_a_workload_holds_already_is_in_its_dump() {
    if !Backend::Kernel.is_available() {
        return;
    }
    let id = format!("{:064x}", std::process::id());
    let Some(group) = Group::new(&format!("docker-{id}")) else { return };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = u32::from(listener.local_addr().unwrap().port());
    let mut shell = Shell::by(Command::new("sh").stderr(OwnedFd::from(listener)));
    fs::write(group.0.join("cgroup.procs"), shell.pid().to_string()).unwrap();
    let (home, to) = (Home::new(), TempDir::new().unwrap());
    let log = home.path().join("log");
    shell.tell(&format!("exec 7>>{}", log.display()));
    let scope = format!("cgroup:{}", group.0.display());
    let dir = to.path().to_str().unwrap();
    let _agent = home.start(&["--backend", "kernel", "--scope", &scope, "--dump-dir", dir]);
    let path = fs::read_to_string(format!("/proc/{}/cgroup", shell.pid())).unwrap();
    let name = group.0.file_name().unwrap().to_str().unwrap();
    let path =
        path.lines().find_map(|line| Some(line.rsplit_once(':')?.1).filter(|path| path.ends_with(name))).unwrap();
    let pid = shell.pid().to_string();
    for of in [["--container", &id[..60]], ["--cgroup", path], ["--pid", &pid]] {
        told(&home, &[&["start", "--format", "protobuf"][..], &of].concat());
        shell.tell("cat /etc/hostname >/dev/null");
        until("it is in the dump", || listed(&home)[0]["programs"].as_u64() >= Some(2));
        let files = told(&home, &[&["stop"][..], &of].concat());
        let dump = read(Path::new(&files[0]));
        let [root] = dump.tree.as_slice() else { panic!("{of:?}: {:?}", dump.tree) };
        assert_eq!(root.generation_type, 2, "{of:?}");
        let mut held = Vec::new();
        for_each_file(root, &mut |file| held.push((file.file.clone().unwrap().path, file.generation_type, file.open)));
        let opened = held.iter().find(|(path, ..)| *path == log.to_str().unwrap());
        let append = u32::try_from(libc::O_WRONLY | libc::O_APPEND).unwrap();
        assert_eq!(opened.map(|(_, how, open)| (*how, open.unwrap().flags)), Some((2, append)), "{of:?}: {held:?}");
        let is_library = |path: &str| path.contains("/libc.so") || path.contains("/libc-") || path.contains("/ld-");
        assert!(held.iter().any(|(path, how, _)| *how == 2 && is_library(path)), "{of:?}: {held:?}");
        let bound = root.sockets.iter().flat_map(|socket| &socket.bind);
        assert_eq!(
            bound.map(|bind| (bind.port, &*bind.ip, bind.protocol)).collect::<Vec<_>>(),
            [(port, "127.0.0.1", 6)],
            "{of:?}"
        );
        assert!(program(root, "cat").is_some_and(|cat| cat.generation_type == 1), "{of:?}");
    }
}

pub(crate) fn for_each_file(node: &ProcessActivityNode, each: &mut dyn FnMut(&FileActivityNode)) {
    let mut files: Vec<&FileActivityNode> = node.files.iter().collect();
    while let Some(file) = files.pop() {
        if file.file.is_some() {
            each(file);
        }
        files.extend(&file.children);
    }
}

#[test]
fn rules_that_matched_are_in_a_dump_and_those_that_allow_it_are_quiet_meanwhile() {
    let (home, to) = (Home::new(), TempDir::new().unwrap());
    let policy = home.path().join("tests.policy");
    let text = "rules:\n  - {id: passwd, expression: 'open.file.path == \"/etc/passwd\"'}\n  \
                - {id: quiet, expression: 'exec.file.name == \"cat\"', tags: {allow_autosuppression: \"true\"}}\n";
    fs::write(&policy, text).unwrap();
    let (dir, policy) = (to.path().to_str().unwrap(), policy.to_str().unwrap());
    let _agent = home.start(&["--backend", "none", "--dump-dir", dir, "--policies", policy]);
    let words = ["trace", "--syscalls", "--workload", "shop:1", "--", "sh"];
    let mut shell = Shell::by(home.command(&words).stderr(Stdio::null()));
    shell.tell("umask 22");
    let pid = recording_of_command(&home, &shell);
    // The agent asks for what a dump needs before the next call.
    until("files are in the dump", || {
        shell.tell("cat /etc/passwd >/dev/null; umask 22");
        let listed = listed(&home);
        listed[0]["programs"].as_u64() >= Some(2) && listed[0]["syscalls"].as_u64() > Some(0)
    });
    until("the rules have matched", || {
        let status = home.status();
        status["counters"]["rules.suppressed"].as_u64() > Some(0)
    });
    let dump = read(Path::new(&told(&home, &["stop", "--pid", &pid])[0]));
    let cat = program(&dump.tree[0], "cat").unwrap();
    let ids = |rules: &[lapwing_proto::dumps::MatchedRule]| -> Vec<String> {
        rules.iter().map(|rule| rule.rule_id.clone()).collect()
    };
    assert_eq!(ids(&cat.matched_rules), ["quiet"], "{:?}", dump.tree);
    let mut of_file = Vec::new();
    for_each_file(cat, &mut |file| {
        if file.file.as_ref().unwrap().path == "/etc/passwd" {
            of_file = ids(&file.matched_rules);
        }
    });
    assert_eq!(of_file, ["passwd"], "{:?}", dump.tree);
    let told: Vec<_> = home.status()["rules"]["working"].as_array().unwrap().clone();
    let quiet = told.iter().find(|rule| rule["rule_id"] == "quiet").unwrap();
    assert!(quiet["matches"].as_u64() > Some(0) && quiet["told"] == 0, "{quiet}");
}

#[test]
fn a_dump_ends_by_its_time_and_with_its_agent() {
    if !Backend::Kernel.is_available() {
        return;
    }
    let mut shell = Shell::start();
    let (home, mut agent, to) = recording(&shell, "formats = [\"protobuf\"]\ncompress = false\n");
    let name = start(&home, &shell, &["--timeout", "1s"]);
    shell.tell("cat /etc/passwd >/dev/null");
    until("it was written", || home.status()["counters"]["activity_dumps.written"] == 1);
    assert!(listed(&home).is_empty());
    assert!(to.join(format!("{name}.protobuf")).exists());
    let name = start(&home, &shell, &[]);
    shell.tell("cat /etc/group >/dev/null");
    until("it is in the dump", || listed(&home)[0]["programs"].as_u64() >= Some(2));
    let output = agent.end(Signal::SIGTERM);
    assert!(output.status.success());
    let files = all_opened(&[read(&to.join(format!("{name}.protobuf")))]);
    assert!(files.contains("/etc/group") && !files.contains("/etc/passwd"), "{files:?}");
}

#[test]
fn what_is_too_large_is_written_in_parts_and_nothing_is_lost_by_that() {
    if !Backend::Kernel.is_available() {
        return;
    }
    let mut shell = Shell::start();
    let (home, _agent, to) = recording(&shell, "rate = 1000000\nformats = [\"protobuf\"]\nkeep = 1000\n");
    start(&home, &shell, &["--limit", "100k"]);
    let files = home.path().join("made");
    fs::create_dir(&files).unwrap();
    shell.tell(&format!("i=0; while [ $i -lt 1500 ]; do : >{}/file-number-$i; i=$((i+1)); done", files.display()));
    let pid = shell.pid().to_string();
    until("there are parts", || listed(&home)[0]["parts"].as_u64() >= Some(2));
    shell.tell("cat /etc/hostname >/dev/null");
    until("the last is in", || listed(&home)[0]["programs"].as_u64() >= Some(2));
    let full = listed(&home)[0]["full"].clone();
    let written = told(&home, &["stop", "--pid", &pid]);
    assert!(written.len() >= 3 && written.iter().all(|file| Path::new(file).starts_with(&to)), "{written:?}");
    let dumps: Vec<_> = written.iter().map(|file| read(Path::new(file))).collect();
    let names: BTreeSet<_> = dumps.iter().map(|dump| dump.metadata.clone().unwrap().name).collect();
    assert_eq!(names.len(), written.len());
    assert!(dumps.iter().all(|dump| dump.metadata.clone().unwrap().size <= 100 << 10));
    let opened = all_opened(&dumps);
    let made =
        (0..1500).filter(|number| opened.contains(files.join(format!("file-number-{number}")).to_str().unwrap()));
    // What had no room while the worker was busy is counted, and nothing else is missing.
    let losses = home.status()["losses"].clone();
    let lost = losses.as_array().unwrap().iter().find(|loss| loss["place"] == "activity_dumps");
    let lost = lost.map_or(0, |loss| loss["count"].as_u64().unwrap());
    assert_eq!(made.count() as u64 + lost, 1500, "{full} {losses}");
}

#[test]
fn there_are_limits() {
    if !Backend::Kernel.is_available() {
        return;
    }
    let mut shell = Shell::start();
    shell.tell("sleep 60 & sleeper=$!");
    let section = "concurrent = 1\nper-workload = 2\nkeep = 1\nformats = [\"protobuf\", \"svg\"]\nrate = 1\n";
    let (home, _agent, to) = recording(&shell, section);
    let sleeper = fs::read_to_string(format!("/proc/{0}/task/{0}/children", shell.pid())).unwrap();
    let pid = shell.pid().to_string();
    start(&home, &shell, &[]);
    let said = refused(&home, &["start", "--pid", sleeper.trim()]);
    assert!(said.contains("which is the most; stop one, or raise activity-dump.concurrent"), "{said}");
    shell.tell("cat /etc/passwd /etc/group /etc/hostname >/dev/null");
    until("events are over the rate", || listed(&home)[0]["limited"].as_u64() > Some(0));
    assert_eq!(told(&home, &["stop", "--pid", &pid]).len(), 2);
    let second = start(&home, &shell, &[]);
    assert_eq!(told(&home, &["stop", "--pid", &pid]).len(), 2);
    // Only the newest is kept, with all its files.
    let left: BTreeSet<_> =
        fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(left, BTreeSet::from([format!("{second}.protobuf"), format!("{second}.svg")]));
    let said = refused(&home, &["start", "--pid", &pid]);
    assert!(said.contains("there were 2 dumps") && said.contains("per-workload"), "{said}");
    for (words, expected) in [
        (["start", "--pid", "1073741824"], "process 1073741824 is not known"),
        (["start", "--container", "ffff"], "no process is known in a container"),
        (["start", "--cgroup", "/no/such/group"], "no process is known in the control group /no/such/group"),
        (["start", "--cgroup", "relative"], "a control group by its path from /"),
        (["stop", "--container", ""], "no such dump is being made"),
    ] {
        let said = refused(&home, &words);
        assert!(said.contains(expected), "{said}");
    }
    shell.tell("kill $sleeper");
}

#[test]
fn a_directory_that_cannot_be_used_is_told_of_at_the_start_and_at_the_end() {
    if !Backend::Kernel.is_available() {
        return;
    }
    let mut shell = Shell::start();
    let (home, _agent, to) = recording(&shell, "");
    start(&home, &shell, &[]);
    fs::rename(&to, home.path().join("elsewhere")).unwrap();
    symlink(home.path().join("elsewhere"), &to).unwrap();
    let pid = shell.pid().to_string();
    let said = refused(&home, &["stop", "--pid", &pid]);
    assert!(said.contains("it is a symbolic link"), "{said}");
    let said = refused(&home, &["start", "--pid", &pid]);
    assert!(said.contains("it is a symbolic link"), "{said}");
    // Nothing stalls.
    shell.tell("true");
    let status = home.status();
    assert!(status["losses"].as_array().unwrap().iter().any(|loss| loss["name"] == "failed" && loss["count"] == 1));
    assert_eq!(fs::read_dir(home.path().join("elsewhere")).unwrap().count(), 0);
}
