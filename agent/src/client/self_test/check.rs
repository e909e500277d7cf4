//! What has to be seen of the actor, and what has been.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;

/// What the actor does in its directory: type of event, the field that names the file, the file, in words.
const DEEDS: [(&str, &str, &str, &str); 7] = [
    ("open", "/open/file/path", "file", "a file is created"),
    ("chmod", "/chmod/file/path", "file", "its mode is changed"),
    ("chown", "/chown/file/path", "file", "its owner is set"),
    ("rename", "/rename/file/destination/path", "moved", "it is renamed"),
    ("unlink", "/unlink/file/path", "moved", "it is removed"),
    ("mkdir", "/mkdir/file/path", "inner", "a directory is made"),
    ("rmdir", "/rmdir/file/path", "inner", "it is removed"),
];

/// One thing to be seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Line {
    pub(super) event: &'static str,
    pub(super) what: &'static str,
    pub(super) seen: bool,
}

/// All things to be seen.
#[derive(Debug)]
pub(super) struct Checks {
    directory: String,
    /// As `event.origin` has it.
    origin: &'static str,
    lines: Vec<Line>,
    /// The actor's number, once its program was seen.
    pid: Option<Value>,
}

/// The rule that agents with rules have for this test, and what stands for its match.
pub(super) const RULE: &str = "lapwing_self_test";
const MATCH: &str = "rule";

impl Checks {
    /// Expects events of these types only (none for all), seen by this backend.
    pub(super) fn new(directory: &Path, origin: &'static str, types: &[String]) -> Self {
        let line = |event, what| Line { event, what, seen: false };
        let mut lines = vec![line("exec", "a program is executed")];
        lines.extend(DEEDS.map(|(event, _, _, what)| line(event, what)));
        lines.push(line("exit", "its process ends"));
        lines.retain(|line| types.is_empty() || types.iter().any(|name| name == line.event));
        Self { directory: directory.display().to_string(), origin, lines, pid: None }
    }

    /// Expects what an agent shows that has rules: only what they are about is captured, so that a rule for this test
    /// has to match.
    pub(super) fn by_rule(directory: &Path, origin: &'static str) -> Self {
        let mut checks = Self::new(directory, origin, &["exec".to_owned()]);
        checks.lines.push(Line { event: MATCH, what: "a rule about that matches", seen: false });
        checks
    }

    /// Looks at an event as a line of JSON; an empty line is none.
    pub(super) fn look_at(&mut self, line: &[u8]) {
        let Ok(event) = serde_json::from_slice::<Value>(line) else { return };
        let Some(name) = event["type"].as_str().filter(|_| event["event"]["origin"] == self.origin) else { return };
        let pid = &event["process"]["pid"];
        let is_ours = match name {
            "exec" => {
                let argv = event["exec"]["argv"].as_array();
                let has_directory = argv.is_some_and(|argv| argv.iter().any(|word| *word == *self.directory));
                if has_directory {
                    self.pid = Some(pid.clone());
                }
                has_directory
            }
            "exit" => self.pid.as_ref() == Some(pid),
            name => DEEDS.iter().any(|(event_type, field, file, _)| {
                let path = event.pointer(field).and_then(Value::as_str);
                *event_type == name && path == Some(&*format!("{}/{file}", self.directory))
            }),
        };
        let matches = event["rule"]["id"] == RULE;
        let seen = |line: &&mut Line| line.event == name || (matches && line.event == MATCH);
        self.lines.iter_mut().filter(|line| is_ours && seen(line)).for_each(|line| line.seen = true);
    }

    pub(super) fn are_done(&self) -> bool {
        self.missing() == 0
    }

    pub(super) fn missing(&self) -> usize {
        self.lines.iter().filter(|line| !line.seen).count()
    }

    pub(super) fn into_lines(self) -> Vec<Line> {
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(checks: &Checks) -> Vec<&'static str> {
        checks.lines.iter().filter(|line| line.seen).map(|line| line.event).collect()
    }

    #[test]
    fn only_what_the_actor_did_counts() {
        let mut checks = Checks::new(Path::new("/tmp/x"), "kernel", &[]);
        let mut look = |mut event: Value| {
            event["event"] = json!({ "origin": "kernel" });
            checks.look_at(event.to_string().as_bytes());
        };
        // Another process's, before and after.
        look(json!({ "type": "exit", "process": { "pid": 7 } }));
        look(json!({ "type": "exec", "exec": { "argv": ["lapwing", "/tmp/y"] }, "process": { "pid": 7 } }));
        look(json!({ "type": "chmod", "chmod": { "file": { "path": "/tmp/x/other" } }, "process": { "pid": 8 } }));
        look(json!({ "type": "exec", "exec": { "argv": ["lapwing", "/tmp/x"] }, "process": { "pid": 8 } }));
        look(json!({ "type": "exit", "process": { "pid": 7 } }));
        look(json!({ "type": "chmod", "chmod": { "file": { "path": "/tmp/x/file" } }, "process": { "pid": 8 } }));
        assert_eq!(seen(&checks), ["exec", "chmod"]);
        // Seen by the other backend.
        checks.look_at(br#"{"type":"exit","event":{"origin":"ptrace"},"process":{"pid":8}}"#);
        assert_eq!(checks.missing(), 7);
        checks.look_at(b"");
        checks.look_at(br#"{"type":"exit","event":{"origin":"kernel"},"process":{"pid":8}}"#);
        assert_eq!((checks.missing(), checks.are_done()), (6, false));
    }

    #[test]
    fn where_rules_choose_one_has_to_match() {
        let mut checks = Checks::by_rule(Path::new("/tmp/x"), "kernel");
        let exec = json!({
            "type": "exec",
            "event": { "origin": "kernel" },
            "exec": { "argv": ["a", "/tmp/x"] },
            "process": { "pid": 8 },
        });
        checks.look_at(exec.to_string().as_bytes());
        assert_eq!((seen(&checks), checks.are_done()), (vec!["exec"], false));
        let mut matched = exec;
        matched["rule"] = json!({ "id": RULE });
        checks.look_at(matched.to_string().as_bytes());
        assert!(checks.are_done());
    }

    #[test]
    fn types_that_are_not_captured_are_not_expected() {
        let mut checks = Checks::new(Path::new("/tmp/x"), "ptrace", &["exec".to_owned(), "connect".to_owned()]);
        assert_eq!(checks.missing(), 1);
        checks.look_at(
            br#"{"type":"exec","event":{"origin":"ptrace"},"exec":{"argv":["a","/tmp/x"]},"process":{"pid":8}}"#,
        );
        assert!(checks.are_done());
    }
}
