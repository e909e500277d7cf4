//! Dumps that clients ask for, and the network namespaces that there is to dump.
//!
//! The loop only collects what is to be shown. The answer goes out when the worker has written it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use lapwing_common::discard::dump::{Dump as DiscarderDump, Section, TracerSection};
use lapwing_common::ids::Timestamp;
use lapwing_common::process::dump::{Dump, ShowArguments};
use lapwing_common::session::Left;
use lapwing_proto::control::v1::{
    DiscarderDumpRequest, Dumped, Fault, NamespaceDumpRequest, ProcessDumpFormat, ProcessDumpRequest, response,
};
use lapwing_proto::dumps::SecurityProfile;
use mio::Waker;

use super::profile_files::Files;
use super::{Agent, Capture};
use crate::dump::{self, Done, DumpDir, DumpError, Dumper, GraphFormat};
use crate::policy::Discarding;
use crate::resolve::netns::{Found, Namespaces};
use crate::server::{Asked, Reply};

/// How often network namespaces are looked at.
const INTERVAL: Duration = Duration::from_secs(30);

/// What dumps need beside what the agent has anyway.
#[derive(Debug)]
pub(super) struct Dumps {
    dumper: Dumper<Asked>,
    /// `None` where `/proc` is not that of this process's pid namespace.
    namespaces: Option<Namespaces>,
    look_at: Instant,
    found: (Sender<Found>, Receiver<Found>),
    waker: Arc<Waker>,
}

impl Dumps {
    pub(super) fn new(dir: std::path::PathBuf, waker: Arc<Waker>) -> Self {
        let wake = Arc::clone(&waker);
        Self {
            // A failure would be one to write to an eventfd of our own.
            dumper: Dumper::new(dir, Arc::new(move || drop(wake.wake()))),
            namespaces: Namespaces::new(),
            look_at: Instant::now() + INTERVAL,
            found: channel(),
            waker,
        }
    }

    /// Takes part in observations.
    pub(super) fn consumer(&mut self) -> &mut Option<Namespaces> {
        &mut self.namespaces
    }

    pub(super) fn namespaces(&self) -> Option<&Namespaces> {
        self.namespaces.as_ref()
    }

    pub(super) fn set_directory(&mut self, dir: std::path::PathBuf) {
        self.dumper.set_directory(dir);
    }

    /// When there is something to look at again.
    pub(super) fn due(&self) -> Option<Instant> {
        self.namespaces.as_ref().filter(|namespaces| namespaces.len() > 0).map(|_| self.look_at)
    }
}

impl Agent {
    /// Says now what would be said of every dump: nobody may ask for one before it is needed.
    pub(super) fn try_dump_dir(&self) {
        if let Err(error) = DumpDir::open(&self.config.variable.dump_dir) {
            self.console.warn(format_args!("{error}; until that changes, there are no dumps"));
        }
    }

    pub(super) fn dump_processes(&mut self, asked: Asked, request: ProcessDumpRequest) {
        let copy = Dump::of(self.pipeline.processes());
        let arguments = if request.arguments { ShowArguments::Yes } else { ShowArguments::No };
        let format = match request.format() {
            ProcessDumpFormat::Dot => GraphFormat::Dot,
            ProcessDumpFormat::Json => GraphFormat::Json,
        };
        let begun = self
            .dumps
            .dumper
            .write(asked, move |dir| dump::processes(dir, copy, format, arguments).map(|file| vec![file]));
        self.complain(begun);
    }

    pub(super) fn dump_namespaces(&mut self, asked: Asked, request: NamespaceDumpRequest) {
        let copy = self.dumps.namespaces.as_ref().map(Namespaces::copy);
        let begun = self.dumps.dumper.write(asked, move |dir| {
            let namespaces = match copy {
                Some(copy) if request.devices => copy.with_devices(),
                Some(copy) => copy.namespaces(),
                None => Vec::new(),
            };
            dump::namespaces(dir, &namespaces, Timestamp::now(), 0).map(Vec::from)
        });
        self.complain(begun);
    }

    /// Tracers are asked first; see [`Self::dump_what_tracers_answered`].
    pub(super) fn dump_discarders(&mut self, asked: Asked, _: DiscarderDumpRequest) {
        match &mut self.tracers {
            Some(tracers) => tracers.enquire(asked, Instant::now()),
            None => self.write_discarders(asked, Vec::new()),
        }
    }

    /// Has dumps of discarders written for which all tracers have answered, or had the time to.
    pub(super) fn dump_what_tracers_answered(&mut self, now: Instant) {
        while let Some((asked, replies)) = self.tracers.as_mut().and_then(|tracers| tracers.answered(now)) {
            self.write_discarders(asked, replies);
        }
    }

    fn write_discarders(&mut self, asked: Asked, replies: Vec<Reply>) {
        let filters = self.capture.as_ref().and_then(Capture::filters);
        let paths = self.rules.discarding().map(Discarding::paths).unwrap_or_default();
        let section = |left: Left| Section::of(left.inodes, left.pids, left.discarders);
        let tracer = |Reply { who, left }| TracerSection {
            pid: who.pid,
            namespace: who.namespace,
            container: who.container,
            left: left.map(section),
        };
        let tracers = replies.into_iter().map(tracer).collect();
        let begun = self.dumps.dumper.write(asked, move |dir| {
            // Where nothing observes, nothing is left out.
            let own = filters.map(|filters| dump::listed(&*filters, &paths)).transpose()?.unwrap_or_default();
            let dump = DiscarderDump { date: Timestamp::now(), offset: 0, own, tracers };
            dump::discarders(dir, &dump).map(|file| vec![file])
        });
        self.complain(begun);
    }

    pub(super) fn write_profile(&mut self, asked: Asked, message: SecurityProfile, files: Files) {
        let begun = self.dumps.dumper.write(asked, move |_| {
            let saved = files.save(&message);
            saved.map(|path| vec![path]).map_err(|error| DumpError::Profile(error.to_string()))
        });
        self.complain(begun);
    }

    fn complain(&mut self, begun: Result<(), (Asked, DumpError)>) {
        if let (Err((asked, error)), Some(control)) = (begun, &mut self.control) {
            control.fail(asked, Fault::Failed, error.to_string());
        }
    }

    /// Answers with the dumps that have been written.
    pub(super) fn on_dumps(&mut self) {
        while let Some(done) = self.dumps.dumper.next() {
            self.on_dump(done);
        }
        while let Ok(found) = self.dumps.found.1.try_recv() {
            if let Some(namespaces) = &mut self.dumps.namespaces {
                namespaces.conclude(Timestamp::now(), found);
            }
        }
    }

    /// Waits for what has been asked for.
    pub(super) fn finish_dumps(&mut self) {
        for done in self.dumps.dumper.finish() {
            self.on_dump(done);
        }
    }

    fn on_dump(&mut self, done: Done<Asked>) {
        let Some(control) = &mut self.control else { return };
        match done.files {
            Ok(files) => {
                let files = files.into_iter().map(|file| file.to_string_lossy().into_owned()).collect();
                control.answer(done.of, response::What::Dumped(Dumped { files }));
            }
            Err(error) => control.fail(done.of, Fault::Failed, error.to_string()),
        }
    }

    /// Lets go of network namespaces that nobody is in.
    pub(super) fn look_at_namespaces(&mut self, at: Instant) {
        if self.dumps.due().is_none_or(|due| due > at) {
            return;
        }
        self.dumps.look_at = at + INTERVAL;
        let processes = self.pipeline.processes();
        let pids = || processes.iter().map(|process| process.key()).collect();
        let Some(search) =
            self.dumps.namespaces.as_mut().and_then(|namespaces| namespaces.look(Timestamp::now(), pids))
        else {
            return;
        };
        let (found, waker) = (self.dumps.found.0.clone(), Arc::clone(&self.dumps.waker));
        // What is not searched now is searched the next time.
        let _ = thread::Builder::new().name("lapwing-netns".into()).spawn(move || {
            if found.send(search.run()).is_ok() {
                drop(waker.wake());
            }
        });
    }
}
