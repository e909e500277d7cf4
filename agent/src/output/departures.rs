//! Events that depart from a profile, as JSON: the event's object with one member more, as for rules that match.

use lapwing_common::event::{Event, Payload};
use lapwing_common::json;
use lapwing_common::profile::Selector;

/// A departure from a profile.
#[derive(Debug)]
pub(crate) struct Anomaly<'a> {
    /// Which profile.
    pub(crate) profile: &'a Selector,
    /// What is new.
    pub(crate) what: &'static str,
    /// The programs that led to it, topmost first, with the one that acted.
    pub(crate) lineage: Vec<&'a [u8]>,
}

/// A word for what an event that departs has brought.
pub(crate) fn novelty(payload: &Payload) -> &'static str {
    match payload {
        Payload::Exec(_) => "program",
        Payload::Bind(_) => "port",
        Payload::Syscalls(_) => "system call",
        _ => "file",
    }
}

/// Appends one line: `{"anomaly":{"profile":"NAME:TAG","new":"file","lineage":["/usr/sbin/nginx"]},"type":…`.
pub(super) fn write_line(lines: &mut json::Lines, event: &Event, anomaly: &Anomaly<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"anomaly\":{\"profile\":");
    json::string(out, anomaly.profile.to_string().as_bytes());
    out.extend_from_slice(b",\"new\":");
    json::string(out, anomaly.what.as_bytes());
    out.extend_from_slice(b",\"lineage\":[");
    for (index, path) in anomaly.lineage.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        json::string(out, path);
    }
    out.extend_from_slice(b"]},");
    let start = out.len();
    lines.write(event, out);
    // The event's own brace: its members follow those above.
    out.remove(start);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::sample;

    #[test]
    fn an_anomaly_is_its_event_and_what_it_departs_from() {
        let profile = Selector::of("web");
        let anomaly = Anomaly { profile: &profile, what: "file", lineage: vec![b"/bin/a", b"/bin/\"b"] };
        let mut out = Vec::new();
        let event = sample::event(lapwing_common::event::UnloadModule { name: (*b"m").into(), retval: 0 });
        write_line(&mut json::Lines::default(), &event, &anomaly, &mut out);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let expected = serde_json::json!({"profile": "web:*", "new": "file", "lineage": ["/bin/a", "/bin/\"b"]});
        assert_eq!(value["anomaly"], expected);
        assert_eq!(value["type"], "unload_module");
    }
}
