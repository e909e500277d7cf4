//! The event reference (`docs/events.md`), from the same tables that the code runs on.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Event, EventType, Group, Payload};
use crate::schema::{Description, Detail, Kind, describe};
use crate::syscall::{Arch, CATALOGUE, Condition, Syscall, Test};

/// The whole document, in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::from(
        "# Events\n\n\
         Generated from the syscall catalogue and the field tables by `cargo xtask docs`; not edited by hand.\n\n\
         One JSON object a line. Keys are these field names, nested at their dots. Times are RFC 3339 in UTC with\n\
         nanoseconds; flags are numbers with a twin in words (`flags_str`); paths are bytes shown as UTF-8. A field that\n\
         does not apply is left out. An event of a system call is reported when the call succeeded or failed with EACCES\n\
         or EPERM; further reported errors stand with the call. *rules only* marks fields that rules may use and output\n\
         leaves out, since they follow from others.\n\n",
    );
    contents(&mut out);
    out.push_str("\n## Every event\n\n");
    let all = describe::<Event>();
    let shared: Vec<_> = all.iter().filter(|field| !is_payload(&field.name)).collect();
    fields(&mut out, &shared, "");
    for group in [Group::Process, Group::File, Group::Kernel, Group::Network, Group::Lapwing] {
        out.push_str(&format!("\n## {}\n", title(group.name())));
        for event in EventType::ALL.into_iter().filter(|event| event.group() == group) {
            event_section(&mut out, event);
        }
    }
    out
}

fn contents(out: &mut String) {
    out.push_str("| group | types |\n| --- | --- |\n");
    for group in [Group::Process, Group::File, Group::Kernel, Group::Network, Group::Lapwing] {
        let names: Vec<_> = EventType::ALL
            .into_iter()
            .filter(|event| event.group() == group)
            .map(|event| format!("[{0}](#{0})", event.name()))
            .collect();
        out.push_str(&format!("| {} | {} |\n", group.name(), names.join(" ")));
    }
}

fn event_section(out: &mut String, event: EventType) {
    out.push_str(&format!("\n### {}\n\n{}\n\n", event.name(), event.doc()));
    let rows: Vec<_> = CATALOGUE
        .iter()
        .filter_map(|row| row.yields.iter().find(|candidate| candidate.event == event).map(|found| (row, found.when)))
        .collect();
    if rows.is_empty() {
        out.push_str("From process events, not from a system call of its own.\n\n");
    } else {
        out.push_str("| call | x86-64 | i386 | AArch64 | ARM | when | also reported |\n| --- | --- | --- | --- | --- | --- | --- |\n");
        for (row, when) in rows {
            call(out, row, when);
        }
        out.push('\n');
    }
    let prefix = format!("{}.", event.name());
    let described = describe::<Payload>();
    let own: Vec<_> = described.iter().filter(|field| field.name.starts_with(&prefix)).collect();
    fields(out, &own, "");
}

fn call(out: &mut String, row: &Syscall, when: &[Test]) {
    let number = |arch| row.number(arch).map_or_else(|| String::from("–"), |number| format!("{number}"));
    let conditions: Vec<_> = when.iter().map(condition).collect();
    let errors: Vec<_> =
        row.reported_errors.iter().filter_map(|errno| crate::names::ERRNOS.name_of(i64::from(*errno))).collect();
    out.push_str(&format!(
        "| {} | {} | {} | {} | {} | {} | {} |\n",
        row.name,
        number(Arch::X86_64),
        number(Arch::I386),
        number(Arch::Aarch64),
        number(Arch::Arm),
        conditions.join(" and "),
        errors.join(" "),
    ));
}

fn condition(test: &Test) -> String {
    let arg = test.arg;
    match test.condition {
        Condition::AnyBit(mask) => format!("argument {arg} & {mask:#x}"),
        Condition::NoBit(mask) => format!("no argument {arg} & {mask:#x}"),
        Condition::Is(value) => format!("argument {arg} = {value:#x}"),
        Condition::IsNot(value) => format!("argument {arg} ≠ {value:#x}"),
        Condition::Present => format!("argument {arg} ≠ 0"),
    }
}

fn fields(out: &mut String, fields: &[&Description], strip: &str) {
    out.push_str("| field | type | meaning |\n| --- | --- | --- |\n");
    for field in fields {
        let kind = match field.kind {
            Kind::Flags(set) => format!("flags ({})", set.name),
            Kind::Symbol(symbols) => format!("enum ({})", symbols.name),
            other => String::from(other.name()),
        };
        let note = if field.detail == Detail::Derived { " *(rules only)*" } else { "" };
        let name = field.name.strip_prefix(strip).unwrap_or(&field.name);
        out.push_str(&format!("| `{name}` | {kind} | {}{note} |\n", field.doc));
    }
}

fn is_payload(name: &str) -> bool {
    name.split('.').next().is_some_and(|first| EventType::named(first).is_some())
}

fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
