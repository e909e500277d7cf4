//! A process that already ran when observation began, read from `/proc`.
//!
//! The programs in the kernel see what happens from then on. What was there before is read once, after
//! they are attached: what a process that execs meanwhile seems to be (it may have no arguments yet) is
//! corrected by the event of its exec.
//!
//! A process is read through its directory, held open. Its number may come to mean another process at
//! any time, the directory never does: once the process is gone, every read through it fails.

mod executable;
mod held;
mod lookup;
mod order;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;

use lapwing_common::accounts::Naming;
use lapwing_common::hashes::OfProgram;
use lapwing_common::process::{ArgumentLimits, Arguments, Environment, Keep};
use lapwing_common::procfs::cgroup::Cgroups;
use lapwing_common::procfs::stat::{Clock, Stat};
use lapwing_common::procfs::status::{NO_LOGIN, Status, login_uid};
use lapwing_common::procfs::strings::terminated;
use lapwing_common::record::{Program, Running};
use rustix::fs::{Mode, OFlags};

use executable::Filesystems;
pub use held::Holders;
pub use lookup::Presence;
pub(crate) use lookup::Procfs;
pub(crate) use order::parents_first;

/// The most that is read of arguments or of an environment. The kernel's own limit for both together is
/// a quarter of the stack's (execve(2)), 2 MiB as a rule; what is kept of them is less by far.
const LARGEST_READ: u64 = 512 << 10;

/// Reads running processes, with what they share: control groups, file systems, and one clock.
///
/// For one round of them. A later round needs a new one, as ids of mounts are reused.
#[derive(Debug)]
pub(crate) struct Snapshots {
    clock: Clock,
    cgroups: Cgroups,
    filesystems: Filesystems,
}

impl Snapshots {
    /// A reader whose `clock` is that of the whole watch.
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, cgroups: Cgroups::default(), filesystems: Filesystems::default() }
    }

    /// What a process is, what it runs and whose it is; `None` if it is gone or `/proc` hides it.
    ///
    /// `pid` is numbered as in `/proc`. Of arguments is kept what `limits` allow, of the environment the
    /// names, and the values that `keep` lists. A process without a program (a kernel thread, one that
    /// has ended and was not waited for) has a file that is `unresolved`, and no arguments.
    pub(crate) fn running(&mut self, pid: i32, limits: &ArgumentLimits, keep: &Keep) -> Option<Running> {
        let process = Process::open(pid).ok()?;
        let stat = Stat::parse(&process.read("stat").ok()?, self.clock)?;
        let (arguments, arguments_cut) = process.strings("cmdline");
        let (environment, environment_cut) = process.strings("environ");
        let file = self.filesystems.file(&process, "exe");
        let cgroup = process.read("cgroup").ok().and_then(|text| self.cgroups.of(&text));
        let auid = process.read("loginuid").ok().and_then(|text| login_uid(&text)).unwrap_or(NO_LOGIN);
        // Last: where this can be read, nothing above failed because the process was gone from `/proc`.
        let status = Status::parse(&process.read("status").ok()?);
        let program = Program {
            file,
            interpreter: None,
            arguments: Arguments::capture(terminated(&arguments), arguments_cut, limits),
            environment: Environment::capture(terminated(&environment), environment_cut, keep),
            comm: stat.name,
            tty: stat.tty,
            credentials: status.credentials(auid),
            cgroup,
            ppid: stat.ppid,
            naming: Naming::default(),
            hashing: OfProgram::default(),
        };
        Some(Running { ppid: stat.ppid, started: stat.started, program })
    }
}

/// A time before 1970 becomes 0, "not known".
fn nanoseconds(seconds: i64, nanoseconds: u32) -> u64 {
    u64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(nanoseconds.into())
}

/// One process's directory in `/proc`.
#[derive(Debug)]
struct Process {
    dir: OwnedFd,
}

impl Process {
    fn open(pid: i32) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { dir: rustix::fs::open(format!("/proc/{pid}"), flags, Mode::empty())? })
    }

    /// A place below the directory, magic links followed; nothing of it is opened.
    fn place(&self, name: &str) -> io::Result<OwnedFd> {
        Ok(rustix::fs::openat(&self.dir, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)
    }

    fn file(&self, name: &str) -> io::Result<File> {
        Ok(rustix::fs::openat(&self.dir, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?.into())
    }

    /// A file, whole.
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        self.file(name)?.read_to_end(&mut text)?;
        Ok(text)
    }

    /// The strings of `cmdline` or `environ`, and whether there were more. None if they cannot be read.
    fn strings(&self, name: &str) -> (Vec<u8>, bool) {
        let mut text = Vec::new();
        let read = self.file(name).and_then(|file| file.take(LARGEST_READ + 1).read_to_end(&mut text));
        if read.is_err() {
            return (Vec::new(), false);
        }
        let cut = text.len() as u64 > LARGEST_READ;
        if cut {
            // Half a string must not be taken for one: half a secret is not recognised.
            text.truncate(text.iter().rposition(|byte| *byte == 0).map_or(0, |end| end + 1));
        }
        (text, cut)
    }
}
