//! The process cache at one moment, for reading: a graph for Graphviz, or JSON.
//!
//! Layout and names are those of the reference's `process-cache dump`, which its users have tools for. To make a
//! dump is to hold on to the entries: what is shown of them is looked at when it is written, elsewhere and in its
//! own time, while events go on. Entries are immutable but for credentials, command name and times, each of which
//! is shown whole.

mod dot;
mod json;

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Cache, Process};

/// The processes that were known at one moment.
#[derive(Clone, Debug, Default)]
pub struct Dump {
    processes: Vec<Arc<Process>>,
}

/// Whether a dump shows the arguments of programs. They are scrubbed of secrets since they were captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShowArguments {
    /// It does not.
    No,
    /// It does.
    Yes,
}

/// Takes a dump, a piece at a time.
pub type Put<'a, E> = dyn FnMut(&[u8]) -> Result<(), E> + 'a;

impl Dump {
    /// The processes that the cache knows now. Takes some tens of nanoseconds for each.
    #[must_use]
    pub fn of(cache: &Cache) -> Self {
        Self { processes: cache.unordered().cloned().collect() }
    }

    /// How many processes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.processes.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    /// Writes the processes and their ancestors as a graph.
    ///
    /// A node is a process with the programs it ran under one command name; what has ended stands in brackets.
    ///
    /// # Errors
    ///
    /// The first error of `put`.
    pub fn write_dot<E>(mut self, arguments: ShowArguments, put: &mut Put<'_, E>) -> Result<(), E> {
        self.order();
        dot::write(&self.processes, arguments, put)
    }

    /// Writes the processes as a JSON object, `{"Entries":[…]}`.
    ///
    /// # Errors
    ///
    /// The first error of `put`.
    pub fn write_json<E>(mut self, arguments: ShowArguments, put: &mut Put<'_, E>) -> Result<(), E> {
        self.order();
        json::write(&self.processes, arguments, put)
    }

    fn order(&mut self) {
        self.processes.sort_unstable_by_key(|process| process.key());
    }
}
