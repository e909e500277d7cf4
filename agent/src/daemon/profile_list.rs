//! What the agent says of its profiles.

use lapwing_common::profile::{Profile, Profiles, Tally};
use lapwing_proto::control::v1::{self as control, ProfileVersion, WorkloadProfile};

use super::profile_files::Files;
use crate::profile::shown_states;

/// As many names of files are told; of more there is the count.
const MOST_WAITING: usize = 1000;

/// The profiles that there are, ordered by name, and which are saved for workloads that have not run so far.
pub(super) fn list(profiles: &Profiles, files: &Files, with_ended: bool) -> control::Profiles {
    let ended = profiles.cached().filter(|_| with_ended).map(|profile| (profile, 0));
    let shown = profiles.running().chain(ended);
    let mut listed: Vec<_> = shown.map(|(profile, instances)| described(profile, instances, files)).collect();
    listed.sort_by(|one, other| one.image_name.cmp(&other.image_name));
    let here = profiles.running().map(|(profile, _)| profile).chain(profiles.cached());
    let mut waiting = files.others(here.map(Profile::selector));
    let waiting_more = size(waiting.len().saturating_sub(MOST_WAITING));
    waiting.truncate(MOST_WAITING);
    let directory = files.directory().to_string_lossy().into_owned();
    control::Profiles { profiles: listed, directory, waiting, waiting_more }
}

fn described(profile: &Profile, instances: usize, files: &Files) -> WorkloadProfile {
    let versions = profile.versions().map(|(tag, context)| ProfileVersion {
        tag: tag.to_owned(),
        states: shown_states(context).map(|(kind, state)| (kind.to_owned(), state.to_owned())).collect(),
    });
    let (counts, Tally { known, learned, anomalies, .. }) = (profile.counts(), profile.tally());
    WorkloadProfile {
        image_name: profile.selector().image_name.clone(),
        image_tag: profile.selector().image_tag.clone(),
        versions: versions.collect(),
        instances: size(instances),
        programs: size(counts.processes),
        files: size(counts.files),
        ports: size(counts.sockets),
        size: size(profile.tree().size()),
        known,
        learned,
        anomalies,
        file: files.path(profile.selector()).to_string_lossy().into_owned(),
    }
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
