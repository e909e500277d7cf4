//! What was measured, as a bar chart: wall times, for a page that is light or dark.

use std::fmt::Write as _;

use super::way::Tool;
use super::{Cell, Costs};

const WIDTH: f64 = 820.0;
/// Where bars begin, and how long the longest is.
const LEFT: f64 = 190.0;
const LENGTH: f64 = 430.0;
const TOP: f64 = 84.0;
const ROW: f64 = 36.0;
const BAR: f64 = 20.0;
/// Letters of a command that fit.
const TITLE: usize = 80;

const STYLE: &str = "  text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328; }
  .title { font-size: 17px; font-weight: 600; }
  .note { font-size: 12px; fill: #656d76; }
  .page { fill: #ffffff; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .spread { stroke: #1f2328; stroke-width: 1.5; }
  .native { fill: #8c959f; } .lapwing { fill: #1a7f6b; } .peer { fill: #d4a05a; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .note { fill: #8d96a0; } .page { fill: #0d1117; } .grid { stroke: #30363d; }
    .spread { stroke: #e6edf3; }
    .native { fill: #6e7681; } .lapwing { fill: #2ea58b; } .peer { fill: #b08243; }
  }";

impl Costs {
    pub(super) fn svg(&self) -> String {
        let longest = self.cells.iter().map(|cell| self.times(cell).wall).map(|wall| wall.median + wall.mad);
        let longest = longest.fold(f64::MIN_POSITIVE, f64::max);
        let height = TOP + ROW * self.cells.len() as f64 + 44.0;
        // Writing to a string cannot fail.
        let mut out = String::new();
        let _ = writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
             height=\"{height}\" role=\"img\">\n<title>{}</title>\n<style>\n{STYLE}\n</style>\n\
             <rect class=\"page\" width=\"100%\" height=\"100%\" rx=\"8\"/>",
            escaped(&self.command)
        );
        let _ = writeln!(out, "<text class=\"title\" x=\"24\" y=\"34\">{}</text>", escaped(&shortened(&self.command)));
        let note = format!("wall time: {}", self.method());
        let _ = writeln!(out, "<text class=\"note\" x=\"24\" y=\"56\">{}</text>", escaped(&note));
        let native = self.cells.iter().find(|cell| cell.way.tool == Tool::Native);
        if let Some(native) = native {
            let x = LEFT + LENGTH * self.times(native).wall.median / longest;
            let bottom = TOP + ROW * self.cells.len() as f64;
            let _ = writeln!(out, "<line class=\"grid\" x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{bottom}\"/>");
        }
        for (index, cell) in self.cells.iter().enumerate() {
            self.bar(&mut out, cell, TOP + ROW * index as f64, longest);
        }
        let verdict = escaped(&format!("{}; {}", self.verdict_text(), self.machine));
        let _ = writeln!(out, "<text class=\"note\" x=\"24\" y=\"{:.1}\">{verdict}</text>\n</svg>", height - 18.0);
        out
    }

    fn bar(&self, out: &mut String, cell: &Cell, top: f64, longest: f64) {
        let class = match cell.way.tool {
            Tool::Native => "native",
            Tool::Ptrace | Tool::Kernel => "lapwing",
            Tool::Strace | Tool::Tracexec | Tool::Bpftrace => "peer",
        };
        let wall = self.times(cell).wall;
        let place = |seconds: f64| LEFT + LENGTH * seconds / longest;
        let (y, middle) = (top + (ROW - BAR) / 2.0, top + ROW / 2.0);
        let text = middle + 4.5;
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{text:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 10.0,
            escaped(&cell.way.label())
        );
        let width = LENGTH * wall.median / longest;
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"3\"/>"
        );
        let (from, to) = (place(wall.median - wall.mad).max(LEFT), place(wall.median + wall.mad));
        let _ = writeln!(
            out,
            "<line class=\"spread\" x1=\"{from:.1}\" y1=\"{middle:.1}\" x2=\"{to:.1}\" y2=\"{middle:.1}\"/>"
        );
        let ratio = match self.times_native(cell).filter(|_| cell.way.tool != Tool::Native) {
            Some(ratio) => format!(" · ×{ratio:.2}"),
            None => String::new(),
        };
        let label = format!("{:.1} ms{ratio}", wall.median * 1e3);
        let _ = writeln!(out, "<text x=\"{:.1}\" y=\"{text:.1}\">{label}</text>", to + 10.0);
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= TITLE { text.to_owned() } else { text.chars().take(TITLE).chain(['…']).collect() }
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, letter| {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // Not allowed in XML at all.
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
        out
    })
}
