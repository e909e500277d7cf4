//! Which process an event is of, when numbers mean nothing.
//!
//! The number of a process differs from run to run, and is used again within one. So a process is known by its
//! place in the tree: the programs on the way down to it, as `sh/make/gcc/cc1`. A process that executes nothing is
//! called by its parent's program in parentheses. Whether two processes of the same place did the same is told
//! by comparing trees.

use std::collections::HashMap;

use serde_json::Value;

/// An index into [`Lineage::processes`].
pub(super) type Node = usize;

/// What stands for a process outside of the tree.
pub(super) const OUTSIDE: &str = "(outside)";

/// A process of a stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Process {
    pub(super) parent: Option<Node>,
    /// The program that it executed last; empty if none.
    program: String,
    /// Whether one of its threads but the first was seen.
    pub(super) has_threads: bool,
}

/// All processes of a stream, in the order in which they appear, the command first.
#[derive(Clone, Debug, Default)]
pub(super) struct Lineage {
    pub(super) processes: Vec<Process>,
}

/// Who has which number at some place of a stream. Goes through the same places twice, and finds the same
/// processes.
#[derive(Debug, Default)]
pub(super) struct Walk {
    numbers: HashMap<i64, Node>,
    /// Those that were met without their fork.
    found: HashMap<i64, Node>,
    parents: Vec<Option<Node>>,
}

impl Walk {
    /// Goes on by one event; returns the process that acts.
    pub(super) fn step(&mut self, event: &Value) -> Node {
        let process = &event["process"];
        let pid = number(process, "pid").unwrap_or(0);
        let actor = match self.numbers.get(&pid) {
            Some(actor) => *actor,
            None => {
                let parent = number(process, "ppid").and_then(|ppid| self.numbers.get(&ppid)).copied();
                let actor = self.add(pid, parent);
                self.found.insert(pid, actor);
                actor
            }
        };
        if event["type"] == "fork"
            && let Some(child) = number(&event["fork"], "pid")
        {
            match self.found.remove(&child) {
                // Its first event came before that of its fork.
                Some(found) => self.parents[found] = Some(actor),
                None => drop(self.add(child, Some(actor))),
            }
        }
        if event["type"] == "exit" {
            // A fork that comes with the same number now is another process.
            self.found.remove(&pid);
        }
        actor
    }

    /// The process that has a number now.
    pub(super) fn node(&self, pid: i64) -> Option<Node> {
        self.numbers.get(&pid).copied()
    }

    fn add(&mut self, pid: i64, parent: Option<Node>) -> Node {
        let node = self.parents.len();
        self.parents.push(parent);
        self.numbers.insert(pid, node);
        node
    }
}

impl Lineage {
    /// Learns from an event what its process, as [`Walk::step`] found it, is called.
    pub(super) fn learn(&mut self, walk: &Walk, actor: Node, event: &Value) {
        self.processes.resize_with(walk.parents.len(), Process::default);
        for (process, parent) in self.processes.iter_mut().zip(&walk.parents) {
            process.parent = *parent;
        }
        let process = &mut self.processes[actor];
        if event["type"] == "exec"
            && let Some(program) = event.pointer("/exec/file/name").and_then(Value::as_str)
        {
            program.clone_into(&mut process.program);
        }
        let who = &event["process"];
        process.has_threads |= number(who, "tid") != number(who, "pid");
    }

    /// The place of each process in the tree, as a path of programs.
    pub(super) fn paths(&self) -> Vec<String> {
        (0..self.processes.len()).map(|node| self.path(node)).collect()
    }

    fn path(&self, node: Node) -> String {
        let mut names: Vec<String> = self.upwards(node).map(|node| self.name(node)).collect();
        names.reverse();
        names.join("/")
    }

    /// What a process is called among its siblings.
    pub(super) fn name(&self, node: Node) -> String {
        let mut above = self.upwards(node);
        let own = above.next().map_or("", |node| &*self.processes[node].program);
        if !own.is_empty() {
            return own.to_owned();
        }
        let inherited = above.map(|node| &*self.processes[node].program).find(|program| !program.is_empty());
        format!("({})", inherited.unwrap_or("command"))
    }

    /// A process and its ancestors, nearest first.
    pub(super) fn upwards(&self, node: Node) -> impl Iterator<Item = Node> {
        // A broken stream could make two processes each other's parents.
        std::iter::successors(Some(node), |node| self.processes[*node].parent).take(self.processes.len())
    }
}

/// A member that is a number.
pub(super) fn number(value: &Value, name: &str) -> Option<i64> {
    value.get(name).and_then(Value::as_i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn paths(events: &[Value]) -> (Vec<String>, Vec<Node>) {
        let (mut walk, mut lineage) = (Walk::default(), Lineage::default());
        let mut actors = Vec::new();
        for event in events {
            let actor = walk.step(event);
            lineage.learn(&walk, actor, event);
            actors.push(actor);
        }
        (lineage.paths(), actors)
    }

    fn exec(pid: i64, ppid: i64, name: &str) -> Value {
        json!({"type": "exec", "process": {"pid": pid, "tid": pid, "ppid": ppid}, "exec": {"file": {"name": name}}})
    }

    fn fork(pid: i64, child: i64) -> Value {
        json!({"type": "fork", "process": {"pid": pid, "tid": pid}, "fork": {"pid": child}})
    }

    fn exit(pid: i64, ppid: i64) -> Value {
        json!({"type": "exit", "process": {"pid": pid, "tid": pid, "ppid": ppid}})
    }

    #[test]
    fn a_process_is_known_by_the_programs_on_the_way_to_it() {
        let events = [exec(10, 1, "sh"), fork(10, 11), exec(11, 10, "env"), exec(11, 10, "make"), fork(11, 12)];
        assert_eq!(paths(&events).0, ["sh", "sh/make", "sh/make/(make)"]);
    }

    #[test]
    fn a_number_that_is_used_again_is_another_process() {
        let events =
            [exec(10, 1, "sh"), fork(10, 11), exec(11, 10, "a"), exit(11, 10), fork(10, 11), exec(11, 10, "b")];
        let (paths, actors) = paths(&events);
        assert_eq!(paths, ["sh", "sh/a", "sh/b"]);
        assert_eq!(actors, [0, 0, 1, 1, 0, 2]);
    }

    #[test]
    fn a_process_whose_fork_is_missing_or_late_hangs_below_its_parent() {
        let missing = [exec(10, 1, "sh"), exec(11, 10, "a")];
        assert_eq!(paths(&missing).0, ["sh", "sh/a"]);
        let late = [exec(10, 1, "sh"), exec(11, 1, "a"), fork(10, 11), exit(11, 10)];
        assert_eq!(paths(&late), (vec!["sh".into(), "sh/a".into()], vec![0, 1, 0, 1]));
    }
}
