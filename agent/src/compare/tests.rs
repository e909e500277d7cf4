//! Two small streams in, what was found out.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::config::Surroundings;

/// A run of `sh` with process ids from `pid` on, in which two children act: what is the same in every run, and what
/// is not.
struct Run {
    pid: i64,
    /// The second of the minute in which it takes place.
    second: u32,
    random: &'static str,
    port: i64,
    descriptor: i64,
}

const FIRST: Run = Run { pid: 100, second: 10, random: "x7Kq2", port: 40000, descriptor: 5 };
const SECOND: Run = Run { pid: 300, second: 20, random: "b91Zz", port: 50000, descriptor: 7 };

impl Run {
    fn at(&self, second: u32) -> String {
        format!("2026-11-21T12:00:{:02}.000000000Z", self.second + second)
    }

    fn event(&self, child: i64, kind: &str, payload: Value) -> Value {
        let pid = self.pid + child;
        let above = json!({"pid": self.pid, "ppid": 7, "comm": "lapwing"});
        let shell = json!({"pid": self.pid, "ppid": 7, "comm": "sh"});
        let ancestors = if child == 0 { json!([above]) } else { json!([shell, above]) };
        json!({
            "type": kind,
            "event": {"timestamp": self.at(1), "origin": self.second.to_string()},
            "process": {
                "pid": pid, "tid": pid, "ppid": if child == 0 { 7 } else { self.pid }, "created_at": self.at(0),
                "ancestors": ancestors,
            },
            kind: payload,
        })
    }

    fn exec(&self, child: i64, name: &str) -> Value {
        let file =
            json!({"path": format!("/bin/{name}"), "name": name, "inode": 12, "change_time": "2020-01-01T00:00:00Z"});
        self.event(child, "exec", json!({"pid": self.pid + child, "file": file, "args": "a b"}))
    }

    fn open(&self, child: i64, path: &str, flags: i64) -> Value {
        let inode = 1000 + self.pid;
        let file = json!({"path": path, "inode": inode, "change_time": self.at(1), "filesystem": "ext4"});
        self.event(child, "open", json!({"file": file, "flags": flags, "retval": 3}))
    }

    /// Everything that the rules are about.
    fn events(&self) -> Vec<Value> {
        let mut thread = self.open(2, "/etc/hosts", 0);
        thread["process"]["tid"] = json!(self.pid + 50);
        thread["open"]["retval"] = json!(self.descriptor);
        let times = json!({"file": {"path": "/etc/hosts"}, "access_time": self.at(1)});
        vec![
            self.exec(0, "sh"),
            self.event(0, "fork", json!({"pid": self.pid + 1})),
            self.event(0, "fork", json!({"pid": self.pid + 2})),
            self.exec(1, "git"),
            self.exec(2, "server"),
            self.open(1, &format!("/tmp/tmp_{}.lock", self.random), 0o102),
            self.open(1, &format!("/tmp/.tmp-{}-pack", self.pid + 1), 0o102),
            self.open(1, &format!("/proc/{}/maps", self.pid), 0),
            self.open(1, "pipe:[4242]", 0),
            thread,
            self.event(2, "utimes", times),
            self.event(2, "accept", json!({"addr": {"ip": "127.0.0.1", "port": self.port}, "retval": 4})),
            self.event(
                1,
                "mkdir",
                json!({"file": {"path": "/x"}, "syscall": {"path": format!("http://h:{}/", self.port)}}),
            ),
            self.event(2, "signal", json!({"type": 15, "pid": self.pid + 1, "target": {"pid": self.pid + 1}})),
            self.event(1, "exit", json!({"code": 0})),
        ]
    }
}

fn compare(left: &[Value], right: &[Value], processes: Processes) -> Report {
    let directory = TempDir::new().unwrap();
    let paths = ["left", "right"].map(|name| directory.path().join(name));
    for (path, events) in paths.iter().zip([left, right]) {
        let mut text = String::new();
        events.iter().for_each(|event| writeln!(text, "{event}").unwrap());
        std::fs::write(path, text).unwrap();
    }
    let mut report = files(&paths, None, &config(processes)).unwrap();
    report.sides[0].name = "left".to_owned();
    report.sides[1].name = "right".to_owned();
    report
}

fn config(processes: Processes) -> CompareConfig {
    CompareConfig { processes, ..CompareConfig::made_up() }
}

fn text(report: &Report) -> String {
    report.render(&config(report.processes), &Surroundings::default())
}

#[test]
fn the_second_in_which_a_run_began_is_of_the_run() {
    // Everything happens in its second half, which who asks for whole seconds is not told.
    let late = |run: &Run| {
        let text = serde_json::to_string(&run.events()).unwrap().replace(".000000000Z", ".600000000Z");
        let mut events: Vec<Value> = serde_json::from_str(&text).unwrap();
        events[10]["utimes"]["access_time"] = json!(run.at(1));
        events
    };
    let report = compare(&late(&FIRST), &late(&SECOND), Processes::Tree);
    assert!(report.agrees(), "{}", text(&report));
}

#[test]
fn two_runs_of_the_same_command_are_the_same() {
    let report = compare(&FIRST.events(), &SECOND.events(), Processes::Tree);
    assert!(report.agrees(), "{}", text(&report));
    assert!(text(&report).ends_with("\nthe same events and trees of processes\n"));
}

#[test]
fn what_is_different_is_shown_beside_its_counterpart() {
    let mut other = SECOND.events();
    other[3]["exec"]["args"] = json!("a c");
    other.remove(10);
    other.push(SECOND.event(0, "chdir", json!({"file": {"path": "/with space"}, "retval": 0})));
    let report = compare(&FIRST.events(), &other, Processes::Paths);
    assert_eq!(
        text(&report),
        "\
- left: 15 events of 3 processes
+ right: 15 events of 3 processes

sh
  + chdir '/with space' → 0

sh/git
  ~ exec /bin/git sh/git a b
      exec.args
      - 'a b'
      + 'a c'

sh/server
  - utimes /etc/hosts

not the same: 3 different events
"
    );
}

/// What each rule takes away has a limit: changes that only look alike are differences.
#[test]
fn rules_hide_nothing_else() {
    let differs = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut other = SECOND.events();
        change(&mut other);
        !compare(&FIRST.events(), &other, Processes::Tree).agrees()
    };
    assert!(!differs(&|_| {}));
    // A random name of another length, and a letter in a name that the run did not make.
    assert!(differs(&|events| events[5] = SECOND.open(1, "/tmp/tmp_b91Zzz.lock", 0o102)));
    assert!(differs(&|events| events[9]["open"]["file"]["path"] = json!("/etc/hostz")));
    // A number that no process of the run had.
    assert!(differs(&|events| events[6] = SECOND.open(1, "/tmp/.tmp-999-pack", 0o102)));
    assert!(differs(&|events| events[7] = SECOND.open(1, "/proc/301/maps", 0)));
    // The inode of a file that nobody changed, a descriptor without threads, and a port that is a service's.
    assert!(differs(&|events| events[4]["exec"]["file"]["inode"] = json!(13)));
    assert!(differs(&|events| events[5]["open"]["retval"] = json!(4)));
    assert!(differs(&|events| events[11]["accept"]["addr"]["port"] = json!(80)));
    // Another process, and another thread.
    assert!(differs(&|events| events[13]["signal"]["pid"] = json!(302)));
    assert!(differs(&|events| events[9]["process"]["tid"] = json!(302)));
    // Who is below the command is no one above it.
    assert!(differs(&|events| drop(events[3]["process"]["ancestors"].as_array_mut().unwrap().remove(0))));
}

#[test]
fn mounts_have_other_numbers_only_where_there_were_new_ones() {
    let run = |run: &Run, mount: i64, mounting: bool| {
        let mut events = run.events();
        events[4]["exec"]["file"]["mount_id"] = json!(mount);
        if mounting {
            events.push(run.event(0, "unshare", json!({"flags": 0x20000, "retval": 0})));
        }
        events
    };
    let agree = |mounting| compare(&run(&FIRST, 20, mounting), &run(&SECOND, 21, mounting), Processes::Tree).agrees();
    assert!(agree(true));
    assert!(!agree(false));
}

/// Two workers of a pool: between them they open both files.
#[test]
fn who_did_what_counts_in_a_tree_and_not_by_path() {
    let run = |run: &Run, by: [i64; 2]| {
        let forks = [1, 2].map(|child| run.event(0, "fork", json!({"pid": run.pid + child})));
        let mut events = vec![run.exec(0, "sh")];
        events.extend(forks);
        events.extend(["/a", "/b"].iter().zip(by).map(|(path, child)| run.open(child, path, 0)));
        events
    };
    let (each, one) = (run(&FIRST, [1, 2]), run(&SECOND, [2, 2]));
    assert!(compare(&each, &one, Processes::Paths).agrees());
    assert!(compare(&each, &run(&SECOND, [2, 1]), Processes::Tree).agrees());
    let report = compare(&each, &one, Processes::Tree);
    assert!(report.differences.is_empty() && report.partings.len() == 2, "{}", text(&report));
    assert!(text(&report).contains("the same events, but not of the same processes"), "{}", text(&report));
}

/// A dump in which `sh` wrote a file of this name.
fn dump(directory: &TempDir, name: &str) -> std::path::PathBuf {
    use lapwing_proto::dumps::{FileActivityNode, FileInfo, OpenNode, ProcessActivityNode, ProcessInfo, SecDump};
    use prost::Message as _;
    let file = |path: &str| Some(FileInfo { path: path.into(), ..FileInfo::default() });
    let written = FileActivityNode {
        name: name.into(),
        file: file(&format!("/{name}")),
        open: Some(OpenNode { flags: 0o102, ..OpenNode::default() }),
        ..FileActivityNode::default()
    };
    let process = Some(ProcessInfo { file: file("/bin/sh"), ..ProcessInfo::default() });
    let shell = ProcessActivityNode { process, files: vec![written], ..ProcessActivityNode::default() };
    let path = directory.path().join(format!("{name}.protobuf"));
    std::fs::write(&path, SecDump { tree: vec![shell], ..SecDump::default() }.encode_to_vec()).unwrap();
    path
}

#[test]
fn names_in_dumps_are_by_the_rules_of_events() {
    let directory = TempDir::new().unwrap();
    let paths = ["left", "right"].map(|name| directory.path().join(name));
    for (path, run) in paths.iter().zip([&FIRST, &SECOND]) {
        std::fs::write(path, run.events().iter().map(|event| format!("{event}\n")).collect::<String>()).unwrap();
    }
    let compared = |dumps: [&str; 2]| {
        let dumps = dumps.map(|name| dump(&directory, name));
        files(&paths, Some(&dumps), &config(Processes::Tree)).unwrap()
    };
    // A random name, and the number of a process.
    for names in [["tmp_x7Kq2.lock", "tmp_b91Zz.lock"], [".tmp-101-pack", ".tmp-301-pack"]] {
        let report = compared(names);
        assert!(report.agrees(), "{}", text(&report));
        assert!(text(&report).ends_with("\nthe same events and trees of processes, and the same dumps\n"));
    }
    // What neither run made or was called is a difference.
    let report = compared(["tmp_x7Kq2.lock", "tmp_other.lock"]);
    assert!(!report.agrees());
    let said = text(&report);
    assert!(
        said.contains("where the dumps differ\n  /bin/sh\n-   write    /tmp_?????????.lock")
            || said.contains("+   write    /tmp_other.lock"),
        "{said}"
    );
    assert!(said.ends_with("\nthe same events and trees of processes, but not the same dumps\n"), "{said}");
}

#[test]
fn how_often_counts() {
    let mut twice = SECOND.events();
    twice.push(twice[14].clone());
    let report = compare(&FIRST.events(), &twice, Processes::Paths);
    assert_eq!(report.differences.len(), 1);
    let only = &report.differences[0];
    assert_eq!((only.count, only.kind.as_str(), only.events[0].is_none()), (1, "exit", true));
}

#[test]
fn fields_are_left_out_by_wish() {
    let mut other = SECOND.events();
    other[4]["exec"]["file"]["inode"] = json!(13);
    let directory = TempDir::new().unwrap();
    let paths = ["left", "right"].map(|name| directory.path().join(name));
    for (path, events) in paths.iter().zip([FIRST.events(), other]) {
        std::fs::write(path, events.iter().map(|event| format!("{event}\n")).collect::<String>()).unwrap();
    }
    let mut config = config(Processes::Tree);
    assert!(!files(&paths, None, &config).unwrap().agrees());
    config.ignored = vec!["file.inode".to_owned()];
    assert!(files(&paths, None, &config).unwrap().agrees());
    config.ignored = vec!["le.inode".to_owned()];
    assert!(!files(&paths, None, &config).unwrap().agrees(), "half a name is none");
}

#[test]
fn what_cannot_be_compared_is_an_error_that_says_so() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("events");
    let said = |content: &str| {
        std::fs::write(&path, content).unwrap();
        files(&[path.clone(), path.clone()], None, &config(Processes::Tree)).unwrap_err().to_string()
    };
    assert!(said("").contains("no events"));
    assert!(said("{\"type\":\"exit\"}\n{\"type\":").contains("line 2"));
    let error = files(&[directory.path().to_owned(), path], None, &config(Processes::Tree)).unwrap_err().to_string();
    assert!(error.contains("not a regular file"), "{error}");
}
