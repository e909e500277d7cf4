//! Dumps of the cache, as text and as a JSON parser reads them. Graphviz reads graphs in `agent`'s tests.

use alloc::string::String;
use alloc::vec::Vec;
use core::convert::Infallible;

use super::*;
use crate::event::Inode;
use crate::process::dump::{Dump, ShowArguments};
use crate::process::{ArgumentLimits, Arguments, Credentials};
use crate::record::Cgroup;

fn dot(dump: &Dump, arguments: ShowArguments) -> String {
    let mut text = Vec::new();
    let put = &mut |piece: &[u8]| {
        text.extend_from_slice(piece);
        Ok::<_, Infallible>(())
    };
    dump.clone().write_dot(arguments, put).unwrap();
    String::from_utf8(text).unwrap()
}

fn json(dump: &Dump, arguments: ShowArguments) -> String {
    let mut text = Vec::new();
    let put = &mut |piece: &[u8]| {
        text.extend_from_slice(piece);
        Ok::<_, Infallible>(())
    };
    dump.clone().write_json(arguments, put).unwrap();
    String::from_utf8(text).unwrap()
}

fn with_arguments(path: &str, arguments: &[&[u8]]) -> Program {
    let arguments = Arguments::capture(arguments.iter().copied(), false, &ArgumentLimits::default());
    Program { arguments, ..program(path) }
}

/// A shell that became another program, its child, and one whose parent has ended.
fn sample() -> Dump {
    let mut story = Story::new();
    story.fork(1, 812);
    story.exec(812, "/bin/bash");
    story.fork(812, 940);
    let at = story.tick();
    let mut curl = with_arguments("/usr/bin/curl", &[b"curl", b"-s", b"--password=geheim", b"x"]);
    curl.file.inode = Some(Inode { number: 77, mount_id: 29, ..Inode::default() });
    curl.cgroup = Some(Arc::new(Cgroup { path: b"/docker/c1"[..].into(), container: b"c1"[..].into() }));
    curl.credentials = Credentials { uid: 33, gid: 34, ..Credentials::default() };
    curl.tty = Short::new(b"pts0");
    story.cache.exec(key(940), curl, at);
    story.fork(940, 941);
    story.exit(940);
    Dump::of(&story.cache)
}

#[test]
fn a_graph() {
    insta::assert_snapshot!(dot(&sample(), ShowArguments::Yes));
    assert!(!dot(&sample(), ShowArguments::No).contains("comment"));
}

#[test]
fn entries() {
    insta::assert_snapshot!(json(&sample(), ShowArguments::Yes));
    let read: serde_json::Value = serde_json::from_str(&json(&sample(), ShowArguments::No)).unwrap();
    let names: Vec<_> = read["Entries"].as_array().unwrap().iter().map(|entry| &entry["Comm"]).collect();
    assert_eq!(names, ["init", "bash", "curl"]);
    assert!(read["Entries"][2].get("Args").is_none() && read["Entries"][2]["ExitTime"].is_null());
}

#[test]
fn nobody() {
    let dump = Dump::of(&Cache::new(Limits::default()));
    assert_eq!(dot(&dump, ShowArguments::Yes), "digraph ProcessTree {\n}");
    let read: serde_json::Value = serde_json::from_str(&json(&dump, ShowArguments::Yes)).unwrap();
    assert_eq!(read, serde_json::json!({ "Entries": [] }));
}

#[test]
fn processes_with_one_number_are_told_apart() {
    let mut cache = Cache::new(Limits::default());
    for namespace in [1, 2] {
        cache.running(within(namespace, 1), running(0, 5, "/sbin/init"));
        cache.fork(within(namespace, 1), within(namespace, 7), Timestamp(9));
    }
    let text = dot(&Dump::of(&cache), ShowArguments::No);
    for line in [r#""1:init" [label="init:1"];"#, r#""1:init#2" [label="init:1"];"#, r#""1:init#2" -> "7:init#2";"#] {
        assert!(text.lines().any(|found| found == line), "{text}");
    }
    // The same number again, while a child of the former process lives.
    let mut story = Story::new();
    story.fork(1, 7);
    story.fork(7, 8);
    story.exit(7);
    story.fork(1, 7);
    let text = dot(&Dump::of(&story.cache), ShowArguments::No);
    for line in [r#""7:init" [label="init:7"];"#, r#""7:init#2" [label="[init:7]"];"#, r#""7:init#2" -> "8:init";"#] {
        assert!(text.lines().any(|found| found == line), "{text}");
    }
}

#[test]
fn a_program_that_runs_itself_has_no_edge_to_itself() {
    let mut story = Story::new();
    story.fork(1, 7);
    story.exec(7, "/bin/a");
    let at = story.tick();
    story.cache.exec(key(7), with_arguments("/bin/a", &[b"other"]), at);
    let text = dot(&Dump::of(&story.cache), ShowArguments::No);
    assert_eq!(text.matches("\"7:a\" [").count(), 1, "{text}");
    assert!(text.contains("\"7:a\" [label=\"a:7\"]") && !text.contains("\"7:a\" -> \"7:a\""), "{text}");
}

#[test]
fn the_first_error_ends_it() {
    for written in 0..4 {
        let mut left = written;
        let result = sample().write_json(ShowArguments::No, &mut |_: &[u8]| {
            left -= 1;
            if left < 0 { Err("full") } else { Ok(()) }
        });
        assert_eq!(result, Err("full"));
    }
}
