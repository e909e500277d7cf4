//! `lapwing security-profile list`: what an agent says of its profiles.

use std::fmt::Write as _;

use lapwing_proto::control::v1::{ProfileVersion, Profiles, WorkloadProfile};
use serde_json::json;

/// For people: a line for each workload, and one below it for each version.
pub(crate) fn profiles(profiles: &Profiles) -> String {
    let Profiles { profiles, directory, waiting, waiting_more } = profiles;
    let mut text = String::new();
    if profiles.is_empty() {
        text.push_str("no workload that runs has a profile\n");
    }
    // Writing to a `String` cannot fail.
    for profile in profiles {
        let WorkloadProfile { image_name, image_tag, instances, programs, files, ports, .. } = profile;
        let running = if *instances == 0 { "ended".to_owned() } else { format!("{instances} running") };
        let _ =
            writeln!(text, "{image_name}:{image_tag}  {running}, {programs} programs, {files} files, {ports} ports");
        for ProfileVersion { tag, states } in &profile.versions {
            let states: Vec<_> = states.iter().map(|(kind, state)| format!("{kind} {state}")).collect();
            let _ = writeln!(text, "  version {tag}: {}", states.join(", "));
        }
        let WorkloadProfile { known, learned, anomalies, file, size, .. } = profile;
        let _ = writeln!(text, "  {known} events as expected, {learned} learned from, {anomalies} anomalies");
        let _ = writeln!(text, "  {} KiB, saved in {file}", size >> 10);
    }
    if !waiting.is_empty() {
        let more = if *waiting_more > 0 { format!(", and {waiting_more} more") } else { String::new() };
        let _ = writeln!(text, "in {directory}, for when their workloads run: {}{more}", waiting.join(", "));
    }
    text
}

/// For programs: one object.
pub(crate) fn profiles_json(profiles: &Profiles) -> String {
    let Profiles { profiles, directory, waiting, waiting_more } = profiles;
    let profiles: Vec<_> = profiles
        .iter()
        .map(|profile| {
            let versions: Vec<_> =
                profile.versions.iter().map(|version| json!({"tag": version.tag, "states": version.states})).collect();
            json!({
                "image_name": profile.image_name, "image_tag": profile.image_tag, "instances": profile.instances,
                "versions": versions, "programs": profile.programs, "files": profile.files, "ports": profile.ports,
                "size": profile.size, "known": profile.known, "learned": profile.learned,
                "anomalies": profile.anomalies, "file": profile.file,
            })
        })
        .collect();
    format!(
        "{}\n",
        json!({"profiles": profiles, "directory": directory, "waiting": waiting, "waiting_more": waiting_more})
    )
}
