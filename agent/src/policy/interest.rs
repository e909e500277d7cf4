//! What rules say about paths, for a backend that asks before a call is made.
//!
//! What it lets pass is not evaluated, but discarders are concluded from it as from what is.

use std::sync::{Arc, Mutex, PoisonError};

use lapwing_common::backend::Interest;
use lapwing_common::event::{EventType, File};
use lapwing_common::ids::Timestamp;
use lapwing_common::rules::policy::Rules;

/// The most that is kept to conclude something from. What is more says nothing new within that time.
const MOST: usize = 4096;

/// A file that was used, of which no rule wants to hear.
#[derive(Debug)]
pub(super) struct Passed {
    pub(super) event: EventType,
    pub(super) file: File,
    pub(super) at: Timestamp,
}

/// The interest that rules have in paths.
#[derive(Debug)]
pub(crate) struct PathInterest {
    rules: Arc<Rules>,
    passed: Mutex<Vec<Passed>>,
}

impl PathInterest {
    pub(super) fn new(rules: Arc<Rules>) -> Self {
        Self { rules, passed: Mutex::default() }
    }

    /// What has been let pass since the last time.
    pub(super) fn take(&self) -> Vec<Passed> {
        std::mem::take(&mut *self.passed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Interest for PathInterest {
    fn is_indifferent(&self, event: EventType, path: &[u8]) -> bool {
        self.rules.are_indifferent_to(event, path)
    }

    fn passed(&self, event: EventType, file: &File, at: Timestamp) {
        let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
        if passed.len() < MOST {
            passed.push(Passed { event, file: file.clone(), at });
        }
    }
}
