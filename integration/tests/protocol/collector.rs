//! An agent for tests: it listens where tracers look, keeps what they say, and can be told to be slow, to refuse, or to
//! be gone from one moment to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use lapwing_common::engine::{Engine, EventSet};
use lapwing_common::json;
use lapwing_common::process::Limits;
use lapwing_common::record::Observation;
use lapwing_common::session::{Account, AgentEnd, Greeting, Said, Terms};
use lapwing_integration::harness::binary;
use lapwing_integration::run::until;
use lapwing_proto::tracer::v1::{Plan, RefusalReason};
use serde_json::Value;
use tempfile::TempDir;

/// How an agent treats its tracers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Manner {
    /// It refuses them all.
    pub(crate) refuses: Option<RefusalReason>,
    /// It waits so long before it reads on.
    pub(crate) pause: Duration,
    /// What it wants them to capture.
    pub(crate) plan: Option<Plan>,
}

/// One tracer, as the agent got to know it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) greeting: Option<Greeting>,
    engine: Engine,
    /// The events, as they would be shown.
    pub(crate) events: Vec<Value>,
    /// Observations that were not part of a snapshot.
    pub(crate) observations: u64,
    pub(crate) missing: u64,
    pub(crate) snapshots: u32,
    /// The processes that a snapshot told of, by pid, with their programs.
    pub(crate) snapshot: BTreeMap<i32, String>,
    pub(crate) account: Account,
    pub(crate) parted: bool,
    pub(crate) unmet: Vec<String>,
    /// When what was seen was seen: unique enough to tell observations apart.
    pub(crate) stamps: BTreeSet<(u64, i32, String)>,
}

impl Session {
    fn new() -> Self {
        Self {
            greeting: None,
            engine: engine(),
            events: Vec::new(),
            observations: 0,
            missing: 0,
            snapshots: 0,
            snapshot: BTreeMap::new(),
            account: Account::default(),
            parted: false,
            unmet: Vec::new(),
            stamps: BTreeSet::new(),
        }
    }

    fn observe(&mut self, observation: Observation, in_snapshot: bool) {
        if in_snapshot {
            let key = observation.task.pid.0;
            self.engine.observe(observation, |_| {});
            let path = self.engine.processes().iter().find(|process| process.key().pid.0 == key);
            let path = path.map(|process| String::from_utf8_lossy(&process.image().file.path).into_owned());
            self.snapshot.insert(key, path.unwrap_or_default());
            return;
        }
        let mut line = Vec::new();
        self.engine.observe(observation, |event| json::write_line(event, &mut line));
        if !line.is_empty() {
            self.events.push(serde_json::from_slice(&line).unwrap());
        }
    }

    /// The files that programs were, in order.
    pub(crate) fn executed(&self) -> Vec<&str> {
        self.events.iter().filter_map(|event| event["exec"]["file"]["path"].as_str()).collect()
    }

    /// The names of opened files that begin so.
    pub(crate) fn opened(&self, prefix: &str) -> Vec<String> {
        let paths = self.events.iter().filter_map(|event| event["open"]["file"]["path"].as_str());
        paths.filter(|path| path.starts_with(prefix)).map(str::to_owned).collect()
    }

    /// The living processes, by pid, with their parents.
    pub(crate) fn living(&self) -> BTreeMap<i32, i32> {
        self.engine.processes().iter().map(|process| (process.key().pid.0, process.ppid().0)).collect()
    }
}

fn engine() -> Engine {
    Engine::new(Limits::default(), EventSet::ALL)
}

/// The agent.
#[derive(Debug)]
pub(crate) struct Collector {
    directory: TempDir,
    running: Option<Running>,
    sessions: Arc<Mutex<Vec<Session>>>,
}

#[derive(Debug)]
struct Running {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Collector {
    /// A place for an agent, with none there yet.
    pub(crate) fn absent() -> Self {
        Self { directory: TempDir::new().unwrap(), running: None, sessions: Arc::default() }
    }

    pub(crate) fn present() -> Self {
        Self::mannered(Manner::default())
    }

    pub(crate) fn mannered(manner: Manner) -> Self {
        let mut collector = Self::absent();
        collector.start(manner);
        collector
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("tracer.sock")
    }

    /// Comes, knowing nothing of what was before.
    pub(crate) fn start(&mut self, manner: Manner) {
        let _ = std::fs::remove_file(self.socket());
        let listener = UnixListener::bind(self.socket()).unwrap();
        listener.set_nonblocking(true).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (sessions, stopped) = (Arc::clone(&self.sessions), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut connections = Vec::new();
            while !stopped.load(SeqCst) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        let (sessions, stopped, manner) = (Arc::clone(&sessions), Arc::clone(&stopped), manner.clone());
                        connections.push(std::thread::spawn(move || serve(stream, &manner, &sessions, &stopped)));
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(2)),
                    Err(error) => panic!("{error}"),
                }
            }
            connections.into_iter().for_each(|connection| connection.join().unwrap());
        });
        self.running = Some(Running { stop, threads: vec![thread] });
    }

    /// Is gone from one moment to the next, as if killed: what has been read and not acknowledged is lost with it.
    pub(crate) fn kill(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop.store(true, SeqCst);
            running.threads.into_iter().for_each(|thread| thread.join().unwrap());
        }
    }

    /// `lapwing trace` with this agent.
    pub(crate) fn trace(&self, options: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(["trace", "--socket-dir"]).arg(self.directory()).args(options);
        command.env_remove("LAPWING_SOCKET_DIR");
        command
    }

    /// Waits until all that its tracers said has been heard.
    pub(crate) fn until_parted(&self) {
        until("parted", || self.look(|sessions| !sessions.is_empty() && sessions.iter().all(|session| session.parted)));
    }

    /// Looks at the sessions so far, in the order in which they began.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&[Session]) -> T) -> T {
        look(&self.sessions.lock().unwrap())
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop.store(true, SeqCst);
        }
    }
}

fn serve(mut stream: UnixStream, manner: &Manner, sessions: &Mutex<Vec<Session>>, stop: &AtomicBool) {
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let index = {
        let mut sessions = sessions.lock().unwrap();
        sessions.push(Session::new());
        sessions.len() - 1
    };
    let mut end = AgentEnd::new();
    let mut buffer = vec![0; 16 * 1024];
    let mut in_snapshot = false;
    while !stop.load(SeqCst) {
        let length = match stream.read(&mut buffer) {
            Ok(0) | Err(_) if end.is_over() => return,
            Ok(0) => return,
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => continue,
            Err(_) => return,
        };
        std::thread::sleep(manner.pause);
        let mut sessions = sessions.lock().unwrap();
        let session = &mut sessions[index];
        let mut input = &buffer[..length];
        while let Some(said) = end.receive(&mut input).unwrap() {
            hear(said, session, &mut end, manner, &mut in_snapshot);
        }
        session.observations = end.observations();
        session.missing = end.missing();
        let out = end.outgoing().to_vec();
        end.sent(out.len());
        // A tracer that is gone shows when it is read from.
        let _ = stream.write_all(&out);
    }
}

fn hear(said: Said, session: &mut Session, end: &mut AgentEnd, manner: &Manner, in_snapshot: &mut bool) {
    match said {
        Said::Hello(greeting) => {
            session.greeting = Some(*greeting);
            match manner.refuses {
                Some(reason) => end.refuse(reason, "by a test"),
                None => end.welcome(Terms {
                    acknowledged: None,
                    window: 1 << 18,
                    plan: manner.plan.clone(),
                    container: None,
                    release: "test".into(),
                }),
            }
        }
        Said::SnapshotBegins { .. } => {
            session.snapshots += 1;
            session.snapshot.clear();
            session.engine = engine();
            *in_snapshot = true;
        }
        Said::SnapshotEnds => *in_snapshot = false,
        Said::Observation(observation) => {
            if !*in_snapshot {
                let what = format!("{:?}", core::mem::discriminant(&observation.what));
                session.stamps.insert((observation.timestamp.0, observation.task.tid.0, what));
            }
            session.observe(observation, *in_snapshot);
        }
        Said::Report(account) => session.account = account,
        Said::Applied { missing, .. } => session.unmet = missing,
        Said::Discarders(_) | Said::Held { .. } => {}
        Said::Goodbye(account) => {
            session.account = account;
            session.parted = true;
        }
    }
}
