//! What was measured, as a table for people.

use std::fmt::Write as _;

use lapwing_measure::statistics::Spread;

use super::{Cell, Costs};
use crate::output::palette::Palette;

const HEADINGS: [&str; 9] = ["", "wall ms", "× native", "added ms", "CPU ms", "events", "stops", "lost", "peak KiB"];

/// What a cell without a value shows.
const NOTHING: &str = "–";

impl Costs {
    pub(super) fn table(&self, palette: &Palette) -> String {
        let rows: Vec<[String; 9]> = self.cells.iter().map(|cell| self.row(cell)).collect();
        let width = |column: usize| {
            let widths = rows.iter().map(|row| row[column].chars().count());
            widths.chain([HEADINGS[column].chars().count()]).max().unwrap_or(0)
        };
        let line = |row: &[String; 9]| {
            let mut line = format!("{:<1$}", row[0], width(0));
            for (column, text) in row.iter().enumerate().skip(1) {
                // Writing to a string cannot fail, here and below.
                let _ = write!(line, "  {text:>0$}", width(column));
            }
            line
        };
        let (bold, plain) = (palette.heading.render(), palette.heading.render_reset());
        let (dim, undimmed) = (palette.dim.render(), palette.dim.render_reset());
        let mut out = format!("{bold}{}{plain}\n{dim}{}; {}{undimmed}\n\n", self.command, self.method(), self.machine);
        let _ = writeln!(out, "{bold}{}{plain}", line(&HEADINGS.map(str::to_owned)));
        for row in &rows {
            let _ = writeln!(out, "{}", line(row));
        }
        for (way, reason) in &self.missing {
            let _ = writeln!(out, "{dim}{way}: does not work here: {reason}{undimmed}");
        }
        let style = if self.agrees() { palette.good } else { palette.bad };
        let _ = writeln!(out, "\n{}{}{}", style.render(), self.verdict_text(), style.render_reset());
        out
    }

    pub(super) fn method(&self) -> String {
        format!("medians ± median distance of {} runs in balanced orders, each tool's own start included", self.rounds)
    }

    fn row(&self, cell: &Cell) -> [String; 9] {
        let times = self.times(cell);
        let ratio = self.times_native(cell).filter(|_| times.added.is_some());
        let count = |count: Option<u64>| count.map_or_else(|| NOTHING.to_owned(), |count| count.to_string());
        [
            cell.way.label(),
            milliseconds(times.wall),
            ratio.map_or_else(|| NOTHING.to_owned(), |ratio| format!("{ratio:.2}")),
            times.added.map_or_else(|| NOTHING.to_owned(), milliseconds),
            milliseconds(times.cpu),
            count(cell.look.events),
            count(cell.look.stops),
            count(cell.look.lost),
            count(cell.look.peak_kib),
        ]
    }
}

fn milliseconds(spread: Spread) -> String {
    format!("{:.1} ± {:.1}", spread.median * 1e3, spread.mad * 1e3)
}
