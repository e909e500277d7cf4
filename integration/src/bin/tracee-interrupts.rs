//! System calls that are interrupted: by handlers with and without SA_RESTART, and by stops.
//!
//! The kernel restarts such calls by rules that a tracer can easily break, since a restarted call
//! stops again. What is printed is what signal(7) promises for each.

#![allow(unsafe_code, reason = "timers, handlers and blocking calls as the kernel has them")]
#![allow(clippy::print_stdout, reason = "what it prints is compared")]

use std::io::{self, Read as _, Write as _};
use std::mem::{MaybeUninit, size_of};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::SeqCst};
use std::time::{Duration, Instant};

static HANDLED: AtomicU32 = AtomicU32::new(0);
static VALUE: AtomicI32 = AtomicI32::new(0);

/// A C library function, whose pointers are to live values of the types it wants.
macro_rules! call {
    ($function:ident($($argument:expr),* $(,)?)) => {{
        // SAFETY: every pointer given comes from a live reference of the type that the function wants.
        unsafe { libc::$function($($argument),*) }
    }};
}

fn main() {
    for restart in [0, libc::SA_RESTART] {
        by_handler(restart);
    }
    by_stops();
    timers();
    sleeping_signals();
}

extern "C" fn on_signal(_: i32, info: *mut libc::siginfo_t, _: *mut std::ffi::c_void) {
    HANDLED.fetch_add(1, SeqCst);
    // SAFETY: the kernel passes a valid siginfo; every signal here has a value or zeros in its place.
    let value = unsafe { (*info).si_value().sival_ptr.addr() };
    VALUE.store(i32::try_from(value).unwrap_or(-1), SeqCst);
}

fn handle(signal: i32, flags: i32) {
    let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut std::ffi::c_void) = on_signal;
    // SAFETY: all zeros is a valid action.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler as usize;
    action.sa_flags = libc::SA_SIGINFO | flags;
    call!(sigaction(signal, &raw const action, ptr::null_mut()));
}

/// The outcome of a call: its error number, or that there was none.
fn outcome(result: i64) -> String {
    if result < 0 { format!("error {}", io::Error::last_os_error().raw_os_error().unwrap_or(0)) } else { "done".into() }
}

/// A child that sends `signals` once this process sleeps in the kernel, and then calls `end`, which
/// makes the call succeed that is still under way if it was restarted.
fn helper(signals: &[i32], end: impl FnOnce()) -> i32 {
    let parent = call!(getpid());
    // SAFETY: there is one thread here, so that the child may do anything.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        for signal in signals {
            await_state(parent, &["S", "T", "t"]);
            call!(kill(parent, *signal));
            if *signal == libc::SIGSTOP {
                await_state(parent, &["T", "t"]);
            } else {
                // The handler runs, or the stop ends, before it sleeps again.
                call!(usleep(20_000));
            }
        }
        await_state(parent, &["S", "Z"]);
        end();
        call!(_exit(0));
    }
    pid
}

/// Waits until the process has slept for a while, so that it is in the call and not on its way there.
fn await_state(pid: i32, wanted: &[&str]) {
    let mut quiet = 0;
    for _ in 0..10_000 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').next()).unwrap_or_default();
        quiet = if wanted.contains(&state) { quiet + 1 } else { 0 };
        if quiet == 10 {
            return;
        }
        call!(usleep(1_000));
    }
}

fn send(mut writer: &io::PipeWriter, bytes: &[u8]) {
    assert!(writer.write_all(bytes).is_ok());
}

fn reap(pid: i32) {
    while call!(waitpid(pid, ptr::null_mut(), 0)) < 0 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {
    }
}

fn by_handler(flags: i32) {
    handle(libc::SIGUSR1, flags);
    println!("SA_RESTART {}", flags != 0);
    let signals = [libc::SIGUSR1];
    let mut byte = 0_u8;

    let (reader, writer) = io::pipe().expect("pipe");
    let pid = helper(&signals, || send(&writer, b"x"));
    println!("read: {}", outcome(call!(read(reader.as_raw_fd(), (&raw mut byte).cast(), 1)) as i64));
    reap(pid);

    let listener = TcpListener::bind("127.0.0.1:0").expect("pipe");
    let address = listener.local_addr().expect("pipe");
    let pid = helper(&signals, || drop(TcpStream::connect(address)));
    println!("accept: {}", outcome(call!(accept4(listener.as_raw_fd(), ptr::null_mut(), ptr::null_mut(), 0)).into()));
    reap(pid);

    let fifo = std::env::temp_dir().join(format!("lapwing-fifo-{}", call!(getpid())));
    let name = std::ffi::CString::new(fifo.as_os_str().as_encoded_bytes()).unwrap_or_default();
    call!(mkfifo(name.as_ptr(), 0o600));
    let pid = helper(&signals, || drop(std::fs::OpenOptions::new().write(true).open(&fifo)));
    println!("open of a fifo: {}", outcome(call!(open(name.as_ptr(), libc::O_RDONLY)).into()));
    // Without SA_RESTART the helper still waits for a reader.
    call!(kill(pid, libc::SIGKILL));
    reap(pid);
    call!(unlink(name.as_ptr()));

    let pid = helper(&signals, || {});
    println!("wait4: {}", outcome(call!(waitpid(pid, ptr::null_mut(), 0)).into()));
    reap(pid);

    // These are never restarted after a handler.
    let mut left = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let long = libc::timespec { tv_sec: 1000, tv_nsec: 0 };
    let pid = helper(&signals, || {});
    let result = outcome(call!(nanosleep(&raw const long, &raw mut left)).into());
    println!("nanosleep: {result}, time left {}", left.tv_sec > 500);
    reap(pid);
    let mut poll = libc::pollfd { fd: reader.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    let pid = helper(&signals, || {});
    println!("poll: {}", outcome(call!(poll(&raw mut poll, 1, -1)).into()));
    reap(pid);
    println!("handled {}", HANDLED.swap(0, SeqCst));
}

/// SIGSTOP and SIGCONT, without handlers: most calls go on, with the time that is left.
fn by_stops() {
    let stops = [libc::SIGSTOP, libc::SIGCONT, libc::SIGSTOP, libc::SIGCONT];
    let span = libc::timespec { tv_sec: 0, tv_nsec: 700_000_000 };
    let timed = |what: &str, call: &dyn Fn() -> i64| {
        let begun = Instant::now();
        let pid = helper(&stops, || {});
        let result = outcome(call());
        println!("{what} and stops: {result}, long enough {}", begun.elapsed() >= Duration::from_millis(700));
        reap(pid);
    };
    let (reader, writer) = io::pipe().expect("pipe");
    timed("nanosleep", &|| call!(nanosleep(&raw const span, ptr::null_mut())).into());
    timed("clock_nanosleep", &|| {
        call!(clock_nanosleep(libc::CLOCK_MONOTONIC, 0, &raw const span, ptr::null_mut())).into()
    });
    timed("poll", &|| {
        let mut poll = libc::pollfd { fd: reader.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        call!(poll(&raw mut poll, 1, 700)).into()
    });
    timed("select", &|| {
        let mut time = libc::timeval { tv_sec: 0, tv_usec: 700_000 };
        call!(select(0, ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), &raw mut time)).into()
    });
    let pid = helper(&stops, || send(&writer, b"x"));
    let mut byte = 0_u8;
    println!("read and stops: {}", outcome(call!(read(reader.as_raw_fd(), (&raw mut byte).cast(), 1)) as i64));
    reap(pid);
    let listener = TcpListener::bind("127.0.0.1:0").expect("pipe");
    let address = listener.local_addr().expect("pipe");
    let pid = helper(&stops, || drop(TcpStream::connect(address)));
    println!(
        "accept and stops: {}",
        outcome(call!(accept4(listener.as_raw_fd(), ptr::null_mut(), ptr::null_mut(), 0)).into())
    );
    reap(pid);
    // signal(7): these do fail with EINTR by a stop.
    let epoll = call!(epoll_create1(0));
    let mut event = libc::epoll_event { events: 0, u64: 0 };
    let pid = helper(&stops[..2], || {});
    println!("epoll_wait and stops: {}", outcome(call!(epoll_wait(epoll, &raw mut event, 1, 3000)).into()));
    reap(pid);
    call!(close(epoll));
}

fn timers() {
    for (timer, signal) in [
        (libc::ITIMER_REAL, libc::SIGALRM),
        (libc::ITIMER_VIRTUAL, libc::SIGVTALRM),
        (libc::ITIMER_PROF, libc::SIGPROF),
    ] {
        handle(signal, libc::SA_RESTART);
        HANDLED.store(0, SeqCst);
        let tick = libc::timeval { tv_sec: 0, tv_usec: 10_000 };
        let interval = libc::itimerval { it_interval: tick, it_value: tick };
        call!(setitimer(timer, &raw const interval, ptr::null_mut()));
        while HANDLED.load(SeqCst) < 10 {
            std::hint::spin_loop();
        }
        // SAFETY: all zeros is a valid value; it stops the timer.
        let never: libc::itimerval = unsafe { MaybeUninit::zeroed().assume_init() };
        call!(setitimer(timer, &raw const never, ptr::null_mut()));
        println!("timer {timer} ticks");
    }
    HANDLED.store(0, SeqCst);
    handle(libc::SIGALRM, 0);
    call!(alarm(1));
    println!("pause: {}, handled {}", outcome(call!(pause()).into()), HANDLED.swap(0, SeqCst));

    handle(40, 0);
    // SAFETY: all zeros is a valid value.
    let mut event: libc::sigevent = unsafe { MaybeUninit::zeroed().assume_init() };
    event.sigev_notify = libc::SIGEV_SIGNAL;
    event.sigev_signo = 40;
    event.sigev_value = libc::sigval { sival_ptr: ptr::without_provenance_mut(4711) };
    let mut timer = MaybeUninit::uninit();
    call!(timer_create(libc::CLOCK_MONOTONIC, &raw mut event, timer.as_mut_ptr()));
    // SAFETY: timer_create wrote it.
    let timer: libc::timer_t = unsafe { timer.assume_init() };
    let soon = libc::itimerspec {
        it_interval: libc::timespec { tv_sec: 0, tv_nsec: 0 },
        it_value: libc::timespec { tv_sec: 0, tv_nsec: 50_000_000 },
    };
    call!(timer_settime(timer, 0, &raw const soon, ptr::null_mut()));
    println!("timer_create: {}, value {}", outcome(call!(pause()).into()), VALUE.load(SeqCst));
}

/// Signals that are ignored or blocked interrupt nothing.
fn sleeping_signals() {
    call!(signal(libc::SIGUSR2, libc::SIG_IGN));
    let (mut reader, writer) = io::pipe().expect("pipe");
    let signals = [libc::SIGUSR2, libc::SIGWINCH, libc::SIGURG, libc::SIGCONT];
    let pid = helper(&signals, || send(&writer, b"y"));
    let mut byte = [0];
    println!("ignored: {:?} {}", reader.read(&mut byte).ok(), char::from(byte[0]));
    reap(pid);
    let (one, other) = UnixDatagram::pair().expect("pipe");
    // With a time limit a socket's calls are not restarted after a handler, even with SA_RESTART.
    handle(libc::SIGUSR1, libc::SA_RESTART);
    let limit = libc::timeval { tv_sec: 100, tv_usec: 0 };
    let size = u32::try_from(size_of::<libc::timeval>()).unwrap_or(0);
    call!(setsockopt(one.as_raw_fd(), libc::SOL_SOCKET, libc::SO_RCVTIMEO, (&raw const limit).cast(), size));
    let pid = helper(&[libc::SIGUSR1], || drop(other.send(b"z")));
    println!("recv with a limit: {}", outcome(call!(recv(one.as_raw_fd(), byte.as_mut_ptr().cast(), 1, 0)) as i64));
    reap(pid);
}
