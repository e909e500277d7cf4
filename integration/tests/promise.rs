//! The promise of filters, live: random rules and a random workload under each backend, with approvers and
//! discarders and without, have the same matches.
//!
//! A few rounds by default. `LAPWING_SECONDS=900` goes on for so long; `LAPWING_SEED=n` repeats one round.

#![allow(clippy::unwrap_used, reason = "a failure of the fixture is the test's")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use lapwing_integration::harness::{Backend, Lapwing};
use lapwing_integration::need::{self, Need};
use lapwing_integration::scenario::Ground;
use serde_json::Value;

/// Seeds that have found something, and two more.
const SEEDS: [u64; 4] = [1, 2, 3, 4];

/// The same numbers for the same seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn path(&mut self) -> String {
        let names: Vec<_> = (0..=self.below(4)).map(|_| self.pick(&["a", "b", "c", "passwd", "x.so"])).collect();
        names.join("/")
    }

    fn condition(&mut self, event: &str, ground: &str) -> String {
        let path = self.path();
        match self.below(9) {
            0 => format!("{event}.file.path =~ \"{ground}/{path}/*\""),
            1 => format!("{event}.file.path =~ \"{ground}/{path}/**\""),
            2 => format!("{event}.file.path in [\"{ground}/{path}\", ~\"/**/{}/x.so\"]", self.pick(&["a", "b"])),
            3 => format!("{event}.file.name == \"{}\"", self.pick(&["passwd", "a", "x.so"])),
            4 => format!("{event}.file.name =~ \"*{}\"", self.pick(&[".so", "wd"])),
            5 => format!("{event}.file.path =~ \"{ground}/**\" && {event}.file.path not in [~\"{ground}/{path}/**\"]"),
            6 if event == "open" => format!("open.flags & (O_CREAT|O_TRUNC) > 0 && open.file.path =~ \"{ground}/**\""),
            7 if event == "open" => format!("open.flags == O_RDONLY && open.file.path =~ \"{ground}/{path}/*\""),
            _ => format!("{event}.file.path == \"{ground}/{path}\""),
        }
    }

    fn policy(&mut self, ground: &str) -> String {
        let mut text = String::from("rules:\n");
        for number in 0..1 + self.below(5) {
            let event = self.pick(&["open", "open", "open", "chmod", "mkdir", "unlink", "rename", "rmdir"]);
            let condition = self.condition(event, ground);
            write!(text, "- id: rule_{number}\n  expression: >-\n    {condition}\n").unwrap();
        }
        text
    }

    /// Orders for `tracee-files`: most use files, some make and name them; now and then it waits, so that what was
    /// concluded meanwhile is in force.
    fn orders(&mut self, ground: &str) -> String {
        let mut text = String::new();
        for _ in 0..20 {
            let (verb, path) = (self.pick(&["mkdir", "write"]), self.path());
            writeln!(text, "{verb}\t{ground}/{path}").unwrap();
        }
        for _ in 0..30 {
            for _ in 0..1 + self.below(3) {
                let verb = self.pick(&["mkdir", "write", "unlink", "rmdir", "rename", "rename", "link"]);
                let (from, to) = (self.path(), self.path());
                let second = if matches!(verb, "rename" | "link") { format!("\t{ground}/{to}") } else { String::new() };
                writeln!(text, "{verb}\t{ground}/{from}{second}").unwrap();
            }
            let paths: Vec<_> = (0..6).map(|_| self.path()).collect();
            for _ in 0..2 {
                for path in &paths {
                    writeln!(text, "{}\t{ground}/{path}", self.pick(&["open", "open", "open", "chmod"])).unwrap();
                }
                text.push_str("wait\n");
            }
        }
        text + "end\n"
    }
}

/// Which rules matched what, in order, and how many events were kept back.
fn matches(backend: Backend, filters: bool, policy: &str, orders: &str, ground: &Path) -> (Vec<String>, u64) {
    let place = tempfile::TempDir::new().unwrap();
    let at = |name: &str| place.path().join(name);
    for entry in fs::read_dir(ground).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    fs::write(at("test.policy"), policy).unwrap();
    fs::write(at("orders"), orders).unwrap();
    let mut lapwing = Lapwing::with(backend).telling_losses().option("--policies").option(at("test.policy"));
    lapwing = lapwing.option("--counters").option(at("counters"));
    if !filters {
        lapwing = lapwing.option("--no-filters");
    }
    let program = env!("CARGO_BIN_EXE_tracee-files");
    let outcome = lapwing.watch(&[Path::new(program), &at("orders"), Path::new("/dev/null")]);
    assert!(outcome.status.success() && outcome.losses().is_empty(), "{outcome}");
    let line = |event: &Value| {
        let kind = event["type"].as_str().unwrap();
        format!("{} {kind} {}", event["rule"]["id"], without_times(event[kind].clone()))
    };
    let counters: Value = serde_json::from_str(&fs::read_to_string(at("counters")).unwrap()).unwrap();
    let kept_back = ["rejected", "discarded"].map(|name| counters[name].as_u64().unwrap());
    (outcome.events.iter().map(line).collect(), kept_back.iter().sum())
}

/// Numbers of inodes and times are others in every run.
fn without_times(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|name, _| !matches!(name.as_str(), "inode" | "modification_time" | "change_time"));
        members.values_mut().for_each(|member| *member = without_times(member.take()));
    }
    value
}

fn round(seed: u64) -> [u64; 2] {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let ground = Ground::new();
    let shown = ground.path().to_str().unwrap().to_owned();
    let (policy, orders) = (random.policy(&shown), random.orders(&shown));
    [Backend::Ptrace, Backend::Kernel].map(|backend| {
        if !backend.is_available() {
            return 0;
        }
        let (every, _) = matches(backend, false, &policy, &orders, ground.path());
        let (filtered, kept_back) = matches(backend, true, &policy, &orders, ground.path());
        assert_eq!(filtered, every, "LAPWING_SEED={seed} under {}:\n{policy}", backend.name());
        kept_back
    })
}

#[test]
fn filters_change_no_match() {
    if !need::require(&[Need::Bpf]) {
        return;
    }
    if let Ok(seed) = std::env::var("LAPWING_SEED") {
        round(seed.parse().unwrap());
        return;
    }
    let mut kept_back = [0; 2];
    let mut run = |seed| round(seed).iter().zip(&mut kept_back).for_each(|(more, sum)| *sum += more);
    SEEDS.into_iter().for_each(&mut run);
    if let Ok(seconds) = std::env::var("LAPWING_SECONDS") {
        let end = Instant::now() + Duration::from_secs(seconds.parse().unwrap());
        let rounds = (1000..).take_while(|_| Instant::now() < end).map(&mut run).count();
        println!("{rounds} rounds");
    }
    // Otherwise this would prove nothing.
    assert!(kept_back.iter().all(|count| *count > 10), "{kept_back:?}");
}
