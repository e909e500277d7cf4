//! What a workload holds already when its dump begins: files that are open or mapped, and bound ports.
//!
//! A thread reads that from `/proc`, a process at a time, and the loop puts it into the tree. A dump that is to be ended
//! meanwhile waits for it a while; where it takes longer (a server that serves a file system may be the one that is
//! recorded), the rest is left out.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use lapwing_common::activity::Dropped;
use lapwing_common::event::{Bind, Event, Open, Origin, Payload, Quality};
use lapwing_common::ids::{PidNs, ProcessKey, Tid, Timestamp};
use lapwing_common::names;
use lapwing_common::process::{Cache, Process};
use lapwing_common::syscall::Arch;
use lapwing_kernel::{Held, Holders};

use super::{Recording, Recordings};

/// Processes that have been read and not been taken yet.
const READY: usize = 16;
/// Processes of a workload that are read, in the order of their numbers.
const PROCESSES: usize = 4096;
/// Taken in one go, which takes some milliseconds at most.
const AT_ONCE: usize = 16;
/// How long the end of a dump waits.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is still being read.
#[derive(Debug)]
pub(super) struct Reading {
    held: Receiver<(ProcessKey, Held)>,
    /// The processes as they were.
    processes: BTreeMap<ProcessKey, Arc<Process>>,
}

impl Reading {
    /// Begins to read what these processes hold; `None` if there is nothing to read, or no thread for it.
    pub(super) fn begin(
        processes: BTreeMap<ProcessKey, Arc<Process>>,
        own: Option<PidNs>,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> Option<Self> {
        let keys: Vec<ProcessKey> = processes.keys().copied().take(PROCESSES).collect();
        if keys.is_empty() {
            return None;
        }
        let (ready, held) = sync_channel(READY);
        let read = move || {
            // The loop may have given itself precedence, which a new thread inherits.
            let _ = rustix::process::setpriority_process(None, 10);
            let mut holders = Holders::of(&keys, own);
            for key in keys {
                if let Some(held) = holders.held(key) {
                    // Nobody waits any more for a dump that has been written.
                    if ready.send((key, held)).is_err() {
                        return;
                    }
                    wake();
                }
            }
            drop(ready);
            wake();
        };
        thread::Builder::new().name("lapwing-running".into()).spawn(read).ok()?;
        Some(Self { held, processes })
    }
}

impl Recordings {
    /// Takes what has been read.
    pub(super) fn take_running(&mut self, processes: &Cache) {
        for at in 0..self.live.len() {
            let mut left = AT_ONCE;
            while let Some(reading) = &mut self.live[at].reading {
                if left == 0 {
                    // There may be more; first come events.
                    (self.wake)();
                    break;
                }
                left -= 1;
                match reading.held.try_recv() {
                    Ok((key, held)) => {
                        // One that has ended meanwhile, or runs another program, held that before.
                        let was = reading.processes.remove(&key);
                        if let Some(process) =
                            was.filter(|was| processes.get(key).is_some_and(|is| Arc::ptr_eq(is, was)))
                        {
                            self.put(at, &process, held);
                        }
                    }
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => self.live[at].reading = None,
                }
            }
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
    /// When it is written that was to end `at` a time: then, or when all of it has been read.
    pub(super) fn due(&self, at: Instant) -> Instant {
        if self.reading.is_some() { at + PATIENCE } else { at }
    }
}
