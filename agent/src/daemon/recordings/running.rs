//! What a workload holds already when its dump begins: files that are open or mapped, and bound ports.
//!
//! A thread reads that from `/proc`, a process at a time, and the loop puts it into the tree. Processes that cannot be
//! looked at from here, in a container whose pid namespace the agent does not see, their tracers are asked about. A dump
//! that is to be ended meanwhile waits for it a while; where it takes longer (a server that serves a file system may be
//! the one that is recorded), the rest is left out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lapwing_common::activity::Dropped;
use lapwing_common::event::{Bind, Event, Open, Origin, Payload, Quality};
use lapwing_common::holdings::Held;
use lapwing_common::ids::{ProcessKey, Tid, Timestamp};
use lapwing_common::names;
use lapwing_common::process::{Cache, Process};
use lapwing_common::syscall::Arch;

use super::{Recording, Recordings};
use crate::holdings::{Read, Reading};
use crate::server::{News, TracerServer};

/// Taken in one go, which takes some milliseconds at most.
const AT_ONCE: usize = 16;
/// How long the end of a dump waits.
const PATIENCE: Duration = Duration::from_secs(3);

/// Processes that ran when a dump began, and who has yet to tell what they hold.
#[derive(Debug)]
pub(super) struct Running {
    /// As they were.
    processes: BTreeMap<ProcessKey, Arc<Process>>,
    reading: Option<Reading>,
    /// Those that cannot be looked at from here.
    unseen: Vec<ProcessKey>,
    /// Tracers that were asked and have not told all.
    asked: usize,
}

impl Running {
    /// Has it begun to be read what these processes hold.
    pub(super) fn new(processes: BTreeMap<ProcessKey, Arc<Process>>, reading: Reading) -> Self {
        Self { processes, reading: Some(reading), unseen: Vec::new(), asked: 0 }
    }

    fn is_over(&self) -> bool {
        self.reading.is_none() && self.asked == 0
    }
}

impl Recordings {
    /// Takes what has been read, and asks tracers for the rest.
    pub(super) fn take_running(&mut self, processes: &Cache, mut tracers: Option<&mut TracerServer>, now: Instant) {
        for at in 0..self.live.len() {
            let number = self.live[at].number;
            let mut left = AT_ONCE;
            while let Some(running) = &mut self.live[at].running
                && let Some(reading) = &running.reading
            {
                if left == 0 {
                    // There may be more; first come events.
                    (self.wake)();
                    break;
                }
                left -= 1;
                match reading.next() {
                    Read::Of(key, Some(held)) => self.take_held(at, key, held, processes),
                    Read::Of(key, None) => running.unseen.push(key),
                    Read::NotYet => break,
                    Read::All => {
                        running.reading = None;
                        let mut unseen = std::mem::take(&mut running.unseen);
                        // Those that are gone are nobody's to look at.
                        unseen.retain(|key| processes.get(*key).is_some());
                        if let Some(tracers) = &mut tracers {
                            running.asked = tracers.ask_what_is_held(number, &unseen, now);
                        }
                        self.live[at].let_go();
                    }
                }
            }
        }
    }

    /// Takes what tracers have told.
    pub(super) fn take_told(&mut self, news: Vec<News>, processes: &Cache) {
        for News { recording, held } in news {
            let Some(at) = self.live.iter().position(|live| live.number == recording) else { continue };
            match (held, &mut self.live[at].running) {
                (Some((key, held)), _) => self.take_held(at, key, held, processes),
                (None, Some(running)) => {
                    running.asked = running.asked.saturating_sub(1);
                    self.live[at].let_go();
                }
                (None, None) => {}
            }
        }
    }

    /// Puts what a process holds into a tree, unless it has ended meanwhile, or runs another program: it held that
    /// before.
    fn take_held(&mut self, at: usize, key: ProcessKey, held: Held, processes: &Cache) {
        let Some(running) = &self.live[at].running else { return };
        let was = running.processes.get(&key).map(Arc::clone);
        if let Some(process) = was.filter(|was| processes.get(key).is_some_and(|is| Arc::ptr_eq(is, was))) {
            self.put(at, &process, held);
        }
    }

    /// Puts what a process holds into a tree, and begins another part where there is no room.
    fn put(&mut self, at: usize, process: &Arc<Process>, Held { files, ports, left_out }: Held) {
        let now = Timestamp::now();
        let flag_names = names::open_flags(Arch::NATIVE);
        let opened = files
            .into_iter()
            .map(|(file, flags)| Payload::from(Open { file, flags, flag_names, mode: 0, path: None, retval: 0 }));
        let bound = ports.into_iter().map(|(address, socket)| Bind { address, socket: Some(socket), retval: 0 }.into());
        for payload in opened.chain(bound) {
            let event = Event {
                timestamp: now,
                // Nobody asks which backend an entry of a tree is from.
                origin: Origin::Kernel,
                quality: Quality::SNAPSHOT,
                tid: Tid(process.key().pid.0),
                process: Arc::clone(process),
                syscall: None,
                payload,
            };
            if self.live[at].recorder.held(&event) == Err(Dropped::Full) && self.cut(at) {
                let _ = self.live[at].recorder.held(&event);
            }
        }
        self.totals.unread += u64::try_from(left_out).unwrap_or(u64::MAX);
    }
}

impl Recording {
    /// Forgets the processes when there is nothing more to be told of them.
    fn let_go(&mut self) {
        if self.running.as_ref().is_some_and(Running::is_over) {
            self.running = None;
        }
    }

    /// When it is written that was to end `at` a time: then, or when all of it has been read.
    pub(super) fn due(&self, at: Instant) -> Instant {
        if self.running.is_some() { at + PATIENCE } else { at }
    }
}
