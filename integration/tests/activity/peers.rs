//! Lapwing's encodings against protobuf's own: what one writes the other reads, whole.
//!
//! `dumps.proto` is written down apart from what Lapwing is built with, and `peer.py` sets every field of every
//! message by going through its descriptors.

use std::fs;
use std::process::{Command, Output};

use lapwing_integration::need::{Need, installed, python_with_protobuf, require};
use lapwing_integration::run::finish;
use lapwing_proto::dumps::{
    Limits, SecDump, SecurityProfile, decode_dump, decode_dump_json, decode_profile, decode_profile_json, to_json,
};
use prost::Message as _;
use tempfile::TempDir;

/// Where this file's neighbours are.
const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/activity");

/// Python with the messages, made from the file by hand.
struct Peer(TempDir);

impl Peer {
    /// `None` where protoc or Python's library is missing, which is said.
    fn new() -> Option<Self> {
        if !installed(&["protoc"]) || !require(&[Need::PythonProtobuf]) {
            return None;
        }
        let directory = TempDir::new().unwrap();
        let mut protoc = Command::new("protoc");
        protoc.arg(format!("--proto_path={HERE}")).arg(format!("--python_out={}", directory.path().display()));
        succeeded(&finish(protoc.arg(format!("{HERE}/dumps.proto")), b""));
        Some(Self(directory))
    }

    fn file(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn run(&self, what: &str, kind: &str, protobuf: &str, json: &str) -> String {
        let mut python = Command::new(python_with_protobuf().unwrap());
        python.arg(format!("{HERE}/peer.py")).arg(self.0.path()).args([what, kind]);
        let output = finish(python.arg(self.file(protobuf)).arg(self.file(json)), b"");
        succeeded(&output)
    }
}

fn succeeded(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn every_field_of_every_message_survives_both_encodings_in_both_directions() {
    let Some(peer) = Peer::new() else { return };
    let limits = Limits::default();
    let read = |name: &str| fs::read(peer.file(name)).unwrap();

    peer.run("fill", "SecDump", "theirs.protobuf", "theirs.json");
    let dump: SecDump = decode_dump(&read("theirs.protobuf"), limits).unwrap();
    assert_eq!(decode_dump_json(&read("theirs.json"), limits).unwrap(), dump);
    let bytes = dump.encode_to_vec();
    assert_eq!(bytes.len(), read("theirs.protobuf").len(), "nothing was lost on the way");
    fs::write(peer.file("ours.protobuf"), bytes).unwrap();
    fs::write(peer.file("ours.json"), to_json(&dump)).unwrap();
    let size = peer.run("same", "SecDump", "ours.protobuf", "ours.json");
    assert!(size.trim().parse::<usize>().unwrap() > 10_000, "{size}");

    peer.run("fill", "SecurityProfile", "theirs.profile", "theirs.json");
    let profile: SecurityProfile = decode_profile(&read("theirs.profile"), limits).unwrap();
    assert_eq!(decode_profile_json(&read("theirs.json"), limits).unwrap(), profile);
    fs::write(peer.file("ours.profile"), profile.encode_to_vec()).unwrap();
    fs::write(peer.file("ours.json"), to_json(&profile)).unwrap();
    peer.run("same", "SecurityProfile", "ours.profile", "ours.json");
}

#[test]
fn json_is_that_of_the_library_value_by_value() {
    let Some(peer) = Peer::new() else { return };
    peer.run("fill", "SecDump", "theirs.protobuf", "theirs.json");
    let dump = decode_dump(&fs::read(peer.file("theirs.protobuf")).unwrap(), Limits::default()).unwrap();
    let ours: serde_json::Value = serde_json::from_slice(&to_json(&dump)).unwrap();
    let mut theirs: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(peer.file("theirs.json")).unwrap()).unwrap();
    // Python's library leaves out messages that are not set, where Go's writes null.
    add_nulls(&mut theirs, &ours);
    assert_eq!(ours, theirs);
}

fn add_nulls(to: &mut serde_json::Value, from: &serde_json::Value) {
    match (to, from) {
        (serde_json::Value::Object(to), serde_json::Value::Object(from)) => {
            for (key, value) in from {
                if value.is_null() {
                    to.entry(key).or_insert(serde_json::Value::Null);
                } else if let Some(to) = to.get_mut(key) {
                    add_nulls(to, value);
                }
            }
        }
        (serde_json::Value::Array(to), serde_json::Value::Array(from)) => {
            to.iter_mut().zip(from).for_each(|(to, from)| add_nulls(to, from));
        }
        _ => {}
    }
}

/// A dump of a real command, by every reader there is.
#[test]
fn a_recorded_dump_is_read_by_protoc_python_and_graphviz() {
    let Some(peer) = Peer::new() else { return };
    if !installed(&["dot"]) {
        return;
    }
    let files = ["a.json", "a.protobuf", "a.dot"];
    super::backends::record("ptrace", peer.0.path(), &files, super::backends::WORKLOAD);
    let limits = Limits::default();
    let dump = decode_dump(&fs::read(peer.file("a.protobuf")).unwrap(), limits).unwrap();
    let mut by_json = decode_dump_json(&fs::read(peer.file("a.json")).unwrap(), limits).unwrap();
    let serialization = &mut by_json.metadata.as_mut().unwrap().serialization;
    assert_eq!(std::mem::replace(serialization, "protobuf".into()), "json");
    assert_eq!(by_json, dump);
    fs::write(peer.file("b.json"), to_json(&dump)).unwrap();
    peer.run("same", "SecDump", "a.protobuf", "b.json");
    let mut protoc = Command::new("protoc");
    protoc
        .args(["--decode=datadog.cws.dumpsv1.SecDump", &format!("--proto_path={HERE}")])
        .arg(format!("{HERE}/dumps.proto"));
    let text = succeeded(&finish(&mut protoc, &fs::read(peer.file("a.protobuf")).unwrap()));
    assert!(text.contains("basename: \"passwd\"") && text.contains("source: \"runtime-security-agent\""), "{text}");
    // A field that protoc does not know is shown by its number.
    assert!(!text.lines().any(|line| line.trim_start().starts_with(|c: char| c.is_ascii_digit())), "{text}");
    let drawn = succeeded(&finish(Command::new("dot").args(["-Tsvg", &peer.file("a.dot")]), b""));
    assert!(drawn.contains("/etc/passwd") && drawn.contains("</svg>"));
    // What many programs do stands below one another: `graph SCALE WIDTH HEIGHT`.
    let plain = succeeded(&finish(Command::new("dot").args(["-Tplain", &peer.file("a.dot")]), b""));
    let size: Vec<f64> = plain.lines().next().unwrap().split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(size[1] < size[2], "{} wide, {} high", size[1], size[2]);
}
