//! `digraph ProcessTree`: a line a node, a line an edge from an ancestor.

use alloc::sync::Arc;
use alloc::vec::Vec;

use hashbrown::{HashMap, HashSet};

use super::{Put, ShowArguments};
use crate::graph;
use crate::ids::{Pid, ProcessKey, Timestamp};
use crate::process::Process;
use crate::schema::Short;

pub(super) fn write<E>(processes: &[Arc<Process>], arguments: ShowArguments, put: &mut Put<'_, E>) -> Result<(), E> {
    let mut graph =
        Graph { arguments, entries: HashMap::new(), nodes: HashMap::new(), names: HashMap::new(), line: Vec::new() };
    put(b"digraph ProcessTree {\n")?;
    // First what runs: a node tells of the latest program of its name.
    for process in processes {
        graph.node(process, put)?;
    }
    let mut edges = HashSet::new();
    let mut visited: HashSet<usize> = HashSet::new();
    for process in processes {
        let mut below: &Process = process;
        while visited.insert(core::ptr::from_ref(below).addr()) {
            let Some(above) = below.ancestor() else { break };
            let to = graph.node(below, put)?;
            let from = graph.node(above, put)?;
            if from != to && edges.insert((from, to)) {
                graph.edge(from, to, put)?;
            }
            below = above;
        }
    }
    // Without a line feed, as in the reference.
    put(b"}")
}

/// What makes two entries one node: the same process under the same name.
type Identity = (ProcessKey, Timestamp, Short);

/// A node's name: pid, command name, and a number where another process has the same of both.
type Name = (Pid, Short, u32);

struct Graph {
    arguments: ShowArguments,
    /// By the address of the entry, whose command name may change meanwhile.
    entries: HashMap<usize, Name>,
    nodes: HashMap<Identity, Name>,
    names: HashMap<(Pid, Short), u32>,
    line: Vec<u8>,
}

impl Graph {
    /// The name of an entry's node, which is written the first time it is asked for.
    fn node<E>(&mut self, process: &Process, put: &mut Put<'_, E>) -> Result<Name, E> {
        let address = core::ptr::from_ref(process).addr();
        if let Some(name) = self.entries.get(&address) {
            return Ok(*name);
        }
        let (pid, comm) = (process.key().pid, process.comm());
        let identity = (process.key(), process.forked(), comm);
        if let Some(name) = self.nodes.get(&identity) {
            self.entries.insert(address, *name);
            return Ok(*name);
        }
        let taken = self.names.entry((pid, comm)).or_default();
        *taken += 1;
        let name = (pid, comm, *taken);
        self.nodes.insert(identity, name);
        self.entries.insert(address, name);
        self.line.clear();
        self.name(name);
        let (before, after): (&[u8], &[u8]) =
            if process.exited().is_known() { (b" [label=\"[", b"]\"") } else { (b" [label=\"", b"\"") };
        self.line.extend_from_slice(before);
        graph::inner(&mut self.line, comm.as_bytes());
        self.line.push(b':');
        self.number(pid.0);
        self.line.extend_from_slice(after);
        if self.arguments == ShowArguments::Yes {
            self.line.extend_from_slice(b", comment=\"");
            for (index, argument) in process.image().arguments.all().iter().enumerate() {
                if index > 0 {
                    self.line.push(b' ');
                }
                graph::inner(&mut self.line, argument);
            }
            self.line.push(b'"');
        }
        self.line.extend_from_slice(b"];\n");
        put(&self.line)?;
        Ok(name)
    }

    fn edge<E>(&mut self, from: Name, to: Name, put: &mut Put<'_, E>) -> Result<(), E> {
        self.line.clear();
        self.name(from);
        self.line.extend_from_slice(b" -> ");
        self.name(to);
        self.line.extend_from_slice(b";\n");
        put(&self.line)
    }

    fn name(&mut self, (pid, comm, times): Name) {
        self.line.push(b'"');
        self.number(pid.0);
        self.line.push(b':');
        graph::inner(&mut self.line, comm.as_bytes());
        if times > 1 {
            self.line.push(b'#');
            self.number(times);
        }
        self.line.push(b'"');
    }

    fn number(&mut self, number: impl itoa::Integer) {
        self.line.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }
}
