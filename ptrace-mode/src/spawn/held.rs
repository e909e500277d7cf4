//! A child that waits before it becomes the command: whoever is to observe it gets ready meanwhile.

#![allow(unsafe_code, reason = "the reaping of a child that is of no use")]

use std::fs::File;
use std::io::Write as _;

use super::{Child, ExecOutcome, Handover, SpawnError, child};
use crate::os::wait::{WaitError, WaitMode, wait_for};

/// A started process that has not executed its command yet, and does so only when it is [released].
///
/// It blocks all signals and waits on a pipe. Dropped, it is killed and reaped. When this process dies, the pipe
/// is closed, and the child exits: whatever happens, the command does not run.
///
/// [released]: Held::release
#[derive(Debug)]
#[must_use = "dropped, it never runs"]
pub struct Held {
    waiting: Waiting,
    opener: File,
    report: File,
    handover: Option<Handover>,
}

impl Held {
    pub(super) fn new(pid: i32, opener: File, report: File, handover: Option<Handover>) -> Self {
        Self { waiting: Waiting { pid }, opener, report, handover }
    }

    /// Its pid, in the pid namespace of this process.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.waiting.pid
    }

    /// Lets it go on to its `execve`, for whose failure see [`Child::outcome`].
    ///
    /// # Errors
    ///
    /// [`SpawnError::Pipe`] when it cannot be told; as a rule, because somebody has killed it. That may also show
    /// only later, as the end of a child that runs.
    pub fn release(self) -> Result<Child, SpawnError> {
        let Self { waiting, mut opener, report, handover } = self;
        opener.write_all(&[child::GO]).map_err(SpawnError::Pipe)?;
        let pid = waiting.pid;
        std::mem::forget(waiting);
        Ok(Child { pid, outcome: ExecOutcome { pipe: report }, handover })
    }
}

/// A child to be killed and reaped, unless it is forgotten.
#[derive(Debug)]
struct Waiting {
    pid: i32,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // SAFETY: takes no pointers. The pid is an unreaped child of ours, so it is nobody else's.
        unsafe { libc::kill(self.pid, libc::SIGKILL) };
        // Until it has ended; a stop on the way there does not count.
        loop {
            match wait_for(self.pid, WaitMode::Block) {
                Ok(Some((_, status))) if !status.ended() => {}
                Err(WaitError::Interrupted) => {}
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;
    use std::path::{Path, PathBuf};

    use nix::errno::Errno;
    use tempfile::TempDir;

    use super::*;
    use crate::options::Command;
    use crate::os::Signal;
    use crate::os::wait::{Status, Stop};
    use crate::spawn::{CommandError, ExecFailure, Inherited, Launch, Step};

    fn launch(words: &[&str]) -> Launch {
        let command = Command { program: words[0].into(), arguments: words[1..].iter().map(OsString::from).collect() };
        Launch::of(&command).unwrap()
    }

    /// A command that leaves a file behind when it runs.
    fn witness() -> (TempDir, PathBuf, Launch) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ran");
        let launch = launch(&["touch", file.to_str().unwrap()]);
        (directory, file, launch)
    }

    fn ending(pid: i32) -> Status {
        loop {
            match wait_for(pid, WaitMode::Block) {
                Ok(Some((_, status))) if status.ended() => return status,
                Ok(_) | Err(WaitError::Interrupted) => {}
                Err(error) => panic!("process {pid}: {error}"),
            }
        }
    }

    fn is_there(pid: i32) -> bool {
        Path::new(&format!("/proc/{pid}")).exists()
    }

    #[test]
    fn it_runs_when_it_is_released_and_not_before() {
        let (_directory, file, launch) = witness();
        let held = launch.hold().unwrap();
        let stat = || fs::read_to_string(format!("/proc/{}/stat", held.pid())).unwrap();
        while !stat().contains(") S ") {
            std::thread::yield_now();
        }
        assert!(!file.exists());
        let mut child = held.release().unwrap();
        assert_eq!((ending(child.pid), child.outcome.failure()), (Status::Exited(0), None));
        assert!(file.exists());
    }

    #[test]
    fn dropped_it_never_runs_and_leaves_no_zombie() {
        let (_directory, file, launch) = witness();
        let held = launch.hold().unwrap();
        let pid = held.pid();
        assert!(is_there(pid));
        drop(held);
        assert!(!is_there(pid) && !file.exists());
    }

    #[test]
    fn it_ends_by_itself_when_its_holder_dies() {
        let (_directory, file, launch) = witness();
        let Held { waiting, opener, report, .. } = launch.hold().unwrap();
        // As the kernel does when a process dies.
        drop((opener, report));
        assert_eq!(ending(waiting.pid), Status::Exited(127));
        assert!(!file.exists());
        std::mem::forget(waiting);
    }

    /// What a command finds in its own status, of the lines that begin so.
    fn status(keys: &str, launch: impl Fn(Launch) -> Launch) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("status");
        let script = format!("exec grep -E '^({keys})' /proc/self/status >{}", file.display());
        let child = launch(self::launch(&["sh", "-c", &script])).hold().unwrap().release().unwrap();
        assert_eq!(ending(child.pid), Status::Exited(0));
        let told = fs::read_to_string(file).unwrap();
        told.lines().map(|line| line.split_once('\t').unwrap().1.to_owned()).collect()
    }

    #[test]
    fn nobody_traces_it_and_no_filter_is_on_it() {
        let own = fs::read_to_string("/proc/self/status").unwrap();
        let own = |key| own.lines().find_map(|line| line.strip_prefix(key)).unwrap().to_owned();
        let expected = [String::from("0"), own("NoNewPrivs:\t"), own("Seccomp:\t")];
        assert_eq!(status("TracerPid|NoNewPrivs|Seccomp:", |launch| launch), expected);
    }

    #[test]
    fn it_stops_as_any_child_does() {
        let child = launch(&["sh", "-c", "kill -STOP $$; exit 6"]).hold().unwrap().release().unwrap();
        let mut raw = 0;
        // SAFETY: writes one int. Nobody traces the child, so that stops are told only when asked for.
        assert_eq!(unsafe { libc::waitpid(child.pid, &raw mut raw, libc::WUNTRACED) }, child.pid);
        assert_eq!(Status::decode(raw), Status::Stopped(Stop::Signal(Signal(libc::SIGSTOP))));
        // SAFETY: takes no pointers; the child has not ended.
        assert_eq!(unsafe { libc::kill(child.pid, libc::SIGCONT) }, 0);
        assert_eq!(ending(child.pid), Status::Exited(6));
    }

    #[test]
    fn a_failed_exec_is_told_from_a_command_that_exits_so() {
        let end = |program: &str| {
            let mut child =
                Launch { program: std::ffi::CString::new(program).unwrap(), ..launch(&["sh", "-c", "exit 127"]) }
                    .hold()
                    .unwrap()
                    .release()
                    .unwrap();
            (ending(child.pid), child.outcome.failure())
        };
        let failure = |errno| Some(ExecFailure { step: Step::Exec, errno });
        assert_eq!(end("/nowhere/at/all"), (Status::Exited(127), failure(Errno::ENOENT)));
        assert_eq!(end("/etc/passwd"), (Status::Exited(126), failure(Errno::EACCES)));
        assert_eq!(end("/bin/sh"), (Status::Exited(127), None));
    }

    #[test]
    fn signals_begin_as_they_were_inherited() {
        let ignored = 1 << (libc::SIGHUP - 1) | 1 << (libc::SIGUSR2 - 1);
        let other = Inherited { mask: 1 << (40 - 1), ignored, closed: 0 };
        for inherited in [Inherited::default(), other] {
            let sets = status("SigBlk|SigIgn", |launch| Launch { inherited, ..launch });
            assert_eq!(sets, [inherited.mask, inherited.ignored].map(|set| format!("{set:016x}")));
        }
    }

    #[test]
    fn the_environment_and_arguments_are_passed_on() {
        let script = "test \"$PATH|$1|$2|$0\" = \"$(printf '%s|a b||zero' \"$PATH\")\" && test -n \"$PATH\"";
        let child = launch(&["sh", "-c", script, "zero", "a b", ""]).hold().unwrap().release().unwrap();
        assert_eq!(ending(child.pid), Status::Exited(0));
    }

    #[test]
    fn what_cannot_be_executed_is_not_even_started() {
        let error =
            |program: &str| Launch::of(&Command { program: program.into(), arguments: Vec::new() }).unwrap_err();
        assert!(matches!(error("no-such-command"), CommandError::NotFound { .. }));
        assert!(matches!(error("/etc"), CommandError::NotExecutable { .. }));
        let codes =
            ["no-such-command", "/no/such/file", "/etc", "/etc/passwd"].map(|program| error(program).exit_code());
        assert_eq!(codes, [127, 127, 126, 126]);
        let nul = Command { program: "sh".into(), arguments: vec!["a\0b".into()] };
        assert_eq!(Launch::of(&nul).unwrap_err().to_string(), "an argument of sh contains a NUL byte");
    }
}
