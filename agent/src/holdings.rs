//! What processes hold, read from `/proc` by a thread beside the loop, a process at a time.
//!
//! The agent reads it when an activity dump begins, and a tracer when an agent asks that cannot see its processes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use lapwing_common::holdings::{Held, PROCESSES};
use lapwing_common::ids::{PidNs, ProcessKey};
use lapwing_kernel::Holders;

/// Processes that have been read and not been taken yet.
const READY: usize = 16;

/// What has the loop look here.
pub(crate) type Wake = Arc<dyn Fn() + Send + Sync>;

/// What is still being read.
#[derive(Debug)]
pub(crate) struct Reading {
    held: Receiver<(ProcessKey, Option<Held>)>,
}

/// What has come of it so far.
#[derive(Debug)]
pub(crate) enum Read {
    /// What a process holds; `None` if it is gone, or cannot be looked at from here.
    Of(ProcessKey, Option<Held>),
    /// The next is being read.
    NotYet,
    /// That was the last.
    All,
}

impl Reading {
    /// Begins to read what these processes hold, the first 4,096 of them; `None` if there is no thread for it. `own`
    /// is the namespace in which `/proc` counts.
    pub(crate) fn begin(mut processes: Vec<ProcessKey>, own: Option<PidNs>, wake: Wake) -> Option<Self> {
        processes.truncate(PROCESSES);
        let (ready, held) = sync_channel(READY);
        let read = move || {
            // The loop may have given itself precedence, which a new thread inherits.
            let _ = rustix::process::setpriority_process(None, 10);
            let mut holders = Holders::of(&processes, own);
            for key in processes {
                // Nobody waits any more for a dump that has been written.
                if ready.send((key, holders.held(key))).is_err() {
                    return;
                }
                wake();
            }
            drop(ready);
            wake();
        };
        thread::Builder::new().name("lapwing-holdings".into()).spawn(read).ok()?;
        Some(Self { held })
    }

    /// The next process.
    pub(crate) fn next(&self) -> Read {
        match self.held.try_recv() {
            Ok((key, held)) => Read::Of(key, held),
            Err(TryRecvError::Empty) => Read::NotYet,
            Err(TryRecvError::Disconnected) => Read::All,
        }
    }
}
