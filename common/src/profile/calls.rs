//! What a profile says of system calls.
//!
//! They come as sets, of which most are known, and are judged for the workload as a whole: which program makes a call
//! says little, since libraries are shared. Kernels of other agents have one set of bits for a workload for that reason.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::state::State;
use super::verdict::{Occasion, Verdict};
use super::{ANY_TAG, Profile};
use crate::activity::{Dropped, Generation, Mark};
use crate::event::EventType;
use crate::ids::Timestamp;
use crate::process::Process;
use crate::syscall::{Arch, CallSet};

/// The calls of versions, collected once from tree and contexts. Empty after either has lost some.
#[derive(Debug, Default)]
pub(super) struct Known(Vec<(String, CallSet)>);

/// What is said of a set of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallsVerdict {
    /// As for an event.
    pub verdict: Verdict,
    /// With [`Verdict::Anomaly`], the calls that depart, by their numbers for this machine's processor.
    pub departed: Vec<u32>,
}

impl Profile {
    /// Judges system calls that a process made, or learns them. `at` is when that was found out, by the wall clock.
    pub fn observe_calls(
        &mut self,
        process: &Arc<Process>,
        calls: &CallSet,
        at: Timestamp,
        occasion: &Occasion<'_>,
    ) -> CallsVerdict {
        let mut departed = Vec::new();
        let verdict = self.judge_calls(process, calls, at, occasion, &mut departed);
        self.tally.count(verdict);
        CallsVerdict { verdict, departed }
    }

    fn judge_calls(
        &mut self,
        process: &Arc<Process>,
        calls: &CallSet,
        at: Timestamp,
        occasion: &Occasion<'_>,
        departed: &mut Vec<u32>,
    ) -> Verdict {
        const KIND: EventType = EventType::Syscalls;
        let Some(state) = self.met_with(KIND, occasion) else { return Verdict::NotJudged };
        let known = self.calls_of(occasion.tag);
        let new: Vec<u32> = calls.native().into_iter().filter(|number| !known.contains(*number)).collect();
        match state {
            State::Unstable => Verdict::NotJudged,
            State::Stable if new.is_empty() => Verdict::Known,
            State::Stable => match self.tree.has_process(process) {
                Ok(true) => self.depart_by(&new, occasion, departed),
                Ok(false) => Verdict::OfUnknownProgram,
                Err(dropped) => Verdict::Dropped(dropped),
            },
            State::AtMaxSize if new.is_empty() => Verdict::Known,
            State::AtMaxSize => {
                self.renew(occasion, KIND);
                Verdict::NoRoom
            }
            State::AutoLearning | State::WorkloadWarmup => {
                let is_warm = state == State::WorkloadWarmup;
                let generation = if is_warm { Generation::WorkloadWarmup } else { Generation::ProfileDrift };
                let adds_processes = is_warm || self.is_learning_programs(occasion);
                let tag = self.tree.tag(occasion.tag);
                let mark = Mark { tag, generation, adds_processes, rules: &[] };
                if let Err(dropped) = self.tree.insert_calls(process, calls, at, &mark) {
                    if dropped == Dropped::Full {
                        self.renew(occasion, KIND);
                    }
                    return match dropped {
                        Dropped::UnknownProcess => Verdict::OfUnknownProgram,
                        Dropped::Full => Verdict::NoRoom,
                        dropped => Verdict::Dropped(dropped),
                    };
                }
                if new.is_empty() {
                    return Verdict::Known;
                }
                self.renew(occasion, KIND);
                for call in &new {
                    self.calls.add(occasion.tag, *call);
                }
                // Other versions have long been stable, and none of them did this.
                if self.state(KIND) == State::Stable {
                    self.depart_by(&new, occasion, departed)
                } else {
                    Verdict::Learned
                }
            }
        }
    }

    fn depart_by(&mut self, new: &[u32], occasion: &Occasion<'_>, departed: &mut Vec<u32>) -> Verdict {
        *departed = self.departures.fresh(new, occasion.now, self.settings.repeat);
        if departed.is_empty() { Verdict::Repeated } else { Verdict::Anomaly }
    }

    fn calls_of(&mut self, tag: &str) -> &CallSet {
        let Self { calls: Known(known), tree, contexts, .. } = self;
        let at = known.iter().position(|(known, _)| known == tag).unwrap_or_else(|| {
            let mut set = CallSet::new(Arch::NATIVE);
            let is_any = tag.is_empty() || tag == ANY_TAG;
            let version = tree.known_tag(tag);
            if is_any || version.is_some() {
                for number in tree.calls(version.filter(|_| !is_any)) {
                    set.insert(number.cast_unsigned());
                }
            }
            for (name, context) in contexts.iter() {
                if is_any || name == tag {
                    for number in context.syscalls() {
                        set.insert(*number);
                    }
                }
            }
            known.push((tag.into(), set));
            known.len() - 1
        });
        &known[at].1
    }
}

impl Known {
    /// A version makes a call from now on; and so does whoever stands for all.
    fn add(&mut self, tag: &str, call: u32) {
        for (name, calls) in &mut self.0 {
            if name == tag || name.is_empty() || name == ANY_TAG {
                calls.insert(call);
            }
        }
    }
}
