//! What Lapwing costs, measured on whole programs, beside the tools its users could pick instead.
//!
//! `cargo run --release -p lapwing-benches -- --out benches/RESULTS.md` measures everything that is promised and
//! writes what came of it. Timing is never a test: a test passes everywhere or it is none, while a time is true
//! of one machine. Micro benchmarks say where the time goes, and live in `benches/micro`.
//!
//! Peers that are not installed are left out, which the report says: strace and bpftrace are Debian packages of
//! these names (`scripts/setup-benches` installs them, the services and what loads them), tracexec comes by `cargo
//! install tracexec`. bpftrace needs `mount -t tracefs tracefs
//! /sys/kernel/tracing` where nobody has done that yet. What is measured of the kernel backend, and bpftrace, need
//! root.
//!
//! A tool of the house: whatever fails ends it with a message, so errors are `anyhow`'s throughout.

#![deny(unsafe_code)]

mod comparison;
mod dumps;
mod evaluation;
mod fixtures;
mod floor;
mod kernel;
mod machine;
mod memory;
mod micro;
mod policies;
mod rate;
mod report;
mod rounds;
mod run;
mod serving;
mod stages;
mod table;
mod tools;
mod verdict;
mod way;
mod workload;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};

use report::Report;
use rounds::Rounds;
use tools::Lapwing;
use workload::Workload;

/// How long one workload may be measured beyond the least number of rounds begins with its first.
const PATIENCE: Duration = Duration::from_secs(75);

/// Measures what Lapwing costs.
#[derive(Debug, Parser)]
#[command(name = "benches", max_term_width = 100)]
struct Cli {
    /// What to measure
    #[arg(value_enum, default_value_t = Mode::All)]
    mode: Mode,
    /// Rounds of `ptrace` and `kernel` that count, at least; one more warms up. Of `serving` there are half as many
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(3..))]
    runs: u16,
    /// Rounds of what is not known well enough after that, at most
    #[arg(long, value_name = "N", default_value_t = 60)]
    max_runs: u16,
    /// Workloads of `ptrace` and `kernel`
    #[arg(long, value_enum, value_delimiter = ',', ignore_case = true, default_values_t = Workload::ALL)]
    workload: Vec<Workload>,
    /// One more way for `ptrace`: Lapwing with all events and these options, such as "--on-tracer-death continue"
    #[arg(long, value_name = "OPTIONS", allow_hyphen_values = true)]
    variant: Vec<String>,
    /// Processes of `memory`
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    processes: u32,
    /// Processes that the agent of `memory` knows at once
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    crowd: u32,
    /// Calls that `kernel` times at once
    #[arg(long, value_name = "N", default_value_t = 2_000_000)]
    calls: u32,
    /// What `floor` runs a command beside
    #[arg(long, value_enum, hide = true, default_value = "both")]
    points: floor::Points,
    /// Where the clock or the caller writes
    #[arg(long, hide = true)]
    into: Option<PathBuf>,
    /// What the clock times
    #[arg(last = true, hide = true)]
    command: Vec<String>,
    /// Write a report in Markdown to FILE, with the method
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// All that follow, in one report
    All,
    /// Time that Lapwing's ptrace backend and its peers add to whole programs
    Ptrace,
    /// What Lapwing's kernel backend costs, beside bpftrace; needs root
    Kernel,
    /// Requests that services answer under both backends and strace
    Serving,
    /// Memory of Lapwing's ptrace backend while short processes come and go, and of an agent; needs root
    Memory,
    /// Activity dumps: insertion, encoding, memory
    Dumps,
    /// Where events end that 300 rules are about, under both backends
    Stages,
    /// Parts of Lapwing's own code
    Micro,
    /// What `memory` watches
    #[value(hide = true)]
    Forker,
    /// What the agent of `memory` knows
    #[value(hide = true)]
    Crowd,
    /// What `kernel` runs workloads with
    #[value(hide = true)]
    Clock,
    /// What `kernel` times calls of
    #[value(hide = true)]
    Caller,
    /// What a command is run by beside programs that do nothing
    #[value(hide = true)]
    Floor,
}

#[expect(clippy::print_stdout, reason = "tables are what was asked for")]
fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.mode {
        Mode::Forker => return memory::forker::make_processes(cli.processes),
        Mode::Crowd => return memory::agent::be_crowd(cli.processes),
        Mode::Clock => return kernel::clock::run(&cli.command, &cli.into.context("--into is missing")?),
        Mode::Floor => return floor::run(&cli.command, cli.points),
        Mode::Caller => return kernel::calls::make(cli.calls, &cli.into.context("--into is missing")?),
        Mode::All | Mode::Ptrace | Mode::Kernel | Mode::Serving | Mode::Memory | Mode::Dumps => {}
        Mode::Stages | Mode::Micro => {}
    }
    let rounds = Rounds { least: cli.runs, most: cli.max_runs, patience: PATIENCE };
    let wants = |mode| cli.mode == Mode::All || cli.mode == mode;
    let mut report = Report::begin();
    if wants(Mode::Dumps) {
        dumps::add(&mut report, &dumps::measure()?);
    }
    if [Mode::Ptrace, Mode::Kernel, Mode::Serving, Mode::Memory, Mode::Stages].into_iter().any(wants) {
        let lapwing = Lapwing::find_or_build()?;
        fixtures::make()?;
        report.lapwing(&lapwing);
        if wants(Mode::Ptrace) {
            report.comparison(&comparison::compare(&lapwing, &cli.workload, rounds, &cli.variant)?);
        }
        if wants(Mode::Kernel) {
            kernel::add(&mut report, &kernel::measure(&lapwing, &cli.workload, rounds, cli.calls)?);
        }
        if wants(Mode::Serving) {
            serving::add(&mut report, &serving::measure(&lapwing, Rounds { least: cli.runs.div_ceil(2), ..rounds })?);
        }
        if wants(Mode::Memory) {
            report.memory(&memory::measure(&lapwing, cli.processes)?);
            report.agent_memory(memory::agent::measure(&lapwing, cli.crowd)?);
        }
        if wants(Mode::Stages) {
            stages::add(&mut report, &stages::measure(&lapwing)?);
        }
    }
    if wants(Mode::Micro) {
        rate::add(&mut report, &rate::measure()?);
        evaluation::add(&mut report, &evaluation::measure()?);
        report.micro(&micro::times()?);
        report.counts(&micro::counts()?);
    }
    print!("{}", report.tables());
    if let Some(file) = cli.out {
        std::fs::write(&file, report.document())?;
        eprintln!("report in {}", file.display());
    }
    Ok(())
}
