//! A picture drawn by ourselves, for those who have no Graphviz.
//!
//! Rows from top to bottom, indented as deep as programs are: unlike a graph's, this layout stays readable when a
//! program has a hundred children, is the same every time, and takes no search for positions.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use super::escape::markup;
use super::{Category, Group, Item, Mark, Picture, Program};
use crate::activity::Generation;

/// Lengths in pixels, for a monospaced font of 12.
const LETTER: f64 = 7.25;
const ROW: usize = 20;
const INDENT: usize = 28;
const MARGIN: usize = 20;
/// A list of things is broken after so many letters.
const LINE: usize = 110;
/// Letters that a list's heading takes before the things begin.
const HEADING: usize = 12;

/// A picture as a document of its own.
#[must_use]
pub fn svg(picture: &Picture) -> String {
    let mut rows = Rows::default();
    for program in &picture.programs {
        rows.program(program, 0, None);
    }
    let is_difference = rows.marked;
    let mut head = String::new();
    let height = MARGIN * 2 + ROW * (rows.count + 3);
    // A fraction of a letter is of no use to anybody.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a width")]
    let width = MARGIN * 2 + (rows.widest as f64 * LETTER) as usize;
    let _ = write!(
        head,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:space=\"preserve\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\">\n<style>\n\
         text {{ font: 12px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #24292f; \
         white-space: pre; }}\n\
         .title {{ font-size: 15px; font-weight: bold; }} .tag, .what {{ fill: #6e7781; }}\n\
         .box {{ fill: #edf3ff; stroke: #8fbbff; }} .box.drift {{ fill: #c2daff; }} .box.snapshot {{ fill: #fff; }}\n\
         .command {{ font-weight: bold; }} .line {{ fill: none; stroke: #8fbbff; }}\n\
         .strong {{ fill: #9a4b00; }} .drift {{ font-weight: bold; }}\n\
         .box.added {{ fill: #dafbe1; stroke: #1a7f37; }} .box.removed {{ fill: #ffebe9; stroke: #cf222e; }}\n\
         .added {{ fill: #1a7f37; }} .removed {{ fill: #cf222e; text-decoration: line-through; }}\n\
         </style>\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
    );
    let _ = write!(head, "<text class=\"title\" x=\"{MARGIN}\" y=\"{}\">", MARGIN + 10);
    markup(if picture.title.is_empty() { "activity" } else { &picture.title }, &mut head);
    let _ = write!(head, "</text>\n<text class=\"tag\" x=\"{MARGIN}\" y=\"{}\">", MARGIN + 10 + ROW);
    markup(&legend(&picture.tags, is_difference), &mut head);
    head.push_str("</text>\n");
    head.push_str(&rows.lines);
    head.push_str(&rows.out);
    head.push_str("</svg>\n");
    head
}

fn legend(tags: &[String], is_difference: bool) -> String {
    let mut words = tags.join("  ");
    if is_difference {
        words.insert_str(0, "green: only in the second   red: only in the first   ");
    }
    if let Some((end, _)) = words.char_indices().nth(LINE) {
        words.truncate(end);
        words.push('…');
    }
    words
}

/// What has been drawn so far.
#[derive(Default)]
struct Rows {
    out: String,
    /// Lines between programs, which lie below everything else.
    lines: String,
    count: usize,
    /// Letters of the longest row, indentation included.
    widest: usize,
    /// Something is marked as added or removed.
    marked: bool,
}

impl Rows {
    /// Begins a row, and tells where its text stands.
    fn next(&mut self, indent: usize, letters: usize) -> (usize, usize) {
        self.count += 1;
        self.widest = self.widest.max(letters + 6 + indent.div_ceil(7)).max(LINE / 2);
        (MARGIN + indent, MARGIN + ROW * (self.count + 2))
    }

    fn program(&mut self, program: &Program, depth: usize, above: Option<usize>) {
        let letters = program.command.chars().count();
        let (x, y) = self.next(depth * INDENT, letters + 2);
        if let Some(above) = above {
            let (from, middle) = (x - INDENT + 8, y - 4);
            let _ =
                writeln!(self.lines, "<path class=\"line\" d=\"M{from} {above} V{middle} H{x}\"/>", above = above + 4);
        }
        self.marked |= program.mark != Mark::Same;
        let class = class(program.mark, program.generation);
        #[expect(clippy::cast_precision_loss, reason = "a width")]
        let width = letters as f64 * LETTER + 12.0;
        let _ = write!(
            self.out,
            "<rect class=\"box{class}\" x=\"{x}\" y=\"{}\" width=\"{width:.0}\" height=\"{}\" rx=\"3\"/>\
             <text class=\"command{class}\" x=\"{}\" y=\"{y}\">",
            y - 14,
            ROW - 2,
            x + 6
        );
        markup(&program.command, &mut self.out);
        if !program.hashes.is_empty() || !program.package.is_empty() {
            self.out.push_str("<title>");
            markup(&alloc::format!("{} {}", program.package, program.hashes), &mut self.out);
            self.out.push_str("</title>");
        }
        self.out.push_str("</text>\n");
        for group in &program.groups {
            self.group(group, depth);
        }
        for child in &program.children {
            self.program(child, depth + 1, Some(y));
        }
    }

    /// A list of things, broken into rows.
    fn group(&mut self, group: &Group, depth: usize) {
        let heading = match group.category {
            Category::Files => String::from("opens"),
            Category::Ports => String::from("binds"),
            Category::Names => String::from("asks for"),
            Category::Metadata => String::from("metadata"),
            Category::Flows => String::from("flows"),
            Category::Syscalls => String::from("calls"),
            Category::Capabilities => String::from("may"),
        };
        let mut rest = group.items.as_slice();
        let mut is_first = true;
        while !rest.is_empty() {
            let (row, after) = split(rest, &group.label, is_first);
            rest = after;
            let letters = HEADING + row.iter().map(|item| item.text.chars().count() + 2).sum::<usize>();
            let label = if is_first { group.label.chars().count() + 1 } else { 0 };
            let (x, y) = self.next(depth * INDENT + INDENT, letters + label);
            let _ = write!(self.out, "<text x=\"{x}\" y=\"{y}\"><tspan class=\"what\">");
            let shown = if is_first { heading.as_str() } else { "" };
            let _ = write!(self.out, "{shown:<HEADING$}");
            if is_first && !group.label.is_empty() {
                markup(&group.label, &mut self.out);
                self.out.push(' ');
            }
            self.out.push_str("</tspan>");
            for item in row {
                self.item(item);
            }
            self.out.push_str("</text>\n");
            is_first = false;
        }
    }

    fn item(&mut self, item: &Item) {
        self.marked |= item.mark != Mark::Same;
        let mut classes = String::from(class(item.mark, item.generation));
        if item.is_strong && item.mark == Mark::Same {
            classes.push_str(" strong");
        }
        if classes.is_empty() {
            markup(&item.text, &mut self.out);
            self.out.push_str("  ");
            return;
        }
        let _ = write!(self.out, "<tspan class=\"{}\">", classes.trim_start());
        markup(&item.text, &mut self.out);
        self.out.push_str("</tspan>  ");
    }
}

/// As many things as a row takes, one at least, and the rest.
fn split<'a>(items: &'a [Item], label: &str, is_first: bool) -> (&'a [Item], &'a [Item]) {
    let mut letters = if is_first { label.chars().count() } else { 0 };
    let lengths: Vec<usize> = items.iter().map(|item| item.text.chars().count() + 2).collect();
    let fitting = lengths.iter().take_while(|length| {
        letters += **length;
        letters <= LINE
    });
    items.split_at(fitting.count().max(1))
}

/// The class that goes with others, a space before it.
fn class(mark: Mark, generation: Generation) -> &'static str {
    match (mark, generation) {
        (Mark::Added, _) => " added",
        (Mark::Removed, _) => " removed",
        (Mark::Same, Generation::ProfileDrift) => " drift",
        (Mark::Same, Generation::Snapshot) => " snapshot",
        (Mark::Same, _) => "",
    }
}
