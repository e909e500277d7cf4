//! What an agent asks of a tracer: what to look at and what to leave out, and questions that it answers in its own time.

use lapwing_proto::tracer::v1::{self as proto, to_tracer::Message};

use super::AgentEnd;
#[cfg(doc)]
use super::Said;
use crate::holdings::PROCESSES;
use crate::ids::Pid;
use crate::session::{OUTGOING, TELLS_HOLDINGS};

impl AgentEnd {
    /// Tells what to capture from now on.
    pub fn plan(&mut self, plan: proto::Plan) {
        if self.is_welcome() {
            self.say(Message::Plan(plan));
        }
    }

    /// Tells what to leave out from now on; false if the tracer is too slow to hear it. More than was asked for will
    /// be reported then, and nothing less.
    pub fn filter(&mut self, filtering: proto::Filtering) -> bool {
        let hears = self.is_welcome() && self.out.len() - self.gone < OUTGOING;
        if hears {
            self.say(Message::Filtering(filtering));
        }
        hears
    }

    /// Takes back all discarders. That is said however slow the tracer is: nothing is worse than one too many.
    pub fn flush_discarders(&mut self) {
        if self.is_welcome() {
            let step = proto::Step { step: Some(proto::step::Step::Flush(proto::Flush {})) };
            self.say(Message::Filtering(proto::Filtering { steps: alloc::vec![step] }));
        }
    }

    /// Asks what is left out; see [`Said::Discarders`].
    pub fn ask_for_discarders(&mut self, id: u64) {
        if self.is_welcome() {
            self.say(Message::Discarders(proto::DiscardersRequest { id }));
        }
    }

    /// Asks what some of its processes hold; see [`Said::Held`]. False if it will not answer: it does not know how to,
    /// or is too slow to hear it.
    pub fn ask_what_is_held(&mut self, id: u64, pids: &[Pid]) -> bool {
        let hears = self.is_welcome() && self.version >= TELLS_HOLDINGS && self.out.len() - self.gone < OUTGOING;
        if hears {
            let pids = pids.iter().take(PROCESSES).map(|pid| pid.0).collect();
            self.say(Message::Holdings(proto::HoldingsRequest { id, pids }));
        }
        hears
    }
}
