//! A watched `tracee-files`: orders in, events out.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lapwing_common::backend::{FilterPlan, Progress};
use lapwing_common::discard::{Filters as _, InodeKey, Pushed};
use lapwing_common::engine::{Engine, EventSet};
use lapwing_common::event::EventType;
use lapwing_common::json;
use lapwing_common::process::Limits;
use lapwing_integration::run::LIMIT;
use lapwing_integration::scenario::Ground;
use lapwing_kernel::FilterMaps;
use lapwing_ptrace::Command;
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};
use serde_json::Value;

use super::watching::{Handle, On, Watching};

/// A tracer waits for any tracee of its process, so that one process can have one watch at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// A running workload. Ends, and is killed if it does not, when it is dropped.
pub(crate) struct Workload {
    watch: Watching,
    engine: Engine,
    orders: std::fs::File,
    answers: Receiver<String>,
    ground: Ground,
    /// Names in orders that are not below the ground.
    elsewhere: Vec<String>,
    _alone: MutexGuard<'static, ()>,
}

/// A plan with discarders.
pub(crate) fn plan() -> FilterPlan {
    FilterPlan { discarders: true, ..FilterPlan::default() }
}

impl Workload {
    pub(crate) fn start(on: On, plan: FilterPlan) -> Self {
        // A test that failed left nothing behind.
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let ground = Ground::new();
        let [orders, answers] = ["orders", "answers"].map(|name| {
            let path = ground.path().join(name);
            mkfifo(&path, Mode::S_IRWXU).unwrap();
            path
        });
        let command = Command {
            program: env!("CARGO_BIN_EXE_tracee-files").into(),
            arguments: [&orders, &answers].map(|path| path.clone().into_os_string()).into(),
        };
        let watch = Watching::start(on, &command, plan);
        // Open for both, which does not wait for somebody at the other end.
        let both = |path: PathBuf| OpenOptions::new().read(true).write(true).open(path).unwrap();
        let told = BufReader::new(both(answers));
        let (tell, answers) = channel();
        std::thread::spawn(move || {
            for line in told.lines().map_while(Result::ok) {
                // Nobody listens any more: the test is over.
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        let engine = Engine::new(Limits::default(), EventSet::ALL);
        let workload =
            Self { watch, engine, orders: both(orders), answers, ground, elsewhere: Vec::new(), _alone: alone };
        assert_eq!(workload.answer(), "ready");
        workload
    }

    fn answer(&self) -> String {
        self.answers.recv_timeout(LIMIT).unwrap()
    }

    /// Absolute path of a name of the test's. What begins with a slash is one.
    pub(crate) fn path(&self, name: &str) -> String {
        self.ground.path().join(name).to_str().unwrap().to_owned()
    }

    /// The process.
    pub(crate) fn pid(&self) -> i32 {
        self.watch.pid()
    }

    /// What the backend is to leave out.
    pub(crate) fn filters(&self) -> Handle {
        self.watch.filters()
    }

    /// Has a call made, which has to succeed; returns its events, those of the order's paths only. Names
    /// are relative to the test's directory.
    pub(crate) fn events(&mut self, order: &[&str]) -> Vec<Value> {
        self.tell(order);
        self.await_answer();
        self.drain()
    }

    /// What has been seen since the last time.
    pub(crate) fn drain(&mut self) -> Vec<Value> {
        let mut events = Vec::new();
        let inside = self.path("");
        let (engine, elsewhere) = (&mut self.engine, &self.elsewhere);
        let progress = self.watch.drain(&mut |observation| {
            engine.observe(observation, |event| {
                let mut line = Vec::new();
                json::write_line(event, &mut line);
                let event: Value = serde_json::from_slice(&line).unwrap();
                let concerns = |path: &str| path.starts_with(&inside) || elsewhere.iter().any(|known| known == path);
                if file_of(&event)["path"].as_str().is_some_and(concerns) {
                    events.push(event);
                }
            });
        });
        assert_eq!(progress, Progress::Watching);
        events
    }

    /// Has a call made; the types of its events.
    pub(crate) fn types(&mut self, order: &[&str]) -> Vec<String> {
        self.events(order).iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
    }

    /// Whether a call makes an event. Those of any order make at most one.
    pub(crate) fn is_seen(&mut self, order: &[&str]) -> bool {
        let types = self.types(order);
        assert!(types.len() <= 1, "{order:?}: {types:?}");
        types.len() == 1
    }

    /// Makes files and directories (which end with a slash), parents first.
    pub(crate) fn make(&mut self, names: &[&str]) {
        for name in names {
            match name.strip_suffix('/') {
                Some(directory) => self.types(&["mkdir", directory]),
                None => self.types(&["write", name]),
            };
        }
    }

    /// A file as an event identifies it, and so as a discarder names it.
    pub(crate) fn key(&mut self, name: &str) -> InodeKey {
        let events = self.events(&["open", name]);
        let file = file_of(&events[0]);
        let number = |field: &str| file[field].as_u64().unwrap();
        InodeKey { inode: number("inode"), mount: u32::try_from(number("mount_id")).unwrap(), leaf: true }
    }

    /// A directory as a discarder of what is below it names it.
    pub(crate) fn below(&mut self, name: &str) -> InodeKey {
        InodeKey { leaf: false, ..self.key(name) }
    }

    /// See [`Watching::give_up_rights`].
    pub(crate) fn give_up_rights(&self) -> Vec<String> {
        self.watch.give_up_rights()
    }

    /// Likewise; of the kernel backend.
    pub(crate) fn kernel_filters(&self) -> Arc<FilterMaps> {
        match self.filters() {
            Handle::Kernel(filters) => filters,
            Handle::Ptrace(_) => panic!("another backend"),
        }
    }

    /// Ends the command, and with it the watch.
    pub(crate) fn end(&mut self) {
        self.tell(&["end"]);
        assert!(self.watch.ends());
    }

    pub(crate) fn push(&self, key: InodeKey, event: EventType) -> Pushed {
        self.filters().push(key, event, None).unwrap()
    }

    /// Orders a call, and does not wait for its end.
    pub(crate) fn tell(&mut self, order: &[&str]) {
        let (verb, names) = order.split_first().unwrap();
        self.elsewhere.extend(names.iter().filter(|name| name.starts_with('/')).map(|name| (*name).to_owned()));
        let paths = names.iter().map(|name| format!("\t{}", self.path(name))).collect::<String>();
        writeln!(self.orders, "{verb}{paths}").unwrap();
    }

    /// Waits for the end of what was ordered.
    pub(crate) fn await_answer(&self) {
        assert_eq!(self.answer(), "ok");
    }
}

fn file_of(event: &Value) -> &Value {
    &event[event["type"].as_str().unwrap()]["file"]
}

impl Drop for Workload {
    fn drop(&mut self) {
        let _ = writeln!(self.orders, "end");
        if !self.watch.ends() {
            // Nobody has waited for it, and so has its pid still.
            let _ = kill(Pid::from_raw(self.pid()), Signal::SIGKILL);
            self.watch.ends();
        }
        self.watch.reap();
        // The reader of the answers waits for another one.
        if let Ok(mut answers) = OpenOptions::new().write(true).open(self.ground.path().join("answers")) {
            let _ = writeln!(answers);
        }
    }
}
