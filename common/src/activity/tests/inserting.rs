//! What is merged with what.

use super::*;

#[test]
fn files_are_filed_by_component_below_the_program() {
    let mut story = Story::new(Options::default());
    story.exec(2, "/bin/sh", &[]).unwrap();
    let new = Novelty { process: false, entry: true };
    assert_eq!(story.open(2, "/etc/passwd"), Ok(new));
    assert_eq!(story.open(2, "/etc/passwd"), Ok(Novelty::default()));
    assert_eq!(story.open(2, "/etc/group"), Ok(new));
    // A directory that was only passed through until now.
    assert_eq!(story.open(2, "/etc"), Ok(new));
    assert_eq!(story.open(2, "/"), Ok(new));
    assert_eq!(story.open(2, "/etc//group/"), Ok(Novelty::default()));
    story.open(2, "pipe:[4711]").unwrap();
    assert_eq!(story.open(2, "pipe:[4712]"), Ok(Novelty::default()));
    assert_eq!(story.open(2, ""), Err(Dropped::BrokenEvent));
    assert_eq!(story.shown(), "/bin/sh\n  +/\n  +/etc\n  +/etc/group\n  +/etc/passwd\n  +pipe:[*]\n");
    assert_eq!(story.tree.counts().files, 5);
}

#[test]
fn a_file_opened_again_keeps_its_first_result_and_collects_flags() {
    let mut story = Story::new(Options::default());
    story.tag = "1.25";
    story.exec(2, "/bin/sh", &[]).unwrap();
    for (flags, retval) in [(0o1, -13), (0o100, 5)] {
        let event = story.opening(2, "/tmp/x", flags);
        let Payload::Open(open) = event.payload else { unreachable!() };
        story.insert(&Event { payload: Open { retval, ..open }.into(), ..event }).unwrap();
    }
    let file = story.tree.to_messages().remove(0).files.remove(0).children.remove(0);
    assert_eq!(file.name, "x");
    let open = file.open.unwrap();
    assert_eq!((open.flags, open.retval), (0o101, -13));
    let info = file.file.unwrap();
    assert_eq!((info.path.as_str(), info.basename.as_str(), info.inode), ("/tmp/x", "x", 7));
    let seen = file.node_base.unwrap().seen["1.25"];
    assert_eq!(seen.last_seen - seen.first_seen, SECOND);
    assert_eq!(file.first_seen, seen.first_seen);
    assert_eq!(file.generation_type, Generation::Runtime as i32);
}

#[test]
fn numbers_of_processes_do_not_multiply_files() {
    let mut story = Story::new(Options::default());
    story.exec(2, "/bin/ps", &[]).unwrap();
    for pid in [2, 77, 78] {
        story.open(2, &format!("/proc/{pid}/stat")).unwrap();
    }
    assert_eq!(story.shown(), "/bin/ps\n  +/proc/*/stat\n  +/proc/self/stat\n");
}

#[test]
fn ports_are_told_apart_by_family_address_and_protocol() {
    let mut story = Story::new(Options::default());
    story.exec(2, "/bin/server", &[]).unwrap();
    for (family, port, retval, expected) in [
        (2, 80, 0, Ok(Novelty { process: false, entry: true })),
        (2, 80, 0, Ok(Novelty::default())),
        (2, 81, 0, Ok(Novelty { process: false, entry: true })),
        (10, 80, 0, Ok(Novelty { process: false, entry: true })),
        (2, 80, -98, Err(Dropped::Failed)),
        (1, 0, 0, Err(Dropped::BindFamily)),
    ] {
        let event = story.binding(2, family, port, retval);
        assert_eq!(story.insert(&event), expected, "{family} {port}");
    }
    let sockets = story.tree.to_messages().remove(0).sockets;
    let shown: Vec<_> = sockets.iter().map(|socket| (socket.family.as_str(), socket.bind.len())).collect();
    assert_eq!(shown, [("AF_INET", 2), ("AF_INET6", 1)]);
    assert_eq!((sockets[0].bind[0].ip.as_str(), sockets[0].bind[0].protocol), ("127.0.0.1", 6));
}

#[test]
fn calls_are_kept_by_number_if_they_are_wanted() {
    for (syscalls, expected) in [(Syscalls::OfEvents, 1), (Syscalls::Ignored, 0), (Syscalls::All, 0)] {
        let mut story = Story::new(Options { syscalls, ..Options::default() });
        story.exec(2, "/bin/sh", &[]).unwrap();
        story.open(2, "/etc/passwd").unwrap();
        story.open(2, "/etc/group").unwrap();
        assert_eq!(story.tree.counts().syscalls, expected);
        let number = Syscall::named("openat").unwrap().number(crate::syscall::Arch::NATIVE).unwrap().cast_signed();
        assert_eq!(makes(&story, number), expected == 1);
    }
}

#[test]
fn all_calls_that_are_made_are_kept_once() {
    let mut story = Story::new(Options { syscalls: Syscalls::All, ..Options::default() });
    story.exec(2, "/bin/sh", &[]).unwrap();
    let process = story.cache.resolve(key(2));
    let mut calls = CallSet::new(Arch::NATIVE);
    assert!(calls.insert(39) && calls.insert(3));
    let mut insert = |at| story.tree.insert_calls(&process, &calls, Timestamp(at), &Mark::default()).unwrap();
    assert_eq!(insert(7), Novelty { process: false, entry: true });
    assert_eq!(insert(8), Novelty::default());
    assert!(makes(&story, 39) && makes(&story, 3) && !makes(&story, 4));
    let mut other = Story::new(Options::default());
    other.exec(2, "/bin/sh", &[]).unwrap();
    assert_eq!(other.tree.insert_calls(&process, &calls, Timestamp(9), &Mark::default()), Err(Dropped::EventType));
}

#[test]
fn rules_are_kept_once() {
    let mut story = Story::new(Options::default());
    story.exec(2, "/bin/sh", &[]).unwrap();
    let message = |id: &str| lapwing_proto::dumps::MatchedRule { rule_id: id.into(), ..Default::default() };
    let rules: Vec<RuleId> = ["a", "b", "a"].iter().filter_map(|id| story.tree.rule(&message(id))).collect();
    for _ in 0..2 {
        let event = story.opening(2, "/etc/shadow", 0);
        story.tree.insert(&event, &Mark { rules: &rules, ..Mark::default() }).unwrap();
    }
    let node = story.tree.to_messages().remove(0);
    let ids =
        |rules: &[lapwing_proto::dumps::MatchedRule]| rules.iter().map(|rule| rule.rule_id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&node.files[0].children[0].matched_rules), ["a", "b"]);
    assert!(node.matched_rules.is_empty());
}

#[test]
fn names_and_metadata_have_their_places() {
    use lapwing_proto::dumps::{DnsInfo, ImdsEvent};
    let mut story = Story::new(Options { dns_labels: 2, ..Options::default() });
    story.exec(2, "/usr/bin/curl", &[]).unwrap();
    let process = story.cache.resolve(key(2));
    let mut ask = |name: &str, kind| {
        let request = DnsInfo { name: name.into(), r#type: kind, ..DnsInfo::default() };
        story.tree.insert_dns(&process, &request, Timestamp(5), &Mark::default()).unwrap().entry
    };
    assert!(ask("a.example.org", 1));
    assert!(ask("a.example.org", 28));
    assert!(!ask("b.example.org", 28));
    assert!(ask("example.com", 1));
    let imds = ImdsEvent { url: "/latest".into(), ..ImdsEvent::default() };
    assert!(story.tree.insert_imds(&process, &imds, Timestamp(5), &Mark::default()).unwrap().entry);
    assert!(!story.tree.insert_imds(&process, &imds, Timestamp(6), &Mark::default()).unwrap().entry);
    let broken = story.tree.insert_imds(&process, &ImdsEvent::default(), Timestamp(6), &Mark::default());
    assert_eq!(broken, Err(Dropped::BrokenEvent));
    assert!(story.tree.insert_capability(&process, 21, true, Timestamp(6), &Mark::default()).unwrap().entry);
    let counts = story.tree.counts();
    assert_eq!((counts.dns, counts.imds, counts.capabilities), (2, 1, 1));
    let names = story.tree.to_messages().remove(0).dns_names;
    assert_eq!(names[0].requests.len(), 2);
}

#[test]
fn asking_changes_nothing_and_agrees_with_inserting() {
    let mut story = Story::new(Options::default());
    story.tag = "1";
    story.exec(2, "/bin/sh", &[]).unwrap();
    story.open(2, "/etc/passwd").unwrap();
    let known = story.opening(2, "/etc/passwd", 0);
    let new = story.opening(2, "/etc/shadow", 0);
    let before = story.tree.to_messages();
    let tag = story.tree.known_tag("1");
    assert!(tag.is_some() && story.tree.known_tag("2").is_none());
    assert_eq!(story.tree.contains(&known, tag), Ok(true));
    assert_eq!(story.tree.contains(&known, None), Ok(true));
    assert_eq!(story.tree.contains(&new, None), Ok(false));
    let other = story.tree.tag("2");
    assert_eq!(story.tree.contains(&known, other), Ok(false));
    story.fork(2, 3);
    let exec = story.exec_unseen(3, "/bin/ls", &[]);
    assert_eq!(story.tree.contains(&exec, None), Ok(false));
    assert_eq!(story.tree.to_messages(), before);
    story.insert(&exec).unwrap();
    assert_eq!(story.tree.contains(&exec, None), Ok(true));
}

#[test]
fn refused_programs_and_unknown_processes_add_nothing() {
    let mut story = Story::new(Options::default());
    story.exec(2, "/bin/sh", &[]).unwrap();
    let exec = story.exec_unseen(2, "/bin/ls", &[]);
    let Payload::Exec(payload) = exec.payload else { unreachable!() };
    let refused = Exec { refused: Some(File::at(&b"/bin/x"[..])), retval: -13, ..payload };
    assert_eq!(story.insert(&Event { payload: refused.into(), ..exec }), Err(Dropped::Failed));
    let open = story.opening(2, "/etc/passwd", 0);
    let mark = Mark { adds_processes: false, ..Mark::default() };
    assert_eq!(story.tree.insert(&open, &mark), Err(Dropped::UnknownProcess));
    assert_eq!(story.shown(), "/bin/sh\n");
}

#[test]
fn an_exit_only_notes_the_time() {
    let mut story = Story::new(Options::default());
    story.exec(2, "/bin/sh", &[]).unwrap();
    story.fork(2, 3);
    // A child that ran nothing shares the node, and its end is not the node's.
    story.exit(3).unwrap();
    let exited = |story: &Story| story.tree.to_messages()[0].process.as_ref().unwrap().exit_time;
    assert_eq!(exited(&story), 0);
    story.exec(2, "/bin/ls", &[]).unwrap();
    assert_ne!(exited(&story), 0, "it runs another program now");
    let fresh = Story::new(Options::default()).exit(9);
    assert!(fresh.is_err());
}

fn makes(story: &Story, number: i32) -> bool {
    story.tree.calls(None).any(|call| call == number)
}
