//! The agent's rules, as `lapwing policy reload` and `lapwing status` show them.

use std::fmt::Write as _;

use lapwing_proto::control::v1::{Problem, Rules};
use serde_json::{Value, json};

/// As a JSON object.
pub(crate) fn to_json(rules: &Rules, since: Value) -> Value {
    json!({
        "path": rules.path,
        "since": since,
        "loads": rules.loads,
        "error": rules.error,
        "written": rules.written.iter().map(|rule| json!({
            "policy": rule.policy,
            "rule_id": rule.id,
            "status": rule.state,
            "reason": rule.reason,
            "backends": rule.backends,
        })).collect::<Vec<_>>(),
        "problems": rules.problems.iter().map(|problem| json!({
            "severity": problem.severity,
            "policy": problem.policy,
            "rule_id": problem.rule,
            "line": problem.line,
            "column": problem.column,
            "message": problem.message,
            "hint": problem.hint,
            "backends": problem.backends,
        })).collect::<Vec<_>>(),
        "working": rules.working.iter().map(|rule| json!({
            "rule_id": rule.id,
            "policy": rule.policy,
            "type": rule.r#type,
            "matches": rule.matches,
            "told": rule.told,
            "limited": rule.limited,
        })).collect::<Vec<_>>(),
        "approved": rules.approved,
    })
}

/// How many there are, in a line.
pub(crate) fn in_short(rules: &Rules) -> String {
    let wrong = rules.written.iter().filter(|rule| rule.state == "error").count();
    let warnings = rules.problems.iter().filter(|problem| problem.severity == "warning").count();
    format!("{} work, {wrong} are wrong, {warnings} warnings: {}", rules.working.len(), rules.path)
}

/// What is wrong, a line each.
pub(crate) fn problems(rules: &Rules) -> String {
    let mut text = String::new();
    for Problem { severity, policy, line, column, message, hint, backends, .. } in &rules.problems {
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{severity}: {policy}:{line}:{column}: {message}");
        if !hint.is_empty() {
            let _ = write!(text, "; {hint}");
        }
        if !backends.is_empty() {
            let _ = write!(text, " (under {})", backends.join(", "));
        }
        text.push('\n');
    }
    text
}

/// Whether something is wrong, beyond warnings.
pub(crate) fn has_errors(rules: &Rules) -> bool {
    rules.problems.iter().any(|problem| problem.severity == "error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_a_line_with_its_place() {
        let problem = |severity: &str, backends: &[&str]| Problem {
            severity: severity.to_owned(),
            policy: "a.policy".to_owned(),
            line: 3,
            column: 7,
            message: "there is no field `x`".to_owned(),
            hint: "did you mean `y`?".to_owned(),
            backends: backends.iter().map(|name| (*name).to_owned()).collect(),
            ..Problem::default()
        };
        let mut rules = Rules { problems: vec![problem("warning", &["ptrace"])], ..Rules::default() };
        let line = "warning: a.policy:3:7: there is no field `x`; did you mean `y`? (under ptrace)\n";
        assert_eq!(problems(&rules), line);
        assert!(!has_errors(&rules));
        rules.problems.push(problem("error", &[]));
        assert!(problems(&rules).ends_with("\nerror: a.policy:3:7: there is no field `x`; did you mean `y`?\n"));
        assert!(has_errors(&rules));
    }
}
