//! The dump, as text and as a YAML parser reads it.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use serde::Deserialize;

use crate::discard::dump::{Dump, Section, TracerSection};
use crate::discard::{Discarders, InodeKey, Ktime};
use crate::event::EventType::{Chmod, Open};
use crate::ids::{Pid, PidNs, Timestamp};

/// 2026-01-02T03:04:05.123456789+02:00.
const DATE: Timestamp = Timestamp(1_767_315_845_123_456_789);

fn written(dump: &Dump) -> String {
    let mut text = String::new();
    dump.write(&mut text).unwrap();
    text
}

fn sample() -> Dump {
    let mut table = Discarders::default();
    for _ in 0..3 {
        table.flush();
    }
    for _ in 0..7 {
        table.bump_mount(42);
    }
    let now = Ktime(60_000_000_000);
    table.expire(9, 43, now);
    table.push_pid(Pid(100), Chmod, None, now).unwrap();
    table.push(InodeKey { inode: 1_835_009, mount: 42, leaf: false }, Open, None, now).unwrap();
    for _ in 0..2 {
        table.discards(InodeKey { inode: 1_835_009, mount: 42, leaf: false }, Open, now);
    }
    // One part of the counts is in one buffer, one in the other.
    table.statistics().take();
    table.discards_pid(Pid(100), Chmod, now);
    let (listing, statistics) = (table.list(), table.statistics().sum());
    let own = Section::new(listing, statistics, |key| {
        if key.inode == 1_835_009 { Box::from(&b"/usr/lib"[..]) } else { Box::default() }
    });
    Dump { date: DATE, offset: 7200, own, tracers: Vec::new() }
}

#[test]
fn layout() {
    insta::assert_snapshot!(written(&sample()));
}

#[test]
fn nothing_at_all() {
    let text = written(&Dump { date: DATE, ..Dump::default() });
    for line in ["inodes: []", "pids: []", "date: 2026-01-02T01:04:05.123456789Z"] {
        assert!(text.lines().any(|found| found == line), "{text}");
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    date: String,
    inodes: Vec<ReadInode>,
    pids: Vec<ReadPid>,
    stats: BTreeMap<String, ReadCounts>,
    #[serde(default)]
    tracers: Vec<ReadTracer>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadTracer {
    pid: i32,
    pid_namespace: u64,
    container: String,
    #[serde(default)]
    inodes: Vec<ReadInode>,
    #[serde(default)]
    pids: Vec<ReadPid>,
    #[serde(default)]
    stats: BTreeMap<String, ReadCounts>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadInode {
    index: usize,
    value: ReadValue,
    path: String,
    inode: u64,
    mount_id: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadPid {
    index: usize,
    value: ReadPidValue,
    pid: i32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadPidValue {
    params: ReadParams,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadValue {
    params: ReadParams,
    revision: u32,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct ReadParams {
    event_mask: u64,
    expire_at: u64,
    is_retained: u8,
    revision: u32,
}

#[derive(Debug, Deserialize)]
struct ReadCounts {
    discarder_added: u64,
    event_discarded: u64,
}

#[test]
fn a_parser_reads_it_back() {
    let read: Read = serde_saphyr::from_str(&written(&sample())).unwrap();
    assert_eq!(read.date, "2026-01-02T03:04:05.123456789+02:00");
    let [file, retained, _] = &read.inodes[..] else { panic!("{read:?}") };
    assert_eq!((file.index, file.inode, file.mount_id, file.path.as_str()), (0, 1_835_009, 42, "/usr/lib"));
    assert_eq!(file.value.params, ReadParams { event_mask: 1, expire_at: 0, is_retained: 0, revision: 3 });
    assert_eq!(file.value.revision, 7);
    assert_eq!((retained.index, retained.path.as_str()), (1, ""));
    assert_eq!((retained.value.params.is_retained, retained.value.params.expire_at), (1, 65_000_000_000));
    let [process] = &read.pids[..] else { panic!("{read:?}") };
    assert_eq!((process.index, process.pid, process.value.params.event_mask), (0, 100, 64));
    assert_eq!(read.stats.len(), 16);
    let counts = |name: &str| (read.stats[name].discarder_added, read.stats[name].event_discarded);
    assert_eq!((counts("open"), counts("unknown"), counts("chmod")), ((1, 2), (1, 1), (0, 1)));
}

#[test]
fn each_tracer_has_a_section_and_one_that_is_silent_is_named() {
    let tracer = |pid, left| TracerSection { pid, namespace: PidNs(4_026_532_000), container: "a\"b\n".into(), left };
    let tracers = [tracer(7, Ok(sample().own)), tracer(0, Err("has not answered: in time"))].into();
    let text = written(&Dump { tracers, ..sample() });
    let read: Read = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let [told, silent] = &read.tracers[..] else { panic!("{read:?}") };
    assert_eq!((told.pid, told.pid_namespace, told.container.as_str()), (7, 4_026_532_000, "a\"b\n"));
    assert_eq!((told.inodes.len(), told.pids.len(), told.stats["open"].event_discarded), (3, 1, 2));
    assert_eq!(told.inodes[0].value.params, read.inodes[0].value.params);
    assert_eq!((told.error.as_deref(), silent.error.as_deref()), (None, Some("has not answered: in time")));
    assert_eq!((silent.pid, silent.inodes.len()), (0, 0));
}

#[test]
fn any_path_is_read_back_as_it_is() {
    let paths = [
        "/plain/path-1.2_3",
        "/with space",
        "/ends in space ",
        "/a: b",
        "/a #b",
        "/it's",
        "/say \"hi\"",
        "/back\\slash",
        "/new\nline",
        "/tab\t",
        "/bell\u{7}",
        "/\u{85}\u{2028}\u{feff}",
        "/ümläut/日本/😀",
        "/colon:",
        "/{a, b}[c]&*!|>%@`",
        "/- x",
        "/ : '",
        "relative",
        "- a",
        "~",
        "true",
        "12",
        "",
        "'",
        "#",
        "memfd:x",
        "/\u{7f}",
        "/a,b",
        "//",
        "/'#: ",
    ];
    for path in paths {
        let key = InodeKey { inode: 1, mount: 1, leaf: true };
        let inodes = [(key, Default::default(), path.as_bytes().into())].into();
        let dump = Dump { own: Section { inodes, ..Section::default() }, ..Dump::default() };
        let text = written(&dump);
        let read: Read = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}\n{text}"));
        assert_eq!(read.inodes[0].path, path, "{text}");
    }
}

#[test]
fn bytes_that_are_no_text_are_marked() {
    let key = InodeKey { inode: 1, mount: 1, leaf: true };
    let inodes = [(key, Default::default(), (*b"/a\xff").into())].into();
    let dump = Dump { own: Section { inodes, ..Section::default() }, ..Dump::default() };
    let read: Read = serde_saphyr::from_str(&written(&dump)).unwrap();
    assert_eq!(read.inodes[0].path, "/a\u{fffd}");
}

/// The mask is meaningless without its numbers, so they are said.
#[test]
fn the_comment_says_what_the_numbers_are() {
    let text = written(&Dump::default());
    let comment: String = text.lines().filter(|line| line.starts_with('#')).collect::<Vec<_>>().join(" ");
    for said in ["1 << (number - 1)", " 1 open,", " 7 chmod,", " 15 chdir"] {
        assert!(comment.contains(said), "{comment}");
    }
    assert_eq!(crate::discard::EventMask::of(Chmod).bits().to_string(), "64");
}
