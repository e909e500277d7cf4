//! The network namespaces, as the reference's `network-namespace dump` writes them: two files.

use std::path::PathBuf;

use lapwing_common::ids::Timestamp;
use lapwing_common::netns::{self, Namespace};

use super::{DumpDir, DumpError};

/// Writes `network-namespace-dump-<digits>.json` and `network-namespace-graph-<digits>.dot`, of the same data.
pub(crate) fn namespaces(
    dir: &DumpDir,
    namespaces: &[Namespace],
    date: Timestamp,
    offset: i32,
) -> Result<[PathBuf; 2], DumpError> {
    let (mut array, mut graph) = (Vec::new(), Vec::new());
    netns::write_json(namespaces, &mut array);
    netns::write_dot(namespaces, date, offset, &mut graph);
    let dump = dir.write("network-namespace-dump-", ".json", |out| out.write_all(&array))?;
    match dir.write("network-namespace-graph-", ".dot", |out| out.write_all(&graph)) {
        Ok(graph) => Ok([dump, graph]),
        Err(error) => {
            // Both or none: who asked is told of an error, and would not look for the other.
            dir.remove(&dump);
            Err(error)
        }
    }
}
