//! The line of every type of event.

mod file;
mod kernel;
mod network;
mod process;

use lapwing_common::event::EventType;

use super::*;
use crate::output::sample;

/// The line, from the type on.
fn shown(payload: impl Into<Payload>) -> String {
    let line = whole(&sample::event(payload));
    let rest = line.strip_prefix("    0.003     4711  bash             ").expect("the columns of the sample");
    let (kind, sentence) = rest.split_at(TYPE + 2);
    format!("{} {}", kind.trim_end(), sentence.trim_end_matches('\n'))
}

fn whole(event: &Event) -> String {
    let mut out = Vec::new();
    Pretty::new(false, sample::START).write_line(event, &mut out);
    String::from_utf8(out).unwrap()
}

fn unlink(path: &str, retval: i64) -> lapwing_common::event::Unlink {
    lapwing_common::event::Unlink { file: sample::file(path), flags: 0, path: None, retval }
}

#[test]
fn columns_are_aligned() {
    assert_eq!(
        whole(&sample::event(unlink("/tmp/x", 0))),
        "    0.003     4711  bash             unlink         /tmp/x\n"
    );
    let mut long = sample::event(unlink("/tmp/x", 0));
    long.process = sample::process(4_194_304, "/bin/a-very-long-name", &[b"a"]);
    long.timestamp = Timestamp(sample::START.0 + 123_456_789_000_000);
    assert_eq!(whole(&long), "123456.789  4194304  a-very-long-nam  unlink         /tmp/x\n");
    assert_eq!(COMM, 15);
    assert_eq!(EventType::ALL.into_iter().map(|event| event.name().len()).max(), Some(TYPE));
}

#[test]
fn names_cannot_forge_lines_or_columns() {
    let mut event = sample::event(unlink("/tmp/a\n    0.004     4711  bash   exit 0", -13));
    event.process = sample::process(1, "/bin/\x1b[2J\u{202e}x", &[]);
    let line = whole(&event);
    assert_eq!(
        line,
        "    0.003        1  \\x1b[2J\\xe2\\x80\\xaex  unlink         \
         $'/tmp/a\\x0a    0.004     4711  bash   exit 0' EACCES\n"
    );
}

#[test]
fn failures_and_doubts_come_last() {
    assert_eq!(shown(unlink("/x", -1)), "unlink /x EPERM");
    assert_eq!(shown(unlink("/x", -512)), "unlink /x error 512");
    let mut event = sample::event(unlink("/x", -13));
    event.quality = Quality::all() - Quality::USER_READ;
    assert!(whole(&event).ends_with("unlink         /x EACCES (truncated) (unresolved) (broken lineage)\n"));
    let passed = lapwing_common::event::Unlink {
        file: sample::file(""),
        flags: 0x200,
        path: sample::text(b"../y"),
        retval: -13,
    };
    assert_eq!(shown(passed), "unlink ../y AT_REMOVEDIR EACCES (unresolved)");
}

#[test]
fn colours_surround_words_and_end_with_them() {
    let mut out = Vec::new();
    Pretty::new(true, sample::START).write_line(&sample::event(unlink("/x", -13)), &mut out);
    let line = String::from_utf8(out).unwrap();
    assert!(line.contains("\x1b[36munlink\x1b[0m"), "{line:?}");
    assert!(line.ends_with(" \x1b[31mEACCES\x1b[0m\n"), "{line:?}");
    assert_eq!(anstream::adapter::strip_str(&line).to_string(), whole(&sample::event(unlink("/x", -13))));
}
