//! Events with the rules that matched them, as JSON: the event's object with one member more.

use lapwing_common::event::Event;
use lapwing_common::json;
use lapwing_common::rules::policy::{Effect, Match, Target};

/// Appends one line: `{"rule":{"id":…,"policy":…,"version":…,"tags":{…},"fields":{…}},"type":…`.
pub(super) fn write_line(lines: &mut json::Lines, event: &Event, matched: &Match<'_>, out: &mut Vec<u8>) {
    let rule = matched.rule;
    out.extend_from_slice(b"{\"rule\":{\"id\":");
    json::string(out, rule.id.as_bytes());
    for (key, value) in [("policy", &rule.policy), ("version", &rule.version), ("description", &rule.description)] {
        if !value.is_empty() {
            out.push(b',');
            json::string(out, key.as_bytes());
            out.push(b':');
            json::string(out, value.as_bytes());
        }
    }
    map(out, "tags", rule.tags.iter().map(|(key, value)| (&**key, &**value)));
    map(out, "fields", matched.fields.iter().map(|(key, value)| (&**key, &**value)));
    if !matched.effects.is_empty() {
        out.extend_from_slice(b",\"actions\":[");
        for (index, effect) in matched.effects.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            json::string(out, name_of(effect).as_bytes());
        }
        out.push(b']');
    }
    out.extend_from_slice(b"},");
    let start = out.len();
    lines.write(event, out);
    // The event's own brace: its members follow those above.
    out.remove(start);
}

fn map<'a>(out: &mut Vec<u8>, name: &str, entries: impl Iterator<Item = (&'a str, &'a str)>) {
    out.push(b',');
    json::string(out, name.as_bytes());
    out.extend_from_slice(b":{");
    for (index, (key, value)) in entries.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::string(out, key.as_bytes());
        out.push(b':');
        json::string(out, value.as_bytes());
    }
    out.push(b'}');
}

fn name_of(effect: &Effect) -> &'static str {
    match effect {
        Effect::Kill(kill) => match kill.target {
            Target::Process => "kill",
            Target::Container => "kill container",
            Target::Cgroup => "kill cgroup",
        },
        Effect::Log { .. } => "log",
        Effect::Hash { .. } => "hash",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample;
    use lapwing_common::rules::policy::Rule;

    #[test]
    fn a_match_is_its_event_and_the_rule() {
        let rule = Rule { id: "r".into(), tags: [("a".into(), "b\"".into())].into(), ..Rule::default() };
        let fields = vec![("open.file.path".into(), "/x".into())];
        let matched = Match { rule: &rule, place: 0, fields, effects: Vec::new(), told: true };
        let mut out = Vec::new();
        let open = sample::event(lapwing_common::event::UnloadModule { name: (*b"m").into(), retval: 0 });
        write_line(&mut json::Lines::default(), &open, &matched, &mut out);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            value["rule"],
            serde_json::json!({"id": "r", "tags": {"a": "b\""}, "fields": {"open.file.path": "/x"}})
        );
        assert_eq!(value["type"], "unload_module");
    }
}
