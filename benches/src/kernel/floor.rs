//! A command beside programs in the kernel that do nothing: no backend of this kind can cost less.

use std::ffi::OsString;
use std::process::Command;

use anyhow::{Context as _, ensure};
use lapwing_kernel::Floor;

/// The tracepoints that every system call passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Points {
    /// Where a call returns: enough as long as nothing has to be looked at before it is made
    Exits,
    /// Where it begins as well
    Both,
}

impl Points {
    fn tracepoints(self) -> &'static [&'static str] {
        match self {
            Self::Exits => &["sys_exit"],
            Self::Both => &["sys_exit", "sys_enter"],
        }
    }

    /// What runs a command beside such programs.
    pub(crate) fn words(self) -> anyhow::Result<Vec<OsString>> {
        let own = std::env::current_exe().context("cannot find myself")?;
        let points = if self == Self::Both { "both" } else { "exits" };
        Ok(vec![own.into_os_string(), "floor".into(), "--points".into(), points.into()])
    }
}

/// Runs a command and has to see it succeed.
pub(crate) fn run(command: &[String], points: Points) -> anyhow::Result<()> {
    let (program, arguments) = command.split_first().context("nothing to run")?;
    let floor = Floor::attach(points.tracepoints())?;
    let status = Command::new(program).args(arguments).status().context("cannot start the command")?;
    drop(floor);
    ensure!(status.success(), "the command: {status}");
    Ok(())
}
