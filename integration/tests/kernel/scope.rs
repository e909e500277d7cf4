//! Whom the backend watches: members of control groups and trees of processes that run already. Nothing else is
//! seen, although the programs look at every process of the machine.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use lapwing_common::backend::{Backend as _, FilterPlan, Progress};
use lapwing_common::engine::{Engine, EventSet};
use lapwing_common::event::Payload;
use lapwing_common::process::{ArgumentLimits, Keep, Limits};
use lapwing_common::record::Sighting;
use lapwing_integration::harness::Backend;
use lapwing_integration::need::{Need, require};
use lapwing_integration::run::{descendants, until};
use lapwing_integration::scenario::Ground;
use lapwing_kernel::{ControlGroup, Options, Scope, StartError, Watch};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

/// A shell that does what it is told, line by line.
struct Shell {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Shell {
    fn new() -> Self {
        let mut child = Command::new("sh").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers }
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap()
    }

    /// Has a line executed, and returns what it printed.
    fn does(&mut self, line: &str) -> String {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}\necho end-of-answer").unwrap();
        let mut answer = String::new();
        while !answer.ends_with("end-of-answer\n") {
            assert_ne!(self.answers.read_line(&mut answer).unwrap(), 0, "it ended: {answer}");
        }
        answer.strip_suffix("end-of-answer\n").unwrap().to_owned()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for pid in descendants(self.child.id()) {
                let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
            }
        }
        // It reads on until there is no more.
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

/// A control group of the test's own, with one below it.
struct Group(PathBuf);

impl Group {
    /// In a hierarchy of this type and with this option; `None` if there is none that can be written to.
    fn within(kind: &str, option: &str) -> Option<Self> {
        let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
        let is_wanted = |line: &&str| {
            let (_, system) = line.split_once(" - ").unwrap();
            system.split(' ').next() == Some(kind) && system.split([',', ' ']).any(|word| word == option)
        };
        let mount = table.lines().find(is_wanted)?.split(' ').nth(4)?;
        let path = Path::new(mount).join(format!("lapwing-test-{}-{kind}", std::process::id()));
        fs::create_dir_all(path.join("below")).ok()?;
        Some(Self(path))
    }

    fn take(&self, pid: i32) {
        fs::write(self.0.join("cgroup.procs"), pid.to_string()).unwrap();
    }

    /// Moves a process to where it was before.
    fn release(&self, pid: i32) {
        fs::write(self.0.parent().unwrap().join("cgroup.procs"), pid.to_string()).unwrap();
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        until("empty", || fs::remove_dir(self.0.join("below")).is_ok() || !self.0.join("below").exists());
        until("empty", || fs::remove_dir(&self.0).is_ok());
    }
}

fn options() -> Options {
    Options { plan: FilterPlan::default(), keep: Keep::default(), arguments: ArgumentLimits::default() }
}

/// A watch, and what it saw.
struct Seen {
    watch: Watch,
    engine: Engine,
    /// Processes that ran already, in order.
    running: Vec<i32>,
    events: Vec<String>,
    lost: Vec<(&'static str, u64)>,
}

impl Seen {
    fn begin(scope: Scope) -> Self {
        let watch = Watch::begin(scope, options())
            .unwrap_or_else(|error| panic!("{error}\n{}", error.log().unwrap_or_default()));
        let mut engine = Engine::new(Limits::default(), EventSet::ALL);
        engine.resolve_with(watch.resolver());
        let mut seen = Self { watch, engine, running: Vec::new(), events: Vec::new(), lost: Vec::new() };
        seen.drain();
        seen
    }

    fn drain(&mut self) {
        // The youngest are held back, to be put in order.
        std::thread::sleep(Duration::from_millis(30));
        let Self { watch, engine, running, events, .. } = self;
        let progress = watch.drain(&mut |observation| {
            if matches!(observation.what, Sighting::Running(_)) {
                running.push(observation.task.pid.0);
            }
            engine.observe(observation, |event| {
                let what = match &event.payload {
                    Payload::Open(open) => String::from_utf8_lossy(&open.file.path).into_owned(),
                    Payload::Exec(exec) => String::from_utf8_lossy(&exec.process.image().file.path).into_owned(),
                    Payload::Fork(fork) => fork.child.key().pid.to_string(),
                    _ => String::new(),
                };
                assert!(event.process.check_lineage().is_ok(), "{} {what}", event.event_type());
                events.push(format!("{} {} {what}", event.process.key().pid, event.event_type()));
            });
        });
        progress.unwrap();
        self.lost =
            self.watch.counters().into_iter().filter(|(name, count)| name.starts_with("lost") && *count > 0).collect();
    }

    /// What happened of some type since the last time, or since the beginning.
    fn take(&mut self, kind: &str) -> Vec<String> {
        self.drain();
        assert_eq!(self.lost, []);
        let events = std::mem::take(&mut self.events);
        events.into_iter().filter(|event| event.split(' ').nth(1) == Some(kind)).collect()
    }
}

fn is_available() -> bool {
    Backend::Kernel.is_available() && require(&[Need::Root])
}

/// Members of a group and of one below it, whether they were there before, were moved there, or were forked
/// there; and nobody else.
fn members_of_a_group(group: &Group) {
    let below = group.0.join("below");
    let mut shells = [Shell::new(), Shell::new(), Shell::new()];
    let [member, late, other] = shells.each_ref().map(Shell::pid);
    group.take(member);
    let child: i32 = shells[0].does("sleep 60 & echo $!").trim().parse().unwrap();
    let mut seen = Seen::begin(Scope::Cgroups(vec![ControlGroup::Directory(group.0.clone())]));
    assert_eq!(seen.running, [member, child], "parents first, and nobody else");
    let process = seen.engine.processes().iter().find(|process| process.key().pid.0 == child).unwrap().clone();
    assert_eq!(process.ppid().0, member);
    assert_eq!(process.image().file.name(), b"sleep");

    let opens = |event: &String| event.ends_with("/hostname");
    for shell in &mut shells {
        shell.does("read name < /proc/sys/kernel/hostname");
    }
    let open = |pid| format!("{pid} open /proc/sys/kernel/hostname");
    assert_eq!(seen.take("open").into_iter().filter(opens).collect::<Vec<_>>(), [open(member)]);

    // Moved in, by somebody else, to the group below.
    fs::write(below.join("cgroup.procs"), late.to_string()).unwrap();
    shells[1].does("read name < /proc/sys/kernel/hostname");
    shells[2].does("read name < /proc/sys/kernel/hostname");
    assert_eq!(seen.take("open").into_iter().filter(opens).collect::<Vec<_>>(), [open(late)]);
    assert_eq!(seen.running, [member, child, late]);
    let forked: i32 = shells[1].does("(exec true) & echo $!; wait").trim().parse().unwrap();
    assert_eq!(seen.take("fork"), [format!("{late} fork {forked}")]);

    // Moved out.
    group.release(late);
    shells[1].does("read name < /proc/sys/kernel/hostname");
    assert_eq!(seen.take("open").into_iter().filter(opens).collect::<Vec<_>>(), Vec::<String>::new());

    // What a process outside starts and moves in is a member from then on.
    let moved = format!("sh -c 'echo 0 > {}/cgroup.procs; exec true' & echo $!; wait", group.0.display());
    let moved: i32 = shells[2].does(&moved).trim().parse().unwrap();
    let execs = seen.take("exec");
    assert_eq!(execs.len(), 1, "{execs:?}");
    assert!(execs[0].starts_with(&format!("{moved} exec ")) && execs[0].ends_with("/true"), "{execs:?}");
    shells[0].does(&format!("kill {child}; wait"));
    assert_eq!(seen.take("exit"), [format!("{child} exit ")]);
    assert!(!seen.running.contains(&other));
    group.release(member);
}

#[test]
fn members_of_a_group_of_version_2() {
    if !is_available() {
        return;
    }
    if let Some(group) = Group::within("cgroup2", "rw") {
        members_of_a_group(&group);
    }
}

#[test]
fn members_of_a_group_of_version_1() {
    if !is_available() {
        return;
    }
    if let Some(group) = Group::within("cgroup", "pids") {
        members_of_a_group(&group);
    }
}

#[test]
fn groups_have_to_be_in_one_hierarchy_with_a_controller() {
    if !is_available() {
        return;
    }
    let refusal = |groups| match Watch::begin(Scope::Cgroups(groups), options()) {
        Err(StartError::Group(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    if let Some(group) = Group::within("cgroup", "name=systemd") {
        let said = refusal(vec![ControlGroup::Directory(group.0.clone())]);
        assert!(said.ends_with("name the directory in another one, such as pids"), "{said}");
    }
    if let (Some(one), Some(other)) = (Group::within("cgroup", "memory"), Group::within("cgroup2", "rw")) {
        let groups = [&one, &other].map(|group| ControlGroup::Directory(group.0.clone()));
        assert!(refusal(groups.into()).starts_with("the control groups are in several hierarchies"));
    }
}

/// A tree that runs already is watched with all who descend from its root, and its end is noticed.
#[test]
fn a_tree_that_runs_already() {
    if !is_available() {
        return;
    }
    let ground = Ground::new();
    let go = ground.path().join("go");
    mkfifo(&go, Mode::S_IRWXU).unwrap();
    let (mut inside, mut outside) = (Shell::new(), Shell::new());
    let waits = format!("sh -c 'echo $$; read line < {}; read name < /proc/sys/kernel/hostname'", go.display());
    let below = format!("({waits}; exit 4) &");
    writeln!(inside.child.stdin.as_mut().unwrap(), "{below}").unwrap();
    let mut grandchild = String::new();
    inside.answers.read_line(&mut grandchild).unwrap();
    let grandchild: i32 = grandchild.trim().parse().unwrap();
    let mut seen = Seen::begin(Scope::Tree(inside.pid()));
    assert_eq!((seen.running.len(), seen.running[0], seen.running[2]), (3, inside.pid(), grandchild));
    outside.does("read name < /proc/sys/kernel/hostname");
    fs::write(&go, "go\n").unwrap();
    inside.does("wait");
    let mut opens = seen.take("open");
    opens.retain(|event| event.ends_with("/hostname"));
    assert_eq!(opens, [format!("{grandchild} open /proc/sys/kernel/hostname")]);
    drop(inside);
    until("the end of the watch", || seen.watch.drain(&mut drop).unwrap() != Progress::Watching);
}

#[test]
fn a_process_that_is_not_there() {
    if !is_available() {
        return;
    }
    for scope in [Scope::Tree(-1), Scope::Tree(0), Scope::Command(i32::MAX)] {
        match Watch::begin(scope, options()) {
            Err(StartError::NoProcess(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}
