//! The environment of a program: which variables there are, and the values of a few.
//!
//! Environments carry credentials, so a value is kept only when its name is on an allow list; a deny
//! list would always lack the next secret's name.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::arguments::shorten;

/// How many names, and how many kept values, one program may have.
const COUNT: usize = 256;
/// Bytes of a name.
const NAME: usize = 256;
/// Bytes of `NAME=value`.
const ENTRY: usize = 1024;

/// The environment of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The names of its variables, in their order.
    pub names: Vec<Box<[u8]>>,
    /// The variables whose values may be kept, as `NAME=value`.
    pub kept: Vec<Box<[u8]>>,
    /// There were more, or longer ones.
    pub truncated: bool,
}

/// The names of variables whose values may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Sorted.
    names: Box<[Box<[u8]>]>,
}

impl Default for Keep {
    /// What changes how a program is found, loaded or recorded, and says for whom it runs.
    fn default() -> Self {
        Self::new([
            "PATH",
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "HISTSIZE",
            "HISTFILESIZE",
            "GLIBC_TUNABLES",
            "SSH_CLIENT",
            "DD_SERVICE",
            "OTEL_SERVICE_NAME",
        ])
    }
}

impl Keep {
    /// These names and no other.
    #[must_use]
    pub fn new(names: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let mut names: Vec<Box<[u8]>> = names.into_iter().map(|name| name.as_ref().into()).collect();
        names.sort_unstable();
        names.dedup();
        Self { names: names.into() }
    }

    /// Whether the value of the variable may be kept. The whole name counts, and its case.
    #[must_use]
    pub fn contains(&self, name: &[u8]) -> bool {
        self.names.binary_search_by(|kept| (**kept).cmp(name)).is_ok()
    }
}

impl Environment {
    /// Keeps the names of `variables`, and the values that `keep` allows. `more` says that the source
    /// was cut.
    ///
    /// Past the limit of names, values are still looked for: otherwise a few hundred variables of no
    /// meaning would hide an `LD_PRELOAD`.
    #[must_use]
    pub fn capture<'a>(variables: impl IntoIterator<Item = &'a [u8]>, more: bool, keep: &Keep) -> Self {
        let mut environment = Self { truncated: more, ..Self::default() };
        for variable in variables {
            let equals = variable.iter().position(|byte| *byte == b'=');
            let name = &variable[..equals.unwrap_or(variable.len())];
            // A program that rewrites its environment to change its title leaves empty strings behind.
            if name.is_empty() {
                continue;
            }
            environment.truncated |= push(&mut environment.names, name, NAME);
            if equals.is_some() && keep.contains(name) {
                environment.truncated |= push(&mut environment.kept, variable, ENTRY);
            }
        }
        environment
    }

    /// Whether it has no more and no longer variables than are ever captured.
    pub(crate) fn is_within_limits(&self) -> bool {
        let fit = |values: &[Box<[u8]>], each| values.len() <= COUNT && values.iter().all(|value| value.len() <= each);
        fit(&self.names, NAME) && fit(&self.kept, ENTRY)
    }
}

/// Adds what fits of a value, and tells whether some did not.
fn push(values: &mut Vec<Box<[u8]>>, value: &[u8], limit: usize) -> bool {
    if values.len() == COUNT {
        return true;
    }
    let (kept, cut) = shorten(value, limit);
    values.push(kept);
    cut
}
