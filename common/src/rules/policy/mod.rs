//! Policies: files of rules, as they are written, merged, compiled and put to work.
//!
//! Stages, each of which reports what it cannot use and goes on with the rest: `document` reads YAML, `definition`
//! is what was written, `merge` puts files together, `build` compiles. [`Rules`] is the result.

mod action;
mod build;
mod definition;
mod discover;
mod document;
mod fim;
mod host;
mod limiter;
mod merge;
mod report;
mod rules;
mod version;

pub use action::{Effect, Kill, LogLevel, Target};
pub use build::{Loaded, Options, load};
pub use definition::{Place, PolicySource};
pub use discover::{Discoverer, Pace, Use, Verdicts};
pub use host::Host;
pub use limiter::Limiter;
pub use report::{Fault, Report, Severity, Status};
pub use rules::{Match, Memory, Rule, Rules};

#[cfg(test)]
mod program_promise;
#[cfg(test)]
mod readings;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod starter;
#[cfg(test)]
mod succession;
#[cfg(test)]
mod tests;
