//! Finding the programs that are measured.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The Lapwing that is measured.
#[derive(Clone, Debug)]
pub(crate) struct Lapwing {
    pub(crate) binary: PathBuf,
    /// What it was built from.
    pub(crate) source: String,
}

impl Lapwing {
    /// `LAPWING_BINARY`, to compare builds, or one built now, so that it is never older than its sources.
    pub(crate) fn find_or_build() -> anyhow::Result<Self> {
        if let Some(binary) = std::env::var_os("LAPWING_BINARY").map(PathBuf::from) {
            let source = format!("{} (LAPWING_BINARY)", binary.display());
            return Ok(Self { binary, source });
        }
        let target = target_directory()?;
        cargo(&["build", "--release", "--package", "lapwing", "--bin", "lapwing"], &target)?;
        Ok(Self { binary: target.join("release/lapwing"), source: commit().unwrap_or_else(|| "unknown".to_owned()) })
    }
}

/// Where this program was built, above the profile's folder.
pub(crate) fn target_directory() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("cannot find myself")?;
    Ok(own.ancestors().nth(2).context("not in a target directory")?.to_owned())
}

/// The Cargo that runs this, or the usual one.
pub(crate) fn cargo_command(arguments: &[&str], target: &Path) -> Command {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments).arg("--target-dir").arg(target).current_dir(root());
    cargo
}

fn cargo(arguments: &[&str], target: &Path) -> anyhow::Result<()> {
    let status = cargo_command(arguments, target).status().context("cannot start cargo")?;
    ensure!(status.success(), "cargo {}: {status}", arguments.join(" "));
    Ok(())
}

/// The commit of the sources, and whether they differ from it. These very benchmarks do not count.
fn commit() -> Option<String> {
    let git = |arguments: &[&str]| first_line(Command::new("git").args(arguments).current_dir(root()));
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&["status", "--porcelain", "--", ".", ":!benches", ":!docs"]).is_some();
    Some(if changed { format!("{commit} and uncommitted changes") } else { commit })
}

/// `None` if it fails or says nothing.
pub(crate) fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().next().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned)
}
