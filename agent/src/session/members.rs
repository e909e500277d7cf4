//! Who belongs to what is watched, for telling whose signals come back to where they came from.
//!
//! A tracer can ask the kernel whose tracee a process is. Where nobody traces, the observations tell: who was
//! made by one that belongs, belongs. One that has ended is remembered until observations are drained again, so
//! that a process can be told to have belonged that sent a signal and was gone before anybody looked.

use std::collections::HashSet;

use lapwing_common::record::{Observation, Sighting};

/// The processes of a tree, by pid.
#[derive(Debug)]
pub(super) struct Members {
    living: HashSet<i32>,
    /// Those that ended among the observations drained last.
    departed: Vec<i32>,
}

impl Members {
    pub(super) fn of(root: i32) -> Self {
        Self { living: HashSet::from([root]), departed: Vec::new() }
    }

    /// Observations will be drained: who had ended before is not needed any more.
    pub(super) fn begin(&mut self) {
        for pid in self.departed.drain(..) {
            self.living.remove(&pid);
        }
    }

    pub(super) fn observe(&mut self, observation: &Observation) {
        match observation.what {
            Sighting::Fork { child } => {
                self.living.insert(child.0);
                // The number is used again.
                self.departed.retain(|pid| *pid != child.0);
            }
            Sighting::Exit { .. } => self.departed.push(observation.task.pid.0),
            _ => {}
        }
    }

    pub(super) fn contains(&self, pid: i32) -> bool {
        self.living.contains(&pid)
    }
}

#[cfg(test)]
mod tests {
    use lapwing_common::event::{ExitCause, Origin};
    use lapwing_common::ids::{Pid, PidNs, Tid, Timestamp};
    use lapwing_common::record::Task;

    use super::*;

    fn observe(members: &mut Members, pid: i32, what: Sighting) {
        let task = Task { pid: Pid(pid), tid: Tid(pid), namespace: PidNs(1), mark: None };
        members.observe(&Observation { timestamp: Timestamp(1), origin: Origin::Kernel, task, what });
    }

    fn fork(members: &mut Members, pid: i32, child: i32) {
        observe(members, pid, Sighting::Fork { child: Pid(child) });
    }

    fn exit(members: &mut Members, pid: i32) {
        observe(members, pid, Sighting::Exit { cause: ExitCause::Exited, code: 0 });
    }

    #[test]
    fn who_is_made_by_a_member_is_one() {
        let mut members = Members::of(1);
        fork(&mut members, 1, 2);
        fork(&mut members, 2, 3);
        assert!([1, 2, 3].iter().all(|pid| members.contains(*pid)));
        assert!(!members.contains(4));
    }

    #[test]
    fn one_that_ended_is_remembered_until_the_next_drain() {
        let mut members = Members::of(1);
        members.begin();
        fork(&mut members, 1, 2);
        exit(&mut members, 2);
        assert!(members.contains(2));
        members.begin();
        assert!(!members.contains(2) && members.contains(1));
    }

    #[test]
    fn a_number_that_is_used_again_is_a_members() {
        let mut members = Members::of(1);
        fork(&mut members, 1, 2);
        exit(&mut members, 2);
        fork(&mut members, 1, 2);
        members.begin();
        assert!(members.contains(2));
    }
}
