//! A picture under other names, for comparing runs that make up names.

use alloc::string::String;
use alloc::vec::Vec;

use super::compare::{extend, find, merged};
use super::{Group, Picture, Program};

impl Picture {
    /// The picture with texts replaced, for which `rename` has another; those that become the same are one. Command
    /// lines and packages stay as they are.
    #[must_use]
    pub fn renamed(&self, rename: &impl Fn(&str) -> Option<String>) -> Self {
        let programs: Vec<Program> = self.programs.iter().map(|program| renamed(program, rename)).collect();
        Self { programs: merged(&programs), ..self.clone() }
    }
}

fn renamed(program: &Program, rename: &impl Fn(&str) -> Option<String>) -> Program {
    let mut groups: Vec<Group> = Vec::new();
    for group in &program.groups {
        let mut renamed = Group { items: Vec::new(), ..group.clone() };
        replace(&mut renamed.label, rename);
        let mut items = group.items.clone();
        items.iter_mut().for_each(|item| replace(&mut item.text, rename));
        extend(&mut renamed.items, &items);
        match find(&mut groups, &renamed) {
            Some(known) => extend(&mut known.items, &renamed.items),
            None => groups.push(renamed),
        }
    }
    let mut out = Program { groups, children: Vec::new(), ..program.clone() };
    replace(&mut out.identity, rename);
    out.children = program.children.iter().map(|child| self::renamed(child, rename)).collect();
    out
}

fn replace(text: &mut String, rename: &impl Fn(&str) -> Option<String>) {
    if let Some(other) = rename(text) {
        *text = other;
    }
}
