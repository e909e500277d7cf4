//! The agent's end of one connection.
//!
//! What comes in is handed over one by one, at the pace of whoever asks: what is not asked for stays in the caller's
//! buffer, and at last in the socket. So one tracer cannot take more memory than a frame's worth, nor more time than
//! its share.

mod asks;

use alloc::boxed::Box;
use alloc::vec::Vec;

use hashbrown::HashSet;
use lapwing_proto::frame::Decoder;
use lapwing_proto::parts::{Envelope, Field, Fields, Kind as Part};
use lapwing_proto::tracer::v1::{self as proto, RefusalReason, to_tracer::Message};

use super::losses::Account;
use super::model::changes;
use super::said::{Greeting, Said, Terms, greeting};
use super::{LONGEST_OTHER, Violation, append};
use crate::ids::Pid;
use crate::record::{Observation, Sighting};
use crate::wire::{Malformed, Reader};

/// How many processes of a session are remembered as its own: as many as a process cache holds.
const PROCESSES: usize = 65_536;

#[derive(Debug)]
enum State {
    /// Nothing was said yet.
    Silent,
    /// Hello was said and has not been answered.
    Asked(Box<Greeting>),
    /// The snapshot has to come.
    Expecting,
    /// In the middle of a snapshot.
    Snapshot,
    /// Batches may come.
    Streaming,
    /// Nothing counts any more.
    Over,
}

/// A batch or a part of a snapshot that is being handed over.
#[derive(Debug)]
struct Progress {
    message: Vec<u8>,
    at: usize,
    /// The number of the next observation; `None` in a snapshot.
    number: Option<u64>,
    /// It is the last part of a snapshot.
    ends: bool,
}

/// One connection of a tracer.
#[derive(Debug)]
pub struct AgentEnd {
    decoder: Decoder,
    state: State,
    reader: Option<Reader>,
    progress: Option<Progress>,
    out: Vec<u8>,
    gone: usize,
    session: Option<[u8; 16]>,
    /// Of the protocol, as was agreed; 0 before.
    version: u32,
    /// The highest number that was handed over, or passed over as lost or unintelligible.
    processed: u64,
    /// The highest number that was acknowledged.
    acknowledged: u64,
    processes: HashSet<Pid>,
    observations: u64,
    unintelligible: u64,
    missing: u64,
}

impl Default for AgentEnd {
    fn default() -> Self {
        Self::new()
    }
}

impl AgentEnd {
    /// A connection on which nothing was said yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            decoder: Decoder::new(),
            state: State::Silent,
            reader: None,
            progress: None,
            out: Vec::new(),
            gone: 0,
            session: None,
            version: 0,
            processed: 0,
            acknowledged: 0,
            processes: HashSet::new(),
            observations: 0,
            unintelligible: 0,
            missing: 0,
        }
    }

    /// Takes bytes off the front of `input` and tells what was said next. `None` means that `input` is used up.
    ///
    /// # Errors
    ///
    /// When the tracer breaks the rules. It is to be told so by [`Self::refuse`], and cut.
    pub fn receive(&mut self, input: &mut &[u8]) -> Result<Option<Said>, Violation> {
        loop {
            if let Some(said) = self.next_part()? {
                return Ok(Some(said));
            }
            if matches!(self.state, State::Over) {
                *input = &[];
                return Ok(None);
            }
            let Some(envelope) = self.decoder.next::<Envelope>(input)? else { return Ok(None) };
            // A message of a newer release.
            let Some(part) = envelope.message else { continue };
            if let Some(said) = self.hear(part)? {
                return Ok(Some(said));
            }
        }
    }

    fn hear(&mut self, part: Part) -> Result<Option<Said>, Violation> {
        match (&self.state, part) {
            (State::Silent, Part::First(bytes)) => {
                let greeting = Box::new(greeting(read(&bytes)?)?);
                self.session = Some(greeting.session);
                self.state = State::Asked(greeting.clone());
                Ok(Some(Said::Hello(greeting)))
            }
            (State::Silent, _) => Err(Violation::OutOfTurn("the first message is not Hello")),
            (_, Part::First(_)) => Err(Violation::OutOfTurn("a second Hello")),
            (State::Asked(_), _) => Err(Violation::OutOfTurn("a message before Welcome")),
            (_, Part::Second(message)) => self.snapshot(message),
            (State::Streaming, Part::Third(message)) => self.batch(message),
            (_, Part::Third(_)) => Err(Violation::OutOfTurn("a batch before the end of a snapshot")),
            (_, Part::Fourth(bytes)) => Ok(Some(Said::Report(Account::read(read(&bytes)?)))),
            (_, Part::Fifth(bytes)) => {
                let proto::Applied { revision, missing } = read(&bytes)?;
                Ok(Some(Said::Applied { revision, missing }))
            }
            (_, Part::Sixth(bytes)) => {
                let goodbye: proto::Goodbye = read(&bytes)?;
                self.state = State::Over;
                Ok(Some(Said::Goodbye(Account::read(goodbye.report.unwrap_or_default()))))
            }
            (_, Part::Seventh(bytes)) => Ok(Some(Said::Discarders(Box::new(read(&bytes)?)))),
            (_, Part::Eighth(bytes)) => {
                let Some(reader) = &mut self.reader else { return Ok(None) };
                let message: proto::Holdings = read(&bytes)?;
                let (id, end) = (message.id, message.end);
                let (pid, held) = reader.held(message)?;
                Ok(Some(Said::Held { id, pid, held, end }))
            }
        }
    }

    fn snapshot(&mut self, message: Vec<u8>) -> Result<Option<Said>, Violation> {
        let (mut begin, mut ends) = (false, false);
        let mut fields = Fields::new(&message, 0);
        while let Some(field) = fields.next_field()? {
            match field {
                Field::Number { tag: 1, value } => begin = value != 0,
                Field::Number { tag: 3, value } => ends = value != 0,
                _ => {}
            }
        }
        match (&self.state, begin) {
            (State::Snapshot, false) | (State::Expecting | State::Streaming, true) => {}
            _ => return Err(Violation::OutOfTurn("a part of a snapshot out of its place")),
        }
        self.state = State::Snapshot;
        self.progress = Some(Progress { message, at: 0, number: None, ends });
        if begin {
            let void = core::mem::take(&mut self.processes).into_iter().collect();
            return Ok(Some(Said::SnapshotBegins { void }));
        }
        Ok(None)
    }

    fn batch(&mut self, message: Vec<u8>) -> Result<Option<Said>, Violation> {
        let mut first = 0;
        let mut fields = Fields::new(&message, 0);
        while let Some(field) = fields.next_field()? {
            if let Field::Number { tag: 1, value } = field {
                first = value;
            }
        }
        // A number far away would leave no room for those after it.
        if first <= self.processed || first > u64::MAX / 2 {
            return Err(Violation::Field("the number of a batch that was there already"));
        }
        self.missing += first - self.processed - 1;
        self.progress = Some(Progress { message, at: 0, number: Some(first), ends: false });
        Ok(None)
    }

    /// The next observation of what is being handed over.
    fn next_part(&mut self) -> Result<Option<Said>, Violation> {
        let Some(progress) = &mut self.progress else { return Ok(None) };
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let mut fields = Fields::new(&progress.message, progress.at);
        while let Some(field) = fields.next_field()? {
            let Field::Bytes { tag: 2, bytes } = field else { continue };
            let read = reader.read(bytes);
            progress.at = fields.offset();
            if let Some(number) = &mut progress.number {
                self.processed = *number;
                *number += 1;
            }
            match read {
                Ok(observation) if progress.number.is_some() => {
                    self.observations += 1;
                    note(&mut self.processes, &observation);
                    return Ok(Some(Said::Observation(observation)));
                }
                Ok(observation @ Observation { what: Sighting::Running(_), .. }) => {
                    note(&mut self.processes, &observation);
                    return Ok(Some(Said::Observation(observation)));
                }
                Ok(_) => return Err(Violation::Field("something else than a process in a snapshot")),
                // What only a newer release knows. Other things no release says.
                Err(Malformed::UnknownCall { .. } | Malformed::Absent(_)) => self.unintelligible += 1,
                Err(error) => return Err(error.into()),
            }
        }
        let ends = progress.ends;
        self.progress = None;
        if ends {
            self.state = State::Streaming;
            return Ok(Some(Said::SnapshotEnds));
        }
        Ok(None)
    }

    /// Accepts the tracer. Does nothing if it has not asked.
    pub fn welcome(&mut self, terms: Terms) {
        let State::Asked(greeting) = &self.state else { return };
        // What other agents have processed does not come again.
        self.processed = terms.acknowledged.unwrap_or(0).max(greeting.acknowledged);
        self.acknowledged = self.processed;
        self.version = greeting.protocol;
        self.reader = Some(Reader::new(greeting.namespace, terms.container));
        self.state = State::Expecting;
        self.say(Message::Welcome(proto::Welcome {
            protocol: self.version,
            release: terms.release,
            acknowledged: terms.acknowledged.unwrap_or(0),
            window: terms.window,
            plan: terms.plan,
        }));
    }

    /// Refuses the tracer, or ends its session. What it says after that is not heard; close the connection when
    /// [`Self::outgoing`] is empty.
    pub fn refuse(&mut self, reason: RefusalReason, text: &str) {
        let text = text.chars().take(1000).collect();
        self.say(Message::Refusal(proto::Refusal { reason: reason.into(), text }));
        self.state = State::Over;
        self.progress = None;
    }

    /// What is to be sent now. Acknowledgements are put together until there is nothing else.
    pub fn outgoing(&mut self) -> &[u8] {
        if self.gone == self.out.len() {
            self.out.clear();
            self.gone = 0;
            if self.processed > self.acknowledged && self.is_welcome() {
                self.acknowledged = self.processed;
                self.say(Message::Ack(proto::Ack { acknowledged: self.processed }));
            }
        }
        &self.out[self.gone..]
    }

    /// This much of it was sent.
    pub fn sent(&mut self, bytes: usize) {
        self.gone = self.out.len().min(self.gone + bytes);
    }

    fn say(&mut self, message: Message) {
        append(&mut self.out, &proto::ToTracer { message: Some(message) });
    }

    /// Whether the tracer was accepted and its session goes on.
    #[must_use]
    pub fn is_welcome(&self) -> bool {
        matches!(self.state, State::Expecting | State::Snapshot | State::Streaming)
    }

    /// Whether nothing that comes counts any more: the tracer was refused, or said Goodbye.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Whether the tracer owes something: Hello, or the rest of a frame. Whoever owes for too long is cut.
    #[must_use]
    pub fn is_owed(&self) -> bool {
        matches!(self.state, State::Silent) || self.decoder.is_inside_frame()
    }

    /// Whether a batch or a snapshot has not been handed over completely. Then [`Self::receive`] has more without
    /// further input.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.progress.is_some()
    }

    /// The processes that this session told of and that have not ended: what goes when the tracer goes. At most
    /// 65,536 are remembered.
    pub fn processes(&self) -> impl Iterator<Item = Pid> {
        let mut processes: Vec<_> = self.processes.iter().copied().collect();
        processes.sort_unstable();
        processes.into_iter()
    }

    /// Whether this session told of a process that has not ended.
    #[must_use]
    pub fn tells_of(&self, pid: Pid) -> bool {
        self.processes.contains(&pid)
    }

    /// The session's id and the highest number that was processed, once it was accepted.
    #[must_use]
    pub fn progress(&self) -> Option<([u8; 16], u64)> {
        self.session.filter(|_| self.reader.is_some()).map(|session| (session, self.processed))
    }

    /// Observations that were handed over, those of snapshots not counted.
    #[must_use]
    pub fn observations(&self) -> u64 {
        self.observations
    }

    /// Observations that only a newer release can make sense of.
    #[must_use]
    pub fn unintelligible(&self) -> u64 {
        self.unintelligible
    }

    /// Numbers that were left out: what was lost, as the tracer's reports will say, too.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Programs that were said to run in another container than the tracer's.
    #[must_use]
    pub fn container_claims(&self) -> u64 {
        self.reader.as_ref().map_or(0, Reader::claims)
    }
}

fn note(processes: &mut HashSet<Pid>, observation: &Observation) {
    let (lives, ended) = changes(observation);
    if let Some(pid) = ended {
        processes.remove(&pid);
    }
    if let Some(pid) = lives.filter(|_| processes.len() < PROCESSES) {
        processes.insert(pid);
    }
}

fn read<M: prost::Message + Default>(bytes: &[u8]) -> Result<M, Violation> {
    if bytes.len() > LONGEST_OTHER {
        return Err(Violation::TooLong(bytes.len()));
    }
    M::decode(bytes).map_err(Violation::NoMessage)
}
