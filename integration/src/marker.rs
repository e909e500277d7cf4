//! Marks that a scenario leaves in the stream of events around what matters.
//!
//! A dynamic loader opens and maps files, and a scenario prepares its ground: neither is of interest.
//! A change of the command name shows up as a `prctl` event, costs nothing, and disturbs nothing.

use serde_json::Value;

/// The name that a scenario takes just before what it is about.
pub const BEGIN: &str = "lw-begin";
/// The name that it takes just after.
pub const END: &str = "lw-end";

/// What lies between the marks, and the process that set the first one.
///
/// # Errors
///
/// Says which mark is missing.
pub fn between(events: &[Value]) -> Result<(&[Value], i64), String> {
    let begin = find(events, BEGIN).ok_or("the scenario did not begin")?;
    let rest = &events[begin + 1..];
    let end = find(rest, END).ok_or("the scenario did not end")?;
    let pid = events[begin].pointer("/process/pid").and_then(Value::as_i64).ok_or("the mark has no process")?;
    Ok((&rest[..end], pid))
}

fn find(events: &[Value], name: &str) -> Option<usize> {
    events.iter().position(|event| event.pointer("/prctl/new_name").and_then(Value::as_str) == Some(name))
}
