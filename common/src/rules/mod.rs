//! The rule language: SECL, the language of Datadog's workload protection, as `docs/rules.md` restates it.
//!
//! A rule goes through `syntax` (text to tree), `compile` (names and types; tree to `program`), an index over all
//! rules of a set, and `eval` (program and event to true or false). What fields there are is the event
//! model's business (`catalogue`).

mod address;
mod approve;
mod arguments;
mod catalogue;
mod compile;
mod eval;
mod explain;
mod index;
mod overview;
mod partial;
mod paths;
#[cfg(feature = "std")]
pub mod policy;
mod problem;
mod program;
mod programs;
mod set;
mod syntax;
mod text;
mod variables;

pub use address::Cidr;
pub use approve::{Approval, Sought, SoughtValue};
pub use catalogue::{Subject, Ty};
pub use compile::Feed;
pub use eval::{Sample, SampleValue};
pub use overview::{Obstacle, Overview};
pub use paths::{PathInterests, WantedPaths};
pub use problem::{MeaningError, PathError, Problem, ProblemKind, SyntaxError, Warning};
pub use syntax::{MAX_DEPTH, MAX_LENGTH, Span};
pub(crate) use text::Glob;
pub use variables::{Scope, VariableError};

#[cfg(test)]
pub(crate) mod tests;
