//! Tracers that a test plays: who may connect, what is believed of what they say, and what stays when they go.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use lapwing_common::event::{ExitCause, File, Origin};
use lapwing_common::ids::{Pid, PidNs, Tid, Timestamp};
use lapwing_common::process::{ArgumentLimits, Arguments};
use lapwing_common::record::{Cgroup, Observation, Program, Running, Sighting, Task};
use lapwing_common::session::{Heard, Identity, TracerEnd};
use lapwing_integration::agent::Home;
use lapwing_integration::need::{Need, require};
use lapwing_integration::run::{LIMIT, resident, until};
use lapwing_proto::tracer::v1::RefusalReason;
use nix::sys::signal::Signal;

const QUIET: [&str; 2] = ["--backend", "none"];
/// A container's id.
const CONTAINER: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

pub(crate) fn own_namespace() -> PidNs {
    PidNs(fs::metadata("/proc/self/ns/pid").unwrap().ino())
}

/// A tracer without anything to trace.
pub(crate) struct Played {
    pub(crate) stream: UnixStream,
    end: TracerEnd,
    namespace: PidNs,
    begun: Instant,
}

impl Played {
    pub(crate) fn connect(home: &Home, namespace: PidNs, container: &str, session: u8) -> Self {
        let identity = Identity {
            release: "0.0.1".to_owned(),
            namespace,
            pid: Pid(1),
            container: Cgroup { path: Box::default(), container: container.as_bytes().into() },
            starts_command: true,
            session: [session; 16],
            workload: String::new(),
        };
        let stream = UnixStream::connect(home.path().join("tracer.sock")).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let mut played = Self { stream, end: TracerEnd::new(identity, 64 << 20), namespace, begun: Instant::now() };
        played.end.connected();
        played.send();
        played
    }

    pub(crate) fn send(&mut self) {
        loop {
            let bytes = self.end.outgoing(self.begun.elapsed()).to_vec();
            if bytes.is_empty() {
                return;
            }
            self.stream.write_all(&bytes).unwrap();
            self.end.sent(bytes.len());
        }
    }

    /// What the agent says next.
    fn hear(&mut self) -> Vec<Heard> {
        loop {
            let mut bytes = [0; 4096];
            let count = self.stream.read(&mut bytes).unwrap();
            assert!(count > 0, "the agent says nothing more");
            let heard = self.end.receive(&bytes[..count]).unwrap();
            self.send();
            if !heard.is_empty() {
                return heard;
            }
        }
    }

    /// Hears what is there, acknowledgements for example, and says what may be said then.
    pub(crate) fn talk(&mut self) {
        self.stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let mut bytes = [0; 4096];
        if let Ok(count @ 1..) = self.stream.read(&mut bytes) {
            self.end.receive(&bytes[..count]).unwrap();
        }
        self.send();
    }

    #[track_caller]
    pub(crate) fn is_welcome(&mut self) {
        let heard = self.hear();
        assert!(matches!(heard.as_slice(), [Heard::Welcome { .. }]), "{heard:?}");
    }

    #[track_caller]
    fn is_refused(&mut self) -> (RefusalReason, String) {
        match self.hear().remove(0) {
            Heard::Refused { reason, text } => (reason, text),
            other => panic!("{other:?}"),
        }
    }

    fn observe(&mut self, pid: i32, what: Sighting) {
        let task = Task { pid: Pid(pid), tid: Tid(pid), namespace: self.namespace, mark: None };
        let timestamp = Timestamp(1_700_000_000_000_000_000);
        self.end.observe(&Observation { timestamp, origin: Origin::Ptrace, task, what });
    }

    pub(crate) fn fork(&mut self, parent: i32, child: i32) {
        self.observe(parent, Sighting::Fork { child: Pid(child) });
    }

    /// A process that runs a program with arguments and environment of usual size.
    pub(crate) fn runs(&mut self, pid: i32) {
        let path = format!("/usr/lib/application-{}/bin/worker", pid % 50);
        let arguments: Vec<_> = (0..12).map(|number| format!("--option-{number}=value-{pid}")).collect();
        let program = Program {
            file: File::at(path.as_bytes()),
            arguments: Arguments::capture(
                arguments.iter().map(|argument| argument.as_bytes()),
                false,
                &ArgumentLimits::default(),
            ),
            ..Program::default()
        };
        let started = Timestamp(1_600_000_000_000_000_000);
        self.observe(pid, Sighting::Running(Box::new(Running { ppid: Pid(1), started, program })));
    }
}

pub(crate) fn processes(home: &Home) -> u64 {
    home.status()["caches"][0]["entries"].as_u64().unwrap()
}

pub(crate) fn refusals(home: &Home, reason: &str) -> u64 {
    home.status()["counters"][format!("tracers.refused.{reason}")].as_u64().unwrap_or(0)
}

#[test]
fn processes_of_a_tracer_are_known_as_long_as_it_is() {
    let home = Home::new();
    let _agent = home.start(&QUIET);
    let mut first = Played::connect(&home, own_namespace(), "", 1);
    first.is_welcome();
    let mut second = Played::connect(&home, own_namespace(), "", 2);
    second.is_welcome();
    first.fork(100, 101);
    first.fork(100, 102);
    first.observe(102, Sighting::Exit { cause: ExitCause::Exited, code: 0 });
    first.send();
    second.fork(200, 201);
    second.send();
    until("all has arrived", || home.status()["counters"]["tracers.observations"] == 4);
    let status = home.status();
    let tracers = status["tracers"].as_array().unwrap();
    assert_eq!(tracers.len(), 2, "{status:#}");
    assert_eq!(tracers[0]["pid"], std::process::id());
    assert_eq!(tracers[0]["pid_namespace"], own_namespace().0);
    assert_eq!(tracers[0]["version"], "0.0.1");
    let all = processes(&home);
    drop(first);
    until("the first one's processes are gone", || processes(&home) < all);
    assert!(processes(&home) > 0, "the second one's are not");
    drop(second);
    until("all are gone", || processes(&home) == 0);
    assert_eq!(home.status()["tracers"].as_array().unwrap().len(), 0);
}

#[test]
fn what_a_tracer_observes_reaches_those_who_follow() {
    let home = Home::new();
    let _agent = home.start(&QUIET);
    let file = home.path().join("events");
    let mut command = home.command(&["events", "--format", "json", "--type", "fork"]);
    let mut follower = command.stdout(fs::File::create(&file).unwrap()).spawn().unwrap();
    until("it follows", || home.status()["clients"]["streams"] == 1);
    let mut tracer = Played::connect(&home, own_namespace(), "", 1);
    tracer.is_welcome();
    tracer.fork(100, 101);
    tracer.send();
    until("the event is there", || fs::read_to_string(&file).unwrap().ends_with('\n'));
    let event: serde_json::Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(
        (&event["type"], &event["process"]["pid"], &event["event"]["origin"]),
        (&"fork".into(), &100.into(), &"ptrace".into())
    );
    follower.kill().unwrap();
    follower.wait().unwrap();
}

#[test]
fn a_tracer_is_where_its_process_is() {
    let home = Home::new();
    let _agent = home.start(&QUIET);
    let (reason, text) = Played::connect(&home, PidNs(7), "", 1).is_refused();
    assert_eq!(reason, RefusalReason::Namespace);
    assert!(text.contains("says that it is in pid namespace 7, and is in"), "{text}");
    let (reason, text) = Played::connect(&home, own_namespace(), CONTAINER, 1).is_refused();
    assert_eq!(reason, RefusalReason::Container);
    assert!(text.contains(CONTAINER), "{text}");
    assert_eq!((refusals(&home, "namespace"), refusals(&home, "container")), (1, 1));
}

#[test]
fn users_are_admitted_by_configuration() {
    if !require(&[Need::Root]) {
        return;
    }
    let home = Home::new();
    let file = home.path().join("agent.toml");
    fs::write(&file, "backend = \"none\"\n").unwrap();
    let _agent = home.start(&["--config", file.to_str().unwrap()]);
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let socket = home.path().join("tracer.sock");
    // Says nothing, and returns what it hears.
    let connect = || {
        let socket = socket.clone();
        let stream = std::thread::spawn(move || {
            // SAFETY: takes no pointers. The system call, not libc's function, which would change all threads.
            unsafe { libc::syscall(libc::SYS_setresuid, -1, 65534, -1) };
            UnixStream::connect(socket)
        });
        let mut said = Vec::new();
        match stream.join().unwrap() {
            Ok(mut stream) => drop(stream.read_to_end(&mut said).unwrap()),
            Err(error) => said.extend_from_slice(error.to_string().as_bytes()),
        }
        String::from_utf8_lossy(&said).into_owned()
    };
    let said = connect();
    assert!(said.contains("Permission denied"), "{said}");
    fs::write(&file, "backend = \"none\"\n[tracers]\nuids = [1234]\n").unwrap();
    assert!(home.run(&["reload"]).status.success());
    let said = connect();
    assert!(said.contains("user 65534 may not connect"), "{said}");
    assert_eq!(refusals(&home, "user"), 1);
    fs::write(&file, "backend = \"none\"\n[tracers]\nuids = [1234, 65534]\n").unwrap();
    assert!(home.run(&["reload"]).status.success());
    // It is admitted, and cut because it says nothing.
    let said = connect();
    assert!(said.contains("said nothing complete for 10 s"), "{said}");
    assert_eq!((refusals(&home, "user"), refusals(&home, "slow")), (1, 1));
}

#[test]
fn garbage_from_a_tracer_is_refused() {
    let home = Home::new();
    let _agent = home.start(&QUIET);
    for garbage in [b"GET / HTTP/1.1\r\n\r\n".as_slice(), &[0xff; 100], &[2, 0, 0, 0, 0xff, 0xff]] {
        let mut stream = UnixStream::connect(home.path().join("tracer.sock")).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.write_all(garbage).unwrap();
        let mut said = Vec::new();
        // The end may be a reset, since not all was read.
        let _ = stream.read_to_end(&mut said);
        assert!(!said.is_empty());
    }
    assert_eq!(refusals(&home, "protocol"), 3);
}

#[test]
fn an_agent_that_ends_tells_its_tracers_and_its_successor_knows_what_it_knew() {
    let home = Home::new();
    let mut agent = home.start(&QUIET);
    let mut tracer = Played::connect(&home, own_namespace(), "", 1);
    tracer.is_welcome();
    tracer.runs(50);
    tracer.fork(50, 51);
    tracer.send();
    until("all has arrived", || processes(&home) == 2);
    agent.end(Signal::SIGTERM);
    let (reason, _) = tracer.is_refused();
    assert_eq!(reason, RefusalReason::Ending);
    assert_eq!((home.notice(), home.path().join("tracer.sock").exists()), ("STOPPING=1".to_owned(), false));
    let _agent = home.start(&QUIET);
    tracer.end.disconnected();
    tracer.stream = UnixStream::connect(home.path().join("tracer.sock")).unwrap();
    tracer.stream.set_read_timeout(Some(LIMIT)).unwrap();
    tracer.end.connected();
    tracer.send();
    tracer.is_welcome();
    until("it knows them all", || processes(&home) == 2);
}

#[test]
fn ten_thousand_processes_take_little_memory() {
    let home = Home::new();
    let agent = home.start(&QUIET);
    let mut tracer = Played::connect(&home, own_namespace(), "", 1);
    tracer.stream.set_write_timeout(Some(Duration::from_secs(30))).unwrap();
    for pid in 2..10_002 {
        tracer.runs(pid);
    }
    tracer.is_welcome();
    until("all are known", || {
        (0..50).for_each(|_| tracer.talk());
        processes(&home) >= 10_000
    });
    let kib = resident(agent.pid()).unwrap();
    assert!(kib <= 60 << 10, "{kib} KiB");
}
