//! The kernel backend watching a whole host, which has to be one of the test's own: `scripts/test-kernels` boots
//! one in an emulator.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper's failure is the test's")]

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use lapwing_common::backend::{Backend as _, FilterPlan};
use lapwing_common::engine::{Engine, EventSet};
use lapwing_common::event::Payload;
use lapwing_common::ids::{Pid, ProcessKey};
use lapwing_common::process::{ArgumentLimits, BrokenLineage, Keep, Limits};
use lapwing_common::record::Sighting;
use lapwing_integration::need::{Need, require};
use lapwing_kernel::{Options, Scope, Watch};

/// Who ran already, in order, and what happened.
struct Seen {
    watch: Watch,
    engine: Engine,
    running: Vec<i32>,
    events: Vec<(i32, String)>,
    broken: Vec<(i32, BrokenLineage)>,
}

impl Seen {
    fn begin() -> Self {
        let options =
            Options { plan: FilterPlan::default(), keep: Keep::default(), arguments: ArgumentLimits::default() };
        let watch = Watch::begin(Scope::Host, options)
            .unwrap_or_else(|error| panic!("{error}\n{}", error.log().unwrap_or_default()));
        let mut engine = Engine::new(Limits::default(), EventSet::ALL);
        engine.resolve_with(watch.resolver());
        let mut seen = Self { watch, engine, running: Vec::new(), events: Vec::new(), broken: Vec::new() };
        seen.drain();
        seen
    }

    fn drain(&mut self) {
        // The youngest are held back, to be put in order.
        std::thread::sleep(Duration::from_millis(100));
        let Self { watch, engine, running, events, broken } = self;
        let each = &mut |observation: lapwing_common::record::Observation| {
            if matches!(observation.what, Sighting::Running(_)) {
                running.push(observation.task.pid.0);
            }
            engine.observe(observation, |event| {
                let pid = event.process.key().pid.0;
                let what = match &event.payload {
                    Payload::Open(open) => String::from_utf8_lossy(&open.file.path).into_owned(),
                    Payload::Exec(exec) => String::from_utf8_lossy(&exec.process.image().file.path).into_owned(),
                    _ => String::new(),
                };
                broken.extend(event.process.check_lineage().err().map(|error| (pid, error)));
                events.push((pid, format!("{} {what}", event.event_type())));
            });
        };
        watch.drain(each).unwrap();
        let losses: Vec<_> = watch.counters();
        let losses: Vec<_> = losses.iter().filter(|(name, count)| name.starts_with("lost") && *count > 0).collect();
        assert!(losses.is_empty(), "{losses:?}");
    }

    fn of(&self, pid: i32) -> Vec<&str> {
        self.events.iter().filter(|(of, _)| *of == pid).map(|(_, event)| &**event).collect()
    }
}

fn start(script: &str) -> (Child, i32) {
    let child = Command::new("sh").args(["-c", script]).stdin(Stdio::piped()).spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    (child, pid)
}

#[test]
fn everybody_but_lapwing_is_seen() {
    if !require(&[Need::OwnMachine, Need::Bpf]) {
        return;
    }
    let own = i32::try_from(std::process::id()).unwrap();
    let (mut before, old) = start("read line; read name < /proc/sys/kernel/hostname; read line");
    let mut seen = Seen::begin();
    assert_eq!(seen.running.first(), Some(&1), "parents first");
    assert!(seen.running.contains(&old), "{:?}", seen.running);
    assert!(!seen.running.contains(&own), "Lapwing itself");
    let is_kernels = |pid: &i32| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|text| text.is_empty());
    assert!(!seen.running.iter().any(is_kernels), "threads of the kernel");
    let namespace = seen.engine.processes().iter().next().unwrap().key().namespace;
    let process = |seen: &Seen, pid| seen.engine.processes().get(ProcessKey { pid: Pid(pid), namespace }).cloned();
    assert_eq!(process(&seen, old).unwrap().image().arguments.first(), b"sh");

    // One that ran already, and one that Lapwing starts.
    std::io::Write::write_all(before.stdin.as_mut().unwrap(), b"go\n").unwrap();
    let (mut after, new) = start("read name < /proc/sys/kernel/hostname; exec sleep 0");
    fs::read("/proc/sys/kernel/ostype").unwrap();
    after.wait().unwrap();
    drop(before.stdin.take());
    before.wait().unwrap();
    seen.drain();
    let hostname = "open /proc/sys/kernel/hostname";
    assert_eq!(seen.of(old).iter().filter(|event| **event == hostname).count(), 1, "{:?}", seen.of(old));
    assert_eq!(seen.of(old).last(), Some(&"exit "));
    let execs = seen.of(new).iter().filter(|event| event.starts_with("exec ")).count();
    assert_eq!((execs, seen.of(new).contains(&hostname), seen.of(new).last()), (2, true, Some(&"exit ")));
    assert!(seen.of(own).is_empty(), "{:?}", seen.of(own));
    assert!(!seen.events.iter().any(|(_, event)| event.ends_with("/ostype")));
    assert_eq!(seen.broken, []);
    assert!(process(&seen, old).is_none() && process(&seen, new).is_none(), "those who have ended are gone");
}

/// A few hundred processes that come and go: nobody is lost, doubled or left behind.
#[test]
fn who_comes_and_goes_is_gone() {
    if !require(&[Need::OwnMachine, Need::Bpf]) {
        return;
    }
    let (mut earlier, _) = start("for a in 1 2 3 4 5 6 7 8 9 10; do (sleep 0.01; sleep 0.01) & done; wait; read line");
    let mut seen = Seen::begin();
    let known = seen.engine.processes().len();
    let (mut child, shell) =
        start("for a in 1 2 3 4 5 6 7 8 9 10; do for b in 1 2 3 4 5 6 7 8 9 10; do (exec sleep 0); done; done");
    child.wait().unwrap();
    drop(earlier.stdin.take());
    earlier.wait().unwrap();
    seen.drain();
    let count = |kind: &str| seen.events.iter().filter(|(_, event)| event.starts_with(kind)).count();
    assert_eq!(seen.of(shell).iter().filter(|event| event.starts_with("fork")).count(), 100);
    assert!(count("exec") >= 100 && count("exit") >= 101);
    assert!(seen.engine.processes().len() < known, "{known} {:?}", seen.engine.processes().iter().collect::<Vec<_>>());
}
