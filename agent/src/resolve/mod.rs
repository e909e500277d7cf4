//! What only the host can tell about what was observed.
//!
//! An observation says numbers; what they mean stands in files of the host or of a container. Each resolver is one
//! such question, behind a trait of `common`'s or of its own, so that whoever asks can be tested without a host.
//! Containers are not trusted: what is read of theirs is bounded, never leads out of their root, and is read by a
//! thread that nobody waits for long.

pub(crate) mod accounts;
mod aside;
pub(crate) mod hashes;
pub(crate) mod netns;

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use lapwing_common::ids::PidNs;

/// The pid namespace in which `/proc` numbers processes; `None` if that is not this process's own.
fn numbering() -> Option<PidNs> {
    let own = fs::read_link("/proc/self").ok()?;
    (own.to_str() == Some(&std::process::id().to_string())).then_some(())?;
    fs::metadata("/proc/self/ns/pid").ok().map(|found| PidNs(found.ino()))
}
