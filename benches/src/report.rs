//! What was measured, as text: tables for the terminal, and the same with facts and method around them as
//! Markdown.

use std::fmt::Write as _;

use crate::comparison::{Comparison, Measured};
use crate::machine::{self, Load};
use crate::memory::Memory;
use crate::memory::agent::AgentMemory;
use crate::table::Table;
use crate::tools::Lapwing;
use crate::verdict::{self, ENOUGH_OF_NATIVE, ENOUGH_OF_STRACE, Measurement, Sense, Target};
use crate::way::Kind;
use crate::workload::Workload;
use lapwing_measure::statistics::Spread;

/// Rows of a table of memory.
const MEMORY_ROWS: usize = 20;

/// Sections in the order in which they were measured.
#[derive(Debug)]
pub(crate) struct Report {
    facts: Vec<(String, String)>,
    targets: Vec<Target>,
    sections: Vec<Section>,
}

#[derive(Debug)]
struct Section {
    title: &'static str,
    method: String,
    body: String,
}

impl Report {
    pub(crate) fn begin() -> Self {
        let facts = machine::facts().into_iter().map(|(fact, value)| (fact.to_owned(), value)).collect();
        Self { facts, targets: Vec::new(), sections: Vec::new() }
    }

    pub(crate) fn lapwing(&mut self, lapwing: &Lapwing) {
        self.facts.push(("Lapwing".to_owned(), lapwing.source.clone()));
    }

    pub(crate) fn comparison(&mut self, comparison: &Comparison) {
        self.load("ptrace backend", comparison.load);
        self.targets.extend(verdict::of_times(comparison));
        let mut body = warnings(comparison.load, comparison.rounds.least, comparison.period, comparison.ways.len());
        for measured in &comparison.workloads {
            let _ = writeln!(
                body,
                "**{}**: {}\n\n{}",
                measured.workload.letter(),
                shortened(measured.workload),
                times(measured)
            );
            for cell in measured.cells.iter().filter(|cell| !cell.look.said.is_empty()) {
                let _ =
                    writeln!(body, "{} wrote to standard error: `{}`\n", cell.name, cell.look.said.replace('\n', " "));
            }
        }
        self.section("Time", time_method(comparison), body);
    }

    pub(crate) fn memory(&mut self, memory: &Memory) {
        self.targets.extend(verdict::of_memory(memory));
        let mut table = Table::new(["processes so far", "resident KiB"]);
        for (processes, kib) in memory.excerpt(MEMORY_ROWS) {
            table.row([processes.to_string(), kib.to_string()]);
        }
        let growth = memory.second_half_growth_kib();
        let body = format!(
            "{} processes in {:.0} s; peak {} KiB; growth over the second half {growth:.0} KiB, {:.2} bytes a process\n\n{table}",
            memory.processes,
            memory.took.as_secs_f64(),
            memory.peak_kib,
            growth * 2048.0 / f64::from(memory.processes),
        );
        let method =
            "Lapwing watches, with all types of events and JSON to `/dev/null`, a process that makes others one \
             after the other: each shares its memory and exits at once, as after `vfork`, but every tenth executes \
             `/bin/true`. Once a second `VmRSS` of Lapwing is read beside the count of processes, and in the end \
             `VmHWM`, its peak. Growth is the slope of the line that fits the second half best (least squares), times \
             half of the processes."
                .to_owned();
        self.section("Memory", method, body);
    }

    pub(crate) fn agent_memory(&mut self, memory: AgentMemory) {
        self.targets.extend(verdict::of_agent_memory(memory));
        let mut table = Table::new(["an agent that knows", "resident KiB"]);
        table.row(["nothing but the process that it observes".to_owned(), memory.idle_kib.to_string()]);
        table.row([format!("{} processes that run", memory.processes), memory.crowded_kib.to_string()]);
        let method =
            "An agent observes the tree of one process by eBPF. That process then starts others, each of which \
             executes `sleep` with arguments of its own, and stays. `VmRSS` of the agent is read before, 3 s after the \
             agent began to answer, and when it says that it knows them all. It contains the mapped rings and \
             what is resident of the program's file."
                .to_owned();
        self.section("Memory of an agent", method, table.to_string());
    }

    pub(crate) fn micro(&mut self, table: &str) {
        let method = "Parts of Lapwing's code in a loop, on records as the ptrace backend makes them \
             (`benches/benches/micro`), with the allocations of each. They tell where time goes, not what users wait \
             for."
            .to_owned();
        self.section("Parts", method, format!("```text\n{table}\n```\n"));
    }

    pub(crate) fn counts(&mut self, table: &str) {
        let method = "Instructions that parts of Lapwing's code take, counted by valgrind (`benches/benches/counted`): of \
             many repetitions less those of a few, divided by how many more these are. Unlike times they hardly change with \
             the machine's load."
            .to_owned();
        self.section("Parts: instructions", method, format!("```text\n{table}\n```\n"));
    }

    /// `method` is only for those who were not there.
    pub(crate) fn section(&mut self, title: &'static str, method: String, body: String) {
        self.sections.push(Section { title, method, body });
    }

    pub(crate) fn targets(&mut self, targets: Vec<Target>) {
        self.targets.extend(targets);
    }

    /// Who used the machine while something was measured.
    pub(crate) fn load(&mut self, what: &str, load: Load) {
        let Load { start, end, others, .. } = load;
        let text = format!(
            "load average {start:.2} at the start, {end:.2} at the end; {:.1} % of the processor time taken by others",
            others * 100.0
        );
        self.facts.push((format!("while the {what} was measured"), text));
    }

    /// For the terminal.
    pub(crate) fn tables(&self) -> String {
        let facts = self.facts.iter().fold(String::new(), |text, (fact, value)| text + &format!("{fact}: {value}\n"));
        let mut text = format!("{facts}\n");
        for section in &self.sections {
            let _ = writeln!(text, "{}", section.body);
        }
        text + &self.verdicts()
    }

    /// As a document.
    pub(crate) fn document(&self) -> String {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let mut text = format!(
            "# What Lapwing costs\n\nWritten by `cargo run --release -p lapwing-benches -- {}`. These numbers hold for \
             one machine:\n\n",
            arguments.join(" "),
        );
        for (fact, value) in &self.facts {
            let _ = writeln!(text, "- {fact}: {value}");
        }
        if !self.targets.is_empty() {
            let _ = writeln!(text, "\n## Targets\n\n{}", self.verdicts().trim_end());
        }
        for Section { title, method, body } in &self.sections {
            let _ = writeln!(text, "\n## {title}\n\n{method}\n\n{}", body.trim_end());
        }
        text
    }

    fn verdicts(&self) -> String {
        if self.targets.is_empty() {
            return String::new();
        }
        let mut table = Table::new(["target", "limit", "measured", "verdict"]);
        for target in &self.targets {
            let Target { promise, measured, limit, sense, unit, .. } = target;
            let Measurement { value, error } = measured;
            let measured = match value {
                value if value.is_nan() => "–".to_owned(),
                value if *error > 0.0 => format!("{value:.3} ± {error:.3}{unit}"),
                value => format!("{value:.3}{unit}"),
            };
            let least = if *sense == Sense::AtLeast { "≥ " } else { "" };
            table.row([promise.clone(), format!("{least}{limit}{unit}"), measured, target.judgement()]);
        }
        table.to_string()
    }
}

/// What readers of times should know first.
pub(crate) fn warnings(load: Load, rounds: u16, period: usize, ways: usize) -> String {
    let mut text = String::new();
    if let Some(objection) = load.objection() {
        let _ = writeln!(text, "> **WARNING: {objection}. Nothing is concluded from these times.**\n");
    }
    if !usize::from(rounds).is_multiple_of(period) {
        let _ = writeln!(text, "> The orders of {ways} ways balance over {period} rounds.\n");
    }
    text
}

/// The script without what is repeated.
pub(crate) fn shortened(workload: Workload) -> String {
    let script = workload.script();
    let mut commands: Vec<&str> = script.split("; ").collect();
    let count = commands.len();
    commands.dedup();
    if commands.len() == 1 && count > 1 { format!("`{}` {count} times", commands[0]) } else { format!("`{script}`") }
}

fn times(measured: &Measured) -> Table {
    let mut table = Table::new([
        "way",
        "runs",
        "ms",
        "× native",
        "added ms",
        "÷ strace's",
        "÷ tracexec's",
        "added CPU ms",
        "peak KiB",
        "events",
        "stops",
    ]);
    for cell in &measured.cells {
        let added = measured.added(cell);
        let part_of = |kind| {
            let peer = measured.cell(kind).and_then(|peer| measured.added(peer)).map_or(f64::NAN, |added| added.median);
            let part = added.map_or(f64::NAN, |added| added.median) / peer;
            known((peer > 0.0).then_some(part).filter(|part| part.is_finite()), |part| format!("{part:.3}"))
        };
        table.row([
            cell.name.clone(),
            cell.spent.len().to_string(),
            milliseconds(Measured::time(cell)),
            known(measured.times_native(cell), |times| format!("{:.3}", times.value)),
            known(added, milliseconds),
            part_of(Kind::Strace),
            part_of(Kind::Tracexec),
            known(measured.added_cpu(cell), milliseconds),
            known(cell.look.peak_kib, |kib| kib.to_string()),
            known(cell.look.events, |events| events.to_string()),
            known(cell.look.stops, |stops| stops.to_string()),
        ]);
    }
    table
}

pub(crate) fn known<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| "–".to_owned(), show)
}

pub(crate) fn milliseconds(seconds: Spread) -> String {
    format!("{:.1} ± {:.1}", seconds.median * 1e3, seconds.mad * 1e3)
}

fn time_method(comparison: &Comparison) -> String {
    let mut text = format!(
        "Each workload is a shell script that is run in each way, after one run that does not count, with \
         standard input and output at `/dev/null` and the same few environment variables. In every round every way \
         runs once; the order is a Williams design, in which every way takes every place and follows every other \
         equally often, so that drift of the machine cancels. {} Times are from before the start of the tool until it \
         has been reaped. Shown are medians ± the median distance from them; *added* is the median of the differences \
         to the native run of the same round, *added CPU* the same of processor time, of the tool and the workload \
         together. Parts of what strace and tracexec add are parts of medians of the same run. The peak is of the \
         tool's own memory (`VmHWM`), from a run that does not count, as are the counts of events and stops. The \
         measured values of targets have the \
         standard error of the median. Verdicts are withheld if that is more than half of what a target allows and the \
         limit is less than two of it away, if the load average at the start is above the number of cores, or if others take more \
         than a tenth of the processor time.\n\nThe ways:\n\n",
        comparison.rounds.method(&format!(
            "{ENOUGH_OF_STRACE} of what strace adds, or {ENOUGH_OF_NATIVE} of the native time where the target is about that,"
        )),
    );
    for way in &comparison.ways {
        let _ = writeln!(text, "- {}: `{}`", way.name, way.shown());
    }
    let strace = "strace gets the calls of Lapwing's catalogue, and what makes processes:";
    let _ = write!(
        text,
        "\n{strace} `trace={}`. It cannot test arguments in the kernel, so it also stops for the `mmap`, `mprotect`, \
         `prctl` and `clone` calls that Lapwing's filter lets pass; on the other hand it need not report how processes \
         end. Peers write text to `/dev/null`, Lapwing JSON to a file.\n\nTracers that do nothing show what is left \
         whatever a tool of this kind does at stops: they resume what stops and look at nothing. One is told which threads \
         and programs there are, without which no rule about a process could be judged; the other as well of the calls \
         that Lapwing follows for all events, before and after each, as often as Lapwing is.",
        lapwing_measure::peers::traced_list(),
    );
    text
}
