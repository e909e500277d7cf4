//! A profile as a message: what files hold.

use alloc::collections::BTreeMap;
use alloc::format;

use lapwing_proto::dumps::{EventTypeState, Metadata, ProfileContext, SecurityProfile};

use super::context::{Context, Contexts, Progress};
use super::state::{Stability, State};
use super::{JUDGED, Profile, Selector, Settings, Tally, calls, verdict};
use crate::activity::{ActivityTree, Options};
use crate::discard::Ktime;
use crate::engine::EventSet;
use crate::event::EventType;

/// The numbers of types in files, as Datadog's agent has them since `chdir` is among them.
fn number(kind: EventType) -> Option<u32> {
    match kind {
        EventType::Open => Some(1),
        EventType::Exec => Some(16),
        EventType::Bind => Some(41),
        EventType::Syscalls => Some(44),
        _ => None,
    }
}

impl Profile {
    /// The profile as a file holds it.
    #[must_use]
    pub fn to_message(&self, metadata: Metadata) -> SecurityProfile {
        let contexts = self.contexts.iter().map(|(tag, context)| {
            let mut context = context.to_message(self.settings.types);
            if context.tags.is_empty() {
                context.tags = [format!("image_name:{}", self.selector.image_name), format!("image_tag:{tag}")].into();
            }
            (tag.into(), context)
        });
        SecurityProfile {
            metadata: Some(metadata),
            tree: self.tree.to_messages(),
            profile_contexts: contexts.collect(),
            selector: Some((&self.selector).into()),
            disabled: self.is_disabled,
            ..SecurityProfile::default()
        }
    }

    /// The profile that a message tells of. Times since the machine was started are those of when it was saved: what
    /// was being learned begins its time anew.
    #[must_use]
    pub fn from_message(message: SecurityProfile, settings: Settings, tree: Options, now: Ktime) -> Self {
        let mut contexts = Contexts::default();
        // The order of versions is kept, and none is seen later than now.
        let last = message.profile_contexts.values().map(|context| context.last_seen).max().unwrap_or(0);
        let ahead = last.saturating_sub(now.0);
        for (tag, context) in message.profile_contexts {
            contexts.add(tag, Context::from_message(context, ahead, now));
        }
        Self {
            selector: message.selector.map(Selector::from).unwrap_or_else(|| Selector::of("")),
            tree: ActivityTree::from_messages(settings.tree(tree), message.tree),
            contexts,
            loaded: now,
            departures: verdict::Departures::default(),
            calls: calls::Known::default(),
            tally: Tally::default(),
            is_disabled: message.disabled,
            settings,
        }
    }
}

impl Context {
    /// A type of which nothing was seen is learned too: that it does not happen.
    fn to_message(&self, types: EventSet) -> ProfileContext {
        let states = JUDGED.into_iter().zip(self.progress).filter_map(|(kind, progress)| {
            let unseen = Progress { last_new: self.first_seen, ..Progress::default() };
            let Progress { stability, last_new } = progress.or_else(|| types.contains(kind).then_some(unseen))?;
            let state = State::from(stability).to_message();
            Some((number(kind)?, EventTypeState { last_anomaly_nano: last_new.0, event_profile_state: state as i32 }))
        });
        ProfileContext {
            first_seen: self.first_seen.0,
            last_seen: self.last_seen.0,
            event_type_state: states.chain(self.others.iter().copied()).collect::<BTreeMap<_, _>>(),
            syscalls: self.syscalls.clone(),
            tags: self.tags.clone(),
        }
    }

    fn from_message(message: ProfileContext, ahead: u64, now: Ktime) -> Self {
        let mut syscalls = message.syscalls;
        syscalls.sort_unstable();
        syscalls.dedup();
        let mut context = Self {
            first_seen: Ktime(message.first_seen.saturating_sub(ahead)),
            last_seen: Ktime(message.last_seen.saturating_sub(ahead)),
            syscalls,
            tags: message.tags,
            ..Self::default()
        };
        for (kind, state) in message.event_type_state {
            let judged = JUDGED.iter().position(|judged| number(*judged) == Some(kind));
            match judged {
                Some(place) => {
                    let stability = Stability::from_number(state.event_profile_state);
                    context.progress[place] = Some(Progress { stability, last_new: now });
                }
                None => context.others.push((kind, state)),
            }
        }
        context
    }
}
