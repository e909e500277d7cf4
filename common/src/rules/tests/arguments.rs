//! Calls whose registers rule them out, no rule would have matched.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::random::Random;
use super::rules;
use crate::backend::{ArgumentTest, ArgumentsWanted, FlagTest, Values};
use crate::decode;
use crate::event::{Event, EventType, Origin, Quality};
use crate::ids::{Pid, PidNs, ProcessKey, Tid, Timestamp};
use crate::process::{Cache, Limits};
use crate::record::{Record, Task};
use crate::rules::set::State;
use crate::syscall::{Arch, CATALOGUE, Role};

fn asked(text: &str) -> ArgumentTest {
    let found = rules(&[String::from(text)]).arguments().next();
    found.unwrap().1
}

#[test]
fn what_a_rule_asks_of_an_argument() {
    let one_of = |role, values: &[u32]| Some((role, Values::one_of(values.iter().copied()).unwrap()));
    for (text, expected) in [
        ("ptrace.request == PTRACE_ATTACH && process.uid != 0", one_of(Role::Selector, &[16])),
        ("signal.type in [SIGKILL, SIGSTOP] || signal.type == SIGTERM", one_of(Role::Selector, &[9, 15, 19])),
        ("prctl.option == PR_SET_DUMPABLE", one_of(Role::Selector, &[4])),
        ("socket.protocol == 1 && socket.domain in [AF_INET, AF_INET6]", one_of(Role::Selector, &[2, 10])),
        ("socket.protocol == 1 && socket.type == SOCK_RAW", one_of(Role::Protocol, &[1])),
        ("setsockopt.level == SOL_SOCKET && setsockopt.optname == SO_ATTACH_FILTER", one_of(Role::SubSelector, &[26])),
        ("mprotect.req_protection & (VM_WRITE|VM_EXEC) == 6", Some((Role::Selector, Values::AnyBit(6)))),
        ("mmap.protection & PROT_WRITE > 0 && mmap.file.name == \"x\"", Some((Role::Selector, Values::AnyBit(2)))),
        ("signal.type != SIGKILL", None),
        ("signal.type > 1", None),
        ("!(signal.type == SIGKILL)", None),
        ("signal.type == SIGKILL || signal.retval == 0", None),
        ("socket.type == SOCK_RAW", None),
        ("bpf.cmd & 3 == 0", None),
        ("signal.type in [1, 2, 3, 4, 5, 6, 7]", None),
    ] {
        assert_eq!(asked(text), ArgumentTest { value: expected, flags: None }, "{text}");
    }
    let flags = asked("mmap.flags & MAP_ANONYMOUS > 0").flags;
    assert_eq!(flags, Some(FlagTest { any: 0x20, or_none: false }));
}

const ASKED: [(EventType, &[&str]); 9] = [
    (EventType::Ptrace, &["request"]),
    (EventType::Signal, &["type"]),
    (EventType::Prctl, &["option"]),
    (EventType::Setrlimit, &["resource"]),
    (EventType::Bpf, &["cmd"]),
    (EventType::Socket, &["domain", "type", "protocol"]),
    (EventType::Setsockopt, &["level", "optname"]),
    (EventType::Mmap, &["protection", "flags"]),
    (EventType::Mprotect, &["req_protection"]),
];

fn condition(random: &mut Random, event: EventType, fields: &[&'static str], depth: usize) -> String {
    let field = random.pick(fields);
    let value = |random: &mut Random| i64::try_from(random.below(8)).unwrap() - 1;
    match random.below(if depth == 0 { 5 } else { 8 }) {
        0 | 1 => format!("{event}.{field} {} {}", random.pick(&["==", "==", "!=", ">", "<="]), value(random)),
        2 => format!("{event}.{field} in [{}, {}]", value(random), value(random)),
        3 => {
            let (operator, mask) = (random.pick(&["==", ">", "!=", ">="]), 1 + random.below(15));
            format!("{event}.{field} & {mask} {operator} {}", random.below(3))
        }
        4 => format!("{event}.retval == {}", random.below(2)),
        5 => format!("!({})", condition(random, event, fields, depth - 1)),
        choice => {
            let parts: Vec<_> = (0..2 + random.below(2))
                .map(|_| format!("({})", condition(random, event, fields, depth - 1)))
                .collect();
            parts.join(if choice == 6 { " && " } else { " || " })
        }
    }
}

#[test]
fn no_call_is_ruled_out_that_a_rule_matches() {
    let key = ProcessKey { pid: Pid(9), namespace: PidNs(1) };
    let mut cache = Cache::new(Limits::default());
    let process = cache.placeholder(key);
    let task = Task { pid: Pid(9), tid: Tid(9), namespace: PidNs(1), mark: None };
    let (mut ruled_out, mut matched) = (0, 0);
    for seed in 1..1500 {
        let mut random = Random(seed * 0x9e37_79b9);
        let (event, fields) = ASKED[random.below(ASKED.len())];
        let texts: Vec<_> = (0..=random.below(2)).map(|_| condition(&mut random, event, fields, 2)).collect();
        let rules = rules(&texts);
        let wanted = ArgumentsWanted::by(rules.arguments());
        let mut state = State::new(&rules, 1);
        for row in CATALOGUE {
            let Some(candidate) = row.yields.iter().find(|candidate| candidate.event == event) else { continue };
            if row.indirection.is_some() {
                continue;
            }
            for _ in 0..12 {
                // Small numbers, negative ones, and some with more than the event shows.
                let args = core::array::from_fn(|_| {
                    let low = random.below(9) as u64;
                    [low, low, low | 0x800, u64::MAX - low, low | 7 << 32][random.below(5)]
                });
                if row.event_for(&args) != Some(event) {
                    continue;
                }
                let any = wanted.alternatives(row, candidate);
                let wanted = any.iter().any(|all| all.iter().all(|test| test.holds(&args)));
                let result = i64::try_from(random.below(2)).unwrap();
                let mut record = Record { result, ..Record::new(row, Arch::X86_64, args) };
                let happened = Event {
                    timestamp: Timestamp(1),
                    origin: Origin::Kernel,
                    quality: Quality::default(),
                    tid: Tid(9),
                    process: process.clone(),
                    payload: decode::decode(&mut record, event, task, &cache),
                    syscall: None,
                };
                let mut matches = 0;
                rules.matches(&happened, &mut state, &mut |_, _, _| matches += 1);
                matched += matches;
                ruled_out += usize::from(!wanted);
                assert!(wanted || matches == 0, "seed {seed}: {texts:#?}\n{} {args:x?}\n{happened:#?}", row.name);
            }
        }
    }
    // Otherwise this would prove nothing.
    assert!(ruled_out > 3000 && matched > 3000, "{ruled_out} {matched}");
}
