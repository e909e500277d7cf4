//! `/proc/PID/fdinfo/FD`: what a descriptor of a certain kind says besides its position.

use super::{lines, number};
use crate::ids::Pid;

/// The process that a pidfd stands for: the line `Pid` of proc_pid_fdinfo(5), numbered as in the procfs
/// that was read.
///
/// `None` if the descriptor is no pidfd, or the process has ended (-1) or is not in that procfs's pid
/// namespace (0).
#[must_use]
pub fn pidfd(text: &[u8]) -> Option<Pid> {
    let pid = lines(text).find(|(key, _)| *key == b"Pid").and_then(|(_, value)| number(value))?;
    (pid > 0).then_some(Pid(pid))
}

/// The flags that a file was opened with: the line `flags`, which is octal.
#[must_use]
pub fn flags(text: &[u8]) -> Option<u64> {
    let (_, value) = lines(text).find(|(key, _)| *key == b"flags")?;
    u64::from_str_radix(core::str::from_utf8(value).ok()?, 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_octal() {
        assert_eq!(flags(b"pos:\t0\nflags:\t0100001\nmnt_id:\t15\n"), Some(0o100_001));
        assert_eq!(flags(b"pos:\t0\nflags:\t9\n"), None);
        assert_eq!(flags(b""), None);
    }

    #[test]
    fn only_a_living_process_counts() {
        let of = |pid: &str| alloc::format!("pos:\t0\nflags:\t02000002\nmnt_id:\t15\nino:\t9\n{pid}");
        assert_eq!(pidfd(of("Pid:\t42\nNSpid:\t42\n").as_bytes()), Some(Pid(42)));
        for none in ["Pid:\t0\n", "Pid:\t-1\nNSpid:\t-1\n", "", "Pid:\t\n"] {
            assert_eq!(pidfd(of(none).as_bytes()), None, "{none:?}");
        }
    }
}
