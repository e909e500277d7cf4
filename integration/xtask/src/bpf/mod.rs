//! The committed eBPF objects: built by `cargo xtask bpf`, proven by `cargo xtask bpf --check`.
//!
//! They are committed so that building Lapwing needs Rust only. A build script would need clang on every
//! user's machine, and would give each of them another object than the one that was tested. The manifest
//! beside the objects says what they were built with and from, so that CI can tell whether they are fresh;
//! with the same tools the comparison is byte for byte.

mod compile;
mod manifest;
mod sources;
mod target;
#[cfg(test)]
mod tests;
mod tools;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use manifest::{Manifest, ObjectLine};
use tools::Tools;

pub(crate) use target::{BUILT, Target};

/// What installs the compiler and the headers.
const INSTALLER: &str = "scripts/setup-tests";

/// Why objects could not be built, or in what they are stale.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{program} is not installed; {INSTALLER} installs it, with all that building the eBPF programs needs")]
    NoTool { program: &'static str },
    #[error("cannot run {program}: {source}")]
    Run { program: &'static str, source: io::Error },
    #[error("libbpf's headers are not installed; {INSTALLER} installs them")]
    NoHeaders,
    #[error("`{program} {arguments}` wrote no version")]
    NoVersion { program: &'static str, arguments: String },
    #[error("{program} failed for {object}:\n{output}")]
    Failed { program: &'static str, object: &'static str, output: String },
    #[error("{}: {source}; run `cargo xtask bpf` and commit the result", manifest::PATH)]
    Manifest { source: manifest::ParseError },
    #[error("the eBPF objects are stale; run `cargo xtask bpf` and commit the result\n  {}", found.join("\n  "))]
    Stale { found: Vec<String> },
}

/// Builds all objects and writes them with their manifest.
pub(crate) fn write(root: &Path) -> Result<(), Error> {
    let root = &real(root)?;
    let tools = Tools::installed()?;
    let built = build(root)?;
    for (path, bytes) in &built {
        save(&root.join(path), bytes)?;
    }
    let manifest = describe(root, tools, |path| Ok(built.get(path).cloned()))?;
    save(&root.join(manifest::PATH), manifest.to_string().as_bytes())
}

/// Fails when the committed objects are not those of the sources.
///
/// With other tools than the manifest names, objects cannot be compared; then the sources still are, and
/// so is whether the objects are those that the manifest was written with.
pub(crate) fn check(root: &Path) -> Result<(), Error> {
    let root = &real(root)?;
    let text = read(&root.join(manifest::PATH))?.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let committed: Manifest = text.parse().map_err(|source| Error::Manifest { source })?;
    let tools = Tools::installed()?;
    let present = describe(root, tools, |path| read(&root.join(path)))?;

    let mut found = manifest::differences(&committed, &present);
    let other_tools = committed.tools.differences(&present.tools);
    if found.is_empty() && other_tools.is_empty() {
        let built = build(root)?;
        let rebuilt = describe(root, present.tools.clone(), |path| Ok(built.get(path).cloned()))?;
        found = manifest::differences(&committed, &rebuilt);
    }
    if !found.is_empty() {
        return Err(Error::Stale { found });
    }
    for difference in &other_tools {
        eprintln!("bpf: {difference}");
    }
    match other_tools.is_empty() {
        true => eprintln!("bpf: fresh; {} objects are byte for byte those of the sources", BUILT.len()),
        false => eprintln!("bpf: the sources are those of the manifest; whether the objects are theirs was not tried"),
    }
    Ok(())
}

/// The bytes of each object, by its path from the root.
fn build(root: &Path) -> Result<BTreeMap<&'static str, Vec<u8>>, Error> {
    let folder = tempfile::tempdir().map_err(|source| Error::Write { path: std::env::temp_dir(), source })?;
    BUILT.iter().map(|target| Ok((target.object, compile::object(root, target, folder.path())?))).collect()
}

/// A manifest of the sources as they are, and of the objects that `object` gives.
fn describe(
    root: &Path,
    tools: Tools,
    object: impl Fn(&str) -> Result<Option<Vec<u8>>, Error>,
) -> Result<Manifest, Error> {
    let mut objects = BTreeMap::new();
    for target in BUILT {
        if let Some(bytes) = object(target.object)? {
            let line = ObjectLine { sha256: manifest::sha256(&bytes), define: target.define.to_owned() };
            objects.insert(target.object.to_owned(), line);
        }
    }
    Ok(Manifest { tools, flags: compile::FLAGS.join(" "), objects, sources: sources::hashes(root)? })
}

/// The root without symbolic links, as the compiler names it in what it writes.
fn real(root: &Path) -> Result<PathBuf, Error> {
    root.canonicalize().map_err(|source| Error::Read { path: root.to_owned(), source })
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Read { path: path.to_owned(), source }),
    }
}

/// Writes what is not already there.
fn save(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let fresh = read(path)?.is_some_and(|present| present == bytes);
    if !fresh {
        fs::write(path, bytes).map_err(|source| Error::Write { path: path.to_owned(), source })?;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    eprintln!("bpf/{name}: {}", if fresh { "fresh" } else { "written" });
    Ok(())
}
