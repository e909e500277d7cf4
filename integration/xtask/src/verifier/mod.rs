//! What the programs cost the kernel's verifier, which gives up on a program past a million instructions.
//!
//! The count is of all paths together, so a harmless line can double it, and a program that one kernel
//! accepts closely may be refused by another. Hence the counts are tracked beside the sources, where a
//! review sees them grow. Programs are loaded, never attached: nothing is observed.

mod load;
mod table;

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use crate::bpf::Target;
use table::Table;

/// From the root.
const PATH: &str = "bpf/VERIFIER.md";

/// Why programs could not be counted, or which cost too much.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("no object is built for {}", env::consts::ARCH)]
    NoObject,
    #[error("cannot load programs here: {reason}")]
    Unable { reason: String },
    #[error("{object} is no object: {source}")]
    Elf { object: &'static str, source: object::Error },
    #[error("{object} was not loaded: {}", load::chain(source))]
    Object { object: &'static str, source: aya::EbpfError },
    #[error("no program is in {object}")]
    NoPrograms { object: &'static str },
    #[error("{program}: nothing loads programs of the section `{hook}`; teach the verifier task")]
    Kind { program: String, hook: String },
    #[error("{program}: the verifier refused it: {source}\n{log}")]
    Refused { program: String, source: io::Error, log: String },
    #[error("{program} was not loaded: {}", load::chain(source))]
    Program { program: String, source: aya::programs::ProgramError },
    #[error("{program}: the kernel does not tell the count; Linux 5.16 and later do")]
    NoCount { program: String },
    #[error("{PATH}: {source}; run `cargo xtask verifier` and commit the result")]
    Table { source: table::ParseError },
    #[error(
        "{PATH} does not stand any more; where it may be so, run `cargo xtask verifier` and commit the result\n  {}",
        found.join("\n  ")
    )]
    Grown { found: Vec<String> },
}

/// Counts, and writes the table.
pub(crate) fn write(root: &Path) -> Result<(), Error> {
    let text = count(root)?.to_string();
    eprint!("{text}");
    let path = root.join(PATH);
    fs::write(&path, text).map_err(|source| Error::Write { path, source })
}

/// Counts, and fails when a program costs much more than the table says, or is not in it.
///
/// Where programs cannot be loaded it says why, and fails only if `LAPWING_REQUIRE_ALL` is set, and
/// `LAPWING_MAY_LACK` does not list `Bpf`.
pub(crate) fn check(root: &Path) -> Result<(), Error> {
    let path = root.join(PATH);
    let committed = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|source| Error::Read { path, source }),
    }?;
    let committed: Table = committed.parse().map_err(|source| Error::Table { source })?;
    let counted = match count(root) {
        Err(Error::Unable { reason }) if may_lack() => {
            eprintln!("verifier: skipped: {reason}");
            return Ok(());
        }
        counted => counted?,
    };
    eprint!("{counted}");
    let found = table::compare(&committed, &counted);
    if found.is_empty() { Ok(()) } else { Err(Error::Grown { found }) }
}

fn count(root: &Path) -> Result<Table, Error> {
    let object = Target::of_this_machine().ok_or(Error::NoObject)?.object;
    let path = root.join(object);
    let bytes = fs::read(&path).map_err(|source| Error::Read { path, source })?;
    Ok(Table { linux: linux()?, costs: load::costs(object, &bytes)? })
}

/// The first two numbers of the kernel's version: later ones rarely change the verifier.
fn linux() -> Result<String, Error> {
    let path = Path::new("/proc/sys/kernel/osrelease");
    let release = fs::read_to_string(path).map_err(|source| Error::Read { path: path.to_owned(), source })?;
    Ok(release.split('.').take(2).collect::<Vec<_>>().join("."))
}

/// Whether programs may go unloaded here.
fn may_lack() -> bool {
    let listed = env::var("LAPWING_MAY_LACK").unwrap_or_default();
    env::var_os("LAPWING_REQUIRE_ALL").is_none() || listed.split(',').any(|word| word == "Bpf")
}
