//! The map of processes whose fork or exec did not fit into the ring.

use std::fmt;
use std::sync::Arc;

use aya::Ebpf;
use aya::maps::{HashMap, MapData};

use super::LoadError;
use super::object::typed;
use crate::abi;

/// What processes were when a record of their fork or exec did not fit into the ring.
#[derive(Clone)]
pub(crate) struct MissedTable(Arc<HashMap<MapData, u32, [u8; abi::MISSED_BYTES]>>);

impl fmt::Debug for MissedTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MissedTable").finish_non_exhaustive()
    }
}

impl MissedTable {
    pub(super) fn take(ebpf: &mut Ebpf) -> Result<Self, LoadError> {
        Ok(Self(Arc::new(typed(ebpf, "missed")?)))
    }

    /// The last such record of a process, by its number in Lapwing's pid namespace.
    pub(crate) fn get(&self, process: u32) -> Option<[u8; abi::MISSED_BYTES]> {
        self.0.get(&process, 0).ok()
    }
}
