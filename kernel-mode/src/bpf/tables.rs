//! The maps that filters are kept in, and the program that changes discarders.
//!
//! Discarders are not written from here: between a look at an entry and a write to it, a program may have
//! expired it. The program `obey` adds and expires them in the kernel, where both are ordered.

#![expect(unsafe_code, reason = "aya takes values of maps as Pod, an unsafe trait")]

use std::fmt;
use std::sync::{Mutex, PoisonError, Weak};

use aya::Ebpf;
use aya::maps::{Array, HashMap, MapData, MapError, PerCpuArray, PerCpuValues};
use aya::programs::{ProgramError, RawTracePoint, RawTracePointRunOptions, TestRun as _};
use aya::util::nr_cpus;
use lapwing_common::discard::Mode;
use thiserror::Error;

use super::LoadError;
use super::error::refused;
use super::object::typed;
use crate::abi::{self, Answer, Cell, FILTERED, Order, UnknownValue};

// SAFETY: all of these are `repr(C)`, of integers only, without padding (zerocopy's IntoBytes proves that), so
// that any bytes are a value and every byte of a value is initialised.
unsafe impl aya::Pod for abi::InodeKey {}
// SAFETY: as above.
unsafe impl aya::Pod for abi::Discarder {}
// SAFETY: as above.
unsafe impl aya::Pod for abi::Policy {}
// SAFETY: as above.
unsafe impl aya::Pod for abi::Basename {}
// SAFETY: likewise.
unsafe impl aya::Pod for abi::Component {}
// SAFETY: as above.
unsafe impl aya::Pod for abi::FilterCounts {}

const OBEY: &str = "obey";

/// Why filters could not be read or changed.
#[derive(Debug, Error)]
pub enum TableError {
    /// The programs are no longer in the kernel.
    #[error("the watch has ended")]
    Ended,
    /// A map could not be read or written.
    #[error("a map of filters: {0}")]
    Map(#[from] MapError),
    /// The program that changes discarders did not run.
    #[error("the program that changes discarders: {0}")]
    Program(#[from] ProgramError),
    /// It answered what it cannot answer.
    #[error(transparent)]
    Answer(#[from] UnknownValue),
}

/// An order to the program `obey`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) order: Order,
    pub(crate) key: abi::InodeKey,
    /// Number of a type.
    pub(crate) event: u8,
    /// Nanoseconds; 0 for ever.
    pub(crate) timeout: u64,
    /// What the count of changes has to be, and one; of a process, its mark; 0 for any.
    pub(crate) moment: u64,
}

/// The maps. Whoever has them has no part in keeping the programs attached.
pub(crate) struct FilterTables {
    programs: Weak<Mutex<Ebpf>>,
    inodes: HashMap<MapData, abi::InodeKey, abi::Discarder>,
    pids: HashMap<MapData, u32, abi::Discarder>,
    cells: Array<MapData, u32>,
    policies: Array<MapData, abi::Policy>,
    basenames: HashMap<MapData, abi::Basename, u64>,
    components: HashMap<MapData, abi::Component, u64>,
    counts: PerCpuArray<MapData, abi::FilterCounts>,
}

impl fmt::Debug for FilterTables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterTables").finish_non_exhaustive()
    }
}

impl FilterTables {
    pub(super) fn take(
        ebpf: &mut Ebpf,
        programs: Weak<Mutex<Ebpf>>,
        keeps_discarders: bool,
    ) -> Result<Self, LoadError> {
        if keeps_discarders {
            let missing =
                || LoadError::Program { name: OBEY, error: "it is not in the object".to_owned(), log: String::new() };
            let program: &mut RawTracePoint =
                ebpf.program_mut(OBEY).ok_or_else(missing)?.try_into().map_err(|error| refused(OBEY, error))?;
            program.load().map_err(|error| refused(OBEY, error))?;
        }
        let mut policies: Array<MapData, abi::Policy> = typed(ebpf, "policies")?;
        let accept = abi::Policy { mode: Mode::default() as u8, ..abi::Policy::default() };
        for event in 0..policies.len() {
            policies.set(event, accept, 0).map_err(|error| LoadError::Map { name: "policies", error })?;
        }
        Ok(Self {
            programs,
            inodes: typed(ebpf, "inode_discarders")?,
            pids: typed(ebpf, "pid_discarders")?,
            cells: typed(ebpf, "filter_cells")?,
            policies,
            basenames: typed(ebpf, "basenames")?,
            components: typed(ebpf, "components")?,
            counts: typed(ebpf, "filter_counts")?,
        })
    }

    /// Has an order obeyed.
    pub(crate) fn tell(&mut self, told: &Told) -> Result<Answer, TableError> {
        let ebpf = self.programs.upgrade().ok_or(TableError::Ended)?;
        let ebpf = ebpf.lock().unwrap_or_else(PoisonError::into_inner);
        let program: &RawTracePoint = ebpf.program(OBEY).ok_or(TableError::Ended)?.try_into()?;
        let Told { order, key, event, timeout, moment } = *told;
        let mut options = RawTracePointRunOptions::new();
        let order =
            [u32::from(order).into(), key.inode, key.mount.into(), event.into(), timeout, key.leaf.into(), moment];
        options.args[..order.len()].copy_from_slice(&order);
        Ok(Answer::try_from(program.test_run(options)?.return_value)?)
    }

    /// Every inode that something is said about.
    pub(crate) fn inodes(&self) -> Result<Vec<(abi::InodeKey, abi::Discarder)>, TableError> {
        entries(&self.inodes)
    }

    /// Every process that something is said about.
    pub(crate) fn pids(&self) -> Result<Vec<(u32, abi::Discarder)>, TableError> {
        entries(&self.pids)
    }

    pub(crate) fn cell(&self, cell: Cell) -> Result<u32, TableError> {
        Ok(self.cells.get(&cell.into(), 0)?)
    }

    pub(crate) fn set_cell(&mut self, cell: Cell, value: u32) -> Result<(), TableError> {
        Ok(self.cells.set(cell.into(), value, 0)?)
    }

    pub(crate) fn set_policy(&mut self, event: u8, policy: abi::Policy) -> Result<(), TableError> {
        Ok(self.policies.set(event.into(), policy, 0)?)
    }

    /// Says for which types a name is approved; no bits for none.
    pub(crate) fn set_basename(&mut self, name: &abi::Basename, types: u64) -> Result<(), TableError> {
        match types {
            0 => Ok(self.basenames.remove(name)?),
            types => Ok(self.basenames.insert(name, types, 0)?),
        }
    }

    /// The same of a component of paths.
    pub(crate) fn set_component(&mut self, component: &abi::Component, types: u64) -> Result<(), TableError> {
        match types {
            0 => Ok(self.components.remove(component)?),
            types => Ok(self.components.insert(component, types, 0)?),
        }
    }

    /// Enters a name that no file has, and takes it out again.
    pub(crate) fn try_basenames(&mut self) -> Result<(), TableError> {
        let nobody = abi::Basename { bytes: [b'/'; abi::BASENAME] };
        self.set_basename(&nobody, 1)?;
        self.set_basename(&nobody, 0)
    }

    /// What was counted in one half, by number of the type, summed over all CPUs.
    pub(crate) fn counts(&self, half: u32) -> Result<[abi::FilterCounts; FILTERED], TableError> {
        let mut sums = [abi::FilterCounts::default(); FILTERED];
        for (index, sum) in (first(half)..).zip(&mut sums) {
            for more in self.counts.get(&index, 0)?.iter() {
                sum.added += more.added;
                sum.discarded += more.discarded;
                sum.by_basename += more.by_basename;
                sum.by_flags += more.by_flags;
                sum.rejected += more.rejected;
            }
        }
        Ok(sums)
    }

    /// Zeroes a half.
    pub(crate) fn clear(&mut self, half: u32) -> Result<(), TableError> {
        let cpus = nr_cpus().map_err(|(_, error)| {
            MapError::from(aya::sys::SyscallError { call: "read the number of CPUs", io_error: error })
        })?;
        for index in (first(half)..).take(FILTERED) {
            let zero = PerCpuValues::try_from(vec![abi::FilterCounts::default(); cpus]).map_err(MapError::IoError)?;
            self.counts.set(index, zero, 0)?;
        }
        Ok(())
    }
}

fn first(half: u32) -> u32 {
    half * u32::try_from(FILTERED).unwrap_or(0)
}

/// What is removed or added meanwhile may be missing.
fn entries<K: aya::Pod, V: aya::Pod>(map: &HashMap<MapData, K, V>) -> Result<Vec<(K, V)>, TableError> {
    let mut entries = Vec::new();
    for key in map.keys() {
        let key = key?;
        match map.get(&key, 0) {
            Ok(value) => entries.push((key, value)),
            Err(MapError::KeyNotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(entries)
}
