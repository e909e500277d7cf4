//! `micro`: Cargo's own way to run what is in `benches/micro` and `benches/counted`, with their tables passed on.

use std::process::Stdio;

use anyhow::{Context as _, ensure};

use crate::tools;

/// The times of parts.
pub(crate) fn times() -> anyhow::Result<String> {
    bench("micro")
}

/// The instructions of parts.
pub(crate) fn counts() -> anyhow::Result<String> {
    bench("counted")
}

fn bench(name: &str) -> anyhow::Result<String> {
    let target = tools::target_directory()?;
    let arguments = ["bench", "--package", "lapwing-benches", "--bench", name];
    let output =
        tools::cargo_command(&arguments, &target).stderr(Stdio::inherit()).output().context("cannot start cargo")?;
    ensure!(output.status.success(), "cargo bench: {}", output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
