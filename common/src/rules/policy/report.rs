//! What is said about policies: which rules work, and what is wrong with the others, where.

use alloc::string::{String, ToString as _};

use thiserror::Error;

use super::definition::Place;
use crate::rules::{Problem, VariableError};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The rule works.
    Warning,
    /// The rule is not there.
    Error,
}

/// Something about a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The file.
    pub policy: String,
    /// The rule or macro, if it is about one.
    pub rule: String,
    /// Where.
    pub place: Place,
    /// How many characters of the line it is about.
    pub width: usize,
    /// What.
    pub fault: Fault,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// The file is no YAML.
    #[error("{0}")]
    Yaml(String),
    /// The file has no rule and no macro.
    #[error("the policy has neither rules nor macros")]
    Empty,
    /// A key holds something of another kind.
    #[error("`{key}` is {expected}")]
    Shape {
        /// The key.
        key: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// A key that nobody knows.
    #[error("`{key}` is no key of {of}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Of what.
        of: &'static str,
        /// What may be meant.
        nearest: Option<String>,
    },
    /// A rule or macro without a name.
    #[error("an `id` is missing")]
    NoId,
    /// An id with other characters than it may have.
    #[error("`{0}` is no id: letters, digits and `_`")]
    BadId(String),
    /// A rule without an expression.
    #[error("an `expression` is missing")]
    NoExpression,
    /// A macro with both or neither.
    #[error("a macro has either an expression or values")]
    MacroBody,
    /// Merging texts that are no lists.
    #[error("only macros with values can be merged")]
    Merge,
    /// The expression.
    #[error("{0}")]
    Expression(Problem),
    /// Another rule of this name comes first.
    #[error("another rule has this id already; `combine: override` changes it")]
    Duplicate,
    /// An override of something that is not there.
    #[error("there is no rule of this id to override")]
    NothingToOverride,
    /// A range of versions that is none.
    #[error("`{0}` is no range of versions")]
    BadVersions(String),
    /// The rule is for other versions.
    #[error("for versions {0}, not for this one")]
    OtherVersion(String),
    /// The rule is for other machines.
    #[error("for machines where {0}")]
    OtherHost(String),
    /// It is switched off.
    #[error("disabled")]
    Disabled,
    /// An action sets a variable in a way that has no meaning.
    #[error("{0}")]
    Variable(VariableError),
    /// An action is none.
    #[error("an action is one of set, kill, hash, log, coredump and network_filter")]
    Action,
    /// An action that Lapwing does not take.
    #[error("the action `{0}` is not supported: the rule works without it")]
    Unsupported(&'static str),
    /// A signal that nobody knows.
    #[error("`{0}` is no signal")]
    Signal(String),
    /// A word that is none of those that may stand here.
    #[error("`{found}` is none of {expected}")]
    Choice {
        /// What is there.
        found: String,
        /// What may be.
        expected: &'static str,
    },
}

impl Fault {
    /// How bad it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self {
            Self::Expression(problem) if problem.is_warning() => Severity::Warning,
            Self::UnknownKey { .. }
            | Self::Unsupported(_)
            | Self::OtherVersion(_)
            | Self::OtherHost(_)
            | Self::Disabled
            | Self::Duplicate => Severity::Warning,
            _ => Severity::Error,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Expression(problem) => problem.hint.clone(),
            Self::UnknownKey { nearest: Some(nearest), .. } => Some(alloc::format!("did you mean `{nearest}`?")),
            _ => None,
        }
    }

    /// Whether the rule is left out although nothing is wrong with it.
    #[must_use]
    pub fn is_filtered(&self) -> bool {
        matches!(self, Self::OtherVersion(_) | Self::OtherHost(_) | Self::Disabled | Self::Duplicate)
    }
}

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The file.
    pub policy: String,
    /// The rule.
    pub rule: String,
    /// `loaded`, `filtered` or `error`.
    pub state: &'static str,
    /// Why, unless it is loaded.
    pub reason: String,
}

impl Report {
    /// The report as people read it: the fault, the line with a mark below it, the hint. `text` is the file's.
    #[must_use]
    pub fn render(&self, text: &str) -> String {
        use core::fmt::Write as _;
        let mut out = String::new();
        let severity = if self.fault.severity() == Severity::Warning { "warning" } else { "error" };
        let rule = if self.rule.is_empty() { String::new() } else { alloc::format!("rule {}: ", self.rule) };
        // Writing to a `String` cannot fail.
        let Place { line, column, .. } = self.place;
        let _ = writeln!(out, "{severity}: {}:{line}:{column}: {rule}{}", self.policy, self.fault);
        if let Some(source) = text.lines().nth(line.saturating_sub(1)).filter(|_| line > 0) {
            let number = line.to_string();
            let margin = " ".repeat(number.len());
            let shown: String = source.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
            let room = shown.chars().count().saturating_sub(column - 1).max(1);
            let mark = "^".repeat(self.width.clamp(1, room));
            let _ = writeln!(out, " {number} | {}", shown.trim_end());
            let _ = writeln!(out, " {margin} | {}{mark}", " ".repeat(column.saturating_sub(1)));
        }
        if let Some(hint) = self.fault.hint() {
            let _ = writeln!(out, "   hint: {hint}");
        }
        out
    }
}
