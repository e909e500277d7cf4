//! Changing a system call at a stop: refusing it, giving it a result, replacing an argument.
//!
//! Registers are only touched when something is to be changed; looking is `syscall_info`'s part. The
//! register structure is pete's name for it; reading and writing go past pete, whose methods hang on
//! a `Tracee` of its own engine and, on AArch64, assume that every tracee is a 64-bit one.

#![allow(unsafe_code, reason = "register sets are passed by pointer")]

use lapwing_common::syscall::Arch;

use super::RequestError;

/// Makes the kernel skip the call a tracee is about to make, and return `-errno` to it.
///
/// To be asked at a seccomp stop or a syscall-entry-stop, for callers of any interface. The result
/// is in place at once on our architectures, since the kernel leaves the result register alone when
/// the number is -1. A tracee that was resumed by `syscall` still makes its exit stop, where
/// [`set_result`] may give another result.
///
/// # Errors
///
/// ESRCH when it is gone.
pub fn skip_syscall(tid: i32, errno: i32) -> Result<(), RequestError> {
    machine::skip(tid, -i64::from(errno))
}

/// The number of the call that a tracee is on its way back from, and its result, at a stop by a signal or an interrupt.
/// The number is `u64::MAX`, or that in 32 bits, when it is in none.
///
/// # Errors
///
/// ESRCH when it is gone.
pub fn call(tid: i32) -> Result<(u64, i64), RequestError> {
    machine::call(tid)
}

/// Replaces the result of a call, at its syscall-exit-stop. Errors are negative.
///
/// # Errors
///
/// ESRCH when it is gone.
pub fn set_result(tid: i32, result: i64) -> Result<(), RequestError> {
    machine::set_result(tid, result)
}

/// Replaces argument `index` (0 to 5) of the call a tracee is about to make, by the calling
/// convention of the interface it uses. An index above 5 changes nothing.
///
/// To be asked at a seccomp stop or a syscall-entry-stop. The tracee finds its register changed after
/// the call.
///
/// # Errors
///
/// ESRCH when it is gone.
pub fn set_argument(tid: i32, arch: Arch, index: usize, value: u64) -> Result<(), RequestError> {
    machine::set_argument(tid, arch, index, value)
}

#[cfg(target_arch = "x86_64")]
mod machine {
    use lapwing_common::syscall::Arch;
    use nix::sys::ptrace::{getregs, setregs};
    use nix::unistd::Pid;
    use pete::Registers;

    use super::RequestError;

    /// Reads all registers, changes some and writes all back. A 64-bit tracer sees a 32-bit tracee's
    /// registers in the same structure.
    fn change(tid: i32, change: impl FnOnce(&mut Registers)) -> Result<(), RequestError> {
        let pid = Pid::from_raw(tid);
        let mut registers = getregs(pid).map_err(|errno| RequestError { request: "PTRACE_GETREGS", tid, errno })?;
        change(&mut registers);
        setregs(pid, registers).map_err(|errno| RequestError { request: "PTRACE_SETREGS", tid, errno })
    }

    pub(super) fn call(tid: i32) -> Result<(u64, i64), RequestError> {
        let failed = |errno| RequestError { request: "PTRACE_GETREGS", tid, errno };
        let registers = getregs(Pid::from_raw(tid)).map_err(failed)?;
        Ok((registers.orig_rax, registers.rax.cast_signed()))
    }

    pub(super) fn skip(tid: i32, result: i64) -> Result<(), RequestError> {
        change(tid, |registers| {
            registers.orig_rax = u64::MAX;
            registers.rax = result.cast_unsigned();
        })
    }

    pub(super) fn set_result(tid: i32, result: i64) -> Result<(), RequestError> {
        change(tid, |registers| registers.rax = result.cast_unsigned())
    }

    pub(super) fn set_argument(tid: i32, arch: Arch, index: usize, value: u64) -> Result<(), RequestError> {
        change(tid, |registers| {
            let place = match (arch, index) {
                (Arch::I386, 0) => &mut registers.rbx,
                (Arch::I386, 1) => &mut registers.rcx,
                (Arch::I386, 2) => &mut registers.rdx,
                (Arch::I386, 3) => &mut registers.rsi,
                (Arch::I386, 4) => &mut registers.rdi,
                (Arch::I386, 5) => &mut registers.rbp,
                (_, 0) => &mut registers.rdi,
                (_, 1) => &mut registers.rsi,
                (_, 2) => &mut registers.rdx,
                (_, 3) => &mut registers.r10,
                (_, 4) => &mut registers.r8,
                (_, 5) => &mut registers.r9,
                _ => return,
            };
            *place = value;
        })
    }
}

#[cfg(target_arch = "aarch64")]
mod machine {
    use std::ptr;

    use lapwing_common::syscall::Arch;
    use libc::{c_void, iovec};

    use super::super::ask;
    use super::RequestError;

    /// The general registers' set, and the one of the system call's number (`linux/elf.h`).
    const NT_PRSTATUS: usize = 1;
    const NT_ARM_SYSTEM_CALL: usize = 0x404;

    /// Arguments and result are in the first registers on both interfaces: x0 to x5 of eight bytes,
    /// or for a 32-bit tracee r0 to r5 of four. A register set may be read and written from its
    /// beginning to any register, so nothing more than these is ever touched.
    const USED: usize = 6 * 8;
    /// Length of a 32-bit tracee's whole set (18 registers), by which it is known.
    const COMPAT: usize = 18 * 4;

    struct Registers {
        bytes: [u8; 272],
        wide: bool,
    }

    fn read(tid: i32) -> Result<Registers, RequestError> {
        let mut bytes = [0; 272];
        let mut vector = iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        let set = ptr::without_provenance_mut::<c_void>(NT_PRSTATUS);
        // SAFETY: the kernel writes at most the vector's length into `bytes` and stores the length.
        unsafe { ask(libc::PTRACE_GETREGSET as _, "PTRACE_GETREGSET", tid, set, (&raw mut vector).cast()) }?;
        Ok(Registers { bytes, wide: vector.iov_len > COMPAT })
    }

    fn write(tid: i32, set: usize, bytes: &mut [u8]) -> Result<(), RequestError> {
        let mut vector = iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        let set = ptr::without_provenance_mut::<c_void>(set);
        // SAFETY: the kernel reads the vector's length from `bytes`.
        unsafe { ask(libc::PTRACE_SETREGSET as _, "PTRACE_SETREGSET", tid, set, (&raw mut vector).cast()) }?;
        Ok(())
    }

    fn set_register(tid: i32, index: usize, value: u64) -> Result<(), RequestError> {
        let mut registers = read(tid)?;
        let size = if registers.wide { 8 } else { 4 };
        let value = value.to_le_bytes();
        registers.bytes[index * size..][..size].copy_from_slice(&value[..size]);
        write(tid, NT_PRSTATUS, &mut registers.bytes[..USED / 8 * size])
    }

    pub(super) fn call(tid: i32) -> Result<(u64, i64), RequestError> {
        let mut number = [0; 4];
        let mut vector = iovec { iov_base: number.as_mut_ptr().cast(), iov_len: number.len() };
        let set = ptr::without_provenance_mut::<c_void>(NT_ARM_SYSTEM_CALL);
        // SAFETY: the kernel writes at most the vector's length into `number`.
        unsafe { ask(libc::PTRACE_GETREGSET as _, "PTRACE_GETREGSET", tid, set, (&raw mut vector).cast()) }?;
        let Registers { bytes, wide } = read(tid)?;
        let [a, b, c, d, e, f, g, h, ..] = bytes;
        let result =
            if wide { i64::from_le_bytes([a, b, c, d, e, f, g, h]) } else { i32::from_le_bytes([a, b, c, d]).into() };
        Ok((u64::from(u32::from_le_bytes(number)), result))
    }

    pub(super) fn skip(tid: i32, result: i64) -> Result<(), RequestError> {
        write(tid, NT_ARM_SYSTEM_CALL, &mut (-1_i32).to_ne_bytes())?;
        set_register(tid, 0, result.cast_unsigned())
    }

    pub(super) fn set_result(tid: i32, result: i64) -> Result<(), RequestError> {
        set_register(tid, 0, result.cast_unsigned())
    }

    pub(super) fn set_argument(tid: i32, _arch: Arch, index: usize, value: u64) -> Result<(), RequestError> {
        if index < 6 { set_register(tid, index, value) } else { Ok(()) }
    }
}
