//! Why a rule matched: the fields that made it, and their values.

use alloc::string::String;
use alloc::vec::Vec;

use super::eval::Run;
use super::program::{Cond, FieldRef, Ips, Num, Numbers, Slot, Texts};
use crate::json;
use crate::schema::Value;

/// The fields by which a condition holds, with their values as people read them. Of alternatives those that hold.
pub(super) fn explain(run: &mut Run<'_, '_>, cond: &Cond) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    gather(run, cond, true, &mut fields);
    let mut shown: Vec<(String, String)> = Vec::new();
    for field in fields {
        let name = String::from(&*run.program.field(field).name);
        if !shown.iter().any(|(known, _)| *known == name)
            && let Some(text) = show(&run.read(field))
        {
            shown.push((name, text));
        }
    }
    shown
}

fn gather(run: &mut Run<'_, '_>, cond: &Cond, holds: bool, out: &mut Vec<FieldRef>) {
    match cond {
        Cond::Shared(id) => {
            let program = run.program;
            if let Some(inner) = program.shared.get(*id as usize) {
                gather(run, inner, holds, out);
            }
        }
        Cond::Not(inner) => gather(run, inner, !holds, out),
        Cond::All(parts) | Cond::Any(parts) => {
            let is_all = matches!(cond, Cond::All(_));
            for part in parts {
                if is_all == holds || run.holds(part) == holds {
                    gather(run, part, holds, out);
                }
            }
        }
        Cond::Same(one, other) => {
            gather(run, one, holds, out);
            gather(run, other, holds, out);
        }
        Cond::Flag(field) => push(*field, out),
        Cond::Number(numbers, ..) => match numbers {
            Numbers::One(num) => number(num, out),
            Numbers::Field(field) => push(*field, out),
            Numbers::Variable(_) => {}
        },
        Cond::Text(Texts::Field(field) | Texts::Nth(field, _) | Texts::RootDomain(field), ..) => push(*field, out),
        Cond::Ip(Ips::Field(field), ..) => push(*field, out),
        _ => {}
    }
}

fn number(num: &Num, out: &mut Vec<FieldRef>) {
    match num {
        Num::Field(field) | Num::Length(field) => push(*field, out),
        Num::Age(inner) | Num::Negative(inner) | Num::Complement(inner) => number(inner, out),
        Num::Both(_, one, other) => {
            number(one, out);
            number(other, out);
        }
        Num::Const(_) | Num::Variable(_) => {}
    }
}

/// An element of a sequence has no value outside of it.
fn push(field: FieldRef, out: &mut Vec<FieldRef>) {
    if field.slot == Slot::Event && !out.contains(&field) {
        out.push(field);
    }
}

/// A value for people: words where there are some.
fn show(value: &Value<'_>) -> Option<String> {
    let mut out = Vec::new();
    let mut list = |texts: &mut dyn Iterator<Item = &[u8]>| {
        for (index, text) in texts.enumerate() {
            if index > 0 {
                out.push(b' ');
            }
            out.extend_from_slice(text);
        }
    };
    match *value {
        Value::Absent => return None,
        Value::Bool(value) => return Some(alloc::format!("{value}")),
        Value::Int(value) => return Some(alloc::format!("{value}")),
        Value::Uint(value) => return Some(alloc::format!("{value}")),
        Value::Symbol(value, symbols) => {
            return Some(symbols.name_of(value).map_or_else(|| alloc::format!("{value}"), Into::into));
        }
        Value::Ip(ip) => return Some(alloc::format!("{ip}")),
        Value::Flags(bits, set) => json::flag_words(bits, set, &mut out),
        Value::Bytes(text) => out.extend_from_slice(text),
        Value::Short(text) => out.extend_from_slice(text.as_bytes()),
        Value::Strings(texts) | Value::Joined(texts) => list(&mut texts.iter().map(|text| &**text)),
        Value::Options(arguments, convention) => {
            list(&mut convention.all(arguments).iter().map(|text| &**text));
        }
        Value::Time(time) => json::rfc3339(&mut out, time),
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}
