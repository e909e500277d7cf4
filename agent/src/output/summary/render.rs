//! A summary as text.

use std::io::Write as _;

use anstyle::Style;

use super::tally::Tally;
use super::tree::Tree;
use super::{Ended, Summary};
use crate::output::palette::Palette;
use crate::output::quote::{escape, quote};
use crate::output::stages;
use crate::pipeline::TypeCount;

/// Lines of a list.
const SHOWN: usize = 8;

/// How a key is shown.
type Show = fn(&mut Vec<u8>, &[u8]);

impl Summary {
    /// The whole text.
    pub(crate) fn render(&self, ended: &Ended, colour: bool) -> Vec<u8> {
        let mut page = Page { out: Vec::new(), palette: Palette::new(colour) };
        self.head(&mut page, ended);
        self.types(&mut page);
        page.list("programs by events", &self.programs, quote);
        page.list("files by events", &self.files, quote);
        // Quoted when they were counted.
        page.list("addresses", &self.addresses, |out, key| out.extend_from_slice(key));
        page.list("denied (EACCES, EPERM)", &self.denied, denied);
        page.counts("found out without events", page.palette.heading, &ended.findings());
        page.counts("not certain", page.palette.heading, &ended.doubts());
        page.counts("lost", page.palette.bad, &ended.losses());
        if let Some(filters) = &ended.stages {
            page.line("");
            let table = stages::table(filters, &filters.backend, &page.palette);
            page.out.extend_from_slice(table.as_bytes());
        }
        page.out
    }

    fn head(&self, page: &mut Page, ended: &Ended) {
        let events = self.types.total();
        let Tree { processes, depth, .. } = self.tree;
        let counter = |name| ended.backend.iter().find(|(found, _)| *found == name).map_or(0, |(_, count)| *count);
        let (stops, tracing) = (counter("stops"), counter("nanoseconds"));
        page.line("");
        page.heading(&format!(
            "{} of {} in {}",
            counted(events, "event", "events"),
            counted(processes, "process", "processes"),
            seconds(u64::try_from(ended.wall.as_nanos()).unwrap_or(u64::MAX)),
        ));
        if depth > 1 {
            page.line(&format!("the tree of processes was {depth} deep"));
        }
        if let Some(each) = tracing.checked_div(stops) {
            let tenths = each / 100;
            page.line(&format!(
                "tracing took {} in {}, {}.{} µs each",
                seconds(tracing),
                counted(stops, "stop", "stops"),
                tenths / 10,
                tenths % 10,
            ));
        }
    }

    fn types(&self, page: &mut Page) {
        let mut rows: Vec<_> = self.types.each().collect();
        rows.sort_by_key(|(_, count)| std::cmp::Reverse(count.all));
        if rows.is_empty() {
            return;
        }
        page.line("");
        page.heading("   count   failed  event");
        for (event, TypeCount { all, failed }) in rows {
            let style = page.palette.group(event.group());
            let _ = write!(page.out, "{all:>8} ");
            if failed == 0 {
                page.out.extend_from_slice(b"        ");
            } else {
                page.styled(page.palette.bad, |out| drop(write!(out, "{failed:>8}")));
            }
            page.out.extend_from_slice(b"  ");
            page.styled(style, |out| out.extend_from_slice(event.name().as_bytes()));
            page.out.push(b'\n');
        }
    }
}

struct Page {
    out: Vec<u8>,
    palette: Palette,
}

impl Page {
    fn styled(&mut self, style: Style, write: impl FnOnce(&mut Vec<u8>)) {
        // Writing to a `Vec` cannot fail, here and below.
        let _ = write!(self.out, "{}", style.render());
        write(&mut self.out);
        let _ = write!(self.out, "{}", style.render_reset());
    }

    fn line(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'\n');
    }

    fn heading(&mut self, text: &str) {
        self.styled(self.palette.heading, |out| out.extend_from_slice(text.as_bytes()));
        self.out.push(b'\n');
    }

    fn list(&mut self, title: &str, tally: &Tally, show: Show) {
        if tally.total() == 0 {
            return;
        }
        let (top, others) = tally.top(SHOWN);
        self.line("");
        self.heading(title);
        for (key, count) in top {
            let _ = write!(self.out, "{count:>8}  ");
            show(&mut self.out, key);
            self.out.push(b'\n');
        }
        if others > 0 {
            let _ = write!(self.out, "{others:>8}  ");
            self.styled(self.palette.dim, |out| out.extend_from_slice(b"others"));
            self.out.push(b'\n');
        }
    }

    fn counts<T: std::fmt::Display>(&mut self, title: &str, style: Style, counts: &[(u64, T)]) {
        if counts.is_empty() {
            return;
        }
        self.line("");
        self.styled(style, |out| out.extend_from_slice(title.as_bytes()));
        self.line("");
        for (count, what) in counts {
            let _ = writeln!(self.out, "{count:>8}  {what}");
        }
    }
}

/// `open /etc/shadow`: a type, and what it was denied of.
fn denied(out: &mut Vec<u8>, key: &[u8]) {
    let space = key.iter().position(|byte| *byte == b' ').unwrap_or(key.len());
    escape(out, &key[..space]);
    if let Some(object @ [_, ..]) = key.get(space + 1..) {
        out.push(b' ');
        quote(out, object);
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn seconds(nanoseconds: u64) -> String {
    let milliseconds = nanoseconds / 1_000_000;
    format!("{}.{:03} s", milliseconds / 1000, milliseconds % 1000)
}
