//! Clients that follow events.
//!
//! An event is made a line where somebody wants it, and nowhere else. A client that does not read fast enough holds
//! nobody up: its queue is bounded, what comes while it is full is counted without being made a line, and the client
//! is told how much it has missed.

use lapwing_common::engine::EventSet;
use lapwing_common::event::Event;
use lapwing_common::ids::Timestamp;
use lapwing_proto::control::v1::{EventFormat, Events, EventsRequest, response};
use mio::Token;

use super::{Asked, ControlServer};
use crate::config::{Format, UnknownType, parse_types};
use crate::output::{Anomaly, Formatter};
use crate::policy::Told;
use lapwing_common::limiter::TokenBucket;

/// Bytes of events that one message carries.
const CHUNK: usize = 128 << 10;

/// All streams.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    streams: Vec<Stream>,
    /// Bytes that may wait for one client.
    queue: usize,
    counts: Counts,
}

/// What has become of events on the way to clients.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Lines that were sent, or wait.
    pub(crate) queued: u64,
    /// Events left out because a client was too slow.
    pub(crate) dropped: u64,
    /// Events left out because a client wanted no more a second.
    pub(crate) limited: u64,
}

#[derive(Debug)]
struct Stream {
    asked: Asked,
    filter: Filter,
    format: Formatter,
    bucket: Option<TokenBucket>,
    queue: Vec<u8>,
    dropped: u64,
    limited: u64,
    /// What the client knows of the two before.
    told: Option<(u64, u64)>,
    /// The event that is being looked at was shown with a rule.
    is_shown: bool,
}

/// Which events a client wants.
#[derive(Debug)]
struct Filter {
    types: EventSet,
    /// Empty for all, as below.
    pids: Vec<i32>,
    containers: Vec<Box<[u8]>>,
    only_anomalies: bool,
    rules: RuleFilter,
}

/// Whether a client wants events for their own sake or for that of rules.
#[derive(Debug, PartialEq, Eq)]
enum RuleFilter {
    /// All, and matches among them.
    Events,
    Matches,
    /// Matches of these.
    Rules(Vec<String>),
}

impl Filter {
    fn takes(&self, event: &Event, is_anomaly: bool) -> bool {
        let (pids, containers) = (&self.pids, &self.containers);
        (is_anomaly || !self.only_anomalies)
            && self.types.contains(event.event_type())
            && (pids.is_empty() || pids.contains(&event.process.key().pid.0))
            && (containers.is_empty() || containers.iter().any(|begin| event.process.container_id().starts_with(begin)))
    }

    fn takes_match(&self, event: &Event, told: &Told<'_>) -> bool {
        let takes_rule = match &self.rules {
            RuleFilter::Events | RuleFilter::Matches => !told.is_hidden,
            RuleFilter::Rules(ids) => ids.contains(&told.matched.rule.id),
        };
        takes_rule && !self.only_anomalies && self.takes(event, false)
    }
}

impl Streams {
    /// No streams; `queue` bytes of events may wait for each client.
    pub(crate) fn new(queue: usize) -> Self {
        Self { queue, ..Self::default() }
    }

    /// Lets so many bytes wait from now on.
    pub(crate) fn set_queue(&mut self, queue: usize) {
        self.queue = queue;
    }

    /// Sends a client what it asks for, from now on. Readable times count from `now`.
    pub(crate) fn open(&mut self, asked: Asked, request: EventsRequest, now: Timestamp) -> Result<(), UnknownType> {
        let types = parse_types(&request.types)?;
        let format = match request.format() {
            EventFormat::Json => Format::Json,
            EventFormat::Pretty => Format::Pretty,
        };
        self.streams.push(Stream {
            asked,
            filter: Filter {
                types,
                pids: request.pids,
                containers: request.containers.into_iter().map(|id| id.into_bytes().into()).collect(),
                only_anomalies: request.anomalies,
                rules: match (request.rules, request.matches) {
                    (rules, _) if !rules.is_empty() => RuleFilter::Rules(rules),
                    (_, true) => RuleFilter::Matches,
                    _ => RuleFilter::Events,
                },
            },
            format: Formatter::new(format, request.colour, now),
            bucket: (request.rate > 0).then(|| TokenBucket::new(request.rate, request.rate)),
            queue: Vec::new(),
            dropped: 0,
            limited: 0,
            told: None,
            is_shown: false,
        });
        Ok(())
    }

    /// Ends a stream; `false` if there was none.
    pub(crate) fn close(&mut self, asked: Asked) -> bool {
        let before = self.streams.len();
        self.streams.retain(|stream| stream.asked != asked);
        self.streams.len() < before
    }

    /// Ends all streams of a client.
    pub(crate) fn forget(&mut self, client: Token) {
        self.streams.retain(|stream| stream.asked.client != client);
    }

    /// Whether a client has a stream of this number.
    pub(crate) fn has(&self, asked: Asked) -> bool {
        self.streams.iter().any(|stream| stream.asked == asked)
    }

    /// Hands to the clients what they can take.
    pub(crate) fn pump(&mut self, server: &mut ControlServer) {
        for stream in &mut self.streams {
            while stream.has_news() && !server.is_congested(stream.asked.client) {
                let lines = stream.next_chunk();
                let (dropped, limited) = (stream.dropped, stream.limited);
                stream.told = Some((dropped, limited));
                server.answer(stream.asked, response::What::Events(Events { lines, dropped, limited }));
            }
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.streams.len()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// Shows an event with a rule that it matched, to who wants that.
    pub(crate) fn matched(&mut self, event: &Event, told: &Told<'_>) {
        let Self { streams, queue, counts } = self;
        for stream in streams.iter_mut().filter(|stream| stream.filter.takes_match(event, told)) {
            stream.is_shown = true;
            stream.take(event, *queue, counts, |format, out| format.write_match(event, told.matched, out));
        }
    }

    /// Sends an event to the clients that want it, with what it departs from, unless it was shown as a match already.
    pub(crate) fn tell(&mut self, event: &Event, anomaly: Option<&Anomaly<'_>>) {
        let Self { streams, queue, counts } = self;
        for stream in streams {
            let is_shown = std::mem::take(&mut stream.is_shown);
            let is_wanted = stream.filter.rules == RuleFilter::Events && stream.filter.takes(event, anomaly.is_some());
            if !is_wanted || (is_shown && anomaly.is_none()) {
                continue;
            }
            stream.take(event, *queue, counts, |format, out| match anomaly {
                Some(anomaly) => format.write_departure(event, anomaly, out),
                None => format.write_line(event, out),
            });
        }
    }

    /// Nothing more is said of the event.
    pub(crate) fn end_of_event(&mut self) {
        self.streams.iter_mut().for_each(|stream| stream.is_shown = false);
    }
}

impl Stream {
    fn take(
        &mut self,
        event: &Event,
        queue: usize,
        counts: &mut Counts,
        write: impl FnOnce(&mut Formatter, &mut Vec<u8>),
    ) {
        if self.bucket.as_mut().is_some_and(|bucket| !bucket.take(event.timestamp.0)) {
            self.limited += 1;
            counts.limited += 1;
        } else if self.queue.len() >= queue {
            self.dropped += 1;
            counts.dropped += 1;
        } else {
            write(&mut self.format, &mut self.queue);
            counts.queued += 1;
        }
    }

    /// Whether there is something to tell the client, if only that its stream has begun.
    fn has_news(&self) -> bool {
        !self.queue.is_empty() || self.told != Some((self.dropped, self.limited))
    }

    /// Takes whole lines from the queue.
    fn next_chunk(&mut self) -> Vec<u8> {
        if self.queue.len() <= CHUNK {
            return std::mem::take(&mut self.queue);
        }
        let last = self.queue[..CHUNK].iter().rposition(|byte| *byte == b'\n');
        let end =
            last.or_else(|| self.queue.iter().position(|byte| *byte == b'\n')).map_or(self.queue.len(), |at| at + 1);
        let rest = self.queue.split_off(end);
        std::mem::replace(&mut self.queue, rest)
    }
}

#[cfg(test)]
mod tests;
