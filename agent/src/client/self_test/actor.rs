//! The process that is observed: this program, doing a little to files.
//!
//! Not `touch` and `chmod`: a container built from nothing has neither.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use super::failed;

/// The file of this program, also where its path means nothing (another root, deleted meanwhile).
const PROGRAM: &str = "/proc/self/exe";
/// The hidden command.
const NAME: &str = "self-test-actor";

/// A process that waits for its turn, and a directory for it, which both end with this value.
#[derive(Debug)]
pub(super) struct Stage {
    directory: PathBuf,
    actor: Option<Child>,
}

impl Stage {
    /// Prepares everything; the process is in this control group, if one is named.
    pub(super) fn set(group: Option<&Path>) -> io::Result<Self> {
        let stage = Self::in_directory(|directory| {
            let mut command = Command::new(PROGRAM);
            command.arg(NAME).arg("--wait").arg(directory);
            command
        })?;
        if let (Some(group), Some(actor)) = (group, &stage.actor) {
            let file = group.join("cgroup.procs");
            fs::write(&file, actor.id().to_string()).map_err(failed(&file.display().to_string()))?;
        }
        Ok(stage)
    }

    /// Prepares everything; the process is below a tracer that streams to the agent which serves this directory.
    pub(super) fn traced(agent: &Path) -> io::Result<Self> {
        Self::in_directory(|directory| {
            let mut command = Command::new(PROGRAM);
            command.args(["trace", "--without-agent", "fail", "--socket-dir"]).arg(agent);
            command.args(["--", PROGRAM, NAME]).arg("--wait").arg(directory);
            command
        })
    }

    fn in_directory(command: impl FnOnce(&Path) -> Command) -> io::Result<Self> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let name = format!("lapwing-self-test-{}-{}", std::process::id(), since.subsec_nanos());
        // As the kernel will name it.
        let directory = std::env::temp_dir().canonicalize().map_err(failed("temporary directory"))?.join(name);
        let shown = directory.display().to_string();
        DirBuilder::new().mode(0o700).create(&directory).map_err(failed(&shown))?;
        let mut stage = Self { directory, actor: None };
        let mut command = command(&stage.directory);
        let actor = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
        stage.actor = Some(actor.map_err(failed("starting a process"))?);
        Ok(stage)
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Lets the process act, and waits for its end.
    pub(super) fn act(&mut self) -> io::Result<()> {
        let Some(mut actor) = self.actor.take() else { return Ok(()) };
        drop(actor.stdin.take());
        let status = actor.wait()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("its process ended by {status}"))) }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(mut actor) = self.actor.take() {
            let _ = actor.kill();
            let _ = actor.wait();
        }
        // The actor leaves it empty.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Does what is observed, in this directory: at first waits until the input ends, and executes itself, so that this
/// is observed too.
pub(crate) fn act(directory: &Path, wait: bool) -> io::Result<()> {
    if wait {
        let _ = io::stdin().read(&mut [0]);
        use std::os::unix::process::CommandExt as _;
        return Err(Command::new(PROGRAM).arg(NAME).arg(directory).exec());
    }
    let file = directory.join("file");
    let moved = directory.join("moved");
    let inner = directory.join("inner");
    File::create(&file).map_err(failed("creating a file"))?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).map_err(failed("chmod"))?;
    let owner = fs::metadata(&file)?;
    chown(&file, Some(owner.uid()), Some(owner.gid())).map_err(failed("chown"))?;
    fs::rename(&file, &moved).map_err(failed("rename"))?;
    fs::remove_file(&moved).map_err(failed("unlink"))?;
    fs::create_dir(&inner).map_err(failed("mkdir"))?;
    fs::remove_dir(&inner).map_err(failed("rmdir"))
}
