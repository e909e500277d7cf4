//! What has to be known of a whole stream before its events can be compared: the first pass.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};

use serde_json::Value;

use super::lineage::{Lineage, Walk, number};
use super::moment::nanoseconds;
use super::stream::{Stream, StreamError};
use super::words;

/// What the first pass found out.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) lineage: Lineage,
    /// The place of each process in the tree.
    pub(super) paths: Vec<String>,
    /// Every word of every text.
    words: HashSet<u64>,
    /// Words of names of files that were made.
    made: HashSet<u64>,
    /// Files with the change times that were seen, in nanoseconds.
    changed: Vec<(u64, i128)>,
    pub(super) pids: HashSet<i64>,
    /// Ports of addresses that the kernel may have picked.
    pub(super) ports: HashSet<i64>,
    /// Nanoseconds since 1970 of the first event.
    pub(super) begun: i128,
    /// Whether there may be mounts that were made on the way.
    pub(super) makes_mounts: bool,
    /// Whether a process may have got another root.
    pub(super) moves_roots: bool,
    /// What is above the command: what the first event shows there.
    pub(super) above: Vec<Value>,
    pub(super) events: u64,
}

/// Types of events after which there may be mounts, or a view of them, that were not there before.
const MOUNTING: [&str; 5] = ["mount", "umount", "pivot_root", "unshare", "setns"];

/// The lowest port that Linux picks itself (`net.ipv4.ip_local_port_range`).
pub(super) const EPHEMERAL: i64 = 32768;

/// By how much the time of a file may be older than it: the kernel stamps files by a clock that ticks every 10 ms
/// or more often (`ktime_get_coarse_real_ts64`, by `CONFIG_HZ`).
const TICK: i128 = 10_000_000;

impl Survey {
    pub(super) fn of(stream: &Stream) -> Result<Self, StreamError> {
        let mut survey = Self { begun: i128::MAX, ..Self::default() };
        let mut walk = Walk::default();
        stream.each(|event| survey.see(&mut walk, &event))?;
        if survey.events == 0 {
            return Err(StreamError::Empty { path: stream.path().to_owned() });
        }
        survey.paths = survey.lineage.paths();
        Ok(survey)
    }

    fn see(&mut self, walk: &mut Walk, event: &Value) {
        if self.events == 0 {
            self.above = event.pointer("/process/ancestors").and_then(Value::as_array).cloned().unwrap_or_default();
        }
        self.events += 1;
        if let Some(time) = event.pointer("/event/timestamp").and_then(Value::as_str).and_then(nanoseconds) {
            self.begun = self.begun.min(time);
        }
        let actor = walk.step(event);
        self.lineage.learn(walk, actor, event);
        self.pids.extend([number(&event["process"], "pid"), number(&event["process"], "tid")].into_iter().flatten());
        self.pids.extend(number(&event["fork"], "pid"));
        let kind = event["type"].as_str().unwrap_or_default();
        self.makes_mounts |= MOUNTING.contains(&kind);
        self.moves_roots |= kind == "chroot" || MOUNTING.contains(&kind);
        self.ports
            .extend(event[kind].get("addr").and_then(|addr| number(addr, "port")).filter(|port| *port >= EPHEMERAL));
        if let Some(name) = made(kind, &event[kind]) {
            self.made.extend(words::of(name).map(|(_, word)| digest(word)));
        }
        self.gather(event);
    }

    /// Words and change times, wherever they are.
    fn gather(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.words.extend(words::of(text).map(|(_, word)| digest(word))),
            Value::Array(items) => items.iter().for_each(|item| self.gather(item)),
            Value::Object(members) => {
                if let (Some(path), Some(time)) = (members.get("path"), members.get("change_time"))
                    && let (Some(path), Some(time)) = (path.as_str(), time.as_str().and_then(nanoseconds))
                {
                    self.changed.push((digest(path), time));
                }
                members.values().for_each(|member| self.gather(member));
            }
            _ => {}
        }
    }

    pub(super) fn has_word(&self, word: &str) -> bool {
        self.words.contains(&digest(word))
    }

    pub(super) fn made_word(&self, word: &str) -> bool {
        self.made.contains(&digest(word))
    }

    /// The files that were seen changed since then.
    pub(super) fn changed_since(&self, since: i128) -> impl Iterator<Item = u64> {
        self.changed.iter().filter(move |(_, time)| *time >= since - TICK).map(|(path, _)| *path)
    }

    /// Whether a process, or one it descends from, has threads, so that its descriptors depend on their timing.
    pub(super) fn has_threads(&self, node: usize) -> bool {
        self.lineage.upwards(node).any(|node| self.lineage.processes[node].has_threads)
    }
}

/// The name of the file that a call made, if it made one.
fn made<'a>(kind: &str, payload: &'a Value) -> Option<&'a str> {
    /// `O_CREAT`, and the bit of `O_TMPFILE` that is not `O_DIRECTORY` (asm-generic/fcntl.h).
    const MAKES: i64 = 0o100 | 0o20_000_000;
    let file = match kind {
        "open" if number(payload, "flags").unwrap_or(0) & MAKES != 0 => payload.get("file")?,
        "mkdir" => payload.get("file")?,
        "link" | "rename" => payload.pointer("/file/destination")?,
        "bind" => payload.get("addr")?,
        _ => return None,
    };
    let path = file.get("path")?.as_str()?;
    Some(path.rsplit_once('/').map_or(path, |(_, name)| name))
}

pub(super) fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
