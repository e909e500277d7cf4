//! Expected events as text: one a line, its type and the fields that matter.
//!
//! ```text
//! open file.path=$DIR/file flags_str=O_RDONLY retval=0..
//! exit process.pid=$child code=1
//! ```
//!
//! A field is one of the event's own (`open.…`) unless it starts with `process.`, `event.` or
//! `container.`. A value is compared as text (`%20` is a space, `%0a` a line feed), or is `?` (anything),
//! `-` (absent), `text*` (anything that begins so), `0o640` (a number in octal), `3..` (a number from 3 on)
//! or `{a,b}` (one of these). `$DIR` and other names in capitals are given; a name in small letters stands
//! for what was found where it first appears.
//!
//! Three things need not be said: an event is the scenario's own process's, it returned 0, and nothing
//! about it is uncertain. Fields that are not named are not compared, but the number of events is.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

/// Values of names.
pub type Names = BTreeMap<String, String>;

/// One expected event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Its type.
    pub event: String,
    /// JSON pointers with what is to be found there.
    fields: Vec<(String, String)>,
}

/// Reads expected events.
///
/// # Panics
///
/// When a field has no value: the test is wrong, not what it tests.
#[must_use]
#[expect(clippy::panic, reason = "a wrong test shall fail")]
pub fn parse(text: &str) -> Vec<Expected> {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let event = words.next().unwrap_or_default().to_owned();
        let field = |word: &str| {
            let (key, value) = word.split_once('=').unwrap_or_else(|| panic!("no value: {word} in {line}"));
            (pointer(&event, key), value.to_owned())
        };
        let mut fields: Vec<_> = words.map(field).collect();
        let implied = [("process.pid", "$PID"), ("retval", "0"), ("event.unresolved", "-"), ("event.truncated", "-")];
        for (key, value) in implied {
            let key = pointer(&event, key);
            if !fields.iter().any(|(named, _)| *named == key) {
                fields.push((key, value.to_owned()));
            }
        }
        Expected { event, fields }
    };
    text.lines().map(str::trim).filter(|text| !text.is_empty() && !text.starts_with('#')).map(line).collect()
}

fn pointer(event: &str, key: &str) -> String {
    let common = ["process.", "event.", "container."].iter().any(|group| key.starts_with(group));
    let path = key.replace('.', "/");
    if common { format!("/{path}") } else { format!("/{event}/{path}") }
}

/// Compares what was expected with what happened, in any order.
///
/// # Errors
///
/// Explains every difference.
pub fn compare(expected: &[Expected], events: &[Value], mut names: Names) -> Result<(), String> {
    let mut left: Vec<&Value> = events.iter().collect();
    let mut problems = String::new();
    for one in expected {
        let of_type = left.iter().enumerate().filter(|(_, event)| event["type"] == one.event.as_str());
        let nearest = of_type
            .map(|(index, event)| {
                let mut learnt = names.clone();
                (one.differences(event, &mut learnt), index, learnt)
            })
            .min_by_key(|(differences, index, _)| (differences.len(), *index));
        if let Some((differences, index, learnt)) = &nearest
            && differences.is_empty()
        {
            left.remove(*index);
            names.clone_from(learnt);
            continue;
        }
        let why = nearest.map_or_else(|| String::from("no event of this type is left"), |(found, ..)| found.join(", "));
        // Writing to a string cannot fail.
        let _ = writeln!(problems, "missing: {}\n         {why}", one.event);
    }
    for event in &left {
        let _ = writeln!(problems, "left over: {}", describe(event));
    }
    if problems.is_empty() {
        return Ok(());
    }
    problems.push_str("all events:\n");
    for event in events {
        let _ = writeln!(problems, "  {}", describe(event));
    }
    Err(problems)
}

impl Expected {
    /// What differs; the names are then those known after the event.
    fn differences(&self, event: &Value, names: &mut Names) -> Vec<String> {
        if event["type"] != self.event.as_str() {
            return vec![String::from("another type")];
        }
        let mut differences = Vec::new();
        for (pointer, wanted) in &self.fields {
            let found = event.pointer(pointer);
            // Some events have no result.
            if wanted == "0" && found.is_none() && pointer.ends_with("/retval") {
                continue;
            }
            if let (Some(name), Some(found)) = (learnt(wanted), found) {
                names.entry(name.to_owned()).or_insert_with(|| text(found));
            }
            let wanted = substitute(wanted, names);
            if !agrees(&wanted, found) {
                let found = found.map_or_else(|| String::from("-"), text);
                differences.push(format!("{} is {found}, not {wanted}", pointer[1..].replace('/', ".")));
            }
        }
        differences
    }
}

/// The name that takes the value of the field.
fn learnt(wanted: &str) -> Option<&str> {
    wanted.strip_prefix('$').filter(|name| name.starts_with(|first: char| first.is_ascii_lowercase()))
}

/// Puts the values of names in; one that is not known stays as it is.
fn substitute(wanted: &str, names: &Names) -> String {
    let mut out = String::new();
    let mut rest = wanted;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let name = &rest[at + 1..];
        let length = name.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(name.len());
        match names.get(&name[..length]) {
            Some(value) => out.push_str(value),
            None => out.push_str(&rest[at..=at + length]),
        }
        rest = &name[length..];
    }
    out.push_str(rest);
    out.replace("%20", " ").replace("%0a", "\n")
}

fn agrees(wanted: &str, found: Option<&Value>) -> bool {
    let Some(found) = found else { return wanted == "-" };
    if wanted == "?" {
        return true;
    }
    if let Some(least) = wanted.strip_suffix("..").and_then(|least| least.parse().ok()) {
        return found.as_i64().is_some_and(|number: i64| number >= least);
    }
    if let Some(choices) = wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return choices.split(',').any(|choice| choice == text(found));
    }
    if let Some(start) = wanted.strip_suffix('*') {
        return text(found).starts_with(start);
    }
    if let Some(octal) = wanted.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).is_ok_and(|number| found.as_i64() == Some(number));
    }
    wanted == text(found)
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// An event in the form in which it would be expected.
#[must_use]
pub fn describe(event: &Value) -> String {
    let mut out = text(&event["type"]);
    flatten(&event[out.clone()], "", &mut out);
    for key in ["pid", "uid", "comm"] {
        let _ = write!(out, " process.{key}={}", text(&event["process"][key]));
    }
    for (key, value) in event["event"].as_object().into_iter().flatten() {
        if key != "timestamp" {
            let _ = write!(out, " event.{key}={}", text(value));
        }
    }
    out
}

fn flatten(value: &Value, prefix: &str, out: &mut String) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(member, &name, out);
            }
        }
        Value::Null => {}
        leaf => {
            let _ = write!(out, " {prefix}={}", text(leaf).replace(' ', "%20"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: &str, events: &[Value]) -> Result<(), String> {
        compare(&parse(expected), events, Names::from([("PID".into(), "7".into()), ("DIR".into(), "/d".into())]))
    }

    fn open(path: &str, retval: i64) -> Value {
        serde_json::json!({"type": "open", "process": {"pid": 7}, "open": {"file": {"path": path}, "retval": retval}})
    }

    #[test]
    fn what_agrees() {
        let events = [open("/d/a b", 3), open("/d/x", 0)];
        check("open file.path=$DIR/x file.name=-\nopen file.path=$DIR/a%20b retval=3..", &events).unwrap();
        check("open file.path={/,/d/x}\nopen file.path=? retval={-1,3}", &events).unwrap();
    }

    #[test]
    fn what_does_not() {
        let missing = check("open file.path=$DIR/x", &[open("/d/y", -13)]).unwrap_err();
        assert!(missing.contains("open.file.path is /d/y, not /d/x, open.retval is -13, not 0"), "{missing}");
        assert!(check("", &[open("/d/y", 0)]).unwrap_err().contains("left over: open"));
        assert!(check("open process.pid=8", &[open("/", 0)]).is_err());
    }

    #[test]
    fn names_are_learnt() {
        let fork = serde_json::json!({"type": "fork", "process": {"pid": 7}, "fork": {"pid": 9}});
        let exit = |pid: i64| serde_json::json!({"type": "exit", "process": {"pid": pid}, "exit": {"code": 0}});
        let expected = "fork pid=$child\nexit process.pid=$child";
        check(expected, &[fork.clone(), exit(9)]).unwrap();
        assert!(check(expected, &[fork, exit(8)]).is_err());
    }
}
