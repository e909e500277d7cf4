//! `PTRACE_GET_SYSCALL_INFO`: which system call a tracee is at, with its arguments or its result.
//!
//! One request instead of a register fetch and knowledge of each interface's calling convention; the
//! kernel (5.3 and later) also says by which interface the call came, which registers do not show.
//! The structure is our own because musl's `libc` crate has none.

#![allow(unsafe_code, reason = "the kernel fills a structure through a pointer")]

use std::mem::{offset_of, size_of};
use std::ptr;

use super::{Code, RequestError, ask};

/// `PTRACE_GET_SYSCALL_INFO` of `linux/ptrace.h`.
const GET_SYSCALL_INFO: Code = 0x420e;

/// Where a stopped tracee is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyscallInfo {
    /// The interface of the call, as `AUDIT_ARCH_*`.
    pub arch: u32,
    /// The instruction pointer.
    pub ip: u64,
    /// The stack pointer.
    pub sp: u64,
    /// What kind of stop it is.
    pub op: Op,
}

/// The part of [`SyscallInfo`] that depends on the stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Not at a system call.
    None,
    /// A syscall-entry-stop.
    Entry {
        /// The number, in the caller's interface.
        nr: u64,
        /// The arguments; the upper halves are zero for a 32-bit caller.
        args: [u64; 6],
    },
    /// A syscall-exit-stop.
    Exit {
        /// The result; a negative error number when the call failed.
        result: i64,
    },
    /// A stop by the seccomp filter, before the call.
    Seccomp {
        /// The number, in the caller's interface.
        nr: u64,
        /// The arguments; the upper halves are zero for a 32-bit caller.
        args: [u64; 6],
        /// The data of the filter's answer.
        data: u32,
    },
}

/// `struct ptrace_syscall_info`. Its union is seven or eight 64-bit words, so it is kept as words.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Raw {
    op: u8,
    reserved: u8,
    flags: u16,
    arch: u32,
    instruction_pointer: u64,
    stack_pointer: u64,
    union: [u64; 8],
}

const _: () = {
    assert!(size_of::<Raw>() == 88);
    assert!(offset_of!(Raw, arch) == 4);
    assert!(offset_of!(Raw, instruction_pointer) == 8);
    assert!(offset_of!(Raw, stack_pointer) == 16);
    assert!(offset_of!(Raw, union) == 24);
};
#[cfg(target_env = "gnu")]
const _: () = {
    assert!(size_of::<Raw>() == size_of::<libc::ptrace_syscall_info>());
    assert!(offset_of!(Raw, union) == offset_of!(libc::ptrace_syscall_info, u));
};

/// Where a stopped tracee is, and the values there.
///
/// The kernel knows a syscall-stop by what `PTRACE_O_TRACESYSGOOD` adds; without that option such
/// stops are [`Op::None`].
///
/// # Errors
///
/// ESRCH when it is gone, EIO before Linux 5.3.
pub fn syscall_info(tid: i32) -> Result<SyscallInfo, RequestError> {
    let mut raw = Raw::default();
    // SAFETY: the request writes at most as many bytes as the address argument says, and `raw` has
    // them; every bit pattern is valid for its integers.
    unsafe {
        ask(
            GET_SYSCALL_INFO,
            "PTRACE_GET_SYSCALL_INFO",
            tid,
            ptr::without_provenance_mut(size_of::<Raw>()),
            (&raw mut raw).cast(),
        )
    }?;
    Ok(raw.decode())
}

impl Raw {
    fn decode(&self) -> SyscallInfo {
        let [nr, a0, a1, a2, a3, a4, a5, last] = self.union;
        let args = [a0, a1, a2, a3, a4, a5];
        let op = match self.op {
            1 => Op::Entry { nr, args },
            // The second word begins with `is_error`, which the sign of the result says too.
            2 => Op::Exit { result: nr.cast_signed() },
            3 => {
                let [b0, b1, b2, b3, ..] = last.to_ne_bytes();
                Op::Seccomp { nr, args, data: u32::from_ne_bytes([b0, b1, b2, b3]) }
            }
            _ => Op::None,
        };
        SyscallInfo { arch: self.arch, ip: self.instruction_pointer, sp: self.stack_pointer, op }
    }
}
