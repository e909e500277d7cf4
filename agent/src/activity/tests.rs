//! Files of dumps: what is written is read again, and what would harm is refused.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use lapwing_proto::dumps::{FileInfo, Metadata, ProcessActivityNode, ProcessInfo, SecDump, SyscallNode};

use super::*;

fn dump() -> Document {
    let process = ProcessInfo {
        file: Some(FileInfo { path: "/bin/\u{1b}[31msh".into(), ..FileInfo::default() }),
        ..ProcessInfo::default()
    };
    Document::Dump(SecDump {
        metadata: Some(Metadata { name: "activity-dump-x".into(), ..Metadata::default() }),
        tags: vec!["image_name:nginx".into(), "image_tag:1.25".into()],
        tree: vec![ProcessActivityNode { process: Some(process), ..ProcessActivityNode::default() }],
        ..SecDump::default()
    })
}

fn tree_of(document: &Document) -> &[ProcessActivityNode] {
    match document {
        Document::Dump(dump) => &dump.tree,
        Document::Profile(profile) => &profile.tree,
    }
}

#[test]
fn every_form_that_can_be_read_gives_the_same_tree() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["a.json", "a.protobuf", "a.profile", "a.json.gz", "a.protobuf.gz", "a.profile.gz"] {
        let path = directory.path().join(name);
        write(Target::create(&path, false).unwrap(), &dump(), Encoding::of(&path).unwrap()).unwrap();
        assert_eq!(tree_of(&document::read(&path).unwrap()), tree_of(&dump()), "{name}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o400, "{name}");
    }
    for name in ["a.dot", "a.svg.gz"] {
        let path = directory.path().join(name);
        write(Target::create(&path, false).unwrap(), &dump(), Encoding::of(&path).unwrap()).unwrap();
        let error = document::read(&path).unwrap_err().to_string();
        assert!(error.contains("for people only"), "{error}");
    }
}

#[test]
fn the_header_of_a_packed_file_has_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.json.gz");
    write(Target::create(&path, false).unwrap(), &dump(), Encoding::of(&path).unwrap()).unwrap();
    let reader = flate2::read::GzDecoder::new(File::open(&path).unwrap());
    let header = reader.header().unwrap();
    assert_eq!(header.filename(), Some(&b"a.json"[..]));
    assert!(header.mtime() > 1_700_000_000);
}

#[test]
fn a_file_that_exists_is_replaced_only_if_asked_for_and_only_when_the_new_one_is_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.json");
    fs::write(&path, "precious").unwrap();
    let error = Target::create(&path, false).unwrap_err().to_string();
    assert!(error.ends_with("a.json exists already; give --force to replace it"), "{error}");
    drop(Target::create(&path, true).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    write(Target::create(&path, true).unwrap(), &dump(), Encoding::of(&path).unwrap()).unwrap();
    assert!(fs::read_to_string(&path).unwrap().starts_with('{'));
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "nothing is left beside it");
    // Nor does one that is given up leave anything.
    drop(Target::create(&directory.path().join("b.json"), false).unwrap());
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_profile_is_of_an_image() {
    let Document::Dump(mut dump) = dump() else { unreachable!() };
    dump.tags.clear();
    let mut document = Document::Dump(dump);
    assert_eq!(document.to_bytes(Format::Profile), None);
    document.select(&"web".parse().unwrap());
    let bytes = document.to_bytes(Format::Profile).unwrap();
    let Document::Profile(profile) = document::decode(&bytes, Format::Profile).unwrap() else { unreachable!() };
    let selector = profile.selector.unwrap();
    assert_eq!((selector.image_name.as_str(), selector.image_tag.as_str()), ("web", "latest"));
}

#[test]
fn a_profile_of_a_dump_says_when_its_version_was_seen_and_what_it_called_and_becomes_the_dump_again() {
    let Document::Dump(mut dump) = dump() else { unreachable!() };
    let boot = host::boot();
    dump.metadata = Some(Metadata { start: boot + 5_000_000_000, end: boot + 9_000_000_000, ..Metadata::default() });
    let call = |syscall| SyscallNode { syscall, ..SyscallNode::default() };
    dump.tree[0].syscall_nodes = vec![call(59), call(3)];
    let child = ProcessActivityNode { syscall_nodes: vec![call(3), call(1)], ..ProcessActivityNode::default() };
    dump.tree[0].children = vec![child];
    dump.host = "h".into();
    dump.source = "s".into();
    dump.service = "nginx".into();
    dump.tags = ["host:h", "source:s", "image_name:nginx", "image_tag:1.25"].map(str::to_owned).into();
    let profile = Document::Dump(dump.clone()).to_profile();
    let context = &profile.profile_contexts["1.25"];
    assert_eq!(context.syscalls, [1, 3, 59]);
    // Measured anew, a machine was booted a little earlier or later.
    let near = |time: u64, seconds: u64| time.abs_diff(seconds * 1_000_000_000) < 1_000_000_000;
    assert!(near(context.first_seen, 5) && near(context.last_seen, 9), "{context:?}");
    let bytes = Document::Profile(profile).to_bytes(Format::Protobuf).unwrap();
    let Document::Dump(again) = document::decode(&bytes, Format::Protobuf).unwrap() else { unreachable!() };
    assert_eq!(SecDump { metadata: None, ..again }, SecDump { metadata: None, ..dump });
}

#[test]
fn files_that_mean_harm_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        document::read(&path).unwrap_err().to_string()
    };
    // Empty messages: 2 bytes each, some hundred in memory.
    let many = [0x32, 0].repeat(2 << 20);
    assert!(refused("many.protobuf", &many).contains("could take more than 512 MiB"));
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..257 {
        bomb.write_all(&zeros).unwrap();
    }
    assert!(refused("bomb.json.gz", &bomb.finish().unwrap()).ends_with("it is longer than 256 MiB when unpacked"));
    assert!(refused("deep.json", &b"[".repeat(1 << 20)).contains("nested more than 100 deep"));
    assert!(refused("cut.json.gz", &[0x1f, 0x8b, 8]).contains("cut.json.gz"));
    assert!(refused("not.profile", b"\x32\xff\xff\xff\xff\x7f").contains("ends within a field"));
    let missing = document::read(&directory.path().join("missing.json")).unwrap_err().to_string();
    assert!(missing.contains("No such file"), "{missing}");
}

#[test]
fn a_terminal_obeys_nothing_of_a_dump() {
    let text = show::tree(&dump().picture(), false, show::Extent::Whole);
    assert_eq!(text, "  /bin/\\x1b[31msh\n");
}
