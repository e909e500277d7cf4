//! An event without what has to differ between two runs. The list of rules is in [`mod@super::rules`].

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::Processes;
use super::lineage::{Node, OUTSIDE, Walk, number};
use super::moment::nanoseconds;
use super::survey::{EPHEMERAL, Survey, digest};
use super::words;
use crate::config::CompareConfig;

/// In nanoseconds.
const SECOND: i128 = 1_000_000_000;

/// What is known of both streams together.
#[derive(Debug)]
pub(super) struct Common {
    /// When the earlier run began, in nanoseconds since 1970.
    since: i128,
    /// Files that changed since then.
    changed: HashSet<u64>,
    makes_mounts: bool,
    moves_roots: bool,
    processes: Processes,
    /// Ends of names of fields that are left out by wish.
    ignored: Vec<Vec<String>>,
}

/// Takes the events of one stream.
#[derive(Debug)]
pub(super) struct Normal<'a> {
    pub(super) own: &'a Survey,
    pub(super) other: &'a Survey,
    pub(super) common: &'a Common,
}

/// File systems whose inodes are made when they are looked up.
const PLACELESS: [&str; 6] = ["proc", "pipefs", "sockfs", "anon_inodefs", "nsfs", "pidfs"];

/// What ids of users and groups are called.
const ACCOUNTS: [&str; 6] = ["user", "group", "euser", "egroup", "fsuser", "fsgroup"];

/// Types of events that return a descriptor.
const OPENING: [&str; 4] = ["open", "socket", "accept", "bpf"];

impl Common {
    pub(super) fn of(streams: [&Survey; 2], config: &CompareConfig) -> Self {
        let since = streams[0].begun.min(streams[1].begun);
        Self {
            since,
            changed: streams.iter().flat_map(|stream| stream.changed_since(since)).collect(),
            makes_mounts: streams.iter().any(|stream| stream.makes_mounts),
            moves_roots: streams.iter().any(|stream| stream.moves_roots),
            processes: config.processes,
            ignored: config.ignored.iter().map(|name| name.split('.').map(str::to_owned).collect()).collect(),
        }
    }
}

impl Normal<'_> {
    /// The event of a process, as it is compared.
    pub(super) fn of(&self, mut event: Value, actor: Node, walk: &Walk) -> Value {
        self.own_fields(&mut event, actor);
        let kind = event["type"].as_str().unwrap_or_default().to_owned();
        let shares_work = self.common.processes == Processes::Paths || self.own.has_threads(actor);
        if shares_work && OPENING.contains(&kind.as_str()) {
            replace_if(&mut event[kind], "retval", |descriptor| descriptor >= 0, "(descriptor)");
        }
        let mut path = Vec::new();
        self.value(&mut event, &mut path, walk);
        event
    }

    /// What is removed at one place.
    fn own_fields(&self, event: &mut Value, actor: Node) {
        if let Some(about) = event.get_mut("event").and_then(Value::as_object_mut) {
            about.remove("timestamp");
            about.remove("origin");
        }
        let Some(process) = event.get_mut("process").and_then(Value::as_object_mut) else { return };
        let is_main = process.get("tid") == process.get("pid");
        if let Some(tid) = process.get_mut("tid") {
            *tid = Value::from(if is_main { "main" } else { "other" });
        }
        if let Some(ancestors) = process.get_mut("ancestors").and_then(Value::as_array_mut) {
            ancestors.retain(|ancestor| !self.own.above.contains(ancestor));
        }
        if self.own.lineage.processes[actor].parent.is_none() {
            process.remove("parent");
        }
    }

    fn value(&self, value: &mut Value, path: &mut Vec<String>, walk: &Walk) {
        match value {
            Value::String(text) => {
                if let Some(other) = self.text(text, walk) {
                    *text = other;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item, path, walk)),
            Value::Object(members) => self.members(members, path, walk),
            _ => {}
        }
    }

    fn members(&self, members: &mut Map<String, Value>, path: &mut Vec<String>, walk: &Walk) {
        members.remove("created_at");
        if self.is_of_the_runs(members) {
            for name in ["inode", "change_time", "modification_time"] {
                members.remove(name);
            }
        }
        for name in ["access_time", "modification_time"] {
            let time = members.get(name).and_then(Value::as_str).and_then(nanoseconds);
            // Some programs know of whole seconds only, and so pass the beginning of that in which they began.
            if time.is_some_and(|time| time >= self.common.since - self.common.since % SECOND) {
                members.insert(name.to_owned(), Value::from("(now)"));
            }
        }
        if self.common.makes_mounts {
            members.remove("mount_id");
        }
        if self.common.moves_roots {
            members.retain(|name, _| !ACCOUNTS.contains(&name.as_str()));
        }
        let mut ignored = Vec::new();
        for (name, member) in members.iter_mut() {
            path.push(name.clone());
            if self.common.ignored.iter().any(|end| path.ends_with(end)) {
                ignored.push(name.clone());
            }
            match (name.as_str(), member.as_i64()) {
                ("pid" | "ppid", Some(pid)) => *member = self.process(pid, walk),
                ("port", Some(EPHEMERAL..)) => *member = Value::from("(ephemeral)"),
                ("type", None) => {}
                _ => self.value(member, path, walk),
            }
            path.pop();
        }
        for name in ignored {
            members.remove(&name);
        }
    }

    /// Whether the members are those of a file that changed, or that has an inode only while it is looked at.
    fn is_of_the_runs(&self, file: &Map<String, Value>) -> bool {
        let text = |name: &str| file.get(name).and_then(Value::as_str);
        text("filesystem").is_some_and(|name| PLACELESS.contains(&name))
            || text("path").is_some_and(|path| self.common.changed.contains(&digest(path)))
    }

    /// Instead of a process id; a negative one names a group.
    fn process(&self, pid: i64, walk: &Walk) -> Value {
        let group = if pid < 0 { "-" } else { "" };
        match walk.node(pid.abs()) {
            Some(node) => Value::from(format!("{group}{}", self.own.paths[node])),
            None if pid.abs() > 1 => Value::from(format!("{group}{OUTSIDE}")),
            None => Value::from(pid),
        }
    }

    /// Instead of a name in a dump, where numbers of processes are of no moment; `None` if it stays.
    pub(super) fn name(&self, text: &str) -> Option<String> {
        self.text(text, &Walk::default())
    }

    /// Instead of a text; `None` if it stays.
    fn text(&self, text: &str, walk: &Walk) -> Option<String> {
        words::replace(text, |before, word| {
            if before.ends_with("/proc/")
                && let Some(node) = word.parse().ok().and_then(|pid| walk.node(pid))
            {
                return Some(format!("<{}>", self.own.paths[node]));
            }
            if (before.ends_with(":[") || before.ends_with("/#")) && word.bytes().all(|byte| byte.is_ascii_digit()) {
                return Some("N".to_owned());
            }
            if self.other.has_word(word) {
                return None;
            }
            if word.parse().is_ok_and(|port| self.own.ports.contains(&port)) {
                return Some("PORT".to_owned());
            }
            let numbers = words::replace_numbers(word, |number| self.own.pids.contains(&number), "PID");
            numbers.or_else(|| self.own.made_word(word).then(|| "?".repeat(word.chars().count())))
        })
    }
}

fn replace_if(object: &mut Value, name: &str, wanted: impl Fn(i64) -> bool, by: &str) {
    if number(object, name).is_some_and(wanted) {
        object[name] = Value::from(by);
    }
}
