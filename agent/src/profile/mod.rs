//! Security profiles: one that a command is held against, and `lapwing security-profile`.
//!
//! What is normal and what departs from it is decided in `lapwing_common::profile`; here are files, and what they become
//! for other tools.

mod apparmor;
mod calls;
mod guard;
mod seccomp;
mod show;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use lapwing_common::syscall::Syscall;
use lapwing_proto::dumps::{ProcessActivityNode, SecurityProfile};
use thiserror::Error;

use crate::activity::{self, ActivityError};
use crate::cli::{ExportArgs, ExportFormat};
use crate::config::ShowConfig;

pub(crate) use calls::calls_event;
pub(crate) use guard::Guard;
pub(crate) use show::shown_states;

/// Why there is nothing to show or export.
#[derive(Debug, Error)]
pub(crate) enum ProfileError {
    #[error(transparent)]
    Activity(#[from] ActivityError),
    #[error(
        "{} tells only of system calls that make events: a program allowed no others would not even start; record all \
         of them by `lapwing run --dump FILE --syscalls -- CMD`", .0.display()
    )]
    CallsOfEvents(PathBuf),
    #[error("{} is of a processor that Lapwing has no system calls of: {arch:?}", path.display())]
    UnknownProcessor { path: PathBuf, arch: String },
}

/// `security-profile export`.
pub(crate) fn export(args: &ExportArgs) -> Result<String, ProfileError> {
    let profile = activity::read(&args.input)?.to_profile();
    match args.format {
        ExportFormat::Seccomp => seccomp::export(&profile).map_err(|refusal| match refusal {
            seccomp::Refusal::CallsOfEvents => ProfileError::CallsOfEvents(args.input.clone()),
            seccomp::Refusal::UnknownProcessor(arch) => {
                ProfileError::UnknownProcessor { path: args.input.clone(), arch }
            }
        }),
        ExportFormat::Apparmor => Ok(apparmor::export(&profile, args.name.as_deref())),
    }
}

/// `security-profile show`.
pub(crate) fn show(config: &ShowConfig) -> Result<String, ActivityError> {
    let profile = activity::read(&config.input)?.to_profile();
    Ok(show::head(&profile) + &activity::show(config)?)
}

/// Whether a profile has all system calls that its workload made, and not only those that make events: no program does
/// without memory, and nothing of that makes an event.
fn knows_all_calls(profile: &SecurityProfile) -> bool {
    let arch = profile.metadata.as_ref().map_or("", |metadata| &*metadata.arch);
    let Some((arch, _)) = seccomp::processor(arch) else { return false };
    !calls(profile).iter().all(|number| Syscall::lookup(arch, *number).is_some())
}

/// Every program of a profile, each before those it started.
fn each(nodes: &[ProcessActivityNode]) -> impl Iterator<Item = &ProcessActivityNode> {
    let mut waiting: Vec<_> = nodes.iter().rev().collect();
    std::iter::from_fn(move || {
        let node = waiting.pop()?;
        waiting.extend(node.children.iter().rev());
        Some(node)
    })
}

/// All system calls that a profile tells of, by number, each once and in order.
fn calls(profile: &SecurityProfile) -> Vec<u32> {
    let of_tree = each(&profile.tree).flat_map(|node| &node.syscall_nodes).map(|call| call.syscall.cast_unsigned());
    let of_contexts = profile.profile_contexts.values().flat_map(|context| context.syscalls.iter().copied());
    #[expect(deprecated, reason = "older files have them here only")]
    let older = each(&profile.tree).flat_map(|node| &node.syscalls).chain(&profile.syscalls).copied();
    let mut calls: Vec<u32> = of_tree.chain(of_contexts).chain(older).collect();
    calls.sort_unstable();
    calls.dedup();
    calls
}
