//! The promise about programs: where rules are said to be indifferent to what a process runs, none matches whatever else
//! becomes of the process, on random rules and processes.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Options, PolicySource, Rules, load};
use crate::event::{Event, EventType, File, Open, Origin, Quality};
use crate::ids::{Pid, PidNs, ProcessKey, Tid, Timestamp};
use crate::names;
use crate::process::{Arguments, Cache, Credentials, Limits, Process};
use crate::record::Program;
use crate::rules::tests::random::Random;
use crate::schema::Short;

const NAMES: [&str; 4] = ["web", "sh", "cat", "busybox"];
const SECOND: u64 = 1_000_000_000;

fn single(random: &mut Random) -> String {
    let name = random.pick(&NAMES);
    match random.below(16) {
        0 | 1 => format!("process.file.name == \"{name}\""),
        2 => format!("process.file.name in [\"{name}\", ~\"*e*\"]"),
        3 => format!("process.file.path =~ \"/usr/*/{name}\""),
        4 => format!("process.argv0 == \"{name}\""),
        5 => format!("process.args =~ \"*{name}*\""),
        6 => format!("process.argv[0] == \"{name}\""),
        7 => String::from("process.file.name.length > 3"),
        8 => format!("process.comm == \"{name}\""),
        9 => String::from("process.uid == 0"),
        10 => format!("process.ancestors.file.name == \"{name}\""),
        11 => format!("process.parent.file.name == \"{name}\""),
        12 => String::from("process.created_at < 10s"),
        13 => format!("open.file.name == \"{name}\""),
        14 => String::from("process.file.name in ${seen}"),
        _ => String::from("open.flags & O_CREAT > 0"),
    }
}

fn condition(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 1 } else { 4 }) {
        0 => single(random),
        1 => format!("!({})", condition(random, depth - 1)),
        choice => {
            let parts: [String; 2] = core::array::from_fn(|_| format!("({})", condition(random, depth - 1)));
            parts.join(if choice == 2 { " || " } else { " && " })
        }
    }
}

fn rules(random: &mut Random) -> Rules {
    let sets = "- id: sets\n  expression: chdir.file.name == \"x\"\n  actions:\n  - set: {name: seen, field: process.file.name, append: true}\n";
    let rules: String = (0..=random.below(2))
        .map(|number| {
            let condition = condition(random, 2);
            format!("- id: r{number}\n  expression: open.file.path != \"\" && ({condition})\n")
        })
        .collect();
    let source = PolicySource { name: "x.policy".into(), text: format!("rules:\n{sets}{rules}") };
    let loaded = load(&[source], &Options::default());
    assert!(!loaded.has_errors(), "{:?}", loaded.reports);
    loaded.rules
}

fn program(random: &mut Random) -> Program {
    let texts: Vec<Box<[u8]>> = (0..3).map(|_| random.pick(&NAMES).as_bytes().into()).collect();
    let path = format!("/usr/{}/{}", random.pick(&["bin", "lib"]), random.pick(&NAMES));
    Program {
        file: File::at(path.as_bytes()),
        arguments: Arguments::scrubbed(texts, false).unwrap(),
        ..Program::default()
    }
}

fn key(pid: i32) -> ProcessKey {
    ProcessKey { pid: Pid(pid), namespace: PidNs(1) }
}

fn event(random: &mut Random, process: &Arc<Process>) -> Event {
    let path = format!("/{}/{}", random.pick(&NAMES), random.pick(&NAMES));
    let flags = [0, 0o100][random.below(2)];
    let open =
        Open { file: File::at(path.as_bytes()), flags, flag_names: &names::OPEN_FLAGS, mode: 0, path: None, retval: 3 };
    Event {
        timestamp: Timestamp(SECOND * (2 + random.below(30) as u64)),
        origin: Origin::Kernel,
        quality: Quality::default(),
        tid: Tid(9),
        process: Arc::clone(process),
        payload: open.into(),
        syscall: None,
    }
}

#[test]
fn no_rule_matches_a_program_to_which_rules_are_indifferent() {
    let (mut indifferent, mut matched) = (0, 0);
    for seed in 1..=1500 {
        let mut random = Random(seed * 0x9e37_79b9);
        let rules = rules(&mut random);
        let mut memory = rules.memory(1);
        let mut cache = Cache::new(Limits::default());
        for pid in [1, 2] {
            cache.fork(key(pid), key(pid + 1), Timestamp(SECOND));
            let at = Timestamp(SECOND + u64::try_from(pid).unwrap());
            let ran = program(&mut random);
            cache.exec(key(pid + 1), ran, at);
        }
        let process = Arc::clone(cache.get(key(3)).unwrap());
        let first = event(&mut random, &process);
        let said = rules.are_indifferent_to_program(EventType::Open, &first, &mut memory);
        indifferent += usize::from(said);
        for _ in 0..20 {
            let uid = u32::try_from(random.below(2)).unwrap();
            cache.set_credentials(key(3), &Credentials { uid, ..Credentials::default() });
            cache.set_comm(key(3), Short::new(random.pick(&NAMES).as_bytes()));
            let mut found = 0;
            rules.evaluate(&event(&mut random, &process), &mut memory, &mut |_| found += 1);
            assert!(!said || found == 0, "seed {seed}");
            matched += found;
        }
    }
    // Otherwise this would prove nothing.
    assert!(indifferent > 100 && matched > 5000, "{indifferent} {matched}");
}

#[test]
fn nothing_is_said_of_what_is_not_known() {
    let source = "rules:\n- id: r\n  expression: open.file.name != \"\" && process.file.name == \"web\"\n";
    let loaded = load(&[PolicySource { name: "x.policy".into(), text: source.into() }], &Options::default());
    let (mut memory, mut random) = (loaded.rules.memory(1), Random(7));
    let mut cache = Cache::new(Limits::default());
    let unknown = cache.placeholder(key(5));
    let known = cache.exec(key(6), Program { file: File::at(*b"/bin/sh"), ..Program::default() }, Timestamp(SECOND));
    for (process, kind, expected) in [
        (unknown, EventType::Open, false),
        (Arc::clone(&known), EventType::Open, true),
        (known, EventType::Chmod, false),
    ] {
        let event = event(&mut random, &process);
        assert_eq!(loaded.rules.are_indifferent_to_program(kind, &event, &mut memory), expected);
    }
}
