//! `lapwing compare -- CMD`: what watching a command costs, by each backend and by other tools.
//!
//! Every way runs once to be looked at (events, stops, memory, and whether both backends saw the same), which also warms
//! up, and then in every round, in balanced orders, so that drift of the machine cancels. What a tool adds is its time
//! minus the native time of the same round.

mod run;
mod svg;
mod table;
mod way;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::io::IsTerminal as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitStatus;

use lapwing_measure::order;
use lapwing_measure::statistics::Spread;
use serde_json::{Value, json};
use tempfile::TempDir;
use thiserror::Error;

use crate::cli::CompareFormat;
use crate::compare::{self, Report};
use crate::config::{CompareConfig, Surroundings};
use crate::console::Console;
use crate::output::palette::Palette;
use run::Spent;
use way::{Places, Tool, Way};

/// Why nothing can be measured.
#[derive(Debug, Error)]
pub(crate) enum CostError {
    #[error("cannot run {command}: {error}")]
    Command { command: String, error: io::Error },
    #[error("cannot {what}: {error}")]
    System { what: &'static str, error: io::Error },
}

impl CostError {
    /// What a shell would exit with for a command that cannot be started.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Command { error, .. } if error.kind() == io::ErrorKind::NotFound => 127,
            Self::Command { .. } => 126,
            Self::System { .. } => 1,
        }
    }
}

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Costs {
    pub(crate) command: String,
    pub(crate) rounds: usize,
    pub(crate) machine: String,
    pub(crate) cells: Vec<Cell>,
    /// Ways that do not work here, with the reason.
    pub(crate) missing: Vec<(String, String)>,
    /// Whether both backends saw the same; `None` if one of them does not work here.
    pub(crate) verdict: Option<Report>,
}

/// The command in one way.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) way: Way,
    look: Look,
    spent: Vec<Spent>,
}

/// What was seen in the run that does not count.
#[derive(Clone, Debug, Default)]
struct Look {
    /// Lines that the tool wrote.
    events: Option<u64>,
    stops: Option<u64>,
    lost: Option<u64>,
    peak_kib: Option<u64>,
}

/// Times in seconds.
#[derive(Clone, Copy, Debug)]
struct Times {
    wall: Spread,
    cpu: Spread,
    /// Beyond the native ones of the same rounds.
    added: Option<Spread>,
}

/// Measures a command.
pub(crate) fn measure(command: &[OsString], config: &CompareConfig, console: Console) -> Result<Costs, CostError> {
    let failed = |what| move |error| CostError::System { what, error };
    let directory = TempDir::new().map_err(failed("make a temporary directory"))?;
    let places = Places::within(directory.path(), command).map_err(failed("write to the temporary directory"))?;
    let lapwing = std::env::current_exe().map_err(failed("find the program that runs"))?;
    let progress = Progress { shown: io::stderr().is_terminal() && !config.quiet };
    let bench = Bench { command, places, stderr: directory.path().join("stderr"), console };

    let mut cells = Vec::new();
    let mut missing = Vec::new();
    let mut events = Vec::new();
    for way in Way::all(lapwing) {
        progress.say(format_args!("looking at {}", way.label()));
        match bench.look(&way)? {
            Ok(look) => {
                if way.tool.is_lapwing() {
                    let kept = directory.path().join(format!("{}.jsonl", way.tool.name()));
                    fs::rename(&bench.places.events, &kept).map_err(failed("keep the events"))?;
                    events.push(kept);
                }
                cells.push(Cell { way, look, spent: Vec::new() });
            }
            Err(reason) => missing.push((way.label(), reason)),
        }
    }
    for round in 0..config.rounds {
        for index in order::order(cells.len(), round) {
            let cell: &mut Cell = &mut cells[index];
            progress.say(format_args!("round {} of {}: {}", round + 1, config.rounds, cell.way.label()));
            let spent = bench.run(&cell.way)?;
            cell.spent.push(spent);
        }
    }
    progress.done();
    bench.report_other_endings(&cells);
    progress.say(format_args!("comparing events"));
    let verdict = match <[PathBuf; 2]>::try_from(events) {
        Ok(files) => compare::files(&files, None, config).ok(),
        Err(_) => None,
    };
    progress.done();
    Ok(Costs { command: way::shown(command), rounds: config.rounds, machine: machine(), cells, missing, verdict })
}

/// Where runs take place.
struct Bench<'a> {
    command: &'a [OsString],
    places: Places,
    stderr: PathBuf,
    console: Console,
}

impl Bench<'_> {
    /// Runs a way once; the inner error says why it does not work here. The command itself has to start.
    fn look(&self, way: &Way) -> Result<Result<Look, String>, CostError> {
        let mut command = way.command(self.command, &self.places, true);
        let (status, peak_kib) = match run::looked_at(&mut command, &self.stderr) {
            Ok(looked) => looked,
            Err(error) if way.tool == Tool::Native => {
                return Err(CostError::Command { command: way::shown(self.command), error });
            }
            Err(error) => return Ok(Err(error.to_string())),
        };
        if way.tool == Tool::Native {
            self.report(status);
            return Ok(Ok(Look::default()));
        }
        let seen = fs::read(&self.places.events).unwrap_or_default();
        if seen.is_empty() {
            return Ok(Err(self.said().unwrap_or_else(|| format!("it saw nothing, and ended with {status}"))));
        }
        let counters: Value = fs::read(&self.places.counters)
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok())
            .unwrap_or_default();
        let lines = seen.iter().filter(|byte| **byte == b'\n').count();
        Ok(Ok(Look {
            events: Some(lines as u64),
            stops: counters["stops"].as_u64().filter(|_| way.tool == Tool::Ptrace),
            lost: counters["lost"].as_u64().filter(|_| way.tool.is_lapwing()),
            peak_kib,
        }))
    }

    fn run(&self, way: &Way) -> Result<Spent, CostError> {
        let mut command = way.command(self.command, &self.places, false);
        let spent = run::timed(&mut command, &self.stderr)
            .map_err(|error| CostError::Command { command: way.label(), error })?;
        // No later run has to wait for it to reach the disk.
        drop(fs::remove_file(&self.places.events));
        Ok(spent)
    }

    /// A command that fails is measured all the same, but whoever asked should know.
    fn report(&self, status: ExitStatus) {
        if !status.success() {
            let said = self.said().map_or_else(String::new, |said| format!("; it said: {said}"));
            self.console.warn(format_args!("the command itself fails ({status}){said}"));
        }
    }

    /// Times of a command that ended early under a tool would flatter the tool.
    fn report_other_endings(&self, cells: &[Cell]) {
        let succeeds = |spent: &Spent| spent.status.success();
        let Some(native) = cells.iter().find(|cell| cell.way.tool == Tool::Native) else { return };
        for cell in cells.iter().filter(|cell| cell.way.tool.passes_status()) {
            let pairs = cell.spent.iter().zip(&native.spent);
            let others = pairs.filter(|(spent, native)| succeeds(spent) != succeeds(native)).count();
            if others > 0 {
                let (label, runs) = (cell.way.label(), cell.spent.len());
                self.console.warn(format_args!("in {others} of {runs} runs the command ended otherwise under {label}"));
            }
        }
    }

    /// The last line on stderr.
    fn said(&self) -> Option<String> {
        let text = fs::read(&self.stderr).ok()?;
        let text = String::from_utf8_lossy(&text);
        text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(|line| line.chars().take(200).collect())
    }
}

/// A line on a terminal that changes.
struct Progress {
    shown: bool,
}

impl Progress {
    fn say(&self, what: std::fmt::Arguments<'_>) {
        if self.shown {
            // There is nowhere to report to that stderr cannot be written.
            let _ = write!(io::stderr(), "\r\x1b[K{what}");
        }
    }

    fn done(&self) {
        self.say(format_args!(""));
    }
}

impl Costs {
    /// Whether both backends saw the same, as far as both work here.
    pub(crate) fn agrees(&self) -> bool {
        self.verdict.as_ref().is_none_or(Report::agrees)
    }

    fn times(&self, cell: &Cell) -> Times {
        let wall = |spent: &Spent| spent.wall.as_secs_f64();
        let all = |of: &dyn Fn(&Spent) -> f64| Spread::of(&cell.spent.iter().map(of).collect::<Vec<_>>());
        let native = self.cells.iter().find(|cell| cell.way.tool == Tool::Native);
        let added = native.filter(|_| cell.way.tool != Tool::Native).map(|native| {
            let pairs = cell.spent.iter().zip(&native.spent);
            Spread::of(&pairs.map(|(spent, native)| wall(spent) - wall(native)).collect::<Vec<_>>())
        });
        Times { wall: all(&wall), cpu: all(&|spent| spent.cpu.as_secs_f64()), added }
    }

    /// Median wall time as a multiple of the native one.
    fn times_native(&self, cell: &Cell) -> Option<f64> {
        let native = self.cells.iter().find(|cell| cell.way.tool == Tool::Native)?;
        Some(self.times(cell).wall.median / self.times(native).wall.median)
    }

    /// The verdict in a sentence.
    fn verdict_text(&self) -> String {
        match &self.verdict {
            None => "equivalence: not judged, since not both backends work here".to_owned(),
            Some(report) if report.agrees() => {
                format!("equivalence: both backends saw the same {} events", report.sides[0].events)
            }
            Some(_) => "equivalence: different events, or two runs do not do the same".to_owned(),
        }
    }

    /// As it was asked for; where backends differ, people see in what.
    pub(crate) fn render(&self, config: &CompareConfig, surroundings: &Surroundings) -> String {
        match config.format {
            CompareFormat::Json => self.json(),
            CompareFormat::Svg => self.svg(),
            CompareFormat::Table => {
                let mut text = self.table(&Palette::new(surroundings.stdout_colour));
                if let Some(report) = self.verdict.as_ref().filter(|report| !report.agrees()) {
                    text.push('\n');
                    text.push_str(&report.render(config, surroundings));
                }
                text
            }
        }
    }

    fn json(&self) -> String {
        let spread = |spread: Spread| json!({"median": spread.median, "mad": spread.mad});
        let cells: Vec<Value> = self
            .cells
            .iter()
            .map(|cell| {
                let times = self.times(cell);
                json!({
                    "way": cell.way.tool.name(),
                    "version": cell.way.version,
                    "wall_s": spread(times.wall),
                    "cpu_s": spread(times.cpu),
                    "added_s": times.added.map(spread),
                    "times_native": self.times_native(cell),
                    "runs_s": cell.spent.iter().map(|spent| spent.wall.as_secs_f64()).collect::<Vec<_>>(),
                    "events": cell.look.events,
                    "stops": cell.look.stops,
                    "lost": cell.look.lost,
                    "peak_kib": cell.look.peak_kib,
                })
            })
            .collect();
        let missing: Vec<Value> =
            self.missing.iter().map(|(way, reason)| json!({"way": way, "reason": reason})).collect();
        let value = json!({
            "command": self.command,
            "runs": self.rounds,
            "machine": self.machine,
            "ways": cells,
            "missing": missing,
            "backends_agree": self.verdict.as_ref().map(Report::agrees),
        });
        format!("{value:#}\n")
    }
}

/// What the times are of.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let info = read("/proc/cpuinfo");
    let model =
        info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim()));
    let model = model.unwrap_or(std::env::consts::ARCH);
    format!("{model}, {cpus} CPUs, Linux {}", read("/proc/sys/kernel/osrelease").trim())
}

#[cfg(test)]
mod tests;
