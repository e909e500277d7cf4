//! Dumps as text, and as a JSON parser reads them. Graphviz reads graphs in `agent`'s tests.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::*;

fn sample() -> Vec<Namespace> {
    let device = |name: &[u8], index| Device { name: name.into(), index, has_address: index > 1 };
    vec![
        Namespace {
            id: 4_026_531_840,
            handle: 9,
            path: "/proc/1/ns/net".into(),
            lonely_until: None,
            devices: Some(vec![device(b"lo", 1), device(b"e|{t}h\"<0>", 2)]),
        },
        Namespace {
            id: 4_026_532_200,
            handle: 10,
            path: "/proc/812/ns/net".into(),
            lonely_until: Some(Timestamp(1_767_315_845_000_000_000)),
            devices: Some(Vec::new()),
        },
        Namespace { id: 4_026_532_300, handle: 11, path: "/proc/940/ns/net".into(), ..Namespace::default() },
    ]
}

#[test]
fn an_array() {
    let mut out = Vec::new();
    write_json(&sample(), &mut out);
    let text = String::from_utf8(out).unwrap();
    insta::assert_snapshot!(text);
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read[0]["Devices"][1]["IfName"], "e|{t}h\"<0>");
    assert!(read[2]["Devices"].is_null() && text.lines().count() == 1);
}

#[test]
fn nothing() {
    let mut out = Vec::new();
    write_json(&[], &mut out);
    assert_eq!(out, b"null\n");
}

#[test]
fn a_graph() {
    let mut out = Vec::new();
    write_dot(&sample(), Timestamp(1_767_315_845_123_456_789), 7200, &mut out);
    insta::assert_snapshot!(String::from_utf8(out).unwrap());
}

#[test]
fn what_every_namespace_has_tells_of_no_use() {
    let device = |name: &[u8], has_address| Device { name: name.into(), index: 1, has_address };
    assert!(device(b"eth0", true).tells_of_use());
    for (name, has_address) in [(&b"lo"[..], false), (b"lo", true), (b"dummy0", true), (b"tunl0", false)] {
        assert!(!device(name, has_address).tells_of_use());
    }
}
