//! What an activity tree takes of memory, against what it says.
//!
//! A program of its own, because it counts what its allocator hands out.

#![allow(unsafe_code, reason = "an allocator that counts is an allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use lapwing_common::activity::{ActivityTree, Dropped, Mark, Options};
use lapwing_common::event::{Event, Exec, File, Inode, Open, Origin, Payload, Quality};
use lapwing_common::ids::{Pid, PidNs, ProcessKey, Tid, Timestamp};
use lapwing_common::names;
use lapwing_common::process::{ArgumentLimits, Arguments, Cache, Limits, Process};
use lapwing_common::record::Program;
use lapwing_common::syscall::Syscall;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

struct Counting;

/// What glibc takes for a request: a word before it, 16 bytes apart, 32 at least.
fn taken(bytes: usize) -> usize {
    (bytes + 8).next_multiple_of(16).max(32)
}

// SAFETY: every call is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
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

/// A program with arguments of its own, which only the tree will hold in the end.
fn program(number: i32) -> Program {
    let arguments = [format!("program-{number}"), "--of".into(), "a thousand or so".into()];
    Program {
        file: File::at(format!("/usr/lib/programs/program-{number}").into_bytes()),
        arguments: Arguments::capture(arguments.iter().map(String::as_bytes), false, &ArgumentLimits::default()),
        ..Program::default()
    }
}

fn open(path: &str) -> Open {
    let inode = Inode { number: 7, mode: 0o100_644, ..Inode::default() };
    let file = File { inode: Some(inode), ..File::at(path.as_bytes()) };
    Open { file, flags: 0, flag_names: &names::OPEN_FLAGS, mode: 0, path: None, retval: 3 }
}

#[test]
fn memory_is_at_most_one_and_a_half_times_the_reported_size() {
    let limit = 1750 << 10;
    for files_each in [1, 20, 2000] {
        let before = LIVE.load(Relaxed);
        let mut tree = ActivityTree::new(Options { limit, ..Options::default() });
        let tag = tree.tag("1.25");
        let mark = Mark { tag, ..Mark::default() };
        let mut is_full = false;
        PEAK.store(LIVE.load(Relaxed), Relaxed);
        for number in 0.. {
            // Processes come and go, and the cache forgets them.
            let mut cache = Cache::new(Limits::default());
            let key = ProcessKey { pid: Pid(1), namespace: PidNs(1) };
            let process = cache.exec(key, program(number), Timestamp(5));
            let exec = Exec { process: Arc::clone(&process), refused: None, path: None, retval: 0 };
            is_full |= tree.insert(&event(&process, "execve", exec), &mark) == Err(Dropped::Full);
            for file in 0..files_each {
                let path = format!("/var/lib/{}/some-file-with-a-name-{file}", file % 13);
                is_full |= tree.insert(&event(&process, "openat", open(&path)), &mark) == Err(Dropped::Full);
            }
            if is_full {
                break;
            }
        }
        let (live, peak) = (LIVE.load(Relaxed) - before, PEAK.load(Relaxed) - before);
        let (size, counts) = (tree.size(), tree.counts());
        println!("{files_each} files each: {live} live, {peak} at most, {size} reported, {counts:?}");
        assert!(size <= limit);
        assert!(size > limit / 2, "it is full long before: {size}");
        assert!(live <= size + size / 2, "{live} of {size}");
        assert!(live >= size / 2, "it reports more than there is: {live} of {size}");
        // Tables move as they grow, and then are there twice.
        assert!(peak <= limit + limit / 2, "{peak} of {limit}");
        drop(tree);
        let left = LIVE.load(Relaxed).abs_diff(before);
        assert!(left < 64 << 10, "{left} bytes stay");
    }
}
