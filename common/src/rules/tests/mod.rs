//! The language, tried on events that are written down as values.

mod approve;
mod arguments;
mod errors;
mod language;
mod oracle;
mod overview;
pub(crate) mod random;
mod syntax;

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::compile::Compiler;
use super::set::{RuleSet, State};
use super::syntax::Node;
use super::{Feed, Sample, SampleValue};

/// The rules with these conditions, for whoever feeds all fields.
fn rules(texts: &[String]) -> RuleSet {
    let mut compiler = Compiler::new(Feed::Everything);
    let compiled = texts
        .iter()
        .map(|text| compiler.rule(text).unwrap_or_else(|problem| panic!("{}", shown(&problem, text))))
        .collect();
    RuleSet::new(compiler.program, compiler.variables, compiled)
}

/// A sample from lines of `field = value`: a number, `true`, a "text", or several texts or numbers in brackets.
pub(crate) fn sample(text: &str) -> Sample {
    let mut sample = Sample::default();
    sample.timestamp = crate::ids::Timestamp(1_700_000_000_000_000_000);
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (field, value) = line.split_once('=').expect("field = value");
        let value = value.trim();
        let value = match value.strip_prefix('[').and_then(|inside| inside.strip_suffix(']')) {
            Some(inside) => {
                let items: Vec<_> = inside.split(", ").filter(|item| !item.is_empty()).collect();
                match items.iter().map(|item| item.parse().ok()).collect::<Option<Vec<i64>>>() {
                    Some(numbers) if !numbers.is_empty() => SampleValue::Ints(numbers),
                    _ => {
                        SampleValue::Texts(items.iter().map(|item| item.trim_matches('"').as_bytes().into()).collect())
                    }
                }
            }
            None => match value {
                "true" => SampleValue::Bool(true),
                "false" => SampleValue::Bool(false),
                _ => value
                    .parse()
                    .map_or_else(|_| SampleValue::Text(value.trim_matches('"').as_bytes().into()), SampleValue::Int),
            },
        };
        sample.set(field.trim(), value);
    }
    sample
}

/// A set of one rule, with macros.
pub(super) fn compile(expression: &str, macros: &[(&str, &str)]) -> Result<RuleSet, String> {
    let mut compiler = Compiler::new(Feed::Everything);
    for (name, body) in macros {
        compiler.add_macro(name, read_macro(body));
    }
    let compiled = compiler.rule(expression).map_err(|problem| shown(&problem, expression))?;
    Ok(RuleSet::new(compiler.program, compiler.variables, alloc::vec![compiled]))
}

pub(super) fn read_macro(body: &str) -> Node {
    Compiler::read_macro(body).expect("a macro")
}

/// A problem as `line:column: what (hint)`.
pub(super) fn shown(problem: &super::Problem, text: &str) -> String {
    let (line, column) = problem.span.position(text);
    let hint = problem.hint.as_ref().map(|hint| alloc::format!(" ({hint})")).unwrap_or_default();
    alloc::format!("{line}:{column}: {problem}{hint}")
}

/// Whether a rule matches.
#[track_caller]
pub(super) fn matches(expression: &str, values: &str) -> bool {
    matches_with(expression, &[], values)
}

#[track_caller]
pub(super) fn matches_with(expression: &str, macros: &[(&str, &str)], values: &str) -> bool {
    let rules = match compile(expression, macros) {
        Ok(rules) => rules,
        Err(error) => panic!("{expression}: {error}"),
    };
    let mut state = State::new(&rules, 1);
    let subject = rules.entries[0].subject.name().to_string();
    let mut found = false;
    rules.matches_facts(&subject, &sample(values), &mut state, &mut |_, _, _| found = true);
    found
}
