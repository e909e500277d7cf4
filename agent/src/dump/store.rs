//! Dumps of the agent as files: every format of one under one name, and no more than so many names.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use flate2::{Compression, GzBuilder};

use super::{DumpDir, DumpError};
use crate::activity::{Document, Encoding};

/// What names begin with; ten letters and digits follow, and the format.
const PREFIX: &str = "activity-dump-";
const LETTERS: usize = 10;

/// Writes a document in every format, or in none. `name` is what the document itself says it is called. Afterwards
/// there are at most `keep` dumps in the directory: the oldest are removed.
pub(crate) fn activity(
    dir: &DumpDir,
    name: &str,
    document: &Document,
    encodings: &[Encoding],
    keep: usize,
) -> Result<Vec<PathBuf>, DumpError> {
    let mut written = Vec::new();
    for encoding in encodings {
        match one(dir, name, document, *encoding) {
            Ok(path) => written.push(path),
            Err(error) => {
                // Who asked is told of an error, and would not look for the others.
                written.iter().for_each(|path| dir.remove(path));
                return Err(error);
            }
        }
    }
    for path in surplus(dir.entries()?, keep) {
        dir.remove(&path);
    }
    Ok(written)
}

fn one(dir: &DumpDir, name: &str, document: &Document, encoding: Encoding) -> Result<PathBuf, DumpError> {
    let inner = format!("{name}.{}", encoding.format);
    let bytes = document.to_bytes(encoding.format).ok_or(DumpError::NoWorkload)?;
    if !encoding.gzip {
        return dir.write_as(&inner, |out| out.write_all(&bytes));
    }
    dir.write_as(&format!("{inner}.gz"), |out| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let header = GzBuilder::new().filename(inner.as_bytes()).mtime(u32::try_from(now).unwrap_or(0));
        let mut packer = header.write(out, Compression::default());
        io::Write::write_all(&mut packer, &bytes)?;
        packer.finish().map(drop)
    })
}

/// The files of the oldest dumps, so that `keep` are left. What is not called as a dump is nobody's business here.
fn surplus(entries: Vec<(String, SystemTime)>, keep: usize) -> Vec<PathBuf> {
    let mut dumps: BTreeMap<String, (SystemTime, Vec<String>)> = BTreeMap::new();
    for (file, written) in entries {
        let Some((name, format)) = file.split_once('.') else { continue };
        let letters = name.strip_prefix(PREFIX).unwrap_or_default();
        let is_ours = letters.len() == LETTERS && letters.bytes().all(|letter| letter.is_ascii_alphanumeric());
        let format = format.strip_suffix(".gz").unwrap_or(format);
        if !is_ours || !["json", "protobuf", "profile", "dot", "svg"].contains(&format) {
            continue;
        }
        let dump = dumps.entry(name.to_owned()).or_insert((written, Vec::new()));
        dump.0 = dump.0.max(written);
        dump.1.push(file);
    }
    let mut oldest_first: Vec<_> = dumps.into_values().collect();
    oldest_first.sort_by_key(|(written, _)| *written);
    let count = oldest_first.len().saturating_sub(keep);
    oldest_first.into_iter().take(count).flat_map(|(_, files)| files).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_oldest_go_with_all_their_files_and_strangers_stay() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let entries: Vec<_> = [
            ("activity-dump-aaaaaaaaaa.json", 30),
            ("activity-dump-bbbbbbbbbb.json", 10),
            ("activity-dump-bbbbbbbbbb.profile.gz", 11),
            ("activity-dump-cccccccccc.svg", 20),
            ("activity-dump-short.json", 1),
            ("activity-dump-dddddddddd.txt", 1),
            ("activity-dump-../../etc.json", 1),
            ("other.json", 1),
        ]
        .map(|(name, time)| (name.to_owned(), at(time)))
        .into();
        assert!(surplus(entries.clone(), 3).is_empty());
        let expected = ["activity-dump-bbbbbbbbbb.json", "activity-dump-bbbbbbbbbb.profile.gz"].map(PathBuf::from);
        assert_eq!(surplus(entries.clone(), 2), expected);
        assert_eq!(surplus(entries, 0).len(), 4);
    }
}
