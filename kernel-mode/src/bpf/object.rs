//! Lapwing's programs and maps, loaded.
//!
//! Everything is attached by this process and held by descriptors: when it ends, however it ends, the
//! kernel detaches the programs and frees the maps.

#![expect(unsafe_code, reason = "aya takes values of maps as Pod, an unsafe trait")]

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use aya::maps::{Array, HashMap, Map, MapData, MapError, PerCpuArray};
use aya::util::nr_cpus;
use aya::{Ebpf, EbpfLoader};

use super::error::LoadError;
use super::missed::MissedTable;
use super::ring::Ring;
use super::tables::FilterTables;
use super::types::Types;
use crate::abi::{self, CallFlags, Hierarchy, NumberSet, NumberSetOf, ScopeKind};

/// The object that `cargo xtask bpf` makes of the sources in `bpf`: how registers hold a call's arguments
/// depends on the processor.
#[cfg(target_arch = "aarch64")]
pub(super) static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../bpf/lapwing-aarch64.bpf.o"));
#[cfg(not(target_arch = "aarch64"))]
pub(super) static OBJECT: &[u8] =
    aya::include_bytes_aligned!(concat!(env!("CARGO_MANIFEST_DIR"), "/../bpf/lapwing.bpf.o"));

// SAFETY: `repr(C)`, of integers only, without padding (zerocopy's IntoBytes proves that), so that any bytes
// are a value and every byte of a value is initialised. aya copies map values as bytes and has no safe way.
unsafe impl aya::Pod for abi::Descriptor {}
// SAFETY: as above.
unsafe impl aya::Pod for abi::MadeKey {}
// SAFETY: as above.
unsafe impl aya::Pod for abi::Made {}
// SAFETY: as above.
unsafe impl aya::Pod for NumberSet {}

/// The names of the rings of calls.
const CALL_RINGS: [&str; abi::RINGS] =
    ["calls_0", "calls_1", "calls_2", "calls_3", "calls_4", "calls_5", "calls_6", "calls_7"];

/// What is decided before loading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Inode number of Lapwing's pid namespace.
    pub(crate) namespace: u32,
    /// Whom to observe.
    pub(crate) scope: ScopeKind,
    /// Where the control groups are that are observed.
    pub(crate) hierarchy: Hierarchy,
    /// Bytes of the ring for fork, exec and exit.
    pub(crate) lifecycle_ring: u32,
    /// Bytes of each ring for calls.
    pub(crate) call_ring: u32,
    /// Bytes in a ring at which the reader is woken.
    pub(crate) wake_at: u64,
    /// What calls remove or move is looked up before they do.
    pub(crate) looks_early: bool,
    /// There may be discarders.
    pub(crate) keeps_discarders: bool,
    /// Which calls programs make is wanted.
    pub(crate) keeps_made: bool,
    /// Operations of io_urings are to be seen, if the kernel shows them.
    pub(crate) sees_operations: bool,
}

/// The programs, attached or not, and their maps.
pub(crate) struct Object {
    // Dropping it detaches. Nobody else keeps it: filters only borrow it while they run a program.
    pub(super) ebpf: Arc<Mutex<Ebpf>>,
    descriptors: Array<MapData, abi::Descriptor>,
    number_sets: Array<MapData, NumberSet>,
    /// What is in those.
    wanted: NumberSet,
    early: NumberSet,
    tree: HashMap<MapData, u32, u32>,
    counters: PerCpuArray<MapData, u64>,
    lost: PerCpuArray<MapData, u64>,
    unasked: PerCpuArray<MapData, u64>,
    made: HashMap<MapData, abi::MadeKey, abi::Made>,
    missed: MissedTable,
    rings: usize,
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("rings", &self.rings).finish_non_exhaustive()
    }
}

impl Object {
    /// Creates the maps and fills in the table of calls. Nothing runs yet.
    pub(crate) fn load(settings: Settings, table: &[(u32, abi::Descriptor)]) -> Result<(Self, Types), LoadError> {
        // The loader reads all of the kernel's types too, and there is no other way to make one: so side by side.
        let (types, mut loader) = thread::scope(|scope| {
            let types = scope.spawn(|| Types::of_kernel(OBJECT));
            let loader = EbpfLoader::new();
            (types.join(), loader)
        });
        let types = types.map_err(|_panic| LoadError::Panic)??;
        loader.btf(Some(&types.layouts));
        let cpus = nr_cpus().map_err(|(_, error)| LoadError::Cpus(error))?;
        let cpus = u32::try_from(cpus).unwrap_or(u32::MAX);
        let names =
            &CALL_RINGS[..usize::try_from(cpus.div_ceil(2)).map_or(abi::RINGS, |rings| rings.clamp(1, abi::RINGS))];
        let rings = u32::try_from(names.len()).unwrap_or(1);
        let users = match settings.scope {
            ScopeKind::Tree if settings.sees_operations => abi::SCRATCH_USERS_OF_A_TREE,
            ScopeKind::Tree => abi::SCRATCH_USERS_WITHOUT_URING,
            ScopeKind::Host | ScopeKind::Cgroups => abi::SCRATCH_USERS,
        };
        let (scope, hierarchy): (u32, u32) = (settings.scope.into(), settings.hierarchy.into());
        loader
            .override_global("own_pid_namespace", &settings.namespace, true)
            .override_global("scope", &scope, true)
            .override_global("hierarchy", &hierarchy, true)
            .override_global("cpu_count", &cpus, true)
            .override_global("ring_count", &rings, true)
            .override_global("wake_at", &settings.wake_at, true)
            .override_global("looks_early", switch(settings.looks_early), true)
            .override_global("keeps_discarders", switch(settings.keeps_discarders), true)
            .override_global("keeps_made", switch(settings.keeps_made), true)
            .map_max_entries("scratch", cpus.saturating_mul(users))
            .map_max_entries("program_scratch", cpus)
            .map_max_entries("lifecycle", settings.lifecycle_ring);
        if !settings.keeps_discarders {
            // Never looked into.
            loader.map_max_entries("inode_discarders", 1).map_max_entries("pid_discarders", 1);
        }
        if !settings.keeps_made {
            loader.map_max_entries("made_calls", 1);
        }
        if !settings.sees_operations {
            loader.map_max_entries("operations", 1).map_max_entries("opaque", 1);
        }
        for name in names {
            loader.map_max_entries(name, settings.call_ring);
        }
        let mut ebpf = loader.load(OBJECT)?;
        let descriptors = typed(&mut ebpf, "descriptors")?;
        let number_sets = typed(&mut ebpf, "number_sets")?;
        let tree = typed(&mut ebpf, "tree")?;
        let counters = typed(&mut ebpf, "counters")?;
        let lost = typed(&mut ebpf, "lost")?;
        let unasked = typed(&mut ebpf, "unasked")?;
        let made = typed(&mut ebpf, "made_calls")?;
        let missed = MissedTable::take(&mut ebpf)?;
        drop(loader);
        let ebpf = Arc::new(Mutex::new(ebpf));
        let (wanted, early, rings) = (NumberSet::EMPTY, NumberSet::EMPTY, names.len());
        let mut object =
            Self { ebpf, descriptors, number_sets, wanted, early, tree, counters, lost, unasked, made, missed, rings };
        object.describe(table)?;
        Ok((object, types))
    }

    /// Puts entries into the table of calls, and their numbers into the sets that programs look into first. No
    /// number is taken out of those: what is not enabled any more is found out by its descriptor.
    pub(crate) fn describe(&mut self, table: &[(u32, abi::Descriptor)]) -> Result<(), LoadError> {
        for (index, descriptor) in table {
            let set = self.descriptors.set(*index, *descriptor, 0);
            set.map_err(|error| LoadError::Map { name: "descriptors", error })?;
            if *index < abi::INTERFACES * abi::NUMBERS {
                self.wanted.insert(*index);
                if descriptor.flags & CallFlags::EARLY.bits() != 0 {
                    self.early.insert(*index);
                }
            }
        }
        [(NumberSetOf::Wanted, self.wanted), (NumberSetOf::Early, self.early)].into_iter().try_for_each(|(of, set)| {
            let set = self.number_sets.set(of.into(), set, 0);
            set.map_err(|error| LoadError::Map { name: "number_sets", error })
        })
    }

    /// The maps that filters are kept in, and the program `obey` to change them, which is loaded if there may be
    /// discarders. To be taken once.
    pub(crate) fn filters(&self, keeps_discarders: bool) -> Result<FilterTables, LoadError> {
        let mut ebpf = self.ebpf.lock().unwrap_or_else(PoisonError::into_inner);
        FilterTables::take(&mut ebpf, Arc::downgrade(&self.ebpf), keeps_discarders)
    }

    /// Says which process is Lapwing, by the kernel's own number: it is never observed where everybody is.
    pub(crate) fn leave_out(&mut self, process: u32) -> Result<(), LoadError> {
        let name = "own_process";
        let mut ebpf = self.ebpf.lock().unwrap_or_else(PoisonError::into_inner);
        let mut own =
            Array::<_, u32>::try_from(map(&mut ebpf, name)?).map_err(|error| LoadError::Map { name, error })?;
        own.set(0, process, 0).map_err(|error| LoadError::Map { name, error })
    }

    /// Observes the members of these control groups.
    pub(crate) fn watch_groups(&mut self, ids: &[u64]) -> Result<(), LoadError> {
        let name = "scope_groups";
        let mut ebpf = self.ebpf.lock().unwrap_or_else(PoisonError::into_inner);
        let groups = HashMap::<_, u64, u32>::try_from(map(&mut ebpf, name)?);
        let mut groups = groups.map_err(|error| LoadError::Map { name, error })?;
        ids.iter().try_for_each(|id| groups.insert(id, 1, 0)).map_err(|error| LoadError::Map { name, error })
    }

    /// Watches a process, by the kernel's own number of it, and everything that it starts from now on.
    pub(crate) fn watch(&mut self, process: u32) -> Result<(), LoadError> {
        self.tree.insert(process, 1, 0).map_err(|error| LoadError::Map { name: "tree", error })
    }

    /// Does not watch a process any more, if it is watched.
    pub(crate) fn forget(&mut self, process: u32) -> Result<(), LoadError> {
        match self.tree.remove(&process) {
            Ok(()) | Err(MapError::KeyNotFound) => Ok(()),
            Err(error) => Err(LoadError::Map { name: "tree", error }),
        }
    }

    /// Which calls the programs that run have made so far. Of processes that begin or end meanwhile, some.
    pub(crate) fn made(&self) -> impl Iterator<Item = (abi::MadeKey, abi::Made)> {
        self.made.iter().filter_map(Result::ok)
    }

    /// Whether any process is watched.
    pub(crate) fn watches_any(&self) -> bool {
        self.tree.keys().next().is_some()
    }

    /// Whether this thread may ask the above and the below.
    pub(crate) fn is_readable(&self) -> bool {
        self.counters.get(&0, 0).is_ok() && self.tree.keys().next().is_none_or(|key| key.is_ok())
    }

    /// Takes the rings out: the first is that of fork, exec and exit.
    pub(crate) fn take_rings(&mut self) -> Result<Vec<Ring>, LoadError> {
        let mut ebpf = self.ebpf.lock().unwrap_or_else(PoisonError::into_inner);
        let names = ["lifecycle"].into_iter().chain(CALL_RINGS[..self.rings].iter().copied());
        let take = |name| {
            let ring = Ring::new(taken(&mut ebpf, name)?);
            ring.map_err(|error| LoadError::Map { name, error: MapError::IoError(error) })
        };
        names.map(take).collect()
    }

    /// The processes whose records did not fit into the ring.
    pub(crate) fn missed(&self) -> MissedTable {
        self.missed.clone()
    }

    /// What the programs counted, summed over all CPUs.
    pub(crate) fn counted(&self, counter: u32) -> u64 {
        sum(&self.counters, counter)
    }

    /// How many records of a row of the catalogue were lost.
    pub(crate) fn lost(&self, row: u32) -> u64 {
        sum(&self.lost, row)
    }

    /// How many calls of a row of the catalogue passed arguments that make no event that anybody wants.
    pub(crate) fn unasked(&self, row: u32) -> u64 {
        sum(&self.unasked, row)
    }
}

fn switch(on: bool) -> &'static u8 {
    if on { &1 } else { &0 }
}

fn sum(map: &PerCpuArray<MapData, u64>, index: u32) -> u64 {
    map.get(&index, 0).map_or(0, |values| values.iter().sum())
}

/// A map that stays where it is: programs that are still to be loaded refer to it.
fn map<'a>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut Map, LoadError> {
    let missing = || LoadError::Map { name, error: MapError::InvalidName { name: name.to_owned() } };
    ebpf.map_mut(name).ok_or_else(missing)
}

pub(super) fn typed<M>(ebpf: &mut Ebpf, name: &'static str) -> Result<M, LoadError>
where
    M: TryFrom<Map, Error = MapError>,
{
    M::try_from(taken(ebpf, name)?).map_err(|error| LoadError::Map { name, error })
}

fn taken(ebpf: &mut Ebpf, name: &'static str) -> Result<Map, LoadError> {
    let missing = || LoadError::Map { name, error: MapError::InvalidName { name: name.to_owned() } };
    ebpf.take_map(name).ok_or_else(missing)
}
