//! A program that handles, waits for and dies of every signal there is.
//!
//! `self` sends each to itself in every way; `outside PID` reports each that comes from the process
//! PID, one line a signal, until the last number comes; `waiting` takes signals without handlers;
//! `faults` lets the processor raise them; `die N` dies of signal N. What is printed is what the
//! kernel said: number, code and value.

#![allow(unsafe_code, reason = "handlers with siginfo, sigqueue, signalfd and faults")]
#![allow(clippy::print_stdout, reason = "what it prints is compared")]

use std::ffi::c_void;
use std::mem::{MaybeUninit, size_of};
use std::process::ExitCode;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicUsize, Ordering::SeqCst};

const LAST: i32 = 64;

/// What a handler saw, in order.
static SEEN: [[AtomicI64; 4]; 512] = [const { [const { AtomicI64::new(0) }; 4] }; 512];
static COUNT: AtomicUsize = AtomicUsize::new(0);
static PAGE: AtomicUsize = AtomicUsize::new(0);
static REPORT: AtomicI32 = AtomicI32::new(-1);

/// A C library function, whose pointers are to live values of the types it wants.
macro_rules! call {
    ($function:ident($($argument:expr),* $(,)?)) => {{
        // SAFETY: every pointer given comes from a live reference of the type that the function wants.
        unsafe { libc::$function($($argument),*) }
    }};
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = arguments.iter().skip(1).map(String::as_str).collect();
    match words[..] {
        ["self"] => by_itself(),
        ["outside", sender] => from_outside(sender.parse().unwrap_or(0)),
        ["waiting"] => without_handlers(),
        ["faults"] => faults(),
        ["ready"] => {
            println!("ready");
            loop {
                call!(pause());
            }
        }
        ["die", number] => return die(number.parse().unwrap_or(0)),
        _ => return ExitCode::from(2),
    }
    ExitCode::SUCCESS
}

/// All that can be handled; 32 and 33 belong to the C library.
fn catchable() -> impl Iterator<Item = i32> {
    (1..=LAST).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP, 32, 33].contains(signal))
}

extern "C" fn note(signal: i32, info: *mut libc::siginfo_t, _: *mut c_void) {
    // SAFETY: the kernel passes a valid siginfo to a handler with SA_SIGINFO.
    let (code, pid, value) = unsafe { ((*info).si_code, (*info).si_pid(), (*info).si_value().sival_ptr as i64) };
    let seen = &SEEN[COUNT.fetch_add(1, SeqCst) % SEEN.len()];
    let value = if code == libc::SI_QUEUE { value } else { 0 };
    for (slot, number) in seen.iter().zip([signal.into(), code.into(), pid.into(), value]) {
        slot.store(number, SeqCst);
    }
}

fn handle(signals: impl Iterator<Item = i32>, flags: i32) {
    let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut c_void) = note;
    for signal in signals {
        // SAFETY: all zeros is a valid action.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | flags;
        assert_eq!(call!(sigaction(signal, &raw const action, ptr::null_mut())), 0, "signal {signal}");
    }
}

fn show(from: usize, sender: i32) {
    for seen in &SEEN[from..COUNT.load(SeqCst)] {
        let [signal, code, pid, value] = [0, 1, 2, 3].map(|index| seen[index].load(SeqCst));
        println!("signal {signal} code {code} value {value} sender {}", pid == i64::from(sender));
    }
}

fn by_itself() {
    let own = call!(getpid());
    handle(catchable(), 0);
    for signal in catchable() {
        let before = COUNT.load(SeqCst);
        call!(kill(own, signal));
        call!(raise(signal));
        queue(own, signal, 1_000 + signal as usize);
        show(before, own);
        COUNT.store(0, SeqCst);
    }
    // Real-time signals are queued: lowest number first, and in the order they were sent.
    let everything = full_set();
    call!(sigprocmask(libc::SIG_BLOCK, &raw const everything, ptr::null_mut()));
    for round in 0..3 {
        for signal in (34..=LAST).rev() {
            queue(own, signal, round * 100 + signal as usize);
        }
        // Others are merged.
        call!(kill(own, libc::SIGUSR1));
    }
    call!(sigprocmask(libc::SIG_UNBLOCK, &raw const everything, ptr::null_mut()));
    println!("unblocked");
    show(0, own);
}

fn queue(pid: i32, signal: i32, value: usize) {
    let value = libc::sigval { sival_ptr: ptr::without_provenance_mut(value) };
    assert_eq!(call!(sigqueue(pid, signal, value)), 0, "sigqueue {signal}");
}

fn full_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigfillset writes the whole set.
    unsafe {
        libc::sigfillset(set.as_mut_ptr());
        set.assume_init()
    }
}

fn from_outside(sender: i32) {
    handle(catchable(), libc::SA_RESTART);
    let (mut shown, everything) = (0, full_set());
    let none = {
        let mut set = everything;
        call!(sigemptyset(&raw mut set));
        set
    };
    call!(sigprocmask(libc::SIG_BLOCK, &raw const everything, ptr::null_mut()));
    println!("pid {}", call!(getpid()));
    loop {
        while COUNT.load(SeqCst) == shown {
            call!(sigsuspend(&raw const none));
        }
        show(shown, sender);
        shown = COUNT.load(SeqCst);
        if SEEN[shown - 1][0].load(SeqCst) == i64::from(LAST) {
            return;
        }
    }
}

fn without_handlers() {
    let (own, everything) = (call!(getpid()), full_set());
    call!(sigprocmask(libc::SIG_BLOCK, &raw const everything, ptr::null_mut()));
    for signal in catchable() {
        queue(own, signal, signal as usize);
        // SAFETY: all zeros is a valid siginfo.
        let mut info: libc::siginfo_t = unsafe { MaybeUninit::zeroed().assume_init() };
        let taken = call!(sigwaitinfo(&raw const everything, &raw mut info));
        println!("sigwaitinfo {taken} code {}", info.si_code);
    }
    let soon = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
    let none = call!(sigtimedwait(&raw const everything, ptr::null_mut(), &raw const soon));
    println!("sigtimedwait {none} {}", std::io::Error::last_os_error().raw_os_error().unwrap_or(0));
    let file = call!(signalfd(-1, &raw const everything, libc::SFD_CLOEXEC));
    for signal in [libc::SIGHUP, libc::SIGTRAP, libc::SIGCHLD, 34, 50, LAST] {
        queue(own, signal, 7);
        // SAFETY: all zeros is a valid value, and of the size that is read.
        let mut info: libc::signalfd_siginfo = unsafe { MaybeUninit::zeroed().assume_init() };
        let read = call!(read(file, (&raw mut info).cast(), size_of::<libc::signalfd_siginfo>()));
        println!("signalfd {read} bytes: {} code {} value {}", info.ssi_signo, info.ssi_code, info.ssi_int);
    }
}

/// Makes the page that was touched writable, steps over an undefined instruction.
extern "C" fn repair(signal: i32, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a valid siginfo and context, and the page was mapped by `faults`.
    unsafe {
        let address = (*info).si_addr() as usize;
        REPORT.store((*info).si_code, SeqCst);
        match signal {
            libc::SIGSEGV => {
                let page = PAGE.load(SeqCst);
                assert_eq!(address, page + 8, "the address of the fault");
                libc::mprotect(ptr::with_exposed_provenance_mut(page), 4096, libc::PROT_READ | libc::PROT_WRITE);
            }
            #[cfg(target_arch = "x86_64")]
            libc::SIGILL => {
                (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[libc::REG_RIP as usize] += 2;
            }
            _ => {
                let _ = context;
            }
        }
    }
}

fn faults() {
    let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut c_void) = repair;
    let mut stack = vec![0_u8; 64 << 10];
    let alternative = libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: stack.len() };
    call!(sigaltstack(&raw const alternative, ptr::null_mut()));
    for signal in [libc::SIGSEGV, libc::SIGILL, libc::SIGTRAP] {
        // SAFETY: all zeros is a valid action.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = handler as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        call!(sigaction(signal, &raw const action, ptr::null_mut()));
    }
    let page = call!(mmap(ptr::null_mut(), 4096, libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0));
    PAGE.store(page.expose_provenance(), SeqCst);
    for _ in 0..3 {
        call!(mprotect(page, 4096, libc::PROT_NONE));
        // SAFETY: the page exists; the handler makes it writable.
        unsafe { page.cast::<u64>().add(1).write_volatile(42) };
        println!("SIGSEGV code {}", REPORT.load(SeqCst));
    }
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: both raise a signal whose handler goes on behind the instruction.
        unsafe { std::arch::asm!("ud2") };
        println!("SIGILL code {}", REPORT.load(SeqCst));
        // SAFETY: as above.
        unsafe { std::arch::asm!("int3") };
        println!("SIGTRAP code {}", REPORT.load(SeqCst));
    }
}

fn die(signal: i32) -> ExitCode {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    call!(setrlimit(libc::RLIMIT_CORE, &raw const none));
    call!(signal(signal, libc::SIG_DFL));
    let own = call!(getpid());
    call!(kill(own, signal));
    println!("survived {signal}");
    ExitCode::SUCCESS
}
