//! The processes that run, in an order in which each one's parent comes before it.

use std::collections::HashMap;

use lapwing_common::ids::Pid;
use lapwing_common::record::Running;

/// Parents before children, and otherwise by age. A parent is mostly older, but one that has adopted a process
/// need not be.
pub(crate) fn parents_first(mut processes: Vec<(Pid, Running)>) -> Vec<(Pid, Running)> {
    processes.sort_by_key(|(pid, running)| (running.started, pid.0));
    let places: HashMap<Pid, usize> = processes.iter().enumerate().map(|(at, (pid, _))| (*pid, at)).collect();
    let parents: Vec<Option<usize>> = processes.iter().map(|(_, running)| places.get(&running.ppid).copied()).collect();
    let mut left: Vec<Option<(Pid, Running)>> = processes.into_iter().map(Some).collect();
    let mut ordered = Vec::with_capacity(left.len());
    let mut above = Vec::new();
    for start in 0..left.len() {
        let mut next = Some(start);
        // Each is on the way up once: what was read at different moments may lead round in a circle.
        while let Some(at) = next.filter(|at| left[*at].is_some() && above.len() <= parents.len()) {
            above.push(at);
            next = parents[at];
        }
        while let Some(at) = above.pop() {
            ordered.extend(left[at].take());
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use lapwing_common::ids::Timestamp;
    use lapwing_common::record::Program;

    use super::*;

    fn order(processes: &[(i32, i32, u64)]) -> Vec<i32> {
        let running = |ppid: &i32, started: &u64| Running {
            ppid: Pid(*ppid),
            started: Timestamp(*started),
            program: Program::default(),
        };
        let processes = processes.iter().map(|(pid, ppid, started)| (Pid(*pid), running(ppid, started))).collect();
        parents_first(processes).iter().map(|(pid, _)| pid.0).collect()
    }

    #[test]
    fn by_age_with_parents_first() {
        assert_eq!(order(&[(30, 10, 3), (10, 1, 1), (20, 10, 2)]), [10, 20, 30]);
        // Started in the same tick, with a number from the start of a new round of numbers.
        assert_eq!(order(&[(5, 900, 7), (900, 1, 7)]), [900, 5]);
        // 40 has adopted 20, which is older.
        assert_eq!(order(&[(20, 40, 2), (40, 1, 4), (21, 20, 3)]), [40, 20, 21]);
    }

    #[test]
    fn a_circle_has_no_first() {
        let mut circle = order(&[(1, 2, 1), (2, 3, 2), (3, 1, 3), (4, 4, 4)]);
        circle.sort_unstable();
        assert_eq!(circle, [1, 2, 3, 4]);
    }
}
