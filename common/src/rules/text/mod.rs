//! Matching of texts: patterns, globs of paths, regular expressions, and sets of them.

mod glob;
mod pattern;
mod raw;
mod regexp;
mod set;

pub(crate) use glob::Glob;
pub(crate) use pattern::Pattern;
pub(crate) use raw::{glob as raw_glob, pattern as raw_pattern};
pub(crate) use regex_automata::meta::Cache as RegexpCache;
pub(crate) use regexp::Regexp;
pub(crate) use set::TextSet;
