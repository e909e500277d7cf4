//! Names of all system calls, those that make no event included. The tables are another project's, made from the
//! kernel's own.

use syscalls::{aarch64, arm, x86, x86_64};

use super::{Arch, X32_BIT};

/// Where x32 has numbers of its own (512 and up; arch/x86/entry/syscalls/syscall_64.tbl).
const FIRST_OF_X32: u32 = 512;
const OF_X32: [&str; 36] = [
    "rt_sigaction",
    "rt_sigreturn",
    "ioctl",
    "readv",
    "writev",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "execve",
    "ptrace",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigqueueinfo",
    "sigaltstack",
    "timer_create",
    "mq_notify",
    "kexec_load",
    "waitid",
    "set_robust_list",
    "get_robust_list",
    "vmsplice",
    "move_pages",
    "preadv",
    "pwritev",
    "rt_tgsigqueueinfo",
    "recvmmsg",
    "sendmmsg",
    "process_vm_readv",
    "process_vm_writev",
    "setsockopt",
    "getsockopt",
    "io_setup",
    "io_submit",
    "execveat",
    "preadv2",
    "pwritev2",
];

/// Calls of 32-bit interfaces and what does the same on 64-bit ones, where the name differs by more than an ending.
const ALIASES: &[(&str, &str)] = &[
    ("_llseek", "lseek"),
    ("_newselect", "select"),
    ("arm_fadvise64_64", "fadvise64"),
    ("arm_sync_file_range", "sync_file_range"),
    ("fadvise64_64", "fadvise64"),
    ("fstatat64", "newfstatat"),
    ("mmap2", "mmap"),
    ("sigaction", "rt_sigaction"),
    ("sigpending", "rt_sigpending"),
    ("sigprocmask", "rt_sigprocmask"),
    ("sigreturn", "rt_sigreturn"),
    ("sigsuspend", "rt_sigsuspend"),
    ("ugetrlimit", "getrlimit"),
    ("umount", "umount2"),
    ("waitpid", "wait4"),
];

/// The kernel's name of a call, by its number with or without [`X32_BIT`]. `None` for a number that no kernel has given
/// away yet.
#[must_use]
pub fn name(arch: Arch, number: u32) -> Option<&'static str> {
    let number = usize::try_from(number & !X32_BIT).ok()?;
    let of_x32 = || OF_X32.get(number.checked_sub(FIRST_OF_X32 as usize)?).copied();
    match arch {
        Arch::X86_64 => x86_64::Sysno::new(number).map(|call| call.name()),
        Arch::X32 => of_x32().or_else(|| x86_64::Sysno::new(number).map(|call| call.name())),
        Arch::I386 => x86::Sysno::new(number).map(|call| call.name()),
        Arch::Aarch64 => aarch64::Sysno::new(number).map(|call| call.name()),
        Arch::Arm => arm::Sysno::new(number).map(|call| call.name()),
    }
}

/// The number of a call on an interface (x32's with its bit), by its name.
#[must_use]
pub fn number(arch: Arch, name: &str) -> Option<u32> {
    let of_x86_64 = || name.parse::<x86_64::Sysno>().ok().map(|call| call as u32);
    let own = || OF_X32.iter().zip(FIRST_OF_X32..).find(|(own, _)| **own == name).map(|(_, number)| number);
    match arch {
        Arch::X86_64 => of_x86_64(),
        Arch::X32 => own().or_else(of_x86_64).map(|number| number | X32_BIT),
        Arch::I386 => name.parse::<x86::Sysno>().ok().map(|call| call as u32),
        Arch::Aarch64 => name.parse::<aarch64::Sysno>().ok().map(|call| call as u32),
        Arch::Arm => name.parse::<arm::Sysno>().ok().map(|call| call as u32),
    }
}

/// The number that the machine's own interface has for a call of another, or for the one that does the same there.
pub(super) fn native(arch: Arch, called: u32) -> Option<u32> {
    let name = name(arch, called)?;
    let of = |name: &str| number(Arch::NATIVE, name);
    let alias = || ALIASES.iter().find(|(alias, _)| *alias == name).and_then(|(_, name)| of(name));
    let shorter = || ["_time64", "64", "32"].into_iter().find_map(|ending| of(name.strip_suffix(ending)?));
    of(name).or_else(alias).or_else(shorter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syscall::CATALOGUE;

    #[test]
    fn names_and_numbers_are_those_of_the_catalogue() {
        for row in CATALOGUE {
            for arch in Arch::ALL {
                // Calls behind socketcall have rows without a number.
                let Some(numbered) = row.number(arch) else { continue };
                // Two rows are called mmap by the kernel.
                let expected = row.name.trim_end_matches("_old");
                assert_eq!(name(arch, numbered), Some(expected), "{expected} of {}", arch.name());
                assert_eq!(number(arch, expected), Some(numbered), "{expected} of {}", arch.name());
            }
        }
    }

    #[test]
    fn calls_without_an_event_have_names_too() {
        assert_eq!(name(Arch::X86_64, 39), Some("getpid"));
        assert_eq!(name(Arch::Aarch64, 172), Some("getpid"));
        assert_eq!(name(Arch::X86_64, 100_000), None);
        assert_eq!(number(Arch::X86_64, "no_such_call"), None);
    }
}
