//! `micro`: Cargo's own way to run what is in `benches/micro`, with its table passed on.

use std::process::Stdio;

use anyhow::{Context as _, ensure};

use crate::tools;

/// The table.
pub(crate) fn run() -> anyhow::Result<String> {
    let target = tools::target_directory()?;
    let arguments = ["bench", "--package", "lapwing-benches", "--bench", "micro"];
    let output =
        tools::cargo_command(&arguments, &target).stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(output.status.success(), "cargo bench: {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
