//! The promise of filters, live: random rules and a random workload under each backend, with approvers and
//! discarders and without, have the same matches. Under `lapwing run`, and by an agent: with its own backend, and with a
//! tracer that it tells what to leave out.
//!
//! A few rounds by default. `LAPWING_SECONDS=900` goes on for so long; `LAPWING_SEED=n` repeats one round.

#![allow(clippy::unwrap_used, reason = "a failure of the fixture is the test's")]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lapwing_integration::agent::Home;
use lapwing_integration::harness::{Backend, Lapwing, read_events};
use lapwing_integration::need::{self, Need};
use lapwing_integration::run::until;
use lapwing_integration::scenario::Ground;
use serde_json::Value;
use tempfile::TempDir;

/// Seeds that have found something, and some more: odd ones for agents.
const SEEDS: [u64; 5] = [1, 2, 3, 4, 6];

/// What is made at the end, and always matches.
const LAST: &str = "the-last";
const TRACEE: &str = env!("CARGO_BIN_EXE_tracee-files");

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

    /// Something about the process besides: what its program decides, and what it does not.
    fn narrowed(&mut self, condition: String) -> String {
        match self.below(12) {
            0 => format!("({condition}) && process.file.name == \"tracee-files\""),
            1 => format!("({condition}) && process.file.name == \"another\""),
            2 => format!("({condition}) && process.file.name != \"tracee-files\""),
            3 => format!("({condition}) && (process.comm == \"another\" || process.args =~ \"*orders*\")"),
            4 => format!("({condition}) && process.ancestors.file.name == \"lapwing\" && process.argv0 != \"\""),
            5 => format!("({condition}) && process.args =~ \"*nothing*\" && process.uid == 0"),
            _ => condition,
        }
    }

    fn policy(&mut self, ground: &str) -> String {
        let mut text = format!("rules:\n- id: last\n  expression: mkdir.file.name == \"{LAST}\"\n");
        // By numbers of its own, so that what seeds have found they find still.
        let mut about_process = Random(self.0.rotate_left(17));
        for number in 0..1 + self.below(5) {
            let event = self.pick(&["open", "open", "open", "chmod", "mkdir", "unlink", "rename", "rmdir"]);
            let condition = self.condition(event, ground);
            let condition = about_process.narrowed(condition);
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
        text + &format!("mkdir\t{ground}/{LAST}\nend\n")
    }
}

/// Which rules matched what, in order, and how many events were kept back.
type Told = (Vec<String>, u64);

/// What is watched, and by which rules.
struct Round<'a> {
    policy: &'a str,
    orders: &'a str,
    ground: &'a Path,
}

impl Round<'_> {
    /// Prepares the ground, and a place with a policy, orders and a configuration that has every match told.
    fn prepare(&self) -> TempDir {
        let place = TempDir::new().unwrap();
        for entry in fs::read_dir(self.ground).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
        fs::write(place.path().join("test.policy"), self.policy).unwrap();
        fs::write(place.path().join("orders"), self.orders).unwrap();
        fs::write(place.path().join("agent.toml"), "[rules]\nrate = 0\n").unwrap();
        place
    }

    fn run(&self, backend: Backend, filters: bool) -> Told {
        let place = self.prepare();
        let at = |name: &str| place.path().join(name);
        let mut lapwing = Lapwing::with(backend).telling_losses().option("--policies").option(at("test.policy"));
        lapwing = lapwing.option("--counters").option(at("counters"));
        if !filters {
            lapwing = lapwing.option("--no-filters");
        }
        let outcome = lapwing.watch(&[Path::new(TRACEE), &at("orders"), Path::new("/dev/null")]);
        assert!(outcome.status.success() && outcome.losses().is_empty(), "{outcome}");
        let counters: Value = serde_json::from_str(&fs::read_to_string(at("counters")).unwrap()).unwrap();
        let kept_back = ["rejected", "discarded"].map(|name| counters["filters"][name].as_u64().unwrap());
        (outcome.events.iter().map(told).collect(), kept_back.iter().sum())
    }

    /// The same by an agent: its own backend, or a tracer.
    fn serve(&self, backend: Backend, filters: bool) -> Told {
        let place = self.prepare();
        let at = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
        let home = Home::new();
        let (file, policies) = (at("agent.toml"), at("test.policy"));
        let mut options = vec!["--config", &file, "--policies", &policies];
        options.extend((!filters).then_some("--no-filters"));
        // It begins when it is told to, and by then is in the agent's scope.
        let mut tracee = Command::new("sh");
        tracee.args(["-c", "read go && \"$0\" \"$1\" /dev/null && read end", TRACEE, &at("orders")]);
        let (mut workload, _agent) = match backend {
            Backend::Kernel => {
                let workload = tracee.stdin(Stdio::piped()).spawn().unwrap();
                let scope = format!("tree:{}", workload.id());
                options.extend(["--backend", "kernel", "--scope", &scope]);
                (workload, home.start(&options))
            }
            Backend::Ptrace => {
                options.extend(["--backend", "none"]);
                let agent = home.start(&options);
                let mut command = home.command(&["trace", "--"]);
                command.arg(tracee.get_program()).args(tracee.get_args());
                (command.stdin(Stdio::piped()).spawn().unwrap(), agent)
            }
        };
        let events = fs::File::create(place.path().join("events")).unwrap();
        let mut command = home.command(&["events", "--matches", "--format", "json"]);
        let mut follower = command.stdin(Stdio::null()).stdout(events).spawn().unwrap();
        until("the stream has begun", || home.status()["clients"]["streams"] == 1);
        let mut orders = workload.stdin.take().unwrap();
        orders.write_all(b"go\n").unwrap();
        // What happens last matches, too.
        let lines = || read_events(&place.path().join("events")).unwrap_or_default();
        until("the last match has come", || lines().iter().any(is_last));
        let status = home.status();
        let is_loss = |loss: &&Value| loss["place"] != "process_cache";
        let losses: Vec<_> = status["losses"].as_array().unwrap().iter().filter(is_loss).collect();
        assert!(losses.is_empty(), "{losses:?}");
        orders.write_all(b"end\n").unwrap();
        drop(orders);
        assert!(workload.wait().unwrap().success());
        follower.kill().unwrap();
        follower.wait().unwrap();
        let kept_back = ["rejected", "discarded"].map(|name| status["filters"][0][name].as_u64().unwrap());
        (lines().iter().filter(|line| !is_last(line)).map(told).collect(), kept_back.iter().sum())
    }
}

/// Whether it is what [`Random::orders`] has done at the end, of whatever rule.
fn is_last(event: &Value) -> bool {
    event["mkdir"]["file"]["name"] == LAST
}

/// A match in one line.
fn told(event: &Value) -> String {
    let kind = event["type"].as_str().unwrap();
    format!("{} {kind} {}", event["rule"]["id"], without_times(event[kind].clone()))
}

/// Numbers of inodes and times are others in every run.
fn without_times(mut value: Value) -> Value {
    if let Value::Object(members) = &mut value {
        members.retain(|name, _| !matches!(name.as_str(), "inode" | "modification_time" | "change_time"));
        members.values_mut().for_each(|member| *member = without_times(member.take()));
    }
    value
}

/// How many events were kept back: by `run` under each backend, by an agent's tracer, and by its own backend.
fn round(seed: u64) -> [u64; 4] {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let ground = Ground::new();
    let shown = ground.path().to_str().unwrap().to_owned();
    let (policy, orders) = (random.policy(&shown), random.orders(&shown));
    let round = Round { policy: &policy, orders: &orders, ground: ground.path() };
    let both = |way: &dyn Fn(Backend, bool) -> Told| {
        [Backend::Ptrace, Backend::Kernel].map(|backend| {
            if !backend.is_available() {
                return 0;
            }
            let ((every, _), (filtered, kept_back)) = (way(backend, false), way(backend, true));
            assert_eq!(filtered, every, "LAPWING_SEED={seed} under {}:\n{policy}", backend.name());
            kept_back
        })
    };
    // By turns, for the time that it takes.
    let (mut run, mut serve) = ([0; 2], [0; 2]);
    if seed.is_multiple_of(2) {
        run = both(&|backend, filters| round.run(backend, filters));
    } else {
        serve = both(&|backend, filters| round.serve(backend, filters));
    }
    [run[0], run[1], serve[0], serve[1]]
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
    let mut kept_back = [0; 4];
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
