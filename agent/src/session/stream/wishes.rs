//! What the agent asks of the tracer: what to look at, and what to leave out.

use std::sync::LazyLock;

use lapwing_common::backend::Counters;
use lapwing_common::discard::{FilePolicy, Filters as _, InodeKey, Listing, MOST_INODES, counters};
use lapwing_common::engine::EventSet;
use lapwing_common::event::{EventType, Origin};
use lapwing_common::rules::{Approval, PathInterests};
use lapwing_common::session::{Left, Step, apply, read_paths, read_plan, read_policies};
use lapwing_proto::tracer::v1 as proto;
use lapwing_ptrace::FilterTable;

use super::Stream;
use crate::console::Console;
use crate::policy::{KeptBack, LeftOut};

/// Names of counters of one type of events: what was rejected, approved and discarded.
static BY_TYPE: LazyLock<Vec<(EventType, [String; 3])>> = LazyLock::new(|| {
    let filtered = EventType::ALL.into_iter().filter(|event| event.is_filtered());
    let names = [counters::REJECTED, counters::APPROVED, counters::DISCARDED];
    filtered.map(|event| (event, names.map(|name| counters::of_type(name, event)))).collect()
});

impl Stream {
    pub(super) fn leave_out(&mut self, steps: Vec<proto::Step>) {
        let Some(filters) = &self.filters else { return };
        for step in steps {
            if matches!(step.step, Some(proto::step::Step::Flush(_))) {
                self.paths.clear();
            }
            match apply(step, &**filters, &mut self.places) {
                Ok(Step::Discarded(key, path)) => {
                    if self.paths.len() >= MOST_INODES {
                        self.paths.clear();
                    }
                    self.paths.insert(key, path);
                }
                Ok(Step::Made | Step::Nothing) => {}
                Err(error) => self.console.debug(format_args!("not left out: {error}")),
            }
        }
    }

    /// What is left out, for an agent that asks.
    pub(super) fn left(&self) -> Left {
        let Some(filters) = &self.filters else { return Left::default() };
        let (Ok(Listing { inodes, pids }), Ok((discarders, approvers))) = (filters.list(), filters.statistics()) else {
            return Left::default();
        };
        let path = |key: &InodeKey| self.paths.get(key).cloned().unwrap_or_default();
        let inodes = inodes.into_iter().map(|(key, discarder)| (key, discarder, path(&key))).collect();
        Left { inodes, pids, discarders, approvers }
    }

    /// What is to be reported from the beginning of the types of the plan.
    pub(in crate::session) fn approvals(&self) -> Vec<(Origin, Approval)> {
        let policies = self.asked.as_ref().map(read_policies).unwrap_or_default();
        let approval = |(event, policy)| {
            let (sought, open) = (Vec::new(), Vec::new());
            (Origin::Ptrace, Approval { event, policy, sought, open })
        };
        policies.into_iter().map(approval).collect()
    }

    /// Reports everything that it can: this agent has no wishes.
    pub(super) fn unplan(&mut self) {
        self.asked = None;
        self.interest.replace(PathInterests::default());
        if let Some(filters) = &self.filters {
            let had = filters.want(self.plan.events);
            self.client.want(had);
            set_policies(filters, &[], self.console);
        }
    }

    pub(super) fn plan_asked(&mut self, plan: proto::Plan) {
        match self.filters {
            Some(_) => self.apply(&plan),
            None => self.asked = Some(plan),
        }
    }

    /// Looks from now on at what is asked for, as far as it stops, and says what does not.
    pub(super) fn apply(&mut self, asked: &proto::Plan) {
        let (plan, mut missing) = read_plan(asked, &self.plan);
        self.interest.replace(read_paths(asked));
        if let Some(filters) = &self.filters {
            set_policies(filters, &read_policies(asked), self.console);
            let had = filters.want(plan.events);
            self.client.want(had);
            missing.extend(not_in(plan.events, had));
            missing.extend(names_of(|event| {
                let (stops, wanted) = (self.plan.arguments.of(event), plan.arguments.of(event));
                plan.events.contains(event) && had.contains(event) && !stops.includes(&wanted)
            }));
            missing.extend((plan.syscalls && !self.plan.syscalls).then(|| "syscalls".to_owned()));
        }
        self.client.applied(asked.revision, missing);
    }
}

/// Reports of each type what the policies say, and all of those about which they say nothing.
fn set_policies(filters: &FilterTable, policies: &[(EventType, FilePolicy)], console: Console) {
    for event in EventType::ALL.into_iter().filter(|event| event.is_filtered()) {
        let policy = policies.iter().find(|(known, _)| *known == event).map(|(_, policy)| policy.clone());
        if let Err(error) = filters.set_policy(event, policy.unwrap_or_default()) {
            console.warn(format_args!("all {event} events are looked at: {error}"));
        }
    }
}

/// The names of the types that are in one set and not in the other.
fn not_in(wanted: EventSet, had: EventSet) -> impl Iterator<Item = String> {
    names_of(move |event| wanted.contains(event) && !had.contains(event))
}

fn names_of(which: impl Fn(EventType) -> bool) -> impl Iterator<Item = String> {
    EventType::ALL.into_iter().filter(move |event| which(*event)).map(|event| event.name().to_owned())
}

/// What filters have done so far.
pub(super) fn counted(filters: &FilterTable) -> Counters {
    let Some(left_out) = LeftOut::of(filters) else { return Counters::new() };
    let KeptBack { rejected, approved, discarded, discarders } = left_out.all();
    let mut counted = vec![
        (counters::REJECTED, rejected),
        (counters::APPROVED, approved),
        (counters::DISCARDED, discarded),
        (counters::DISCARDERS, discarders),
        (counters::REFUSES, u64::from(!filters.takes_discarders())),
    ];
    for (event, names) in BY_TYPE.iter() {
        let KeptBack { rejected, approved, discarded, .. } = left_out.of_type(*event);
        let counts = names.iter().map(String::as_str).zip([rejected, approved, discarded]);
        counted.extend(counts.filter(|(_, count)| *count > 0));
    }
    counted
}
