//! A picture in the language of Graphviz, with Datadog's colours.
//!
//! Programs stand to the right of those that started them, and what each did above one another: a program with a hundred
//! children makes the picture long, which can be scrolled through, and not so wide that nothing in it can be read.

use alloc::string::String;
use core::fmt::Write as _;

use super::escape::{markup, record};
use super::{Category, Group, Item, Mark, Picture, Program};
use crate::activity::Generation;

/// Border, and fills: of what departs from a profile, of what happened, of what was there.
struct Colours {
    border: &'static str,
    drift: &'static str,
    runtime: &'static str,
    snapshot: &'static str,
    cluster: &'static str,
}

const PROCESS: Colours =
    Colours { border: "#8fbbff", drift: "#c2daff", runtime: "#edf3ff", snapshot: "white", cluster: "#e3e3e3" };
const FILE: Colours =
    Colours { border: "#77bf77", drift: "#c6e1c1", runtime: "#e9f3e7", snapshot: "white", cluster: "#c2f2c2" };
const NETWORK: Colours =
    Colours { border: "#ff9800", drift: "#faddb1", runtime: "#ffebcd", snapshot: "#ffebcd", cluster: "#fff5e6" };
/// Border of what is neither.
const CATEGORY: &str = "#c7c7c7";
const ADDED: &str = "#a6e3a1";
const REMOVED: &str = "#f2a6a6";

/// How many names of calls or capabilities stand side by side.
const PER_ROW: usize = 5;

impl Colours {
    fn fill(&self, generation: Generation, mark: Mark) -> &'static str {
        match (mark, generation) {
            (Mark::Added, _) => ADDED,
            (Mark::Removed, _) => REMOVED,
            (Mark::Same, Generation::ProfileDrift) => self.drift,
            (Mark::Same, Generation::Snapshot) => self.snapshot,
            (Mark::Same, _) => self.runtime,
        }
    }
}

/// A picture as a directed graph.
#[must_use]
pub fn dot(picture: &Picture) -> String {
    let mut drawing = Drawing { out: String::new(), nodes: 0 };
    drawing.begin(picture);
    for program in &picture.programs {
        drawing.program(program);
    }
    drawing.out.push_str("}\n");
    drawing.out
}

struct Drawing {
    out: String,
    nodes: usize,
}

impl Drawing {
    fn begin(&mut self, picture: &Picture) {
        let out = &mut self.out;
        out.push_str("digraph {\n\tlabel=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"4\">");
        out.push_str("<TR><TD COLSPAN=\"3\"><B>");
        markup(&picture.title, out);
        out.push_str("</B></TD></TR>");
        for row in picture.tags.chunks(3) {
            out.push_str("<TR>");
            for (tag, at) in row.iter().zip(1..) {
                let span = if at == row.len() { 4 - at } else { 1 };
                let _ = write!(out, "<TD COLSPAN=\"{span}\">");
                markup(tag, out);
                out.push_str("</TD>");
            }
            out.push_str("</TR>");
        }
        out.push_str("</TABLE>>\n\tlabelloc=\"t\"\n\tfontname=\"arial\"\n\tfontsize=5\n\trankdir=LR\n\tratio=expand\n");
        out.push_str("\tranksep=1.5\n\tpad=2\n\tnode [margin=.05, penwidth=1, shape=record, style=filled, ");
        out.push_str("fontname=\"arial\", fontsize=10]\n\tedge [arrowhead=none]\n");
    }

    fn number(&mut self) -> usize {
        self.nodes += 1;
        self.nodes
    }

    fn program(&mut self, program: &Program) -> usize {
        let id = self.number();
        let fill = PROCESS.fill(program.generation, program.mark);
        let _ = write!(self.out, "\tn{id} [shape=plaintext, style=solid, color=\"{}\", label=<", PROCESS.border);
        self.out.push_str("<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"5\" BGCOLOR=\"");
        self.out.push_str(fill);
        self.out.push_str("\">");
        self.fact("Command", &program.command);
        self.fact("Package", &program.package);
        self.fact("Hashes", &program.hashes);
        self.out.push_str("</TABLE>>]\n");
        self.files(id, program);
        for group in &program.groups {
            match group.category {
                Category::Files => {}
                Category::Ports | Category::Flows => self.family(id, group),
                Category::Names | Category::Metadata => {
                    for item in &group.items {
                        self.network(id, item, &item.text);
                    }
                }
                Category::Syscalls | Category::Capabilities => self.words(id, group),
            }
        }
        for child in &program.children {
            let below = self.program(child);
            self.edge(id, below, PROCESS.border);
        }
        id
    }

    /// A row of a program's table, if there is something to say.
    fn fact(&mut self, name: &str, value: &str) {
        if value.is_empty() && name != "Command" {
            return;
        }
        let _ = write!(self.out, "<TR><TD>{name}</TD><TD ALIGN=\"LEFT\"><FONT POINT-SIZE=\"10\">");
        markup(value, &mut self.out);
        self.out.push_str("</FONT></TD></TR>");
    }

    fn edge(&mut self, from: usize, to: usize, colour: &str) {
        let _ = writeln!(self.out, "\tn{from} -> n{to} [color=\"{colour}\"]");
    }

    /// A table for each directory at the top, in a box of their own.
    fn files(&mut self, program: usize, of: &Program) {
        let mut groups = of.groups.iter().filter(|group| group.category == Category::Files).peekable();
        if groups.peek().is_none() {
            return;
        }
        self.cluster(program, "files", FILE.cluster);
        let mut tables = alloc::vec::Vec::new();
        while let Some(group) = groups.next() {
            let top = top(&group.label);
            let id = self.number();
            tables.push(id);
            let _ = write!(self.out, "\t\tn{id} [shape=plaintext, style=solid, color=\"{}\", label=<", FILE.border);
            self.out.push_str("<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"1\">");
            self.out.push_str("<TR><TD><B>Events</B></TD><TD><B>Hash count</B></TD><TD><B>File</B></TD>");
            self.out.push_str("<TD><B>Package</B></TD></TR>");
            self.file_rows(group);
            while let Some(next) = groups.next_if(|next| self::top(&next.label) == top) {
                self.file_rows(next);
            }
            self.out.push_str("</TABLE>>]\n");
        }
        self.out.push_str("\t}\n");
        for table in tables {
            self.edge(program, table, FILE.border);
        }
    }

    fn file_rows(&mut self, group: &Group) {
        for item in &group.items {
            let fill = FILE.fill(item.generation, item.mark);
            let _ = write!(
                self.out,
                "<TR><TD BGCOLOR=\"{fill}\">open</TD><TD BGCOLOR=\"{fill}\">{} hash(es)</TD>",
                item.hashes
            );
            let _ = write!(self.out, "<TD ALIGN=\"LEFT\" BGCOLOR=\"{fill}\"><FONT POINT-SIZE=\"7\">");
            markup(&group.label, &mut self.out);
            markup(&item.text, &mut self.out);
            let _ = write!(self.out, "</FONT></TD><TD ALIGN=\"LEFT\" BGCOLOR=\"{fill}\">");
            markup(&item.package, &mut self.out);
            self.out.push_str("</TD></TR>");
        }
    }

    /// A node for what things have in common, and one for each.
    fn family(&mut self, program: usize, group: &Group) {
        let family = self.network(program, &Item { generation: Generation::Runtime, ..Item::default() }, &group.label);
        let is_flow = group.category == Category::Flows;
        if is_flow {
            self.cluster(program, &group.label, NETWORK.cluster);
        }
        let mut nodes = alloc::vec::Vec::new();
        for item in &group.items {
            let id = self.number();
            nodes.push(id);
            let label = if is_flow { item.text.clone() } else { alloc::format!("bind {}", item.text) };
            self.node(id, &label, NETWORK.border, NETWORK.fill(item.generation, item.mark));
        }
        if is_flow {
            self.out.push_str("\t}\n");
        }
        for node in nodes {
            self.edge(family, node, NETWORK.border);
        }
    }

    fn network(&mut self, program: usize, item: &Item, label: &str) -> usize {
        let id = self.number();
        self.node(id, label, NETWORK.border, NETWORK.fill(item.generation, item.mark));
        self.edge(program, id, NETWORK.border);
        id
    }

    fn node(&mut self, id: usize, label: &str, border: &str, fill: &str) {
        let _ = write!(self.out, "\tn{id} [color=\"{border}\", fillcolor=\"{fill}\", label=\"");
        record(label, &mut self.out);
        self.out.push_str("\"]\n");
    }

    /// A table of words, in a box of its own.
    fn words(&mut self, program: usize, group: &Group) {
        self.cluster(program, group.category.name(), PROCESS.cluster);
        let id = self.number();
        let _ = write!(self.out, "\t\tn{id} [shape=plaintext, style=solid, color=\"{CATEGORY}\", label=<");
        self.out.push_str("<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" CELLPADDING=\"1\">");
        for row in group.items.chunks(PER_ROW) {
            self.out.push_str("<TR>");
            for item in row {
                let _ = write!(self.out, "<TD BGCOLOR=\"{}\">", PROCESS.fill(item.generation, item.mark));
                markup(&item.text, &mut self.out);
                self.out.push_str("</TD>");
            }
            self.out.push_str("</TR>");
        }
        self.out.push_str("</TABLE>>]\n\t}\n");
        self.edge(program, id, CATEGORY);
    }

    /// Begins a box below a program.
    fn cluster(&mut self, program: usize, name: &str, fill: &str) {
        let id = self.number();
        let _ = write!(
            self.out,
            "\tsubgraph cluster_{program}_{id} {{\n\t\tstyle=filled\n\t\tcolor=\"{fill}\"\n\t\tlabel=\""
        );
        record(name, &mut self.out);
        self.out.push_str("\"\n\t\tfontsize=10\n");
    }
}

/// The first component of a path.
fn top(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}
