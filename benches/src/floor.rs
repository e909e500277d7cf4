//! A command beside what does nothing: programs in the kernel, or a tracer. No backend of the kind can cost less.

use std::ffi::OsString;
use std::process;

use anyhow::{Context as _, ensure};
use clap::ValueEnum as _;
use lapwing_common::backend::Ending;
use lapwing_kernel::Floor;
use lapwing_ptrace::Command;

/// Where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Points {
    /// A program where a call returns: enough as long as nothing has to be looked at before it is made
    Exits,
    /// Another one where it begins
    Both,
    /// A tracer that is told which threads and programs there are
    Lineage,
    /// A tracer that is told of the calls too that Lapwing follows for all events
    Calls,
    /// A listener that is asked before a file is opened or executed, and lets it be
    Answers,
}

impl Points {
    /// What runs a command beside it.
    pub(crate) fn words(self) -> anyhow::Result<Vec<OsString>> {
        let own = std::env::current_exe().context("cannot find myself")?;
        let points = self.to_possible_value().context("a way without a name")?.get_name().to_owned();
        Ok(vec![own.into_os_string(), "floor".into(), "--points".into(), points.into()])
    }
}

/// Runs a command and has to see it succeed.
pub(crate) fn run(command: &[String], points: Points) -> anyhow::Result<()> {
    let (program, arguments) = command.split_first().context("nothing to run")?;
    let tracer = match points {
        Points::Exits => return run_beside(&["sys_exit"], program, arguments),
        Points::Both => return run_beside(&["sys_exit", "sys_enter"], program, arguments),
        Points::Lineage => lapwing_ptrace::Floor::Lineage,
        Points::Calls => lapwing_ptrace::Floor::Calls,
        Points::Answers => lapwing_ptrace::Floor::Answers,
    };
    let arguments = arguments.iter().map(OsString::from).collect();
    let ending = tracer.run(&Command { program: program.into(), arguments }).context("cannot trace the command")?;
    ensure!(ending == Some(Ending::Exited(0)), "the command: {ending:?}");
    Ok(())
}

fn run_beside(tracepoints: &[&'static str], program: &str, arguments: &[String]) -> anyhow::Result<()> {
    let floor = Floor::attach(tracepoints)?;
    let status = process::Command::new(program).args(arguments).status().context("cannot start the command")?;
    drop(floor);
    ensure!(status.success(), "the command: {status}");
    Ok(())
}
