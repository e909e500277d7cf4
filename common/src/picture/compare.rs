//! What differs between two dumps.
//!
//! Programs are compared by path, not by arguments, which differ from run to run.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Category, Group, Item, Mark, Picture, Program};

/// A difference, by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which way.
    pub mark: Mark,
    /// The kind of thing; a program if `None`.
    pub category: Option<Category>,
    /// The programs that lead to it, topmost first; the last is the one that did it.
    pub lineage: Vec<String>,
    /// The thing, whole: a path, an address.
    pub value: String,
    /// It changes something, or lets somebody in: see [`Item::is_strong`].
    pub is_strong: bool,
}

/// How much differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Programs and things only in the second.
    pub added: usize,
    /// Only in the first.
    pub removed: usize,
    /// In both.
    pub same: usize,
}

/// Both in one, with what is in one of them only marked.
#[must_use]
pub fn compare(first: &Picture, second: &Picture) -> Picture {
    let title = match (first.title.as_str(), second.title.as_str()) {
        (one, other) if one == other => one.into(),
        (one, other) => alloc::format!("{one} → {other}"),
    };
    let programs = programs(merged(&first.programs), merged(&second.programs));
    Picture { title, tags: second.tags.clone(), programs }
}

/// The differences of a compared picture, one by one.
#[must_use]
pub fn changes(compared: &Picture) -> Vec<Change> {
    let mut changes = Vec::new();
    compared.programs.iter().for_each(|program| collect(program, &mut Vec::new(), &mut changes));
    changes
}

/// How much differs in a compared picture.
#[must_use]
pub fn tally(compared: &Picture) -> Tally {
    let mut tally = Tally::default();
    compared.programs.iter().for_each(|program| count(program, &mut tally));
    tally
}

/// Siblings of one identity become one: they differ in arguments only.
pub(super) fn merged(programs: &[Program]) -> Vec<Program> {
    let mut out: Vec<Program> = Vec::new();
    for program in programs {
        match out.iter_mut().find(|known| known.identity == program.identity) {
            Some(known) => {
                known.children.extend(program.children.iter().cloned());
                for group in &program.groups {
                    match find(&mut known.groups, group) {
                        Some(known) => extend(&mut known.items, &group.items),
                        None => known.groups.push(group.clone()),
                    }
                }
            }
            None => out.push(program.clone()),
        }
    }
    for program in &mut out {
        program.children = merged(&program.children);
    }
    out
}

/// Adds what is not there yet. What one of two did strongly, both together did.
pub(super) fn extend(items: &mut Vec<Item>, more: &[Item]) {
    for item in more {
        match items.iter_mut().find(|known| known.text == item.text) {
            Some(known) => known.is_strong |= item.is_strong,
            None => items.push(item.clone()),
        }
    }
}

pub(super) fn find<'a>(groups: &'a mut [Group], wanted: &Group) -> Option<&'a mut Group> {
    groups.iter_mut().find(|group| group.category == wanted.category && group.label == wanted.label)
}

fn programs(first: Vec<Program>, mut second: Vec<Program>) -> Vec<Program> {
    let mut out = Vec::new();
    for program in first {
        match second.iter().position(|other| other.identity == program.identity) {
            Some(at) => {
                let Program { groups: theirs, children, .. } = second.remove(at);
                let (groups, below) = (groups(program.groups, theirs), programs(program.children, children));
                out.push(Program { groups, children: below, ..program_alone(program.identity, program.command) });
                if let Some(last) = out.last_mut() {
                    (last.package, last.hashes) = (program.package, program.hashes);
                    last.generation = program.generation;
                }
            }
            None => out.push(marked(program, Mark::Removed)),
        }
    }
    out.extend(second.into_iter().map(|program| marked(program, Mark::Added)));
    out
}

fn program_alone(identity: String, command: String) -> Program {
    Program { identity, command, ..Program::default() }
}

fn groups(first: Vec<Group>, mut second: Vec<Group>) -> Vec<Group> {
    let mut out = Vec::new();
    for mut group in first {
        let theirs =
            match second.iter().position(|other| (other.category, &other.label) == (group.category, &group.label)) {
                Some(at) => second.remove(at).items,
                None => Vec::new(),
            };
        for item in &mut group.items {
            if !theirs.iter().any(|other| is_same(other, item)) {
                item.mark = Mark::Removed;
            }
        }
        let is_known = |item: &Item| group.items.iter().any(|known| is_same(known, item));
        let new: Vec<Item> = theirs.iter().filter(|item| !is_known(item)).cloned().collect();
        group.items.extend(new.into_iter().map(|item| Item { mark: Mark::Added, ..item }));
        out.push(group);
    }
    out.extend(second.into_iter().map(|group| mark_group(group, Mark::Added)));
    out
}

/// Whether two did the same to the same: a file that is written now was only read before, say.
fn is_same(one: &Item, other: &Item) -> bool {
    (&one.text, one.is_strong) == (&other.text, other.is_strong)
}

fn marked(program: Program, mark: Mark) -> Program {
    Program {
        mark,
        groups: program.groups.into_iter().map(|group| mark_group(group, mark)).collect(),
        children: program.children.into_iter().map(|child| marked(child, mark)).collect(),
        ..program
    }
}

fn mark_group(mut group: Group, mark: Mark) -> Group {
    group.items.iter_mut().for_each(|item| item.mark = mark);
    group
}

fn collect(program: &Program, lineage: &mut Vec<String>, changes: &mut Vec<Change>) {
    if program.mark != Mark::Same {
        let value = program.identity.clone();
        changes.push(Change { mark: program.mark, category: None, lineage: lineage.clone(), value, is_strong: false });
    }
    lineage.push(program.identity.clone());
    for group in &program.groups {
        for item in group.items.iter().filter(|item| item.mark != Mark::Same) {
            let value = match group.category {
                Category::Files => alloc::format!("{}{}", group.label, item.text),
                _ => item.text.clone(),
            };
            changes.push(Change {
                mark: item.mark,
                category: Some(group.category),
                lineage: lineage.clone(),
                value,
                is_strong: item.is_strong,
            });
        }
    }
    program.children.iter().for_each(|child| collect(child, lineage, changes));
    lineage.pop();
}

fn count(program: &Program, tally: &mut Tally) {
    let items = program.groups.iter().flat_map(|group| &group.items).map(|item| item.mark);
    for mark in core::iter::once(program.mark).chain(items) {
        match mark {
            Mark::Same => tally.same += 1,
            Mark::Added => tally.added += 1,
            Mark::Removed => tally.removed += 1,
        }
    }
    program.children.iter().for_each(|child| count(child, tally));
}
