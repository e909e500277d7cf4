//! Workloads whose control groups the configuration names by patterns: which those are is seen when something runs there.

use std::collections::{HashMap, HashSet};

use lapwing_common::activity::CgroupPaths;
use lapwing_common::process::Cache;

use super::profiles::Instance;
use crate::activity::Workload;

/// Control groups that are remembered, with or without a workload.
const MOST: usize = 4096;

/// Whether a path of the configuration has stars in it.
pub(super) fn is_pattern(path: &[u8]) -> bool {
    path.contains(&b'*')
}

/// All control groups of each workload, whatever its versions: they share a profile.
pub(super) fn scopes(cgroups: &[(Vec<u8>, Workload)]) -> HashMap<String, CgroupPaths> {
    let names: HashSet<&str> = cgroups.iter().map(|(_, workload)| &*workload.name).collect();
    let of = |name: &str| {
        let own = cgroups.iter().filter(|(_, workload)| workload.name == name).map(|(path, _)| &**path);
        // Each has been tried when the configuration was read.
        CgroupPaths::new(own).unwrap_or_default()
    };
    names.into_iter().map(|name| (name.to_owned(), of(name))).collect()
}

/// Control groups that were met.
#[derive(Debug, Default)]
pub(super) struct Matched {
    /// In the order in which they are tried.
    patterns: Vec<(CgroupPaths, Workload)>,
    /// `None` for those of no workload.
    met: HashMap<Box<[u8]>, Option<Instance>>,
}

impl Matched {
    pub(super) fn new(cgroups: &[(Vec<u8>, Workload)]) -> Self {
        let patterns = cgroups.iter().filter(|(path, _)| is_pattern(path));
        let patterns = patterns.filter_map(|(path, of)| Some((CgroupPaths::new([&**path]).ok()?, of.clone())));
        Self { patterns: patterns.collect(), met: HashMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.met.is_empty()
    }

    pub(super) fn get(&self, path: &[u8]) -> Option<&Instance> {
        self.met.get(path)?.as_ref()
    }

    /// Of a control group that was not met before, whose it is, if anybody's.
    pub(super) fn unknown(&self, path: &[u8]) -> Option<Option<Workload>> {
        if self.patterns.is_empty() || self.met.contains_key(path) {
            return None;
        }
        let of = self.patterns.iter().find(|(paths, _)| paths.contains(path));
        Some(of.map(|(_, workload)| workload.clone()))
    }

    /// Remembers a control group.
    pub(super) fn insert(&mut self, path: &[u8], instance: Option<Instance>) {
        if self.met.len() >= MOST {
            // They are tried again when they are met again.
            self.met.retain(|_, instance| instance.is_some());
        }
        self.met.insert(path.into(), instance);
    }

    /// Forgets control groups in which no known process is, and returns the workloads that were there.
    pub(super) fn without(&mut self, processes: &Cache) -> Vec<Instance> {
        let used: HashSet<&[u8]> = processes.iter().filter_map(|process| Some(&*process.cgroup()?.path)).collect();
        self.met.extract_if(|path, _| !used.contains(&**path)).filter_map(|(_, instance)| instance).collect()
    }
}
