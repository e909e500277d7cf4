//! Dumps and profiles as bytes: JSON as Go's library has it, and files that mean harm.

use lapwing_proto::dumps::*;
use prost::Message as _;

/// A process below a process, a file, and a bound port.
fn dump() -> SecDump {
    let seen = NodeBase { seen: [("1.25".into(), ImageTagTimes { first_seen: 5, last_seen: u64::MAX })].into() };
    let file = FileActivityNode {
        name: "etc".into(),
        children: vec![FileActivityNode {
            name: "passwd".into(),
            node_base: Some(seen.clone()),
            file: Some(FileInfo {
                path: "/etc/passwd".into(),
                package_epoch: Some(0),
                hash_state: HashState::FileTooBig.into(),
                hashes: vec!["sha256:00".into()],
                ..FileInfo::default()
            }),
            generation_type: 3,
            open: Some(OpenNode { retval: -13, flags: 0, mode: 0 }),
            ..FileActivityNode::default()
        }],
        ..FileActivityNode::default()
    };
    let child = ProcessActivityNode {
        process: Some(ProcessInfo { pid: 7, args: vec!["-c".into()], ..ProcessInfo::default() }),
        generation_type: GenerationType::Runtime.into(),
        matched_rules: vec![MatchedRule {
            rule_id: "shadow".into(),
            rule_tags: [("a".into(), "b".into())].into(),
            ..MatchedRule::default()
        }],
        files: vec![file],
        ..ProcessActivityNode::default()
    };
    let root = ProcessActivityNode {
        children: vec![child],
        sockets: vec![SocketNode {
            family: "AF_INET".into(),
            bind: vec![BindNode { port: 80, ip: "0.0.0.0".into(), node_base: Some(seen), ..BindNode::default() }],
        }],
        syscall_nodes: vec![SyscallNode { syscall: -1, ..SyscallNode::default() }],
        ..ProcessActivityNode::default()
    };
    SecDump {
        host: "h\u{fffd}\"".into(),
        metadata: Some(Metadata { start: 1_750_000_000_123_456_789, ..Metadata::default() }),
        tree: vec![root],
        ..SecDump::default()
    }
}

fn profile() -> SecurityProfile {
    let state = EventTypeState { last_anomaly_nano: 9, event_profile_state: EventProfileState::StableProfile.into() };
    let context =
        ProfileContext { event_type_state: [(24, state)].into(), syscalls: vec![0, 257], ..ProfileContext::default() };
    SecurityProfile {
        tree: dump().tree,
        profile_contexts: [("1.25".into(), context)].into(),
        selector: Some(ProfileSelector { image_name: "nginx".into(), image_tag: "*".into() }),
        ..SecurityProfile::default()
    }
}

#[test]
fn each_encoding_gives_the_same_message_back() {
    let (dump, profile, limits) = (dump(), profile(), Limits::default());
    assert_eq!(decode_dump(&dump.encode_to_vec(), limits).unwrap(), dump);
    assert_eq!(decode_dump_json(&to_json(&dump), limits).unwrap(), dump);
    assert_eq!(decode_dump_json(&to_json_pretty(&dump), limits).unwrap(), dump);
    assert_eq!(decode_profile(&profile.encode_to_vec(), limits).unwrap(), profile);
    assert_eq!(decode_profile_json(&to_json(&profile), limits).unwrap(), profile);
}

#[test]
fn json_is_that_of_gos_library() {
    let open = FileActivityNode {
        open: Some(OpenNode { retval: -13, flags: 2, mode: 0 }),
        generation_type: 4,
        ..FileActivityNode::default()
    };
    let text = String::from_utf8(to_json(&open)).unwrap();
    // Declaration order, not that of numbers; names as in the file; what is unset is shown; signed 64-bit numbers
    // are strings too; an enum's number stays where it has no name.
    assert_eq!(
        text,
        "{\"matched_rules\":[],\"image_tags\":[],\"node_base\":null,\"name\":\"\",\"is_pattern\":false,\"file\":null,\
         \"generation_type\":4,\"first_seen\":\"0\",\"open\":{\"retval\":\"-13\",\"flags\":2,\"mode\":0},\
         \"children\":[]}"
    );
    let text = String::from_utf8(to_json(&FileInfo::default())).unwrap();
    assert!(!text.contains("package_epoch"), "what has presence and is not there is left out: {text}");
    assert!(text.contains("\"hash_state\":\"NO_HASH\""), "{text}");
    let text = String::from_utf8(to_json(&profile())).unwrap();
    assert!(text.contains("\"event_type_state\":{\"24\":{\"last_anomaly_nano\":\"9\","), "{text}");
    assert!(text.contains("\"event_profile_state\":\"STABLE_PROFILE\""), "{text}");
}

#[test]
fn a_reader_of_json_takes_what_the_rules_allow() {
    let read = |text: &str| decode_dump_json(text.as_bytes(), Limits::default());
    // Either name, numbers as strings and strings as numbers, null for a default, unknown keys.
    let dump = read(
        r#"{"new": [1, {"x": null}], "host": null, "tags": null, "metadata": {"agentVersion": "7", "start": 5,
            "end": "6", "differentiate_args": null}, "tree": [{"generationType": null, "syscall_nodes": [{"syscall": "7"}],
            "process": {"pid": "9"}}]}"#,
    )
    .unwrap();
    let metadata = dump.metadata.unwrap();
    assert_eq!((metadata.agent_version.as_str(), metadata.start, metadata.end), ("7", 5, 6));
    assert_eq!(dump.tree[0].syscall_nodes[0].syscall, 7);
    assert_eq!(dump.tree[0].process.as_ref().unwrap().pid, 9);
    for (text, expected) in [
        ("", "EOF"),
        ("{} x", "trailing characters"),
        (r#"{"tree": [{"generation_type": "SOMETIMES"}]}"#, "SOMETIMES"),
        (r#"{"metadata": {"start": -1}}"#, "-1"),
        (r#"{"tree": 7}"#, "invalid type"),
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(error.starts_with("it is not the JSON of a dump") && error.contains(expected), "{error}");
    }
}

/// A chain of processes, each the only child of the one before.
fn nested(depth: usize) -> SecDump {
    let chain = (0..depth).fold(None, |below: Option<ProcessActivityNode>, _| {
        Some(ProcessActivityNode { children: below.into_iter().collect(), ..ProcessActivityNode::default() })
    });
    SecDump { tree: chain.into_iter().collect(), ..SecDump::default() }
}

#[test]
fn nesting_is_bounded_as_other_readers_bound_it() {
    // Tests get 2 MiB of stack.
    std::thread::Builder::new().stack_size(8 << 20).spawn(nests).unwrap().join().unwrap();
}

#[expect(clippy::unwrap_used, reason = "a failure is the test's")]
fn nests() {
    let limits = Limits::default();
    let deepest = nested(99);
    assert_eq!(decode_dump(&deepest.encode_to_vec(), limits).unwrap(), deepest);
    assert_eq!(decode_dump_json(&to_json(&deepest), limits).unwrap(), deepest);
    let deeper = nested(100);
    assert_eq!(decode_dump(&deeper.encode_to_vec(), limits), Err(DecodeError::TooDeep));
    assert_eq!(decode_dump_json(&vec![b'['; 1 << 20], limits), Err(DecodeError::TooDeep));
    assert_eq!(decode_dump_json("{\"a\":".repeat(5000).as_bytes(), limits), Err(DecodeError::TooDeep));
}

#[test]
fn what_unfolds_is_refused_before_it_does() {
    let limits = Limits { memory: 1 << 20 };
    // Two bytes each: field 6 of a dump, of no length.
    let empty_processes = [0x32, 0].repeat(100_000);
    assert_eq!(decode_dump(&empty_processes, limits), Err(DecodeError::TooLarge { limit: 1 << 20 }));
    let strings = [0x2a, 0].repeat(100_000);
    assert_eq!(decode_dump(&strings, limits), Err(DecodeError::TooLarge { limit: 1 << 20 }));
    let json = format!("{{\"tree\":[{}]}}", vec!["{}"; 100_000].join(","));
    assert_eq!(decode_dump_json(json.as_bytes(), limits), Err(DecodeError::TooLarge { limit: 1 << 20 }));
    // The same in small is fine.
    assert_eq!(decode_dump(&empty_processes[..20], limits).unwrap().tree.len(), 10);
}

#[test]
fn every_cut_and_every_flipped_byte_is_an_error_or_a_dump() {
    let (bytes, limits) = (dump().encode_to_vec(), Limits::default());
    let mut whole = 0;
    for end in 0..bytes.len() {
        whole += usize::from(decode_dump(&bytes[..end], limits).is_ok());
    }
    // Only where a field of the outermost message ends.
    assert!(whole < 5, "{whole}");
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0xff;
        let _ = decode_dump(&flipped, limits);
        let mut text = to_json(&dump());
        text[at] ^= 0x15;
        let _ = decode_dump_json(&text, limits);
    }
    assert_eq!(decode_dump(&[0x32, 0xff, 0xff, 0xff, 0xff, 0x0f], limits), Err(DecodeError::Truncated));
    assert!(matches!(decode_dump(&[0x33], limits), Err(DecodeError::Malformed(_))));
    assert!(matches!(decode_dump(&[0x08, 1], limits), Err(DecodeError::Protobuf(_))));
}
