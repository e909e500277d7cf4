//! `lapwing policy eval`: a rule, tried on an event that is written down.

use std::fs;
use std::path::Path;

use lapwing_common::ids::Timestamp;
use lapwing_common::rules::policy::Loaded;
use lapwing_common::rules::{Feed, Sample, SampleValue};
use serde::Serialize as _;
use serde_json::{Map, Value, json};

use super::filters;
use super::{Outcome, Policies, PolicyError};
use crate::cli::{EvalArgs, ReportFormat};
use crate::config::Surroundings;

/// The status of a rule that does not match: that of the reference.
const NO_MATCH: u8 = 255;

/// An event as it is written down.
#[derive(Debug)]
struct Written {
    event: String,
    values: Map<String, Value>,
    variables: Map<String, Value>,
}

/// Tries the rule and tells.
pub(crate) fn eval(args: &EvalArgs, surroundings: &Surroundings) -> Result<Outcome, PolicyError> {
    let policies = Policies::read(&args.policies)?;
    let written = read(&args.event_file)?;
    let loaded = policies.load(Feed::Everything, Some(&args.rule_id));
    let result = attempt(&loaded, &written, &args.rule_id);
    let usual = if surroundings.stdout_is_terminal { ReportFormat::Pretty } else { ReportFormat::Json };
    let text = match args.format.unwrap_or(usual) {
        ReportFormat::Pretty => pretty(&policies, &loaded, &args.rule_id, &result),
        ReportFormat::Json => {
            let mut report = json!({
                "Succeeded": matches!(result, Ok(Some(_))),
                "Approvers": filters::values(&loaded.rules),
                "Event": { "Type": written.event, "Values": written.values, "Variables": written.variables },
            });
            if let Ok(Some(fields)) = &result {
                report["Fields"] = fields.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
            }
            if let Err(error) = &result {
                report["Error"] = json!(error);
            }
            indented(&report, b"    ")
        }
    };
    let status = match result {
        Ok(Some(_)) => 0,
        Ok(None) => NO_MATCH,
        Err(_) => 1,
    };
    Ok(Outcome { text, status })
}

type Fields = Vec<(String, String)>;

/// The fields by which the rule matches; `None` if it does not.
fn attempt(loaded: &Loaded, written: &Written, id: &str) -> Result<Option<Fields>, String> {
    // A rule about changed files stands for several, whose names end in its own.
    if loaded.rules.rules().is_empty() {
        let reason = loaded.statuses.iter().find(|status| status.rule == id).map(|status| status.reason.clone());
        return Err(reason.unwrap_or_else(|| format!("there is no rule {id}")));
    }
    let mut sample = Sample::at(Timestamp::now());
    for (name, value) in &written.values {
        sample.set(name.clone(), value_of(value).ok_or_else(|| format!("{name} has a value of no type"))?);
    }
    let mut memory = loaded.rules.memory(sample.timestamp.0);
    for (name, value) in &written.variables {
        let value = value_of(value).ok_or_else(|| format!("{name} has a value of no type"))?;
        if !memory.set_variable(&loaded.rules, name, value, &sample) {
            return Err(format!("no action sets a variable {name} of this type"));
        }
    }
    let mut found = None;
    loaded.rules.evaluate_sample(&written.event, &sample, &mut memory, &mut |matched| found = Some(matched.fields));
    Ok(found)
}

fn pretty(policies: &Policies, loaded: &Loaded, id: &str, result: &Result<Option<Fields>, String>) -> String {
    let mut text = policies.render(loaded);
    match result {
        Ok(Some(fields)) => {
            text.push_str(&format!("{id} matches\n"));
            for (name, value) in fields {
                text.push_str(&format!("  {name} = {value}\n"));
            }
        }
        Ok(None) => text.push_str(&format!("{id} does not match\n")),
        Err(error) => text.push_str(&format!("{id} cannot be tried: {error}\n")),
    }
    text
}

fn read(path: &Path) -> Result<Written, PolicyError> {
    let text = fs::read_to_string(path).map_err(|error| PolicyError::Read { path: path.to_owned(), error })?;
    let wrong = |reason: &str| PolicyError::Event { path: path.to_owned(), reason: reason.into() };
    let Value::Object(mut object) = serde_json::from_str(&text).map_err(|error| wrong(&error.to_string()))? else {
        return Err(wrong("it is no JSON object"));
    };
    let mut take = |key: &str| match object.remove(key) {
        Some(Value::Object(map)) => Ok(map),
        None | Some(Value::Null) => Ok(Map::new()),
        Some(_) => Err(wrong(&format!("{key} is no object"))),
    };
    let (values, variables) = (take("Values")?, take("Variables")?);
    let Some(Value::String(event)) = object.remove("Type") else { return Err(wrong("it has no Type")) };
    Ok(Written { event, values, variables })
}

fn value_of(value: &Value) -> Option<SampleValue> {
    let text = |text: &str| -> Box<[u8]> { text.as_bytes().into() };
    let int = |number: &serde_json::Number| number.as_i64().or_else(|| number.as_u64().map(u64::cast_signed));
    Some(match value {
        Value::Bool(value) => SampleValue::Bool(*value),
        Value::Number(number) => SampleValue::Int(int(number)?),
        Value::String(value) => SampleValue::Text(text(value)),
        Value::Array(items) if items.iter().all(Value::is_number) && !items.is_empty() => {
            SampleValue::Ints(items.iter().map(|item| item.as_i64()).collect::<Option<_>>()?)
        }
        Value::Array(items) => {
            SampleValue::Texts(items.iter().map(|item| item.as_str().map(text)).collect::<Option<_>>()?)
        }
        Value::Null | Value::Object(_) => return None,
    })
}

/// JSON with this indentation, and a line feed.
pub(super) fn indented(value: &Value, indent: &[u8]) -> String {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(indent);
    // Writing values to a `Vec` cannot fail.
    let _ = value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter));
    out.push(b'\n');
    String::from_utf8(out).unwrap_or_default()
}
