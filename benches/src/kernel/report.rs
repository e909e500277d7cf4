//! What was measured of the kernel backend, as sections of the report.

use std::fmt::Write as _;

use super::discarded::Discarded;
use super::overhead::{Cell, Measured, Times};
use super::way::Kind;
use super::{Costs, Kernel, verdict};
use crate::report::{Report, known, milliseconds, shortened, warnings};
use crate::table::Table;
use crate::verdict::ENOUGH_OF_NATIVE;
use lapwing_measure::statistics::Spread;

/// Adds sections, and verdicts.
pub(crate) fn add(report: &mut Report, kernel: &Kernel) {
    let costs = match kernel {
        Kernel::Costs(costs) => costs,
        Kernel::Absent(why) => {
            report.section("Kernel backend", String::new(), format!("Not measured, it does not work here: {why}"));
            return;
        }
    };
    report.load("kernel backend", costs.load);
    report.targets(verdict::of(costs));
    report.section("Kernel backend: time", time_method(costs), times(costs));
    report.section("Kernel backend: calls that nobody asks about", calls_method(costs), calls(costs));
    if let Some(discarded) = &costs.discarded {
        let method = "The library watches with all types and an inode discarder on each file below `/usr/include`; nothing \
            is written. Times are the workload's own, as above.";
        report.section("Kernel backend: discarders", method.to_owned(), discarders(discarded));
    }
    let starts = "Lapwing is started with `/bin/true` and writes JSON to a pipe. Times are from before its start, \
        medians ± the median distance from them.";
    report.section("Kernel backend: start", starts.to_owned(), start(costs));
}

fn times(costs: &Costs) -> String {
    let mut body = warnings(costs.load, costs.rounds.least, costs.period, costs.ways.len());
    if let Some(why) = &costs.without_bpftrace {
        let _ = writeln!(body, "bpftrace is absent: {why}\n");
    }
    for measured in &costs.workloads {
        let letter = measured.workload.letter();
        let _ = writeln!(body, "**{letter}**: {}\n\n{}", shortened(measured.workload), times_of(measured));
        for cell in &measured.cells {
            for (count, loss) in counted(&cell.losses) {
                let _ = writeln!(body, "{letter}: {} lost, in {count} runs: {loss}\n", cell.name);
            }
        }
        body.push_str(&differences(measured));
    }
    let _ = writeln!(body, "Where Lapwing's costs are:\n\n{}", parts(costs));
    body
}

fn times_of(measured: &Measured) -> Table {
    let mut table = Table::new([
        "way",
        "runs",
        "before ms",
        "workload ms",
        "× native",
        "added ms",
        "÷ bpftrace's",
        "after ms",
        "added CPU ms",
        "tool's CPU ms",
        "peak KiB",
        "events",
    ]);
    let inside = |times: &Times| times.inside;
    let bpftrace = measured.cell(Kind::Bpftrace).and_then(|cell| measured.added(cell, inside));
    let bpftrace = bpftrace.map(|added| added.median).filter(|added| *added > 0.0);
    for cell in &measured.cells {
        let added = measured.added(cell, inside);
        let tool = (cell.kind != Kind::Native).then_some(());
        table.row([
            cell.name.to_owned(),
            cell.times.len().to_string(),
            known(tool, |()| milliseconds(cell.spread(|times| times.before))),
            milliseconds(cell.spread(inside)),
            known(measured.times_native(cell), |times| format!("{:.3}", times.value)),
            known(added, milliseconds),
            known(added.zip(bpftrace), |(added, bpftrace)| format!("{:.3}", added.median / bpftrace)),
            known(tool, |()| milliseconds(cell.spread(|times| times.after))),
            known(measured.added(cell, |times| times.workload_cpu), milliseconds),
            known(tool, |()| milliseconds(cell.spread(|times| times.tool_cpu))),
            known(cell.look.peak_kib, |kib| kib.to_string()),
            known(tool, |()| events(cell)),
        ]);
    }
    table
}

/// The number of events in each run, or the range of them.
fn events(cell: &Cell) -> String {
    if cell.fewest >= cell.most { cell.most.to_string() } else { format!("{}–{}", cell.fewest, cell.most) }
}

/// What is said repeatedly, once each.
fn counted(said: &[String]) -> Vec<(usize, &String)> {
    let mut different: Vec<&String> = said.iter().collect();
    different.sort();
    different.dedup();
    different.into_iter().map(|text| (said.iter().filter(|said| *said == text).count(), text)).collect()
}

/// Where the two backends do not agree.
fn differences(measured: &Measured) -> String {
    let pair = measured.cell(Kind::Kernel).zip(measured.cell(Kind::Ptrace));
    let differences = pair.map(|(kernel, ptrace)| kernel.look.seen.differences(&ptrace.look.seen)).unwrap_or_default();
    differences.into_iter().fold(String::new(), |text, (event, kernel, ptrace)| {
        text + &format!("`{event}` events: {kernel} of the kernel backend, {ptrace} of the ptrace backend\n\n")
    })
}

fn discarders(discarded: &Discarded) -> String {
    let mut table = Table::new(["discarders", "native ms", "workload ms", "× native", "reported calls"]);
    table.row([
        discarded.files.to_string(),
        milliseconds(Spread::of(&discarded.native)),
        milliseconds(Spread::of(&discarded.discarded)),
        format!("{:.3}", verdict::times_native_discarded(discarded).value),
        discarded.reported.to_string(),
    ]);
    table.to_string()
}

/// The start, and what is beyond it for each event.
fn parts(costs: &Costs) -> Table {
    let mut table = Table::new([
        "workload",
        "start's CPU ms",
        "Lapwing's CPU beyond it ms",
        "µs an event",
        "added to the workload's CPU ms",
        "µs an event",
        "rings KiB",
        "mapped KiB",
        "peak beyond that KiB",
    ]);
    let start = costs.start.cpu.median * 1e3;
    for measured in &costs.workloads {
        let Some(kernel) = measured.cell(Kind::Kernel) else { continue };
        let beyond = kernel.spread(|times| times.tool_cpu).median * 1e3 - start;
        let added = measured.added(kernel, |times| times.workload_cpu).map_or(f64::NAN, |added| added.median * 1e3);
        let of_event = |milliseconds: f64| format!("{:.2}", milliseconds * 1e3 / kernel.most.max(1) as f64);
        table.row([
            measured.workload.letter().to_owned(),
            format!("{start:.1}"),
            format!("{beyond:.1}"),
            of_event(beyond),
            format!("{added:.1}"),
            of_event(added),
            kernel.look.rings_kib.to_string(),
            kernel.look.mapped_kib.to_string(),
            known(verdict::beyond_rings_mib(kernel), |mebibytes| format!("{:.0}", mebibytes * 1024.0)),
        ]);
    }
    table
}

fn calls(costs: &Costs) -> String {
    let mut table = Table::new(["who calls", "ns a call", "added ns"]);
    let native = costs.calls.first();
    for calls in &costs.calls {
        let all = lapwing_measure::statistics::Spread::of(&calls.nanoseconds);
        let way = &calls.place.way;
        let added = native.filter(|_| way.kind != Kind::Native).map(|native| calls.added(native));
        let who = match (way.kind, calls.place.watched) {
            (Kind::Native, _) => "a process, nothing being watched".to_owned(),
            (Kind::Floor | Kind::FloorOfExits, _) => format!("a process, with {} at these calls", way.name),
            (_, true) => format!("a process that {} watches", way.name),
            (_, false) => format!("a process beside what {} watches", way.name),
        };
        table.row([
            who,
            format!("{:.1} ± {:.1}", all.median, all.mad),
            known(added, |added| format!("{:.1} ± {:.1}", added.median, added.mad)),
        ]);
    }
    table.to_string()
}

fn start(costs: &Costs) -> String {
    let start = costs.start;
    let mut table = Table::new(["until", "ms"]);
    table.row(["the first event is there".to_owned(), milliseconds(start.first_event)]);
    table.row(["Lapwing has been reaped".to_owned(), milliseconds(start.end)]);
    table.row(["processor time of all that".to_owned(), milliseconds(start.cpu)]);
    table.to_string()
}

fn time_method(costs: &Costs) -> String {
    let mut text = format!(
        "Each workload is a shell script that is run in each way as under *Time*, in balanced orders. {} The \
         first program that a tool starts is a clock, which starts the script and writes down when it began and \
         ended. *Workload* is the time between; *before* is from before the start of the tool until then, when \
         programs are compiled, loaded, checked by the kernel and attached; *after* is from the end of the script \
         until the tool has been reaped. Targets are about the workload itself, since the start has one of its own. \
         *Added* is the median of the differences to the native run of the same round, *added CPU* the same of the \
         workload's processor time, which contains what the programs in the kernel do, and the *tool's CPU* all \
         other processor time. Peaks (`VmHWM`) are from a run that does not count. They contain the mapped rings, which count twice \
         with tools that map each twice in a row (bpftrace); memory beyond the rings is the peak without that. Events \
         are of the runs that count. Lapwing writes JSON and bpftrace text, both to a file. Programs that do nothing \
         are attached where calls begin and return, or where they return (which is enough for 300 rules about opened \
         files and programs): no watch by programs at system calls can take less.\n\nThe ways:\n\n",
        costs.rounds.method(&format!("{ENOUGH_OF_NATIVE} of the native time")),
    );
    for way in &costs.ways {
        let _ = writeln!(text, "- {}: `{}`", way.name, way.shown());
    }
    let _ = write!(text, "\nbpftrace follows the command's descendants as Lapwing does (`measure/src/peers/tree.bt`).");
    text
}

fn calls_method(costs: &Costs) -> String {
    format!(
        "A process calls getppid(2) {} times in a loop. Shown is its processor time divided by the number of calls, \
         medians of {} runs in balanced orders ± the median distance from them; *added* is the median of the \
         differences to the native run of the same round. Programs at system calls run for every process of the \
         machine, and leave at once where it is not watched. Programs that do nothing are what the kernel takes for \
         calling any at all, where calls return, or where they begin as well.",
        costs.calls_each, costs.rounds.least,
    )
}
