//! Observations that were lost, as events show it.

use alloc::boxed::Box;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::*;
use crate::accounts::{Accounts, Table};
use crate::event::{ExitCause, File, Inode, Origin};
use crate::hashes::{Hashes, Hashing, Outcome, State};
use crate::ids::{PidNs, Tid};
use crate::json;
use crate::process::{Lookup, Mark, Scope, Source};
use crate::record::{Program, Running};
use crate::syscall::{Arch, Syscall};

const NAMESPACE: PidNs = PidNs(1);

fn task(pid: i32) -> Task {
    Task { pid: Pid(pid), tid: Tid(pid), namespace: NAMESPACE, mark: None }
}

fn program(path: &str) -> Program {
    Program { file: File::at(path.as_bytes()), ..Program::default() }
}

fn call() -> Sighting {
    Sighting::Call(Box::new(Record::new(Syscall::named("chdir").unwrap(), Arch::X86_64, [0; 6])))
}

fn exec(path: &str, ppid: i32) -> Sighting {
    let program = Program { ppid: Pid(ppid), ..program(path) };
    let mut record = Record::new(Syscall::named("execve").unwrap(), Arch::X86_64, [0; 6]);
    record.program = Some(Box::new(program));
    Sighting::Exec(Box::new(record))
}

const EXIT: Sighting = Sighting::Exit { cause: ExitCause::Exited, code: 0 };

/// Shows process 11 below process 10, and process 13 below 12, which nobody knows.
#[derive(Debug)]
struct Procfs;

impl Lookup for Procfs {
    fn process(&mut self, key: ProcessKey, _mark: Option<Mark>) -> Option<Running> {
        let ppid = self.parent(key)?;
        Some(Running { ppid, started: Timestamp(1), program: program("/bin/found") })
    }

    fn parent(&mut self, key: ProcessKey) -> Option<Pid> {
        match key.pid.0 {
            11 => Some(Pid(10)),
            13 => Some(Pid(12)),
            _ => None,
        }
    }
}

/// Hashes whatever it is asked for, and writes down in the hash how it was asked.
#[derive(Debug)]
struct Hasher;

impl hashes::Lookup for Hasher {
    fn started(&mut self, process: ProcessKey, file: &File, _: Timestamp) -> Hashing {
        let text = [b"started:", process.pid.0.to_string().as_bytes(), b":", file.name()].concat();
        let hashes = Hashes::default();
        hashes.conclude(Outcome { state: State::Done, texts: [text.into()].into() });
        Hashing::by(Arc::new(hashes))
    }

    fn running(&mut self, _: ProcessKey, _: &File) -> Hashing {
        Hashing::by(Arc::default())
    }
}

/// An engine that knows process 10.
struct Watch {
    engine: Engine,
    now: u64,
    lines: json::Lines,
}

impl Watch {
    fn new() -> Self {
        let mut watch =
            Self { engine: Engine::new(Limits::default(), EventSet::ALL), now: 0, lines: json::Lines::default() };
        let running = Running { ppid: Pid(5), started: Timestamp(1), program: program("/bin/root") };
        assert_eq!(watch.see(10, Sighting::Running(Box::new(running))).len(), 0);
        watch
    }

    fn resolving() -> Self {
        let mut watch = Self::new();
        let root = key_of(task(10), Pid(10));
        watch.engine.resolve_with(Resolver::new(Scope::Tree(root)).with_procfs(Procfs));
        watch
    }

    fn see_at(&mut self, now: u64, pid: i32, what: Sighting) -> Vec<Event> {
        let mut events = Vec::new();
        let observation = Observation { timestamp: Timestamp(now), origin: Origin::Kernel, task: task(pid), what };
        let lines = &mut self.lines;
        self.engine.observe(observation, |event| {
            let mut remembered = Vec::new();
            lines.write(event, &mut remembered);
            assert_eq!(
                String::from_utf8(remembered).unwrap(),
                line(event),
                "what is remembered is what would be written"
            );
            events.push(event.clone());
        });
        events
    }

    fn see(&mut self, pid: i32, what: Sighting) -> Vec<Event> {
        self.now += 1;
        self.see_at(self.now, pid, what)
    }

    fn only(&mut self, pid: i32, what: Sighting) -> Event {
        let mut events = self.see(pid, what);
        assert_eq!(events.len(), 1);
        events.remove(0)
    }
}

fn path(event: &Event) -> &str {
    core::str::from_utf8(&event.process.image().file.path).unwrap()
}

fn line(event: &Event) -> String {
    let mut out = Vec::new();
    json::write_line(event, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn processes_that_run_are_shown_as_if_they_began_and_marked() {
    let mut watch = Watch::new();
    watch.see(10, Sighting::Fork { child: Pid(11) });
    watch.see(11, exec("/bin/child", 10));
    watch.see(10, Sighting::Fork { child: Pid(12) });
    watch.see(12, exec("/bin/gone", 10));
    watch.see(12, EXIT);
    let mut shown = Vec::new();
    let origin = |process: ProcessKey| (process.namespace == NAMESPACE).then_some(Origin::Ptrace);
    watch.engine.replay(Timestamp(99), origin, |event| shown.push(event.clone()));
    let paths: Vec<_> = shown.iter().map(path).collect();
    assert_eq!(paths, ["/bin/root", "/bin/child"]);
    assert!(shown.iter().all(|event| event.quality == Quality::SNAPSHOT && event.timestamp == Timestamp(99)));
    let line = line(&shown[1]);
    assert!(line.contains(r#""snapshot":true"#) && !line.contains("source"), "{line}");
    watch.engine.replay(Timestamp(99), |_| None, |event| panic!("{event:?}"));
}

#[test]
fn an_event_of_a_process_that_nobody_told_of_says_so() {
    let mut watch = Watch::new();
    let event = watch.only(11, call());
    assert_eq!(event.process.source(), Source::Placeholder);
    assert!(line(&event).contains(r#""broken_lineage":true"#));
    let event = watch.only(10, call());
    assert!(!line(&event).contains("broken_lineage"));
    assert_eq!(watch.engine.processes().counters().missing_parents, 1);
}

#[test]
fn a_process_is_looked_up_when_it_acts() {
    let mut watch = Watch::resolving();
    let event = watch.only(11, call());
    assert_eq!((path(&event), event.quality.contains(Quality::BROKEN_LINEAGE)), ("/bin/found", false));
    // That of this one's parent cannot be told.
    let event = watch.only(13, call());
    assert_eq!((path(&event), event.quality.contains(Quality::BROKEN_LINEAGE)), ("/bin/found", true));
    let event = watch.only(12, call());
    assert_eq!((event.process.source(), event.quality.contains(Quality::BROKEN_LINEAGE)), (Source::Placeholder, true));
}

#[test]
fn a_parent_is_looked_up_for_its_child() {
    let mut watch = Watch::resolving();
    let event = watch.only(11, Sighting::Fork { child: Pid(20) });
    let Payload::Fork(fork) = &event.payload else { panic!("{event:?}") };
    assert!(Arc::ptr_eq(fork.child.ancestor().unwrap(), &event.process));
    // One that is not found has a placeholder, and its children that one's.
    let event = watch.only(12, Sighting::Fork { child: Pid(21) });
    assert!(event.quality.contains(Quality::BROKEN_LINEAGE));
    let event = watch.only(12, Sighting::Fork { child: Pid(22) });
    let Payload::Fork(fork) = &event.payload else { panic!("{event:?}") };
    assert!(Arc::ptr_eq(fork.child.ancestor().unwrap(), &event.process));
}

#[test]
fn an_exec_tells_more_than_procfs() {
    let mut watch = Watch::resolving();
    let event = watch.only(11, exec("/bin/now", 10));
    assert_eq!((path(&event), event.quality.contains(Quality::BROKEN_LINEAGE)), ("/bin/now", false));
    assert_eq!(watch.engine.processes().counters().from_procfs, 0);
    // Here it tells of a parent that procfs knows.
    let mut watch = Watch::resolving();
    let event = watch.only(30, exec("/bin/now", 11));
    assert_eq!((path(&event), event.process.parent().unwrap().source()), ("/bin/now", Source::Procfs));
    assert_eq!(event.process.check_lineage(), Ok(()));
}

#[test]
fn an_exit_is_an_event_even_if_nothing_is_known_of_the_process() {
    let mut watch = Watch::resolving();
    let event = watch.only(11, EXIT);
    assert_eq!(event.process.source(), Source::Placeholder);
    assert_eq!(watch.engine.processes().len(), 1);
}

#[test]
fn an_event_that_comes_late_is_of_the_process_that_has_ended() {
    let mut watch = Watch::resolving();
    watch.only(10, Sighting::Fork { child: Pid(20) });
    let early = watch.now;
    watch.only(20, exec("/bin/short", 10));
    watch.only(20, EXIT);
    watch.now += 1;
    let events = watch.see_at(early + 1, 20, call());
    assert_eq!((path(&events[0]), watch.engine.processes().len()), ("/bin/short", 1));
    assert_eq!(watch.engine.processes().counters().late, 1);
}

/// The roots of processes by their pids: 10 has root 0, those that execute something another each.
#[derive(Debug)]
struct Roots;

impl accounts::Lookup for Roots {
    fn of(&mut self, process: ProcessKey, _: Timestamp) -> Option<Arc<Accounts>> {
        let known = [10, 11].iter().position(|pid| *pid == process.pid.0)?;
        Some(of_root(known as u64, 0))
    }

    fn current(&mut self, accounts: &Arc<Accounts>, at: Timestamp) -> Arc<Accounts> {
        of_root(accounts.root, at.0 / 1000)
    }
}

/// Where root is called by the number of the root directory, and by how often its file has changed.
fn of_root(root: u64, changes: u64) -> Arc<Accounts> {
    let users = Table::users(alloc::format!("r{root}c{changes}:x:0:0::/:\n").as_bytes());
    Arc::new(Accounts { root, users, ..Accounts::default() })
}

fn named(name: &str, uid: u64) -> Sighting {
    let mut record = Record::new(Syscall::named(name).unwrap(), Arch::X86_64, [uid, uid, uid, 0, 0, 0]);
    let file = File { inode: Some(Inode::default()), ..File::at(&b"/f"[..]) };
    record.set_file(crate::syscall::Slot::File, file);
    Sighting::Call(Box::new(record))
}

#[test]
fn users_have_the_names_of_their_process_s_root() {
    let mut watch = Watch::new();
    watch.engine.name_with(Roots);
    let event = watch.only(11, exec("/bin/other", 10));
    assert!(line(&event).contains(r#""user":"r1c0""#), "{}", line(&event));
    // Its child is in the same root, and nobody can tell when it executes something.
    watch.only(11, Sighting::Fork { child: Pid(20) });
    let event = watch.only(20, exec("/bin/third", 11));
    assert_eq!(event.process.naming().user(0), b"r1c0");
    // The file of an event, and who changes into whom, is named as of now.
    let event = watch.see_at(1500, 20, named("chdir", 0)).remove(0);
    assert!(line(&event).contains(r#""uid":0,"user":"r1c1","gid":0"#), "{}", line(&event));
    let event = watch.see_at(1600, 20, named("setuid", 0)).remove(0);
    assert!(line(&event).contains(r#""setuid":{"uid":0,"user":"r1c1","#), "{}", line(&event));
    let event = watch.see_at(1700, 20, named("setuid", u64::MAX)).remove(0);
    assert!(line(&event).contains(r#""setuid":{"uid":-1,"euid":-1,"#), "{}", line(&event));
}

#[test]
fn programs_are_hashed_as_they_start_and_no_sooner_than_asked_for() {
    let start = |path: &str| {
        let mut record = Record::new(Syscall::named("execve").unwrap(), Arch::X86_64, [0; 6]);
        record.program = Some(Box::new(Program { interpreter: Some(File::at(*b"/bin/sh")), ..program(path) }));
        Sighting::Exec(Box::new(record))
    };
    let mut watch = Watch::new();
    assert!(!line(&watch.only(10, start("/bin/before"))).contains("hash"));
    watch.engine.hash_with(Hasher);
    let shown = line(&watch.only(10, start("/bin/a")));
    assert!(shown.contains(r#""hashes":["started:10:a"],"hash_state":"done"}"#), "{shown}");
    assert!(shown.contains(r#""hashes":["started:10:sh"],"hash_state":"done"}"#), "{shown}");
    // What it does later says nothing of it, but rules may ask.
    let later = watch.only(10, call());
    assert!(!line(&later).contains("hash"));
    assert_eq!(&*later.process.image().hashes().unwrap().texts()[0], b"started:10:a");
    // A program that ran already may be hashed later.
    let running = Running { ppid: Pid(5), started: Timestamp(1), program: program("/bin/b") };
    watch.see(20, Sighting::Running(Box::new(running)));
    assert_eq!(watch.only(20, call()).process.image().hashes().unwrap().state(), State::Pending);
}

/// Observations carry marks where execs may be lost: of the process that acts, so that its child, its next program and
/// its end are of the program that it really ran.
#[test]
fn what_a_process_does_after_a_lost_exec_is_of_another_program() {
    let mut watch = Watch::resolving();
    let see = |watch: &mut Watch, pid, programs, what| {
        watch.now += 1;
        let task = Task { mark: Some(Mark { began: 7, programs }), ..task(pid) };
        let observation = Observation { timestamp: Timestamp(watch.now), origin: Origin::Kernel, task, what };
        let mut seen = None;
        watch.engine.observe(observation, |event| seen = Some(event.clone()));
        seen.unwrap()
    };
    see(&mut watch, 10, 3, Sighting::Fork { child: Pid(11) });
    see(&mut watch, 10, 3, Sighting::Fork { child: Pid(12) });
    // The first child's exec was lost, and then it forks. Procfs shows what it runs.
    let fork = see(&mut watch, 11, 4, Sighting::Fork { child: Pid(20) });
    assert_eq!(path(&fork), "/bin/found");
    let Payload::Fork(fork) = &fork.payload else { unreachable!() };
    assert_eq!(fork.child.key().pid, Pid(20));
    let child = see(&mut watch, 20, 4, EXIT);
    assert_eq!((path(&child), child.process.parent().map(|parent| parent.key().pid)), ("/bin/found", Some(Pid(11))));
    // Of the other one nobody knows what it ran until it ended: not what its parent did.
    let end = see(&mut watch, 12, 4, EXIT);
    assert!(path(&end).is_empty() && end.process.image().file.unresolved);
    assert!(end.process.exited().is_known() && end.process.check_lineage().is_ok());
    // An exec that is told of is the program of its own mark, and none was lost.
    see(&mut watch, 11, 5, exec("/bin/next", 10));
    assert_eq!(path(&see(&mut watch, 11, 5, EXIT)), "/bin/next");
    assert_eq!(watch.engine.processes().counters().lost_execs, 2);
}

/// Has a process make calls: twice, so that the second line may be from memory. [`Watch`] compares it with another.
fn shows(watch: &mut Watch, pid: i32, what: &str) {
    for event in [watch.only(pid, call()), watch.only(pid, call())] {
        assert!(line(&event).contains(what), "{}", line(&event));
    }
}

#[test]
fn what_a_line_remembers_of_a_process_changes_with_it() {
    let mut watch = Watch::new();
    watch.see(10, Sighting::Fork { child: Pid(11) });
    watch.see(11, exec("/bin/child", 10));
    let key = |pid| key_of(task(10), Pid(pid));
    shows(&mut watch, 11, r#""path":"/bin/child""#);
    watch.engine.processes.set_comm(key(11), Short::new(b"one"));
    shows(&mut watch, 11, r#""comm":"one""#);
    watch.engine.processes.set_comm(key(10), Short::new(b"above"));
    shows(&mut watch, 11, r#""comm":"above""#);
    watch.engine.processes.set_credentials(key(10), &Credentials { euid: 77, ..Credentials::default() });
    shows(&mut watch, 11, r#""euid":77"#);
    shows(&mut watch, 10, r#""euid":77"#);
}
