//! How many instructions parts of Lapwing take, by valgrind: a count that repeats on a machine whose times do not, so
//! that a part that became dearer shows.
//!
//! `cargo bench -p lapwing-benches --bench counted`. Each part runs in a process of its own under callgrind, a few
//! times and many times more; the difference is what the additional ones took, without start and preparation. Hash
//! tables begin with random numbers, so the last digits differ from run to run.

mod parts;
#[path = "../../src/policies.rs"]
mod policies;
#[path = "../micro/sample.rs"]
mod sample;

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, bail, ensure};

use parts::PARTS;

/// Repetitions of the first run.
const FEW: u32 = 50;
/// Repetitions that the second run has beyond that.
const MORE: u32 = 200;

#[expect(clippy::print_stdout, reason = "a table is what was asked for")]
fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, name, times] = arguments.as_slice()
        && mode == "part"
    {
        run(name, times.parse().context("not a number of repetitions")?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("not counted: there is no valgrind (scripts/setup-benches installs it)");
        return Ok(ExitCode::SUCCESS);
    }
    // Cargo passes `--bench`; other words pick parts.
    let picked = |name: &str| {
        let mut words = arguments.iter().filter(|word| !word.starts_with("--")).peekable();
        words.peek().is_none() || words.any(|word| name.contains(word.as_str()))
    };
    println!("{:<42} {:>14}", "part", "instructions");
    for (name, _) in PARTS.iter().filter(|(name, _)| picked(name)) {
        let (few, many) = (count(name, FEW)?, count(name, FEW + MORE)?);
        println!("{name:<42} {:>14}", many.saturating_sub(few) / u64::from(MORE));
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a part in this process.
fn run(name: &str, times: u32) -> anyhow::Result<()> {
    let Some((_, part)) = PARTS.iter().find(|(candidate, _)| *candidate == name) else { bail!("no part {name}") };
    part(times);
    Ok(())
}

/// Instructions of a process that runs a part so often.
fn count(name: &str, times: u32) -> anyhow::Result<u64> {
    let own = std::env::current_exe().context("cannot find myself")?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args(["part", name, &times.to_string()])
        .output()
        .context("cannot start valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name}: {}: {said}", output.status);
    let collected = said.lines().find_map(|line| line.split_once("Collected :").map(|(_, number)| number.trim()));
    collected.and_then(|number| number.parse().ok()).with_context(|| format!("{name}: valgrind said: {said}"))
}
