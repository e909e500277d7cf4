//! `lapwing activity-dump list`: dumps that an agent is making, for people and for programs.

use std::fmt::Write as _;

use lapwing_common::ids::Timestamp;
use lapwing_proto::control::v1::ActivityDump;
use serde_json::{Value, json};

use super::status::time;

/// As a JSON array.
pub(crate) fn list_json(dumps: &[ActivityDump]) -> String {
    let object = |dump: &ActivityDump| -> Value {
        json!({
            "name": dump.name,
            "of": dump.of,
            "workload": dump.workload,
            "began": time(dump.began),
            "ends": time(dump.ends),
            "size": dump.size,
            "limit": dump.limit,
            "programs": dump.programs,
            "files": dump.files,
            "sockets": dump.sockets,
            "syscalls": dump.syscalls,
            "parts": dump.parts,
            "limited": dump.limited,
            "full": dump.full,
            "formats": dump.formats,
        })
    };
    format!("{:#}\n", dumps.iter().map(object).collect::<Value>())
}

/// For reading: two lines each.
pub(crate) fn list(dumps: &[ActivityDump], now: Timestamp) -> String {
    let mut text = String::new();
    for dump in dumps {
        let left = dump.ends.saturating_sub(now.0) / 1_000_000_000;
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{}  {} as {}, {left} s left", dump.name, dump.of, dump.workload);
        let ActivityDump { programs, files, sockets, size, limit, parts, limited, full, .. } = dump;
        let _ = write!(text, "  {programs} programs, {files} names of files, {sockets} ports");
        let _ = write!(text, "; {} of {} KiB", size >> 10, limit >> 10);
        for (count, what) in
            [(u64::from(*parts), "parts written"), (*limited, "events over the rate"), (*full, "events without room")]
        {
            if count > 0 {
                let _ = write!(text, "; {count} {what}");
            }
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_said_and_what_is_not_is_not() {
        let dump = ActivityDump {
            name: "activity-dump-abcdefghij".into(),
            of: "process 7".into(),
            workload: "sh:latest".into(),
            ends: 90_000_000_000,
            programs: 2,
            limit: 1750 << 10,
            limited: 3,
            ..ActivityDump::default()
        };
        let expected = "activity-dump-abcdefghij  process 7 as sh:latest, 60 s left\n  2 programs, 0 names of files, 0 \
                        ports; 0 of 1750 KiB; 3 events over the rate\n";
        assert_eq!(list(&[dump], Timestamp(30_000_000_000)), expected);
        assert_eq!(list_json(&[]), "[]\n");
    }
}
