//! Activity dumps and profiles as files: reading, writing, showing, and recording one of a command.
//!
//! What a dump means is in `lapwing_common::activity`, its bytes are `lapwing_proto::dumps`; here are the files
//! around them.

mod changes;
mod document;
mod format;
mod host;
mod recorder;
mod show;
mod target;

use std::io;
use std::path::{Path, PathBuf};

use lapwing_common::picture::{self, Picture};
use lapwing_proto::dumps::{DecodeError, Metadata};
use thiserror::Error;

use crate::config::{DiffConfig, EncodeConfig, ShowConfig, View};
pub(crate) use changes::value as difference_value;
pub(crate) use document::{Document, read};
pub(crate) use format::{Encoding, Format, UnknownFormat};
pub(crate) use host::boot;
pub(crate) use recorder::{Recorder, Workload};
pub(crate) use show::Extent;
pub(crate) use target::Target;

/// Why a dump cannot be read or written.
#[derive(Debug, Error)]
pub(crate) enum ActivityError {
    #[error("cannot read {}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("cannot read {}: {error}", path.display())]
    Decode { path: PathBuf, error: DecodeError },
    #[error("cannot read {}: it is longer than {} MiB{}", path.display(), limit >> 20,
            if *packed { " when unpacked" } else { "" })]
    TooLong { path: PathBuf, limit: u64, packed: bool },
    #[error("cannot read {}: {name} is for people only; read the json, protobuf or profile it was made of", path.display())]
    NotReadable { path: PathBuf, name: &'static str },
    #[error("there is no {}; what CMD does normally is learned by `lapwing run --dump {} -- CMD`",
            .0.display(), .0.display())]
    NoProfile(PathBuf),
    #[error(
        "{} tells only of system calls that make events, so that others cannot be held against it; record all of them by \
         `lapwing run --dump FILE --syscalls -- CMD`", .0.display()
    )]
    CallsOfEvents(PathBuf),
    #[error(transparent)]
    UnknownFormat(#[from] UnknownFormat),
    #[error("{} exists already; give --force to replace it", .0.display())]
    Exists(PathBuf),
    #[error("cannot write {}: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error(
        "cannot write {}: a profile is of an image with a name and a tag, and this dump has none; \
         name them by --workload NAME:TAG", .0.display()
    )]
    NoSelector(PathBuf),
}

/// `activity-dump encode`: one file in other forms. Returns the names of what was written.
pub(crate) fn encode(config: &EncodeConfig) -> Result<String, ActivityError> {
    let mut document = document::read(&config.input)?;
    if let Some(workload) = &config.workload {
        document.select(workload);
    }
    let mut targets = Vec::new();
    for (path, encoding) in &config.outputs {
        targets.push((Target::create(path, config.force)?, *encoding));
    }
    let mut names = String::new();
    for (target, encoding) in targets {
        names.push_str(&format!("{}\n", target.path().display()));
        write(target, &document, encoding)?;
    }
    Ok(names)
}

/// Writes a document where a target was made for it.
pub(crate) fn write(target: Target, document: &Document, encoding: Encoding) -> Result<(), ActivityError> {
    let bytes = document.to_bytes(encoding.format).ok_or_else(|| ActivityError::NoSelector(target.path().into()))?;
    target.finish(&bytes, encoding.gzip)
}

/// What a profile says of the machine that it was learned on.
pub(crate) fn profile_metadata() -> Metadata {
    Metadata { serialization: "profile".into(), ..host::metadata() }
}

/// `activity-dump show`.
pub(crate) fn show(config: &ShowConfig) -> Result<String, ActivityError> {
    let picture = document::read(&config.input)?.picture();
    Ok(show::tree(&picture, config.colour, Extent::Whole))
}

/// `activity-dump diff`: the text, and whether there is any difference.
pub(crate) fn diff(config: &DiffConfig) -> Result<(String, bool), ActivityError> {
    let compared = compare(&config.first, &config.second)?;
    let tally = picture::tally(&compared);
    let text = match config.view {
        View::Tree => {
            let extent = if config.all { Extent::Whole } else { Extent::Changes };
            difference_tree(&compared, config.colour, extent)
        }
        View::Json => changes::json(&compared),
        View::Dot => picture::dot(&compared),
        View::Svg => picture::svg(&compared),
    };
    Ok((text, tally.added + tally.removed > 0))
}

/// A compared picture as lines, with how much differs in the last.
pub(crate) fn difference_tree(compared: &Picture, colour: bool, extent: Extent) -> String {
    let picture::Tally { added, removed, same } = picture::tally(compared);
    format!("{}{added} added, {removed} removed, {same} the same\n", show::tree(compared, colour, extent))
}

fn compare(first: &Path, second: &Path) -> Result<Picture, ActivityError> {
    let (first, second) = (document::read(first)?.picture(), document::read(second)?.picture());
    Ok(picture::compare(&first, &second))
}

#[cfg(test)]
mod tests;
