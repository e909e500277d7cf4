//! Environments that several programs have alike are kept once: most programs have that of who started them, and
//! names of variables are most of what is kept of a program.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::process::Environment;

/// As many are compared with. A shell's children have theirs in common, although the shell's own may differ.
const RECENT: usize = 16;

/// The environments that programs had lately.
#[derive(Debug, Default)]
pub(super) struct Environments {
    recent: Vec<Arc<Environment>>,
    /// The place that the next one takes.
    next: usize,
}

impl Environments {
    /// One that is the same, if there is one.
    pub(super) fn share(&mut self, environment: Environment) -> Arc<Environment> {
        // The one before is the likeliest.
        let (newer, older) = self.recent.split_at(self.next);
        if let Some(same) = older.iter().chain(newer).rev().find(|known| ***known == environment) {
            return Arc::clone(same);
        }
        let environment = Arc::new(environment);
        match self.recent.get_mut(self.next) {
            Some(oldest) => *oldest = Arc::clone(&environment),
            None => self.recent.push(Arc::clone(&environment)),
        }
        self.next = (self.next + 1) % RECENT;
        environment
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Keep;

    fn environment(variable: usize) -> Environment {
        let text = alloc::format!("V{variable}=x");
        Environment::capture([&b"PATH=/bin"[..], text.as_bytes()], false, &Keep::default())
    }

    #[test]
    fn what_is_the_same_is_kept_once_as_long_as_it_is_recent() {
        let mut environments = Environments::default();
        let first = environments.share(environment(0));
        for other in 1..RECENT {
            environments.share(environment(other));
            assert!(Arc::ptr_eq(&first, &environments.share(environment(0))));
        }
        let last = environments.share(environment(RECENT));
        assert!(Arc::ptr_eq(&last, &environments.share(environment(RECENT))));
        assert_eq!(environments.recent.len(), RECENT);
        assert_eq!(Arc::strong_count(&first), 1, "it has given way");
        assert_eq!(*environments.share(environment(0)), *first);
    }

    #[test]
    fn values_tell_environments_apart() {
        let mut environments = Environments::default();
        let with = |path: &str| Environment::capture([path.as_bytes()], false, &Keep::default());
        let one = environments.share(with("PATH=/bin"));
        assert!(!Arc::ptr_eq(&one, &environments.share(with("PATH=/tmp"))));
    }
}
