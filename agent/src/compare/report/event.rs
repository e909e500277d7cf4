//! A normal event in one line.

use serde_json::Value;

use crate::output::quote;

/// The members that tell most, by the payload they are in; the first that is there is shown.
const SUBJECTS: [&[&str]; 6] = [
    &["/file/path"],
    &["/addr/path", "/addr/ip"],
    &["/new_name", "/option_str", "/resource_str", "/optname_str", "/cmd_str"],
    &["/type_str", "/domain_str", "/request_str", "/reason_str", "/cause_str"],
    &["/module/name", "/mountpoint/path"],
    &["/pid", "/code"],
];

/// The type, what it is about, and the result.
pub(super) fn title(event: &Value) -> String {
    let kind = event["type"].as_str().unwrap_or_default();
    let payload = &event[kind];
    let mut words = vec![kind.to_owned()];
    let subjects = SUBJECTS.iter().filter_map(|places| places.iter().find_map(|place| payload.pointer(place)));
    words.extend(subjects.take(2).map(value));
    if let Some(destination) = payload.pointer("/file/destination/path") {
        words.extend(["to".to_owned(), value(destination)]);
    }
    words.extend(["/args", "/flags_str"].into_iter().filter_map(|place| payload.pointer(place)).filter_map(shown));
    if let Some(result) = payload.get("retval") {
        words.extend(["→".to_owned(), value(result)]);
    }
    words.join(" ")
}

/// Text of flags and arguments, unless there is none.
fn shown(text: &Value) -> Option<String> {
    let text = text.as_str().filter(|text| !text.is_empty())?;
    let mut out = Vec::new();
    quote::escape(&mut out, text.as_bytes());
    Some(String::from_utf8_lossy(&out).into_owned())
}

/// A value as text that a terminal can be trusted with.
pub(super) fn value(value: &Value) -> String {
    let mut out = Vec::new();
    match value {
        Value::String(text) => quote::quote(&mut out, text.as_bytes()),
        other => quote::escape(&mut out, other.to_string().as_bytes()),
    }
    String::from_utf8_lossy(&out).into_owned()
}
