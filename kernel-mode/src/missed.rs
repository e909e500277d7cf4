//! Processes whose fork or exec did not fit into the ring, as the programs keep them: where whom nobody told of is
//! looked up before `/proc`, which knows only those that still run.

use lapwing_common::ids::{Pid, PidNs, ProcessKey};
use lapwing_common::process::{Lookup, Mark};
use lapwing_common::record::Running;

use crate::bpf::MissedTable;
use crate::decode::Decoder;

/// The kernel's map of them as a place to look processes up.
#[derive(Debug)]
pub(crate) struct Missed {
    table: MissedTable,
    /// That in which the programs number processes.
    namespace: PidNs,
    decoder: Decoder,
}

impl Missed {
    pub(crate) fn new(table: MissedTable, namespace: PidNs, decoder: Decoder) -> Self {
        Self { table, namespace, decoder }
    }

    fn get(&mut self, key: ProcessKey, mark: Option<Mark>) -> Option<Running> {
        let number = u32::try_from(key.pid.0).ok().filter(|_| key.namespace == self.namespace)?;
        self.decoder.missed(key, mark, &self.table.get(number)?)
    }
}

impl Lookup for Missed {
    fn process(&mut self, key: ProcessKey, mark: Option<Mark>) -> Option<Running> {
        self.get(key, mark)
    }

    fn parent(&mut self, key: ProcessKey) -> Option<Pid> {
        self.get(key, None).map(|running| running.ppid)
    }
}
