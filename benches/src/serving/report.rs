//! Services as a section of the report.

use std::fmt::Write as _;

use super::measure::Measured;
use super::verdict::ENOUGH;
use super::way::Kind;
use super::{Serving, verdict};
use crate::report::{Report, known, warnings};
use crate::table::Table;
use lapwing_measure::statistics::Spread;

/// Adds the section, and verdicts.
pub(crate) fn add(report: &mut Report, serving: &Serving) {
    report.load("services", serving.load);
    report.targets(verdict::of(serving));
    let mut body = warnings(serving.load, serving.rounds.least, serving.period, serving.ways.len());
    for absent in &serving.absent {
        let _ = writeln!(body, "Not measured: {absent}\n");
    }
    for measured in &serving.services {
        let _ = writeln!(
            body,
            "**{}**, `{}`\n\n{}",
            measured.service.name(),
            measured.service.load_shown(),
            rates(measured)
        );
        for cell in &measured.cells {
            for loss in &cell.losses {
                let _ = writeln!(body, "{} lost: {loss}\n", cell.name);
            }
        }
    }
    report.section("Services", method(serving), body);
}

fn rates(measured: &Measured) -> Table {
    let mut table = Table::new(["way", "runs", "requests/s", "÷ native", "÷ strace's", "events a run"]);
    for cell in &measured.cells {
        let rate = Spread::of(&cell.rates);
        let part =
            |of| known(measured.part(cell.kind, of), |part: Spread| format!("{:.3} ± {:.3}", part.median, part.mad));
        let each = cell.events as f64 / cell.rates.len().max(1) as f64;
        table.row([
            cell.name.to_owned(),
            cell.rates.len().to_string(),
            format!("{:.0} ± {:.0}", rate.median, rate.mad),
            part(Kind::Native),
            part(Kind::Strace),
            known(cell.kind.is_lapwing().then_some(()), |()| format!("{each:.0}")),
        ]);
    }
    table
}

fn method(serving: &Serving) -> String {
    let mut text = format!(
        "Each service is started in each way, in balanced orders, and loaded from outside of it, on the same \
         machine, over the loopback. {} Shown are medians of what the load generator says ± the median distance from them; \
         parts are medians of those within a round. nginx has one worker and serves a file of 1 KiB, which it opens for \
         each request. The 300 rules are `benches/src/policies.rs`'s; none matches. Programs that do nothing in the kernel, at both \
         ends of calls or where they return, show what is left of the rate whatever a watch does there; and so do a tracer \
         that resumes at once what Lapwing looks at for all events, and answers to the opening of files that are given \
         without a look at the path.\n\nThe ways:\n\n",
        serving.rounds.method(&format!("{ENOUGH} of the native requests")),
    );
    for way in &serving.ways {
        let shown = if way.kind == Kind::Native { "SERVICE".to_owned() } else { way.shown() };
        let _ = writeln!(text, "- {}: `{shown}`", way.name);
    }
    text
}
