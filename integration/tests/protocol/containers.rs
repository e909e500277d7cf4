//! Several tracers at once in pid namespaces whose pids collide: bare ones, and those of real containers.
//!
//! Containers are runc's, with busybox for a root. The tracer is the first process in each and has no privilege but to
//! trace.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use lapwing_integration::agent::Home;
use lapwing_integration::harness::binary;
use lapwing_integration::need::{Need, installed, path_of, require};
use lapwing_integration::run::until;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::collector::{Collector, Session};
use super::service::{Follower, QUIET};

/// Programs whose order tells the containers apart, in processes of their own; then something that stays.
fn script(name: &str) -> String {
    format!("for i in 1 2 3; do /bin/true {name}; done; (/bin/sleep 0.1; /bin/true {name}) & wait; /bin/cat; exit 4")
}

/// Containers of one test, all gone with it.
struct Containers {
    directory: TempDir,
    /// The control group that those of the containers are in, below the root of each hierarchy.
    parent: String,
    names: Vec<String>,
}

impl Containers {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let parent = format!("/lapwing-test-{}", std::process::id());
        Self { directory, parent, names: Vec::new() }
    }

    fn runc(&self) -> Command {
        let mut runc = Command::new("runc");
        runc.arg("--root").arg(self.directory.path().join("state"));
        runc
    }

    /// Starts a container in which a tracer is the first process.
    fn start(&mut self, name: &str, cgroup: &str, own_cgroups: bool, directory: &Path) -> Child {
        let bundle = self.directory.path().join(name);
        let root = bundle.join("root");
        for folder in ["bin", "proc", "lib", "lib64", "usr/lib", "lapwing", "agent"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::copy(path_of("busybox").unwrap(), root.join("bin/busybox")).unwrap();
        for applet in ["sh", "true", "cat", "sleep"] {
            std::os::unix::fs::symlink("busybox", root.join("bin").join(applet)).unwrap();
        }
        let mut namespaces = vec![json!({"type": "pid"}), json!({"type": "mount"}), json!({"type": "ipc"})];
        if own_cgroups {
            namespaces.push(json!({"type": "cgroup"}));
        }
        let bind =
            |from: &Path, to: &str| json!({"destination": to, "type": "bind", "source": from, "options": ["rbind"]});
        let mut mounts = vec![json!({"destination": "/proc", "type": "proc", "source": "proc"})];
        mounts.push(bind(binary().parent().unwrap(), "/lapwing"));
        mounts.push(bind(directory, "/agent"));
        // What the binary is linked with.
        let libraries = ["/lib", "/lib64", "/usr/lib"].map(PathBuf::from);
        mounts.extend(libraries.iter().filter(|path| path.exists()).map(|path| bind(path, path.to_str().unwrap())));
        let capabilities = json!(["CAP_SYS_PTRACE"]);
        let capabilities = json!({"bounding": capabilities, "effective": capabilities, "permitted": capabilities});
        let command = ["/lapwing/lapwing", "trace", "--socket-dir", "/agent", "--", "/bin/sh", "-c", &script(name)];
        let config = json!({
            "ociVersion": "1.0.2",
            "process": {
                "user": {"uid": 0, "gid": 0}, "args": command, "env": ["PATH=/bin"], "cwd": "/",
                "capabilities": capabilities, "noNewPrivileges": true,
            },
            "root": {"path": "root"},
            "mounts": mounts,
            "linux": {"namespaces": namespaces, "cgroupsPath": format!("{}{cgroup}", self.parent)},
        });
        fs::write(bundle.join("config.json"), config.to_string()).unwrap();
        let name = format!("lapwing-test-{}-{name}", std::process::id());
        self.names.push(name.clone());
        let mut run = self.runc();
        run.args(["run", "--bundle"]).arg(&bundle).arg(name);
        run.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

impl Drop for Containers {
    fn drop(&mut self) {
        for name in &self.names {
            // Already gone, unless the test has failed.
            let _ = self.runc().args(["delete", "--force", name]).stderr(Stdio::null()).status();
        }
        let hierarchies = fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten().map(|entry| entry.path());
        for hierarchy in hierarchies.chain([PathBuf::from("/sys/fs/cgroup")]) {
            remove_groups(&hierarchy.join(&self.parent[1..]));
        }
    }
}

/// Removes a control group with those below it: their directories only, files go with them.
fn remove_groups(group: &Path) {
    let entries = fs::read_dir(group).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .for_each(|entry| remove_groups(&entry.path()));
    let _ = fs::remove_dir(group);
}

/// The argument that every `true` of a session had.
fn names(session: &Session) -> BTreeSet<String> {
    let programs = session.events.iter().filter(|event| event["type"] == "exec");
    programs
        .filter_map(|event| event["exec"]["argv"][0].as_str())
        .filter(|arg| !arg.starts_with('-'))
        .map(str::to_owned)
        .collect()
}

/// Each session tells of one tree of its own, although their pids are the same.
fn assert_apart(sessions: &[Session], expected: usize) {
    let namespaces: BTreeSet<_> =
        sessions.iter().map(|session| session.greeting.as_ref().unwrap().namespace.0).collect();
    assert_eq!((sessions.len(), namespaces.len()), (expected, expected));
    for session in sessions {
        let seen = names(session);
        let seen: Vec<_> = seen.iter().filter(|name| name.starts_with("tracer-")).collect();
        assert_eq!(seen.len(), 1, "{seen:?}");
        let trues = session.executed().into_iter().filter(|path| !path.is_empty()).count();
        assert!(trues >= 6, "{trues} programs");
        assert_eq!((session.account.lost(), session.missing), (0, 0));
    }
    let pids: Vec<BTreeSet<i64>> = sessions
        .iter()
        .map(|session| session.events.iter().filter_map(|event| event["process"]["pid"].as_i64()).collect())
        .collect();
    assert!(pids.iter().all(|others| !others.is_disjoint(&pids[0])), "their pids collide: {pids:?}");
}

fn finish(children: Vec<Child>) {
    for mut child in children {
        drop(child.stdin.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

fn until_all_wait(agent: &Collector, expected: usize) {
    until("streaming", || {
        agent.look(|sessions| {
            let waits = |session: &Session| session.events.iter().any(|event| event["exec"]["argv0"] == "/bin/cat");
            sessions.iter().filter(|session| waits(session)).count() == expected
        })
    });
}

#[test]
fn tracers_in_pid_namespaces_of_their_own_are_kept_apart() {
    if !require(&[Need::MountNamespace]) || !installed(&["unshare"]) {
        return;
    }
    let agent = Collector::present();
    let start = |name: &str| {
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--mount", "--mount-proc"]).arg(binary()).args(["trace", "--socket-dir"]);
        command.arg(agent.directory()).args(["--", "/bin/sh", "-c", &script(name)]);
        command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let children = ["tracer-a", "tracer-b", "tracer-c"].map(start).into();
    until_all_wait(&agent, 3);
    finish(children);
    agent.until_parted();
    agent.look(|sessions| assert_apart(sessions, 3));
}

/// A private control group namespace hides a container's id from its tracer. The agent, which sees the peer of the
/// socket, knows it; and it forgets each container's processes with its tracer.
#[test]
fn an_agent_knows_containers_that_do_not_know_themselves() {
    if !require(&[Need::MountNamespace]) || !installed(&["runc", "busybox"]) {
        return;
    }
    let ids = ["a", "b"].map(|digit| digit.repeat(64));
    let home = Home::new();
    let agent = home.start(&QUIET);
    let follower = Follower::new(&home, "events");
    let mut containers = Containers::new();
    let mut children = vec![
        containers.start("tracer-a", &format!("/docker/{}", ids[0]), true, home.path()),
        containers.start("tracer-b", &format!("/kubepods/pod1/cri-{}.scope", ids[1]), true, home.path()),
    ];
    let waiting = |events: &[Value]| events.iter().filter(|event| event["exec"]["argv0"] == "/bin/cat").count();
    until("streaming", || waiting(&follower.events()) == 2);
    for (name, id) in ["tracer-a", "tracer-b"].iter().zip(&ids) {
        let events = follower.events();
        let of_name = |event: &&Value| event["exec"]["argv"][0] == **name;
        let found: Vec<_> = events.iter().filter(of_name).map(|event| event["container"]["id"].as_str()).collect();
        assert_eq!(found, [Some(&**id); 4]);
    }
    let tracers = || home.status()["tracers"].as_array().map_or(0, Vec::len);
    assert_eq!(tracers(), 2);
    let processes = || {
        let status = home.status();
        let caches = status["caches"].as_array().unwrap();
        caches.iter().find(|cache| cache["name"] == "processes").unwrap()["entries"].as_u64().unwrap()
    };
    let of_both = processes();
    finish(vec![children.remove(0)]);
    until("gone", || tracers() == 1 && processes() < of_both);
    finish(children);
    until("gone", || tracers() == 0 && processes() == 0);
    drop(agent);
}

#[test]
fn containers_are_kept_apart_and_known_by_their_ids() {
    if !require(&[Need::MountNamespace]) || !installed(&["runc", "busybox"]) {
        return;
    }
    let digits = "0123456789abcdef";
    let id = digits.repeat(4);
    let task = format!("{}-1234567890", digits.repeat(2));
    let agent = Collector::present();
    let mut containers = Containers::new();
    let children = vec![
        containers.start("tracer-docker", &format!("/docker/{id}"), false, agent.directory()),
        containers.start("tracer-ecs", &format!("/ecs/{}/{task}", digits.repeat(2)), false, agent.directory()),
        containers.start("tracer-private", &format!("/docker/f{}", &id[1..]), true, agent.directory()),
    ];
    until_all_wait(&agent, 3);
    finish(children);
    agent.until_parted();
    agent.look(|sessions| {
        assert_apart(sessions, 3);
        for session in sessions {
            let expected = match &*names(session).into_iter().find(|name| name.starts_with("tracer-")).unwrap() {
                "tracer-docker" => &*id,
                "tracer-ecs" => &*task,
                // In a control group namespace of its own it cannot know: the agent has to.
                _ => "",
            };
            let greeting = session.greeting.as_ref().unwrap();
            assert_eq!(String::from_utf8_lossy(&greeting.container.container), expected);
            assert_eq!(greeting.pid.0, 1, "the first process of its container");
            for event in &session.events {
                assert_eq!(event["container"]["id"].as_str().unwrap_or_default(), expected, "{event}");
            }
        }
    });
}
