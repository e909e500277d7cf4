//! Tools that Lapwing's users could pick instead, with options under which they do about what it does.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use lapwing_common::syscall::CATALOGUE;

/// The call's name is ours: the kernel's is `mmap`, which stands for it in strace's list too.
const RENAMED: &str = "mmap_old";

/// Calls without a row, since the kernel tells a tracer of new processes by other means.
const FORKS: [&str; 2] = ["fork", "vfork"];

/// What bpftrace runs: it follows a command's descendants as Lapwing does, and prints what they execute, fork, open and
/// connect to.
pub const BPFTRACE_SCRIPT: &str = include_str!("peers/tree.bt");

/// strace's options: a filter in the kernel and the calls of Lapwing's catalogue. It cannot test arguments in the
/// kernel, so it also stops for calls that Lapwing's filter lets pass. What it writes follows by [`output`].
#[must_use]
pub fn strace() -> Vec<OsString> {
    ["-f", "--seccomp-bpf", "-e"].map(OsString::from).into_iter().chain([traced_list().into()]).collect()
}

/// tracexec's options: its defaults, said aloud. A filter in the kernel, a wait that blocks, and execs as text. What a
/// profile of the user or a terminal would change is turned off.
#[must_use]
pub fn tracexec() -> Vec<OsString> {
    ["--no-profile", "--color", "never", "log", "--seccomp-bpf=on", "--no-foreground"].map(OsString::from).into()
}

/// The option by which strace, tracexec and bpftrace write to a file.
#[must_use]
pub fn output(file: &Path) -> [OsString; 2] {
    ["-o".into(), file.into()]
}

/// The catalogue's calls as strace knows them; a question mark forgives what it does not know.
#[must_use]
pub fn traced() -> Vec<String> {
    let rows = CATALOGUE.iter().map(|row| row.name).filter(|name| *name != RENAMED);
    rows.chain(FORKS).map(|name| format!("?{name}")).collect()
}

/// The list that strace gets: `trace=?execve,…`.
#[must_use]
pub fn traced_list() -> String {
    format!("trace={}", traced().join(","))
}

/// Where a program is, by `PATH`: a search that should not be part of what is timed.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// The first line that a program says about its version; `None` if it fails or says nothing.
#[must_use]
pub fn version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strace_gets_every_call_of_the_catalogue_once_by_the_kernels_name() {
        let names = traced();
        assert_eq!(names.len(), CATALOGUE.len() - 1 + FORKS.len());
        assert!(names.iter().all(|name| name.starts_with('?')));
        let mut unique = names.clone();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), names.len());
        for name in ["?mmap", "?openat", "?clone3", "?vfork"] {
            assert!(names.iter().any(|found| found == name), "{name}");
        }
        assert!(!names.iter().any(|name| name == "?mmap_old"));
    }

    #[test]
    fn the_one_renamed_call_is_still_in_the_catalogue() {
        assert!(CATALOGUE.iter().any(|row| row.name == RENAMED));
    }

    #[test]
    fn programs_are_found_by_path() {
        assert!(find("sh").is_some_and(|path| path.ends_with("sh")));
        assert_eq!(find("no-such-program-anywhere"), None);
    }
}
