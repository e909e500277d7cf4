//! The house rules, each a function from source text to problems.
//!
//! They are what review would otherwise repeat. A rule sees files as text, not as syntax: good
//! enough for these, and it covers C and Rust alike. Lints that clippy has are left to clippy.

mod edges;
mod headers;
mod length;
mod manifest;
mod markers;
mod names;
mod tree;

use std::fmt;
use std::path::PathBuf;

use crate::workspace::Workspace;
use tree::{Language, SourceFile};

/// Every rule that looks at one file at a time.
const FILE_RULES: [fn(&SourceFile) -> Vec<Problem>; 4] = [headers::check, length::check, names::check, markers::check];

/// Why the rules could not be checked, or how many were broken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{errors} house rules broken in {files} files looked at")]
    Untidy { errors: usize, files: usize },
}

/// Something to mend.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Problem {
    severity: Severity,
    /// The file, from the root.
    path: String,
    /// From 1 on; 0 where the whole file is meant.
    line: usize,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    Warning,
    Error,
}

impl Problem {
    fn error(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, path: path.to_owned(), line, message: message.into() }
    }

    fn warning(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(path, line, message) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}: {}", self.path)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Checks everything, shows what it finds, and fails unless there are at most warnings.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Error> {
    let files = tree::load(&workspace.root)?;
    let mut problems: Vec<_> = files.iter().flat_map(|file| FILE_RULES.iter().flat_map(|rule| rule(file))).collect();
    problems.extend(manifest::check(&tree::read(&workspace.root, manifest::PATH)?));
    problems.extend(edges::check(&workspace.members));

    for problem in &problems {
        eprintln!("{problem}");
    }
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    if errors > 0 {
        return Err(Error::Untidy { errors, files: files.len() });
    }
    eprintln!("tidy: {} files, {} warnings", files.len(), problems.len());
    Ok(())
}

/// The messages of what a rule finds in one file; for the rules' tests.
#[cfg(test)]
fn messages(rule: fn(&SourceFile) -> Vec<Problem>, path: &str, text: &str) -> Vec<String> {
    let language = Language::of(path).expect("a source file's name");
    rule(&SourceFile { path: path.to_owned(), language, text: text.to_owned() })
        .iter()
        .map(Problem::to_string)
        .collect()
}
