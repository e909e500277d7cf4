//! A picture on a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use lapwing_common::picture::{Category, Group, Mark, Picture, Program};

use crate::output::quote;

/// How much of a picture is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Whole,
    /// What is added or removed, and the programs that lead to it.
    Changes,
}

const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();
const PROGRAM: Style = Style::new().bold();
const KIND: Style = Style::new().dimmed();
const STRONG: Style = AnsiColor::Yellow.on_default();

/// The picture as a tree of lines. A sign at the start of a line tells what was added and what removed.
pub(super) fn tree(picture: &Picture, colour: bool, extent: Extent) -> String {
    let mut page = Page { out: String::new(), colour, extent };
    let shown: Vec<&Program> = picture.programs.iter().filter(|program| page.shows(program)).collect();
    for program in shown {
        page.program(program, 0);
    }
    page.out
}

struct Page {
    out: String,
    colour: bool,
    extent: Extent,
}

impl Page {
    fn shows(&self, program: &Program) -> bool {
        self.extent == Extent::Whole || differs(program)
    }

    fn program(&mut self, program: &Program, depth: usize) {
        let style = match program.mark {
            Mark::Same => PROGRAM,
            Mark::Added => ADDED.bold(),
            Mark::Removed => REMOVED.bold(),
        };
        self.begin(program.mark, depth);
        self.styled(&program.command, style);
        self.out.push('\n');
        for group in &program.groups {
            self.group(group, depth + 1);
        }
        for child in &program.children {
            if self.shows(child) {
                self.program(child, depth + 1);
            }
        }
    }

    fn group(&mut self, group: &Group, depth: usize) {
        for item in &group.items {
            if self.extent == Extent::Changes && item.mark == Mark::Same {
                continue;
            }
            let style = match item.mark {
                Mark::Added => ADDED,
                Mark::Removed => REMOVED,
                Mark::Same if item.is_strong => STRONG,
                Mark::Same => Style::new(),
            };
            self.begin(item.mark, depth);
            let kind = match group.category {
                Category::Files if item.is_strong => "write",
                Category::Files => "open",
                other => other.name(),
            };
            self.styled(&format!("{kind:<8} "), KIND);
            let text = if group.category == Category::Files {
                format!("{}{}", group.label, item.text)
            } else {
                item.text.clone()
            };
            self.styled(&text, style);
            self.out.push('\n');
        }
    }

    fn begin(&mut self, mark: Mark, depth: usize) {
        let sign = match mark {
            Mark::Same => ' ',
            Mark::Added => '+',
            Mark::Removed => '-',
        };
        let _ = write!(self.out, "{sign} {:width$}", "", width = depth * 2);
    }

    /// Text of a workload's choice, of which a terminal obeys nothing.
    fn styled(&mut self, text: &str, style: Style) {
        let mut plain = Vec::new();
        quote::escape(&mut plain, text.as_bytes());
        let text = String::from_utf8_lossy(&plain);
        if self.colour {
            let _ = write!(self.out, "{style}{text}{style:#}");
        } else {
            self.out.push_str(&text);
        }
    }
}

fn differs(program: &Program) -> bool {
    let is_changed = |group: &Group| group.items.iter().any(|item| item.mark != Mark::Same);
    program.mark != Mark::Same || program.groups.iter().any(is_changed) || program.children.iter().any(differs)
}
