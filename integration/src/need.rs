//! What a test needs of the machine, asked instead of assumed.
//!
//! A test that cannot run here says why and passes. With `LAPWING_REQUIRE_ALL` set it fails, unless what is
//! missing stands in `LAPWING_MAY_LACK`, a list of needs with commas between: where tests have to run, what
//! the machine cannot have is written down, and nothing else is passed over.

#![allow(unsafe_code, reason = "some abilities are only known by the answer of a raw system call")]

use std::fs;
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Something that not every machine or user has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// User 0 with the right to become another one.
    Root,
    /// Mount namespaces that one may make.
    MountNamespace,
    /// A kernel that runs 32-bit programs.
    Ia32,
    /// A kernel that takes x32 calls.
    X32,
    /// A kernel that can load modules.
    Modules,
    /// io_uring, not forbidden by `kernel.io_uring_disabled`.
    IoUring,
    /// `setxattrat` and its like (Linux 6.13).
    XattrAt,
    /// `fchmodat2` (Linux 6.6).
    Fchmodat2,
    /// `open_tree_attr` (Linux 6.15).
    OpenTreeAttr,
    /// BPF programs that observe, and the kernel's type information.
    Bpf,
    /// The tests that come with Python (Debian: `libpython3-testsuite`).
    PythonTests,
    /// A machine that runs nothing but this test, so that all of it may be watched. Whoever made it says so by the
    /// variable `LAPWING_OWN_MACHINE`.
    OwnMachine,
    /// A `core` pattern that writes a file rather than to a program.
    CoreFile,
    /// Python with protobuf's own library.
    PythonProtobuf,
}

/// Whether the needs are met; says on stderr which are not.
///
/// # Panics
///
/// When one is not and the environment wants it (see above).
#[must_use]
pub fn require(needs: &[Need]) -> bool {
    let missing = needs.iter().find_map(|need| need.missing().map(|reason| (need, reason)));
    missing.is_none_or(|(need, reason)| skip(&format!("needs {need:?}: {reason}"), &format!("{need:?}")))
}

/// Passes over a test, which is then not to run on; or fails it.
#[expect(clippy::print_stderr, reason = "the reason for a skipped test belongs into its output")]
fn skip(reason: &str, lacking: &str) -> bool {
    let listed = std::env::var("LAPWING_MAY_LACK").unwrap_or_default();
    let tolerated = std::env::var_os("LAPWING_REQUIRE_ALL").is_none() || listed.split(',').any(|word| word == lacking);
    assert!(tolerated, "{reason}");
    eprintln!("skipped: {reason}");
    false
}

/// Whether these programs are installed; says which is not.
pub fn installed(programs: &[&str]) -> bool {
    let Some(missing) = programs.iter().find(|program| path_of(program).is_none()) else { return true };
    skip(&format!("{missing} is not installed"), missing)
}

/// A Python that has protobuf's library: the distribution's, where another comes first on the path.
pub fn python_with_protobuf() -> Option<&'static str> {
    let has_it = |python: &&str| {
        let mut import = std::process::Command::new(python);
        import.args(["-c", "import google.protobuf"]).stderr(std::process::Stdio::null());
        import.status().is_ok_and(|status| status.success())
    };
    ["python3", "/usr/bin/python3"].into_iter().find(has_it)
}

/// Where a program is.
pub fn path_of(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
}

impl Need {
    /// Why it is not met; `None` if it is.
    #[must_use]
    pub fn missing(self) -> Option<String> {
        match self {
            Self::Root => (!nix::unistd::geteuid().is_root()).then(|| String::from("not root")),
            Self::MountNamespace => Self::Root.missing().or_else(|| no_namespace().map(String::from)),
            Self::Ia32 => (!has_ia32()).then(|| String::from("the kernel refuses int 0x80")),
            Self::X32 => fails(X32_BIT | libc::SYS_getpid),
            Self::Modules => fails(libc::SYS_delete_module),
            Self::IoUring => fails(libc::SYS_io_uring_setup).or_else(io_uring_disabled),
            Self::XattrAt => fails(463),
            Self::Fchmodat2 => fails(libc::SYS_fchmodat2),
            Self::OpenTreeAttr => fails(467),
            Self::Bpf => no_bpf(),
            Self::PythonTests => no_python_tests(),
            Self::OwnMachine => std::env::var_os("LAPWING_OWN_MACHINE")
                .is_none()
                .then(|| String::from("the machine is not the test's own: see scripts/test-kernels")),
            Self::CoreFile => fs::read_to_string("/proc/sys/kernel/core_pattern")
                .map_or(true, |pattern| pattern.starts_with('|'))
                .then(|| String::from("core dumps go to a program")),
            Self::PythonProtobuf => {
                python_with_protobuf().is_none().then(|| String::from("no python3 has google.protobuf"))
            }
        }
    }
}

/// `__X32_SYSCALL_BIT` of asm/unistd.h.
const X32_BIT: libc::c_long = 0x4000_0000;

/// Whether the kernel does not know a call. Made with arguments that no call can succeed with.
fn fails(number: libc::c_long) -> Option<String> {
    // SAFETY: every pointer is null and every descriptor and number is −1, so that none of the calls
    // asked about does anything; getpid takes no arguments.
    let answer = unsafe { libc::syscall(number, 0, 0, -1, -1, -1, -1) };
    let unknown = answer == -1 && nix::errno::Errno::last() == nix::errno::Errno::ENOSYS;
    unknown.then(|| format!("the kernel has no call {number:#x}"))
}

fn io_uring_disabled() -> Option<String> {
    let value = fs::read_to_string("/proc/sys/kernel/io_uring_disabled").unwrap_or_default();
    (value.trim() == "2").then(|| String::from("kernel.io_uring_disabled is 2"))
}

fn no_python_tests() -> Option<String> {
    let present = Command::new("python3").args(["-c", "import test.test_json"]).output();
    let missing = !present.is_ok_and(|output| output.status.success());
    missing.then(|| String::from("python3 has no package `test`"))
}

/// Whether a program that does nothing may not be loaded, or the kernel does not describe itself.
fn no_bpf() -> Option<String> {
    /// The first members of `union bpf_attr` for `BPF_PROG_LOAD` (linux/bpf.h), up to the log.
    #[repr(C)]
    struct Load {
        kind: u32,
        count: u32,
        program: u64,
        license: u64,
        log: [u64; 3],
    }
    const BPF_PROG_LOAD: i32 = 5;
    const BPF_PROG_TYPE_RAW_TRACEPOINT: u32 = 17;
    // `r0 = 0; exit`, as the kernel stores instructions: opcode, registers, offset, constant.
    let program: [[u8; 8]; 2] = [[0xb7, 0, 0, 0, 0, 0, 0, 0], [0x95, 0, 0, 0, 0, 0, 0, 0]];
    let address = |pointer: *const u8| pointer.expose_provenance() as u64;
    let load = Load {
        kind: BPF_PROG_TYPE_RAW_TRACEPOINT,
        count: 2,
        program: address(program.as_ptr().cast()),
        license: address(c"GPL".as_ptr().cast()),
        log: [0; 3],
    };
    // SAFETY: the kernel reads a structure of this size, and the two arrays that it points to.
    let loaded = unsafe { libc::syscall(libc::SYS_bpf, BPF_PROG_LOAD, &raw const load, size_of::<Load>()) };
    let Ok(descriptor @ 0..) = i32::try_from(loaded) else {
        return Some(format!("a BPF program cannot be loaded: {}", nix::errno::Errno::last()));
    };
    // SAFETY: it has just been made, and nobody else has it.
    drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
    let described = Path::new("/sys/kernel/btf/vmlinux").exists();
    (!described).then(|| String::from("there is no /sys/kernel/btf/vmlinux"))
}

fn no_namespace() -> Option<&'static str> {
    // On a thread of its own, which alone moves into the new namespace and then ends.
    let made = std::thread::spawn(|| nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).is_ok());
    (!made.join().unwrap_or(false)).then_some("unshare(CLONE_NEWNS) fails")
}

#[cfg(target_arch = "x86_64")]
fn has_ia32() -> bool {
    // The call may fault, so a child makes it.
    // SAFETY: the child only makes the call and exits.
    match unsafe { libc::fork() } {
        0 => {
            let mut result: i64 = 20;
            // SAFETY: call 20 is getpid, which touches nothing.
            unsafe { std::arch::asm!("int 0x80", inout("rax") result, options(nostack)) };
            // SAFETY: ends the child without running anything of the parent's.
            unsafe { libc::_exit(i32::from(result <= 0)) }
        }
        child => {
            let status = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(child), None);
            matches!(status, Ok(nix::sys::wait::WaitStatus::Exited(_, 0)))
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn has_ia32() -> bool {
    false
}
