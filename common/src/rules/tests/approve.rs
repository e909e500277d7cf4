//! The promise of filters: what they keep back, no rule would have matched.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::random::Random;
use super::rules;
use crate::discard::{Approver, Approvers, Mode, Passage};
use crate::event::{Event, EventType, File, Open, Origin, Quality, Rename, Unlink};
use crate::ids::{Pid, PidNs, ProcessKey, Tid, Timestamp};
use crate::names;
use crate::process::{Cache, Limits};
use crate::rules::approve::Approval;
use crate::rules::paths::{PathInterests, WantedPaths};
use crate::rules::set::State;

const PATHS: [&str; 8] =
    ["/etc/passwd", "/etc/shadow", "/etc", "/usr/lib/x.so", "/a/b/passwd", "/tmp/x", "/", "/usr/bin/ls"];
const GLOBS: [&str; 6] = ["/etc/*", "/**/passwd", "/usr/**", "/*/x", "/a/**/shadow", "*/ls"];
const NAMES: [&str; 5] = ["passwd", "shadow", "ls", "x.so", "x"];

fn approval(texts: &[&str], event: EventType) -> Approval {
    let texts: Vec<_> = texts.iter().map(|text| String::from(*text)).collect();
    rules(&texts).approvals().into_iter().find(|one| one.event == event).unwrap()
}

fn basename(name: &str) -> Approver {
    Approver::Basename(name.as_bytes().into())
}

#[test]
fn names_and_flags_that_rules_ask_for_approve() {
    let found = approval(
        &[
            r#"open.file.path in ["/etc/shadow", ~"/home/*/.ssh/id_rsa"] && process.uid != 0"#,
            r#"open.file.name == "passwd" || open.file.path == "/x/y""#,
            "open.flags & (O_CREAT|O_WRONLY) > 0 && process.comm =~ \"*x*\"",
            "open.flags & O_TRUNC != 0 && !process.is_thread",
        ],
        EventType::Open,
    );
    assert_eq!(found.policy.mode, Mode::Deny);
    let mut expected: Vec<_> = ["id_rsa", "passwd", "shadow", "y"].map(basename).into();
    expected.extend([Approver::Flags(0o101), Approver::Flags(0o1000)]);
    expected.sort_unstable();
    assert_eq!(found.policy.approvers, expected);
}

#[test]
fn components_stand_for_patterns_that_leave_the_name_open() {
    let component = |name: &str| Approver::Component(name.as_bytes().into());
    for (text, expected) in [
        (r#"open.file.path =~ "/etc/*""#, Some(component("etc"))),
        (r#"open.file.path =~ "/home/*/.ssh/**""#, Some(component(".ssh"))),
        (r#"open.file.path =~ "/var/**/secrets/*.pem""#, Some(component("secrets"))),
        (r#"open.file.path =~ "/var/lib/app/**" && open.flags & O_CREAT > 0"#, Some(component("app"))),
        (r#"open.file.path =~ "/etc/**/passwd""#, Some(basename("passwd"))),
        (r#"open.file.path =~ "/**/*.so""#, None),
    ] {
        let found = approval(&[text], EventType::Open).policy;
        assert_eq!(found.approvers, Vec::from_iter(expected.clone()), "{text}");
        assert_eq!(found.mode == Mode::Deny, expected.is_some(), "{text}");
    }
}

#[test]
fn one_rule_that_asks_for_neither_opens_its_type() {
    for text in [
        r#"open.file.path =~ "/*/x*""#,
        r#"open.file.path in [~"/etc/*", ~"/*/x*"]"#,
        r#"open.file.name != "x""#,
        r#"open.file.name =~ "*.so""#,
        "open.flags & O_CREAT == 0",
        "open.flags == O_CREAT",
        r#"open.file.path == """#,
        r#"open.file.path == "/""#,
        r#"!(open.file.name == "x")"#,
        r#"open.file.name == "x" || open.retval < 0"#,
        r#"open.syscall.path == "/etc/passwd""#,
        r#"process.file.name == "x" && open.retval == 1"#,
    ] {
        let found = approval(&[r#"open.file.name == "passwd""#, text], EventType::Open);
        assert_eq!((found.policy.mode, &*found.open), (Mode::Accept, &[1][..]), "{text}");
    }
    let rename = approval(&[r#"rename.file.destination.path == "/etc/passwd""#], EventType::Rename);
    assert_eq!(rename.policy.approvers, [basename("passwd")]);
}

fn condition(random: &mut Random, event: &str, depth: usize) -> String {
    let list = |random: &mut Random, texts: &[&str]| {
        let members: Vec<_> = (0..=random.below(5)).map(|_| format!("{:?}", random.pick(texts))).collect();
        members.join(", ")
    };
    let other = if event == "rename" { ".destination" } else { "" };
    let file = if random.below(2) == 0 { "" } else { other };
    match random.below(if depth == 0 { 7 } else { 10 }) {
        0 => format!("{event}.file{file}.path in [{}]", list(random, &PATHS)),
        1 => format!("{event}.file{file}.path in [~{:?}, {}]", random.pick(&GLOBS), list(random, &PATHS)),
        2 => format!("{event}.file{file}.name {} [{}]", random.pick(&["in", "in", "not in"]), list(random, &NAMES)),
        3 => format!("{event}.file{file}.name =~ {:?}", random.pick(&["*.so", "pass*", "shadow"])),
        4 => format!(
            "{event}.flags & {} {} {}",
            random.below(4),
            random.pick(&["==", ">", "!=", ">=", "<"]),
            random.below(3)
        ),
        5 => format!("{event}.retval == {}", random.below(2)),
        6 => format!("{event}.file{file}.path {} {:?}", random.pick(&["==", "!="]), random.pick(&PATHS)),
        7 => format!("!({})", condition(random, event, depth - 1)),
        choice => {
            let parts: Vec<_> =
                (0..2 + random.below(2)).map(|_| format!("({})", condition(random, event, depth - 1))).collect();
            parts.join(if choice == 8 { " && " } else { " || " })
        }
    }
}

/// Paths as events have them: mostly known, now and then not.
fn file(random: &mut Random) -> File {
    let mut file = File::at(random.pick(&PATHS).as_bytes());
    if random.below(20) == 0 {
        file = File { path: Box::default(), unresolved: true, ..file };
    }
    file
}

#[test]
fn nothing_that_a_rule_matches_is_kept_back() {
    let key = ProcessKey { pid: Pid(9), namespace: PidNs(1) };
    let process = Cache::new(Limits::default()).placeholder(key);
    let (mut denied, mut kept_back, mut matched, mut let_by, mut indifferent) = (0, 0, 0, 0, 0);
    for seed in 1..400 {
        let mut random = Random(seed * 0x9e37_79b9);
        let name = random.pick(&["open", "unlink", "rename"]);
        let texts: Vec<_> = (0..=random.below(4)).map(|_| condition(&mut random, name, 2)).collect();
        let rules = rules(&texts);
        let approval = rules.approvals().remove(0);
        let flags_asked = rules.arguments().find_map(|(event, test)| (event == approval.event).then_some(test.flags));
        let interests = PathInterests::new(rules.wanted_paths());
        let mut approvers = Approvers::default();
        approvers.set(approval.event, &approval.policy).unwrap();
        denied += usize::from(approval.policy.mode == Mode::Deny);
        let mut state = State::new(&rules, 1);
        for _ in 0..80 {
            let (one, other) = (file(&mut random), file(&mut random));
            let (flags, retval) = (random.below(8) as u64, i64::try_from(random.below(2)).unwrap());
            let paths = |file: &File| (!file.unresolved).then(|| file.path.to_vec());
            let both = [paths(&one), paths(&other)];
            let payload = match approval.event {
                EventType::Open => {
                    let flag_names = &names::OPEN_FLAGS;
                    Open { file: one, flags, flag_names, mode: 0, path: None, retval }.into()
                }
                EventType::Unlink => Unlink { file: one, flags, path: None, retval }.into(),
                _ => {
                    let (path, destination_path) = (None, None);
                    Rename { file: one, destination: other, flags, path, destination_path, retval }.into()
                }
            };
            let shown = if approval.event == EventType::Rename { 2 } else { 1 };
            let passage = approvers.judge(approval.event, both[..shown].iter().map(|name| name.as_deref()), flags);
            let event = Event {
                timestamp: Timestamp(1),
                origin: Origin::Kernel,
                quality: Quality::default(),
                tid: Tid(9),
                process: process.clone(),
                payload,
                syscall: None,
            };
            let mut matches = 0;
            rules.matches(&event, &mut state, &mut |_, _, _| matches += 1);
            matched += matches;
            if let [Some(path), _] = &both
                && interests.are_indifferent_to(approval.event, path)
            {
                indifferent += 1;
                assert_eq!(matches, 0, "seed {seed}: {texts:#?}\n{event:#?}");
            }
            if let Some(Some(test)) = flags_asked
                && !test.passes(flags)
            {
                let_by += 1;
                assert_eq!(matches, 0, "seed {seed}: {texts:#?}\n{event:#?}");
            }
            if passage == Passage::Never {
                kept_back += 1;
                assert_eq!(matches, 0, "seed {seed}: {texts:#?}\n{event:#?}");
            }
        }
    }
    // Otherwise this would prove nothing.
    assert!(denied > 30 && kept_back > 500 && matched > 5000, "{denied} {kept_back} {matched}");
    assert!(let_by > 100 && indifferent > 500, "{let_by} {indifferent}");
}

#[test]
fn paths_that_rules_ask_for_are_told_whole() {
    let found = |texts: &[&str]| {
        let texts: Vec<_> = texts.iter().map(|text| String::from(*text)).collect();
        rules(&texts).wanted_paths()
    };
    let boxed = |texts: &[&str]| -> Vec<Box<[u8]>> { texts.iter().map(|text| text.as_bytes().into()).collect() };
    let texts = [
        r#"open.file.path in ["/etc/shadow", ~"/home/*/.ssh/**"] && process.uid != 0"#,
        r#"open.file.path == "/etc/shadow" || open.file.name in ["passwd", ~"*.pem"]"#,
        // The least of what has to hold together.
        r#"open.file.path =~ "/**" && open.file.name == "id_rsa""#,
    ];
    let expected = WantedPaths {
        paths: boxed(&["/etc/shadow"]),
        names: boxed(&["id_rsa", "passwd"]),
        globs: boxed(&["/**/*.pem", "/home/*/.ssh/**"]),
    };
    assert_eq!(found(&texts), [(EventType::Open, expected)]);
    let interests = PathInterests::new(found(&texts));
    for (path, is_wanted) in [
        ("/etc/shadow", true),
        ("/etc/shadow-", false),
        ("/home/a/.ssh/x/y", true),
        ("/home/a/b/.ssh/x", false),
        ("/x.pem", true),
        ("/a/b/x.pem", true),
        ("/passwd", true),
        ("/passwd/x", false),
    ] {
        assert_eq!(!interests.are_indifferent_to(EventType::Open, path.as_bytes()), is_wanted, "{path}");
    }
    assert!(!interests.are_indifferent_to(EventType::Chmod, b"/x"), "nobody has spoken of that");
    for open in [
        r#"open.file.path != "/x""#,
        r#"open.file.name =~ r"x.*""#,
        r#"open.file.path == "/x" || process.uid == 0"#,
        r#"open.file.name =~ "**""#,
        "open.flags & O_CREAT > 0",
    ] {
        assert_eq!(found(&[texts[0], open]), [], "{open}");
    }
    assert_eq!(found(&[r#"unlink.file.path == "/x""#, r#"rename.file.path == "/x""#]), [], "they end discarders");
}
