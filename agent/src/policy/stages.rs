//! What becomes of events at each stage on their way to a match: what the backend leaves out, what rules are tried on,
//! and what one of them matches. For the summary of `run`, and for the status of an agent.

use lapwing_common::backend;
use lapwing_common::event::{EventType, Origin};
use lapwing_proto::control::v1 as control;

use super::discard::{KeptBack, LeftOut, Sink};

/// Types of events have numbers below this.
const TYPES: usize = 64;

/// Events that rules were tried on, by type.
#[derive(Clone, Debug)]
pub(crate) struct Judged([Counts; TYPES]);

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    evaluated: u64,
    matched: u64,
}

impl Default for Judged {
    fn default() -> Self {
        Self([Counts::default(); TYPES])
    }
}

impl Judged {
    /// Counts an event, and whether a rule matched it.
    pub(crate) fn count(&mut self, event: EventType, has_matched: bool) {
        if let Some(counts) = self.0.get_mut(event as usize) {
            counts.evaluated += 1;
            counts.matched += u64::from(has_matched);
        }
    }

    fn of(&self, event: EventType) -> Counts {
        self.0.get(event as usize).copied().unwrap_or_default()
    }

    /// All stages of all types, in the order of the types. `left_out` says what the backend did before: how many calls
    /// passed arguments that nobody asks for, if it counts them, and what its filters kept back.
    pub(crate) fn stages(&self, left_out: impl Fn(EventType) -> (Option<u64>, KeptBack)) -> Vec<control::Stages> {
        let of = |event: EventType| {
            let (unasked, KeptBack { rejected, approved, discarded, .. }) = left_out(event);
            let Counts { evaluated, matched } = self.of(event);
            let r#type = event.name().to_owned();
            control::Stages { r#type, unasked, rejected, approved, discarded, evaluated, matched }
        };
        let any = |one: &control::Stages| one.unasked.unwrap_or(0) + one.rejected + one.discarded + one.evaluated > 0;
        EventType::ALL.into_iter().map(of).filter(any).collect()
    }
}

/// What has become of all events of a backend in this process, by what it counted and its filters, if it has been told
/// what to leave out.
pub(crate) fn report(
    origin: Origin,
    sink: Option<&Sink>,
    judged: &Judged,
    counters: &[(&'static str, u64)],
) -> control::Filters {
    let counted = |name: &str| counters.iter().find(|(known, _)| *known == name).map(|(_, count)| *count);
    let unasked = |event| (origin == Origin::Kernel).then(|| counted(&backend::unasked(event)).unwrap_or(0));
    let left_out = sink.and_then(Sink::left_out);
    let of = |event| (unasked(event), left_out.as_ref().map(|all| all.of_type(event)).unwrap_or_default());
    let answered = counted("answered").filter(|count| *count > 0);
    let all = left_out.as_ref().map(LeftOut::all).unwrap_or_default();
    let stages = judged.stages(of);
    control::Filters {
        backend: origin.name().to_owned(),
        rejected: all.rejected,
        approved: all.approved,
        discarded: all.discarded,
        discarders: all.discarders,
        evaluated: stages.iter().map(|one| one.evaluated).sum(),
        stopped: answered.map(|_| counted("asked").unwrap_or(0)),
        answered,
        stages,
        ..control::Filters::default()
    }
}
