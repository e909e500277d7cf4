//! Every way to make a process and to become another program.
//!
//! One way a subcommand; each prints what the maker can see of it: results, wait statuses, who the
//! parent is. Numbers that differ from run to run are compared here and printed as yes or no.

#![allow(unsafe_code, reason = "vfork, clone, clone3 and execve as the kernel has them")]
#![allow(clippy::print_stdout, reason = "what it prints is compared")]

use std::ffi::{CStr, CString, c_char};
use std::os::fd::AsRawFd;
use std::ptr;

/// A C library function, whose pointers are to live values of the types it wants.
macro_rules! call {
    ($function:ident($($argument:expr),* $(,)?)) => {{
        // SAFETY: every pointer given comes from a live reference of the type that the function wants.
        unsafe { libc::$function($($argument),*) }
    }};
}

/// The number of `clone3` is the same everywhere.
const CLONE3: i64 = 435;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    match words[..] {
        ["vfork"] => vfork(),
        ["posix_spawn"] => posix_spawn(),
        ["clone"] => clone(),
        ["clone3"] => clone3(),
        ["thread-exec"] => thread_exec(),
        ["thread-exec-fails"] => thread_exec_fails(),
        ["arguments", ..] => arguments_of(&arguments),
        ["argv"] => odd_argv(),
        ["death-signal"] => death_signal(),
        ["reaper"] => reaper(),
        ["tree"] => tree(4, 3),
        ["exit"] => ends(),
        ["core"] => core(),
        // Executed without any argument at all.
        _ => arguments_of(&arguments),
    }
}

fn status_of(pid: i32, flags: i32) -> String {
    let mut status = 0;
    let found = call!(waitpid(pid, &raw mut status, flags));
    if found < 0 {
        return format!("waitpid: {}", errno());
    }
    if libc::WIFSIGNALED(status) {
        format!("killed by {}, core {}", libc::WTERMSIG(status), libc::WCOREDUMP(status))
    } else {
        format!("exited with {}", libc::WEXITSTATUS(status))
    }
}

fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

fn own_path() -> CString {
    let path = std::env::current_exe().unwrap_or_default();
    CString::new(path.into_os_string().into_encoded_bytes()).unwrap_or_default()
}

fn child(body: impl FnOnce() -> i32) -> i32 {
    // SAFETY: there is one thread here, so that the child may do anything.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let code = body();
        call!(_exit(code));
    }
    pid
}

/// Executes this program with other arguments.
fn become_other(argv: &[&CStr]) -> i32 {
    let pointers: Vec<*const c_char> = argv.iter().map(|word| word.as_ptr()).chain([ptr::null()]).collect();
    let none: [*const c_char; 1] = [ptr::null()];
    call!(execve(own_path().as_ptr(), pointers.as_ptr(), none.as_ptr()));
    errno()
}

/// The parent sleeps until the child has executed or ended; they share memory until then.
fn vfork() {
    use std::sync::atomic::{AtomicI32, Ordering::SeqCst};
    static SHARED: AtomicI32 = AtomicI32::new(0);
    let path = own_path();
    let argv = [c"x".as_ptr(), c"arguments".as_ptr(), c"of vfork".as_ptr(), ptr::null()];
    let none: [*const c_char; 1] = [ptr::null()];
    for round in 0..20 {
        // CLONE_VM|CLONE_VFORK is what vfork is; the child uses the parent's stack, so only a function
        // that does not return there may run on it: the raw call is made with a stack of its own.
        let mut stack = vec![0_u8; 64 << 10];
        extern "C" fn body(argument: *mut std::ffi::c_void) -> i32 {
            SHARED.fetch_add(1, SeqCst);
            if !argument.is_null() {
                // SAFETY: the parent passes the three pointers of execve, which live while it sleeps.
                let [path, argv, envp] = unsafe { *argument.cast::<[usize; 3]>() };
                // SAFETY: as above.
                unsafe {
                    libc::execve(
                        ptr::with_exposed_provenance(path),
                        ptr::with_exposed_provenance(argv),
                        ptr::with_exposed_provenance(envp),
                    )
                };
            }
            5
        }
        let mut execve =
            [path.as_ptr().expose_provenance(), argv.as_ptr().expose_provenance(), none.as_ptr().expose_provenance()];
        let argument = if round % 2 == 0 { ptr::null_mut() } else { (&raw mut execve).cast() };
        let top = stack.as_mut_ptr_range().end;
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        // SAFETY: the stack is aligned at its end, and outlives the child's use of it, as the parent sleeps.
        let pid = unsafe { libc::clone(body, top.map_addr(|end| end & !15).cast(), flags, argument) };
        println!("round {round}: {}, ran {}", status_of(pid, 0), SHARED.load(SeqCst));
    }
}

fn posix_spawn() {
    let mut pid = 0;
    let none = [ptr::null_mut()];
    let argv = [c"sh".as_ptr().cast_mut(), c"-c".as_ptr().cast_mut(), c"exit 9".as_ptr().cast_mut(), ptr::null_mut()];
    for path in [c"/bin/sh", c"/nonexistent", c"/etc"] {
        let result =
            call!(posix_spawn(&raw mut pid, path.as_ptr(), ptr::null(), ptr::null(), argv.as_ptr(), none.as_ptr()));
        println!("{path:?}: {result}");
        if result == 0 {
            println!("{}", status_of(pid, 0));
        }
    }
}

/// `clone` with termination signals that are not SIGCHLD; such children need `__WALL`.
fn clone() {
    for signal in [0, libc::SIGUSR1, libc::SIGCHLD] {
        call!(signal(libc::SIGUSR1, libc::SIG_IGN));
        let flags = i64::from(signal);
        let mut tids = [0_i32; 2];
        let parent_tid = &raw mut tids[0];
        let flags = flags | i64::from(libc::CLONE_PARENT_SETTID);
        // SAFETY: without a stack this is fork; the kernel writes one int to `parent_tid`.
        let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0_usize, parent_tid, 0_usize, 0_usize) };
        if pid == 0 {
            call!(_exit(3));
        }
        let pid = i32::try_from(pid).unwrap_or(0);
        println!("signal {signal}: tid written {}, {}", tids[0] == pid, status_of(pid, libc::__WALL));
    }
    // A sibling rather than a child: its parent is ours, who sees it end.
    let flags = i64::from(libc::CLONE_PARENT | libc::SIGCHLD);
    let outer = child(|| {
        // SAFETY: without a stack this is fork.
        let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0_usize, 0_usize, 0_usize, 0_usize) };
        i32::from(pid != 0)
    });
    println!("one of two: {}, both: {}", status_of(outer, 0) == "exited with 1", status_of(-1, 0));
}

#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
}

fn clone3() {
    for flags in [0, libc::CLONE_VFORK, libc::CLONE_PIDFD, libc::CLONE_FS | libc::CLONE_FILES, libc::CLONE_UNTRACED] {
        let mut pidfd = -1_i32;
        let flags = u64::try_from(flags).unwrap_or(0);
        let chld = u64::try_from(libc::SIGCHLD).unwrap_or(0);
        let mut args = CloneArgs {
            flags,
            exit_signal: chld,
            pidfd: (&raw mut pidfd).expose_provenance() as u64,
            ..CloneArgs::default()
        };
        // SAFETY: a structure of the size given; without a stack this is fork.
        let pid = unsafe { libc::syscall(CLONE3, &raw mut args, size_of::<CloneArgs>()) };
        if pid == 0 {
            call!(_exit(4));
        }
        let pid = i32::try_from(pid).unwrap_or(0);
        println!("{flags:#x}: pidfd {}, {}", pidfd >= 0, status_of(pid, 0));
    }
    let mut args = CloneArgs { flags: u64::MAX, ..CloneArgs::default() };
    // SAFETY: as above; the flags are refused.
    let result = unsafe { libc::syscall(CLONE3, &raw mut args, size_of::<CloneArgs>()) };
    println!("nonsense: {result} {}", errno());
}

/// A thread that is not the leader executes: it becomes the leader, all others are gone.
fn thread_exec() {
    for _ in 0..10 {
        let pid = child(|| {
            for _ in 0..4 {
                std::thread::spawn(|| {
                    loop {
                        std::thread::park();
                    }
                });
            }
            let thread = std::thread::spawn(|| become_other(&[c"x", c"arguments", c"from a thread"]));
            thread.join().unwrap_or(99)
        });
        println!("{}", status_of(pid, 0));
    }
}

/// An exec that fails leaves all threads as they were.
fn thread_exec_fails() {
    let threads = || std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    let (stop, wait) = std::sync::mpsc::channel::<()>();
    let sleeper = std::thread::spawn(move || wait.recv());
    let failed = std::thread::spawn(|| {
        let argv = [c"x".as_ptr(), ptr::null()];
        ["/nonexistent", "/etc/passwd", "/etc", "/proc/self/mem"].map(|path| {
            let path = CString::new(path).unwrap_or_default();
            call!(execve(path.as_ptr(), argv.as_ptr(), ptr::null()));
            errno()
        })
    });
    println!("{:?}, threads left {}", failed.join().ok(), threads() >= 2);
    drop(stop);
    println!("sleeper {}", sleeper.join().is_ok());
}

/// What a program that was executed can tell about that.
fn arguments_of(arguments: &[String]) {
    let tid = call!(gettid());
    let threads = std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    // A megabyte is not for reading.
    let arguments: Vec<String> =
        arguments.iter().map(|text| if text.len() > 80 { text.len().to_string() } else { text.clone() }).collect();
    println!(
        "{arguments:?}, leader {}, threads {threads}, environment {}",
        tid == call!(getpid()),
        std::env::vars_os().count()
    );
}

fn odd_argv() {
    let pid = child(|| become_other(&[]));
    println!("no argv: {}", status_of(pid, 0));
    let pid = child(|| become_other(&[c"", c"", c"arguments"]));
    println!("empty strings: {}", status_of(pid, 0));
    let large = CString::new(vec![b'a'; 100_000]).unwrap_or_default();
    let many: Vec<&CStr> = [c"x", c"exit"].into_iter().chain([large.as_c_str(); 10]).collect();
    let pid = child(|| become_other(&many));
    println!("a megabyte of them: {}", status_of(pid, 0));
    let too_large = CString::new(vec![b'a'; 200_000]).unwrap_or_default();
    let pid = child(|| become_other(&[c"x", &too_large]));
    println!("too large: {}", status_of(pid, 0));
    let pid = child(|| {
        let null: *const *const c_char = ptr::null();
        call!(execve(own_path().as_ptr(), null, null));
        errno()
    });
    println!("null pointers: {}", status_of(pid, 0));
    let pid = child(|| {
        call!(execve(ptr::without_provenance(1), ptr::null(), ptr::null()));
        errno()
    });
    println!("a bad path: {}", status_of(pid, 0));
    let pid = child(|| {
        let file = std::fs::File::open(std::env::current_exe().unwrap_or_default());
        let fd = file.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let argv = [c"x".as_ptr(), c"arguments".as_ptr(), c"by descriptor".as_ptr(), ptr::null()];
        let none: [*const c_char; 1] = [ptr::null()];
        // SAFETY: a C string and two arrays that end with null.
        unsafe {
            libc::syscall(libc::SYS_execveat, fd, c"".as_ptr(), argv.as_ptr(), none.as_ptr(), libc::AT_EMPTY_PATH)
        };
        errno()
    });
    println!("execveat: {}", status_of(pid, 0));
}

/// A child gets the signal it asked for when its parent dies, the parent and not the tracer.
fn death_signal() {
    call!(prctl(libc::PR_SET_CHILD_SUBREAPER, 1));
    let middle = child(|| {
        let (reader, writer) = std::io::pipe().expect("pipe");
        child(|| {
            call!(prctl(libc::PR_SET_PDEATHSIG, libc::SIGUSR2));
            drop(writer);
            loop {
                call!(pause());
            }
        });
        // Until the grandchild has asked for it. Its closure, and so our copy of the writer, is gone.
        let mut byte = 0_u8;
        call!(read(reader.as_raw_fd(), (&raw mut byte).cast(), 1));
        6
    });
    println!("parent: {}", status_of(middle, 0));
    println!("child: {}", status_of(-1, 0));
    println!("none left: {}", status_of(-1, 0));
}

/// Orphans come to the nearest sub-init, and it reaps them.
fn reaper() {
    call!(prctl(libc::PR_SET_CHILD_SUBREAPER, 1));
    for _ in 0..20 {
        let middle = child(|| {
            child(|| 11);
            child(|| {
                call!(raise(libc::SIGTERM));
                0
            });
            12
        });
        let mut all = [status_of(middle, 0), status_of(-1, 0), status_of(-1, 0)];
        all[1..].sort();
        println!("{all:?}");
    }
    println!("none left: {}", status_of(-1, 0));
}

/// Processes that make processes; each adds what its children returned.
fn tree(depth: i32, width: i32) {
    fn grow(depth: i32, width: i32) -> i32 {
        if depth == 0 {
            return 1;
        }
        let children: Vec<i32> = (0..width).map(|_| child(|| grow(depth - 1, width))).collect();
        children.into_iter().fold(1, |sum, pid| {
            let mut status = 0;
            call!(waitpid(pid, &raw mut status, 0));
            sum + libc::WEXITSTATUS(status)
        })
    }
    println!("{} processes", grow(depth, width));
}

/// Ends in ways that are not `main` returning.
fn ends() {
    let by_thread = child(|| {
        let _ = std::thread::spawn(|| -> () { call!(_exit(21)) }).join();
        0
    });
    println!("a thread ends all: {}", status_of(by_thread, 0));
    let leader_first = child(|| {
        std::thread::spawn(|| {
            // The leader is a zombie by now or soon.
            std::thread::sleep(std::time::Duration::from_millis(20));
            call!(_exit(22))
        });
        // SAFETY: ends this thread only, and nothing of it is needed any more.
        unsafe { libc::syscall(libc::SYS_exit, 1) };
        0
    });
    println!("the leader ends first: {}", status_of(leader_first, 0));
    let killed = child(|| {
        for _ in 0..8 {
            std::thread::spawn(|| {
                loop {
                    std::thread::yield_now();
                }
            });
        }
        let own = call!(getpid());
        call!(kill(own, libc::SIGKILL));
        0
    });
    println!("killed with its threads: {}", status_of(killed, 0));
}

/// Whether a core is dumped is part of the wait status.
fn core() {
    for limit in [0, libc::RLIM_INFINITY] {
        let pid = child(|| {
            let limit = libc::rlimit { rlim_cur: limit, rlim_max: libc::RLIM_INFINITY };
            call!(setrlimit(libc::RLIMIT_CORE, &raw const limit));
            call!(abort())
        });
        println!("{}", status_of(pid, 0));
    }
}
