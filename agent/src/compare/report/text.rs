//! The report as text, in the way of a diff: `-` is the first stream, `+` the second.

use std::fmt::Write as _;

use anstyle::Style;

use super::{Report, event};
use crate::activity::{self, Extent};
use crate::compare::Processes;
use crate::compare::nearest::{Difference, Field};
use crate::compare::tree::{Parting, PartingKind};
use crate::output::palette::Palette;

/// The marks of the streams.
const MARKS: [char; 2] = ['-', '+'];

/// Writing to a string cannot fail, so results are dropped throughout.
pub(super) fn render(report: &Report, limit: usize, palette: &Palette) -> String {
    let styles = [palette.bad, palette.good];
    let mut out = String::new();
    for (side, (mark, style)) in report.sides.iter().zip(MARKS.iter().zip(styles)) {
        let line = format!("{mark} {}: {} events of {} processes", side.name, side.events, side.processes);
        let _ = writeln!(out, "{}", styled(style, &line));
    }
    let mut process = None;
    for difference in report.differences.iter().take(limit) {
        if process != Some(&difference.process) {
            process = Some(&difference.process);
            let _ = writeln!(out, "\n{}", styled(palette.heading, &difference.process));
        }
        write_difference(&mut out, difference, palette);
    }
    left_out(&mut out, report.differences.len(), limit, "differences");
    if !report.partings.is_empty() {
        let _ = writeln!(out, "\n{}", styled(palette.heading, "where the trees of processes part"));
        for parting in report.partings.iter().take(limit) {
            let _ = writeln!(out, "{}", parting_line(parting, palette));
        }
        left_out(&mut out, report.partings.len(), limit, "places");
    }
    if let Some(dumps) = report.dumps.as_ref().filter(|_| !report.dumps_agree()) {
        let _ = writeln!(out, "\n{}", styled(palette.heading, "where the dumps differ"));
        out.push_str(&activity::difference_tree(dumps, palette.is_colourful(), Extent::Changes));
    }
    let _ = writeln!(out, "\n{}", verdict(report, palette));
    out
}

fn write_difference(out: &mut String, difference: &Difference, palette: &Palette) {
    let styles = [palette.bad, palette.good];
    let times = if difference.count == 1 { String::new() } else { format!("{} × ", difference.count) };
    match &difference.events {
        [Some(event), Some(_)] => {
            let _ = writeln!(out, "  ~ {times}{}", event::title(event));
            for field in difference.fields.iter().filter(|field| !is_twin(field, &difference.fields)) {
                write_field(out, field, styles);
            }
        }
        events => {
            for (side, event) in events.iter().enumerate() {
                if let Some(event) = event {
                    let line = format!("{} {times}{}", MARKS[side], event::title(event));
                    let _ = writeln!(out, "  {}", styled(styles[side], &line));
                }
            }
        }
    }
}

/// Whether a field only says in numbers what another that differs says in words.
fn is_twin(field: &Field, fields: &[Field]) -> bool {
    fields.iter().any(|other| other.name.strip_suffix("_str") == Some(&field.name))
}

fn write_field(out: &mut String, field: &Field, styles: [Style; 2]) {
    let _ = writeln!(out, "      {}", field.name);
    for ((value, mark), style) in field.values.iter().zip(MARKS).zip(styles) {
        let value = value.as_ref().map_or_else(|| "(absent)".to_owned(), event::value);
        let _ = writeln!(out, "      {}", styled(style, &format!("{mark} {value}")));
    }
}

fn parting_line(Parting { process, kind }: &Parting, palette: &Palette) -> String {
    match kind {
        PartingKind::OnlyIn(0) => format!("  {}", styled(palette.bad, &format!("- {process}"))),
        PartingKind::OnlyIn(_) => format!("  {}", styled(palette.good, &format!("+ {process}"))),
        PartingKind::Events => format!("  ~ {process}: other events"),
    }
}

fn left_out(out: &mut String, all: usize, limit: usize, what: &str) {
    if all > limit {
        let _ = writeln!(out, "\n{} more {what}; `--limit {all}` shows them", all - limit);
    }
}

fn verdict(report: &Report, palette: &Palette) -> String {
    let trees = match report.processes {
        Processes::Tree => " and trees of processes",
        Processes::Paths => "",
    };
    if report.agrees() {
        let dumps = if report.dumps.is_some() { ", and the same dumps" } else { "" };
        return styled(palette.good, &format!("the same events{trees}{dumps}"));
    }
    let text = match (report.differences.len(), report.partings.len()) {
        (0, 0) => format!("the same events{trees}, but not the same dumps"),
        (0, _) => "the same events, but not of the same processes: the trees differ".to_owned(),
        (count, 0) => format!("not the same: {count} different events"),
        (count, _) => format!("not the same: {count} different events, and different trees of processes"),
    };
    styled(palette.bad, &text)
}

fn styled(style: Style, text: &str) -> String {
    format!("{}{text}{}", style.render(), style.render_reset())
}
