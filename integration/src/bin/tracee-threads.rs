//! Threads that wait for each other, for the clock and for signals.
//!
//! A tracer that swaps two threads' stops, loses a futex wake-up or gives a signal to the wrong thread
//! makes this program hang or print something else. All it prints is independent of scheduling.

#![allow(unsafe_code, reason = "signals to one thread, and the handler that counts them")]
#![allow(clippy::print_stdout, reason = "what it prints is compared")]

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Condvar, Mutex, RwLock};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

const THREADS: usize = 16;
const ROUNDS: usize = 100;

static SIGNALS: AtomicU32 = AtomicU32::new(0);
static WRONG_THREAD: AtomicU32 = AtomicU32::new(0);

thread_local! {
    static OWN_TID: AtomicI32 = const { AtomicI32::new(0) };
}

extern "C" fn on_signal(_: i32) {
    let right = OWN_TID.with(|tid| tid.load(SeqCst)) == tid();
    if right { &SIGNALS } else { &WRONG_THREAD }.fetch_add(1, SeqCst);
}

fn main() {
    take_turns();
    clocks_go_forward();
    short_threads();
    readers_and_writers();
    signals_reach_their_thread();
    scoped_panics();
}

/// A token that goes round: every step is a futex wake-up of one particular thread.
fn take_turns() {
    let turn = Arc::new((Mutex::new(0_usize), Condvar::new()));
    let handles: Vec<_> = (0..THREADS)
        .map(|own| {
            let turn = Arc::clone(&turn);
            thread::spawn(move || {
                let (number, changed) = &*turn;
                for _ in 0..ROUNDS {
                    let guard = number.lock().unwrap_or_else(|error| error.into_inner());
                    let mut guard = changed
                        .wait_while(guard, |turn| *turn % THREADS != own)
                        .unwrap_or_else(|error| error.into_inner());
                    *guard += 1;
                    changed.notify_all();
                }
            })
        })
        .collect();
    let joined = handles.into_iter().filter_map(|handle| handle.join().ok()).count();
    println!("turns: {joined} threads, {} steps", turn.0.lock().map_or(0, |turn| *turn));
}

fn clocks_go_forward() {
    let barrier = Arc::new(Barrier::new(THREADS));
    let handles: Vec<_> = (0..THREADS)
        .map(|_| {
            let barrier = Arc::clone(&barrier);
            thread::spawn(move || {
                barrier.wait();
                let (mut monotonic, mut short_sleeps) = (Instant::now(), 0);
                for _ in 0..20 {
                    let before = Instant::now();
                    assert!(before >= monotonic, "the monotonic clock went backwards");
                    thread::sleep(Duration::from_millis(1));
                    monotonic = Instant::now();
                    short_sleeps += u32::from(monotonic - before < Duration::from_millis(1));
                }
                assert!(SystemTime::now() > SystemTime::UNIX_EPOCH);
                short_sleeps
            })
        })
        .collect();
    let short: u32 = handles.into_iter().map(|handle| handle.join().unwrap_or(99)).sum();
    println!("clocks: {short} sleeps too short");
}

/// Threads that are gone again at once, each with a name and a file of its own.
fn short_threads() {
    let (sender, receiver) = channel();
    for batch in 0..20 {
        let handles: Vec<_> = (0..THREADS)
            .map(|index| {
                let sender = sender.clone();
                let number = batch * THREADS + index;
                thread::Builder::new().name(format!("short-{number}")).spawn(move || {
                    let name = std::fs::read_to_string(format!("/proc/self/task/{}/comm", tid()));
                    let _ = sender.send((number, name.unwrap_or_default().trim().to_owned()));
                })
            })
            .collect();
        for handle in handles {
            assert!(handle.is_ok_and(|handle| handle.join().is_ok()));
        }
    }
    drop(sender);
    let names: BTreeSet<_> = receiver.iter().filter(|(number, name)| *name == format!("short-{number}")).collect();
    println!("short threads: {} with the right name", names.len());
}

fn readers_and_writers() {
    let shared = RwLock::new(0_u64);
    thread::scope(|scope| {
        for index in 0..THREADS {
            let shared = &shared;
            scope.spawn(move || {
                for _ in 0..ROUNDS {
                    if index % 4 == 0 {
                        *shared.write().unwrap_or_else(|error| error.into_inner()) += 1;
                    } else {
                        let _ = *shared.read().unwrap_or_else(|error| error.into_inner());
                        thread::yield_now();
                    }
                }
            });
        }
    });
    println!("written {} times", shared.into_inner().unwrap_or(0));
}

/// A signal to a thread is handled by that thread, as often as it was sent.
fn signals_reach_their_thread() {
    let handler: extern "C" fn(i32) = on_signal;
    // SAFETY: the handler only counts in atomics and asks for the thread's id.
    unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
    let (ready, tids) = channel();
    let end = Arc::new(Barrier::new(THREADS + 1));
    let handles: Vec<_> = (0..THREADS)
        .map(|_| {
            let (ready, end) = (ready.clone(), Arc::clone(&end));
            thread::spawn(move || {
                OWN_TID.with(|own| own.store(tid(), SeqCst));
                let _ = ready.send(tid());
                end.wait();
            })
        })
        .collect();
    for tid in tids.iter().take(THREADS) {
        for _ in 0..10 {
            let before = SIGNALS.load(SeqCst) + WRONG_THREAD.load(SeqCst);
            // SAFETY: takes no pointers; the thread waits at the barrier.
            unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), tid, libc::SIGUSR1) };
            // The next would be merged with one that is still pending.
            while SIGNALS.load(SeqCst) + WRONG_THREAD.load(SeqCst) == before {
                thread::yield_now();
            }
        }
    }
    end.wait();
    for handle in handles {
        let _ = handle.join();
    }
    println!("signals: {} to the right thread, {} to another", SIGNALS.load(SeqCst), WRONG_THREAD.load(SeqCst));
}

/// Unwinding in a thread walks its stack and ends only that thread.
fn scoped_panics() {
    std::panic::set_hook(Box::new(|_| {}));
    let ended =
        (0..THREADS).map(|index| thread::spawn(move || assert!(index % 2 == 0)).join()).filter(Result::is_err).count();
    println!("{ended} threads panicked");
}

fn tid() -> i32 {
    // SAFETY: takes no pointers.
    unsafe { libc::gettid() }
}
