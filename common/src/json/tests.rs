//! JSON of values and of whole records, read back by an independent parser.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::{flag_words, rfc3339, string, write_object};
use crate::event::{File, Inode};
use crate::ids::Timestamp;
use crate::names;

fn parsed(file: &File) -> serde_json::Value {
    let mut out = Vec::new();
    write_object(file, &mut out);
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn times_are_rfc_3339() {
    let show = |nanoseconds| {
        let mut out = Vec::new();
        rfc3339(&mut out, Timestamp(nanoseconds));
        alloc::string::String::from_utf8(out).unwrap()
    };
    assert_eq!(show(0), "1970-01-01T00:00:00.000000000Z");
    assert_eq!(show(951_782_400_000_000_001), "2000-02-29T00:00:00.000000001Z");
    assert_eq!(show(1_735_689_599_999_999_999), "2024-12-31T23:59:59.999999999Z");
    assert_eq!(show(u64::MAX), "2554-07-21T23:34:33.709551615Z");
}

#[test]
fn times_elsewhere_say_how_far_from_utc() {
    let show = |offset| {
        let mut out = Vec::new();
        super::rfc3339_at(&mut out, Timestamp(1_735_689_599_000_000_001), offset);
        alloc::string::String::from_utf8(out).unwrap()
    };
    assert_eq!(show(0), "2024-12-31T23:59:59.000000001Z");
    assert_eq!(show(2 * 3600), "2025-01-01T01:59:59.000000001+02:00");
    assert_eq!(show(-(9 * 3600 + 1800)), "2024-12-31T14:29:59.000000001-09:30");
}

#[test]
fn any_bytes_become_a_valid_string() {
    for bytes in [&b"plain"[..], b"\"\\\n\r\t\x00\x1f\x7f", b"\xff\xfe", "\u{e9}\u{1f600}".as_bytes(), b"a\xe2\x82"] {
        let mut out = Vec::new();
        string(&mut out, bytes);
        let back: alloc::string::String = serde_json::from_slice(&out).unwrap();
        assert_eq!(back, alloc::string::String::from_utf8_lossy(bytes));
    }
}

#[test]
fn a_file_shows_what_is_known() {
    let bare = parsed(&File::at(&b"/tmp/x"[..]));
    assert_eq!(bare, serde_json::json!({"path": "/tmp/x", "name": "x"}));
    let inode = Inode { number: u64::MAX, mode: 0o100_644, mount_id: 0, ..Inode::default() };
    let full = parsed(&File { inode: Some(inode), unresolved: true, ..File::at(&b"/tmp/\xff"[..]) });
    assert_eq!(full["inode"], u64::MAX);
    assert_eq!(full["path"], "/tmp/\u{fffd}");
    assert_eq!(full["mode_str"], "S_IFREG|S_IRUSR|S_IWUSR|S_IRGRP|S_IROTH");
    assert_eq!(full["unresolved"], true);
    assert!(full.get("mount_id").is_none() && full.get("rights").is_none());
}

#[test]
fn bits_without_a_name_are_shown_in_hexadecimal() {
    let mut out = Vec::new();
    flag_words(0x8000_0000_0001, &names::OPEN_FLAGS, &mut out);
    assert_eq!(out, b"O_WRONLY|0x800000000000");
}

#[test]
fn lists_and_joined_texts() {
    use crate::schema::{Sink as _, Value};
    let items: Vec<Box<[u8]>> = [&b"a"[..], b"b c", b""].into_iter().map(Box::from).collect();
    let mut out = alloc::vec![b'{'];
    let mut sink = super::JsonSink::new(&mut out, None);
    sink.enter("empty");
    sink.leave();
    sink.enter("outer");
    sink.leaf("argv", "", &Value::Strings(&items));
    sink.leaf("args", "", &Value::Joined(&items));
    sink.leave();
    sink.leaf("after", "", &Value::Int(-1));
    out.push(b'}');
    let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert_eq!(value, serde_json::json!({"outer": {"argv": ["a", "b c", ""], "args": "a b c "}, "after": -1}));
}
