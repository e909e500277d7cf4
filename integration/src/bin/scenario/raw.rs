//! System calls as they are, with the result as the kernel gives it: a negative error number.

#![allow(unsafe_code, reason = "this program exists to make raw system calls")]

use std::arch::asm;
use std::ffi::{CStr, CString};
use std::hint::black_box;

/// An argument of a system call.
pub(crate) trait Arg {
    /// As the register holds it.
    fn raw(self) -> usize;
}

macro_rules! numbers {
    ($($type:ty)*) => { $(
        impl Arg for $type {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "registers are this wide")]
            fn raw(self) -> usize {
                self as usize
            }
        }
    )* };
}

numbers! { i32 u32 i64 u64 usize u16 }

impl Arg for &CStr {
    fn raw(self) -> usize {
        // A constant of the program's file is in memory once it has been read, and eBPF cannot wait for that.
        black_box(black_box(self).to_bytes_with_nul().first().copied());
        self.as_ptr().addr()
    }
}

impl Arg for &CString {
    fn raw(self) -> usize {
        self.as_ptr().addr()
    }
}

impl<T, const N: usize> Arg for &[T; N] {
    fn raw(self) -> usize {
        self.as_ptr().addr()
    }
}

impl<T> Arg for *const T {
    fn raw(self) -> usize {
        self.addr()
    }
}

impl<T> Arg for *mut T {
    fn raw(self) -> usize {
        self.addr()
    }
}

/// Makes a system call. What its arguments point to has to live until it returns, and that is all the
/// care that is taken: calls that destroy the caller are among those to be made.
pub(crate) fn call(number: i64, args: &[usize]) -> i64 {
    let mut six = [0; 6];
    six[..args.len()].copy_from_slice(args);
    let mut result = number;
    // SAFETY: by the kernel's calling convention; what the call itself does is the scenario's affair,
    // whose buffers outlive it.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") result,
            in("rdi") six[0], in("rsi") six[1], in("rdx") six[2],
            in("r10") six[3], in("r8") six[4], in("r9") six[5],
            lateout("rcx") _, lateout("r11") _,
            options(nostack)
        );
    }
    result
}

/// Makes a system call: its number, then its arguments.
macro_rules! sys {
    ($number:expr $(, $arg:expr)* $(,)?) => {
        $crate::raw::call(i64::from($number), &[$($crate::raw::Arg::raw($arg)),*])
    };
}
pub(crate) use sys;

/// The result of a call that has to succeed.
#[track_caller]
pub(crate) fn ok(result: i64) -> i64 {
    assert!(!(-4095..0).contains(&result), "failed: {}", nix_error(result));
    result
}

/// A call that has to succeed, whose result is of no interest.
#[track_caller]
pub(crate) fn done(result: i64) {
    ok(result);
}

/// A descriptor that a call has to return.
#[track_caller]
pub(crate) fn fd(result: i64) -> i32 {
    i32::try_from(ok(result)).unwrap_or(-1)
}

/// A call that has to fail like this.
#[track_caller]
pub(crate) fn fails(result: i64, errno: i32) {
    assert!(result == -i64::from(errno), "{result} instead of {}", -errno);
}

fn nix_error(result: i64) -> nix::errno::Errno {
    nix::errno::Errno::from_raw(i32::try_from(-result).unwrap_or(0))
}

/// A C string.
pub(crate) fn c(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

/// A null pointer.
pub(crate) const NULL: usize = 0;

/// Forks; the child does `child` and exits with what it returns.
pub(crate) fn fork(child: impl FnOnce() -> i32) -> i32 {
    // SAFETY: this program has one thread whenever it forks.
    match unsafe { libc::fork() } {
        0 => {
            let status = child();
            exit(status)
        }
        pid => pid,
    }
}

/// A child that does nothing until it is killed or its parent ends.
pub(crate) fn idle() -> i32 {
    let mut ends = [0_i32; 2];
    ok(sys!(libc::SYS_pipe2, ends.as_mut_ptr(), 0));
    fork(|| {
        let mut byte = 0_u8;
        sys!(libc::SYS_close, ends[1]);
        // Ends when the parent's end of the pipe does. A signal at the parent's death would not do: one
        // that has become nobody may not send it.
        sys!(libc::SYS_read, ends[0], &raw mut byte, 1);
        0
    })
}

/// Ends the process at once.
pub(crate) fn exit(status: i32) -> ! {
    // SAFETY: nothing runs after it.
    unsafe { libc::_exit(status) }
}

/// Waits for a child and returns its wait status.
pub(crate) fn wait(pid: i32) -> i32 {
    let mut status = 0;
    ok(sys!(libc::SYS_wait4, pid, &raw mut status, libc::__WALL, NULL));
    status
}

/// `vfork` with a child that exits at once. The child shares the stack, so it may not return.
pub(crate) fn vfork_and_exit(status: i32) -> i64 {
    let mut result = libc::SYS_vfork;
    // SAFETY: the child runs the four instructions up to its exit and uses no memory.
    unsafe {
        asm!(
            "syscall", "test eax, eax", "jnz 2f", "mov eax, 60", "syscall", "2:",
            inlateout("rax") result, in("rdi") i64::from(status),
            lateout("rcx") _, lateout("r11") _,
            options(nostack)
        );
    }
    result
}

/// `vfork` with a child that executes a program without arguments.
pub(crate) fn vfork_and_exec(path: &CStr) -> i64 {
    let mut result = libc::SYS_vfork;
    // SAFETY: the child runs up to execve, or else to its exit, and uses no memory but the path.
    unsafe {
        asm!(
            "syscall", "test eax, eax", "jnz 2f",
            "mov eax, 59", "xor esi, esi", "xor edx, edx", "syscall",
            "mov edi, 1", "mov eax, 60", "syscall", "2:",
            inlateout("rax") result, inlateout("rdi") path.as_ptr() => _,
            lateout("rsi") _, lateout("rdx") _, lateout("rcx") _, lateout("r11") _,
            options(nostack)
        );
    }
    result
}
