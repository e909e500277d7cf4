//! Flags in words, and the look-up of fields.

use alloc::vec::Vec;

use super::{Detail, Kind, Short, Value, describe, find};
use crate::event::{Address, Event, File};
use crate::names;

fn words(bits: u64) -> (Vec<&'static str>, u64) {
    let (mut found, mut rest) = (Vec::new(), 0);
    names::OPEN_FLAGS.each(bits, |name| found.push(name), |left| rest = left);
    (found, rest)
}

#[test]
fn flags_in_words() {
    assert_eq!(words(0), (["O_RDONLY"].into(), 0));
    assert_eq!(words(0o1101), (["O_WRONLY", "O_CREAT", "O_TRUNC"].into(), 0));
    assert_eq!(words(1 << 40), (["O_RDONLY"].into(), 1 << 40));
}

#[test]
fn short_text_ends_at_a_nul_or_after_sixteen_bytes() {
    assert_eq!(Short::new(b"bash\0rest").as_bytes(), b"bash");
    assert_eq!(Short::new(b"0123456789abcdefXYZ").as_bytes(), b"0123456789abcdef");
    assert_eq!(Short::new(b"").as_bytes(), b"");
}

#[test]
fn fields_are_found_by_their_dotted_name() {
    for name in [
        "open.file.path",
        "open.flags",
        "open.syscall.path",
        "open.file.destination.mode",
        "process.file.name",
        "process.parent.pid",
        "exec.argv",
        "exec.interpreter.file.path",
        "rename.file.destination.path",
        "connect.addr.ip",
        "container.id",
        "event.origin",
        "signal.target.comm",
        "process.cgroup.id",
        "open.file.rights",
    ] {
        assert!(find::<Event>(name).is_some(), "{name}");
    }
    for name in ["open", "open.file", "open.file.", "open..path", "process.ancestors.pid", "nothing", ""] {
        assert!(find::<Event>(name).is_none(), "{name}");
    }
}

#[test]
fn what_is_found_reads_what_is_there() {
    let file = File::at(&b"/usr/lib/libc.so.6"[..]);
    assert_eq!(find::<File>("name").unwrap().get(&file), Value::Bytes(b"libc.so.6"));
    assert_eq!(find::<File>("extension").unwrap().get(&file), Value::Bytes(b".6"));
    assert_eq!(find::<File>("inode").unwrap().get(&file), Value::Absent);
    let address = Address { family: 2, ip: Some([8, 8, 8, 8].into()), port: 53, ..Address::default() };
    assert_eq!(find::<Address>("is_public").unwrap().get(&address), Value::Bool(true));
    assert_eq!(find::<Address>("port").unwrap().kind, Kind::Int);
}

#[test]
fn every_described_field_of_an_event_is_found_or_lies_in_a_sequence() {
    let described = describe::<Event>();
    assert!(described.len() > 400, "{}", described.len());
    for field in described {
        let in_sequence = field.name.starts_with("process.ancestors.");
        assert_eq!(find::<Event>(&field.name).is_none(), in_sequence, "{}", field.name);
        assert!(!field.doc.is_empty() && !field.doc.ends_with('.'), "{}: {}", field.name, field.doc);
    }
}

#[test]
fn names_are_unique() {
    let mut seen = std::collections::BTreeMap::new();
    for field in describe::<Event>() {
        let shown = field.detail != Detail::Derived;
        let before = seen.insert(field.name.clone(), shown);
        // A refused exec shows its file where a successful one shows its process's.
        assert!(before.is_none() || field.name.starts_with("exec.file."), "{} is described twice", field.name);
    }
}
