//! The report as text: marks and colours on a terminal, words in a pipe, JSON for programs.

use std::fmt::Write as _;

use anstyle::Style;

use super::{Area, Check, Report, State};
use crate::cli::ReportFormat;
use crate::config::Surroundings;
use crate::output::palette::Palette;

const NAME: usize = 28;

impl Report {
    pub(crate) fn render(&self, format: ReportFormat, surroundings: &Surroundings) -> String {
        match format {
            ReportFormat::Json => self.json(),
            ReportFormat::Pretty => {
                self.pretty(&Palette::new(surroundings.stdout_colour), surroundings.stdout_is_terminal)
            }
        }
    }

    fn json(&self) -> String {
        // Fails for maps with keys that are no strings only; there is none.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    pub(super) fn pretty(&self, palette: &Palette, marks: bool) -> String {
        let mut text = format!("lapwing {} on {}\n", self.version, self.system);
        for (area, title) in [
            (Area::Ptrace, "ptrace backend"),
            (Area::Kernel, "kernel backend (eBPF)"),
            (Area::Environment, "environment"),
        ] {
            let verdict = self.backends.iter().find(|backend| area.is(backend.name));
            let verdict = verdict.map(|backend| format!(": {}", backend.why));
            text.push('\n');
            styled(&mut text, palette.heading, &format!("{title}{}\n", verdict.unwrap_or_default()));
            for check in self.checks.iter().filter(|check| check.area == area) {
                row(&mut text, check, palette, marks);
            }
        }
        text.push('\n');
        let auto = self.auto.unwrap_or("nothing");
        styled(&mut text, palette.heading, &format!("`--backend auto` picks {auto}: {}\n", self.reason));
        text
    }
}

impl Area {
    fn is(self, backend: &str) -> bool {
        matches!((self, backend), (Self::Ptrace, "ptrace") | (Self::Kernel, "kernel"))
    }
}

fn row(text: &mut String, check: &Check, palette: &Palette, marks: bool) {
    let (mark, word, style) = match check.state {
        State::Yes => ("✔", "yes", palette.good),
        State::No => ("✘", "no", palette.bad),
        State::Unknown => ("?", "unknown", palette.doubtful),
        State::Note => ("·", "note", palette.dim),
    };
    text.push_str("  ");
    styled(text, style, &if marks { mark.to_owned() } else { format!("{word:<7}") });
    let indent = if marks { 4 } else { 10 };
    let line = format!(" {:<NAME$} {}", check.name, check.detail);
    text.push_str(line.trim_end());
    text.push('\n');
    if let Some(advice) = &check.advice {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{:indent$}", "");
        styled(text, palette.dim, &format!("do: {advice}"));
        text.push('\n');
    }
}

fn styled(text: &mut String, style: Style, content: &str) {
    // Writing to a `String` cannot fail.
    let _ = write!(text, "{}{content}{}", style.render(), style.render_reset());
}
