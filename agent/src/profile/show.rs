//! What a profile is of, above its tree.

use std::fmt::Write as _;

use lapwing_common::activity::Options;
use lapwing_common::discard::Ktime;
use lapwing_common::event::EventType;
use lapwing_common::profile::{Context, JUDGED, Profile, Settings};
use lapwing_proto::dumps::SecurityProfile;

/// The workload, and how far each of its versions is learned.
pub(super) fn head(message: &SecurityProfile) -> String {
    let without_tree = SecurityProfile { tree: Vec::new(), ..message.clone() };
    let profile = Profile::from_message(without_tree, Settings::default(), Options::default(), Ktime(0));
    let mut text = format!("profile of {}", profile.selector());
    // Writing to a `String` cannot fail.
    text.push_str(if message.disabled { " (disabled)\n" } else { "\n" });
    for (tag, context) in profile.versions() {
        let states: Vec<_> = shown_states(context).map(|(kind, state)| format!("{kind} {state}")).collect();
        let _ = write!(text, "version {tag}: {}", states.join(", "));
        if !context.syscalls().is_empty() {
            let _ = write!(text, ", {} system calls", context.syscalls().len());
        }
        text.push('\n');
    }
    text
}

/// What a version knows of each type, by their names. Of system calls only where somebody has followed them.
pub(crate) fn shown_states(context: &Context) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_shown = |kind: &EventType| *kind != EventType::Syscalls || context.tells_of(*kind);
    JUDGED.into_iter().filter(is_shown).map(|kind| (kind.name(), context.state(kind).name()))
}
