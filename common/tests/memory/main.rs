//! What is allocated: a program of its own, because it counts what its allocator hands out.

#![allow(unsafe_code, reason = "an allocator that counts is an allocator")]

mod rules;
mod tree;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use lapwing_common::event::{Event, File, Inode, Open, Origin, Payload, Quality};
use lapwing_common::ids::{Tid, Timestamp};
use lapwing_common::names;
use lapwing_common::process::Process;
use lapwing_common::syscall::Syscall;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
thread_local! {
    /// How often this thread has allocated.
    static TIMES: Cell<usize> = const { Cell::new(0) };
}

/// Held by a test while it counts: what another allocates would be counted, too.
static ALONE: Mutex<()> = Mutex::new(());

struct Counting;

/// What glibc takes for a request: a word before it, 16 bytes apart, 32 at least.
fn taken(bytes: usize) -> usize {
    (bytes + 8).next_multiple_of(16).max(32)
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TIMES.set(TIMES.get() + 1);
        PEAK.fetch_max(LIVE.fetch_add(taken(layout.size()), Relaxed) + taken(layout.size()), Relaxed);
        // SAFETY: the caller's promise about the layout is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(taken(layout.size()), Relaxed);
        // SAFETY: as above; the memory came from the same allocator.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn event(process: &Arc<Process>, syscall: &str, payload: impl Into<Payload>) -> Event {
    Event {
        timestamp: Timestamp(7),
        origin: Origin::Kernel,
        quality: Quality::default(),
        tid: Tid(2),
        process: Arc::clone(process),
        syscall: Syscall::named(syscall),
        payload: payload.into(),
    }
}

fn open(path: &str) -> Open {
    let inode = Inode { number: 7, mode: 0o100_644, ..Inode::default() };
    let file = File { inode: Some(inode), ..File::at(path.as_bytes()) };
    Open { file, flags: 0, flag_names: &names::OPEN_FLAGS, mode: 0, path: None, retval: 3 }
}
