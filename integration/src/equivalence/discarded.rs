//! What both backends found that no rule need hear of.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use super::{BACKENDS, Program, watch_both};
use crate::harness::Backend;

/// What a backend found that no rule can match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discarded {
    /// Directories, with the types of events that are left out below them, as a mask.
    pub directories: BTreeMap<String, u64>,
    /// Other files of the program's own directory, likewise.
    pub files: BTreeMap<String, u64>,
}

/// Runs a program under both backends with policies, which `policies` makes of the program's directory, and compares
/// the discarders that were found. Returns them, with paths as in that directory.
///
/// Whether a file elsewhere is discarded depends on what else is used between two uses of it.
///
/// # Errors
///
/// Explains what differs.
///
/// # Panics
///
/// When there is no ground to run it on.
#[expect(clippy::expect_used, reason = "without a directory nothing can be tested")]
pub fn check_discarders(program: &Program<'_>, policies: impl FnOnce(&Path) -> String) -> Result<Discarded, String> {
    let directory = TempDir::new().expect("temporary directory");
    let root = directory.path().canonicalize().expect("path of the directory");
    let ground = root.join("ground");
    let rules = root.join("rules.policy");
    fs::write(&rules, policies(&ground)).expect("policy");
    let dump = |backend: Backend| root.join(format!("{}.yaml", backend.name()));
    watch_both(program, &root, |backend| {
        vec!["--policies".into(), (&rules).into(), "--discarders".into(), dump(backend).into()]
    })?;
    let [ptrace, kernel] = BACKENDS.map(|backend| read_discarders(&dump(backend), &ground));
    let (ptrace, kernel) = (ptrace?, kernel?);
    if ptrace == kernel {
        return Ok(ptrace);
    }
    Err(format!("{}: not the same discarders:\nptrace {ptrace:#?}\nkernel {kernel:#?}", program.name))
}

fn read_discarders(file: &Path, ground: &Path) -> Result<Discarded, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let dump: Value = serde_saphyr::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut found = Discarded::default();
    for inode in dump["inodes"].as_array().into_iter().flatten() {
        let path = Path::new(inode["path"].as_str().ok_or("a discarder without a path")?);
        let mask = inode.pointer("/value/params/event_mask").and_then(Value::as_u64).ok_or("no mask")?;
        // What was said and has become wrong.
        if mask == 0 {
            continue;
        }
        let inside = path.strip_prefix(ground).ok();
        let name = inside.unwrap_or(path).to_string_lossy().into_owned();
        if path.is_dir() {
            *found.directories.entry(name).or_default() |= mask;
        } else if inside.is_some() {
            *found.files.entry(name).or_default() |= mask;
        }
    }
    Ok(found)
}
