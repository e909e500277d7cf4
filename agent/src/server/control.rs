//! The control socket: commands connect, ask, and are answered.
//!
//! This knows who may ask and in which order messages come. What a request means is for whoever holds the agent:
//! requests are handed out, and answered when they are.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use lapwing_proto::control::v1::{
    Done, Failure, Fault, FromAgent, FromClient, PROTOCOL, Reason, Refusal, Response, Welcome, from_agent, from_client,
    request, response,
};
use mio::event::Event;
use mio::net::UnixListener;
use mio::{Interest, Registry, Token};

use super::tally::Tally;
use super::{Connection, Cut, Peer};

/// The longest request.
const REQUEST: usize = 64 << 10;
/// Connections that are taken before something else has its turn.
const TURN: usize = 32;
/// Requests of one connection that are taken before another's turn.
const REQUESTS: usize = 16;
/// Streams that one connection may have.
const STREAMS: usize = 4;
/// How long a peer may take to say who it is.
const GREETING: Duration = Duration::from_secs(5);
/// How long a peer may not take its answer.
const STUCK: Duration = Duration::from_secs(30);
/// How long a peer may ask nothing.
const IDLE: Duration = Duration::from_secs(60);
/// When to try again to take a connection that could not be.
const AGAIN: Duration = Duration::from_millis(100);

/// What answers go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Asked {
    pub(crate) client: Token,
    /// The client's number for its request.
    pub(crate) id: u64,
}

/// Something that clients want.
#[derive(Debug)]
pub(crate) enum Wish {
    Request(request::What),
    /// The stream of this number is not wanted any more.
    Cancel,
}

/// The socket with all that are connected to it.
#[derive(Debug)]
pub(crate) struct ControlServer {
    listener: UnixListener,
    /// When there may be connections that were not taken.
    accept_at: Option<Instant>,
    clients: BTreeMap<Token, Client>,
    /// Tokens are not used twice, so that none means somebody else who came later.
    next: usize,
    limit: usize,
    own_uid: u32,
    accepted: u64,
    cuts: Tally<Reason>,
}

#[derive(Debug)]
struct Client {
    connection: Connection,
    is_greeted: bool,
    /// When it connected, or asked last.
    active: Instant,
    streams: usize,
}

impl ControlServer {
    /// Serves at a socket; `first` and all above it are tokens for connections, of which there may be `limit`.
    pub(crate) fn new(listener: UnixListener, first: usize, limit: usize) -> Self {
        Self {
            listener,
            accept_at: Some(Instant::now()),
            clients: BTreeMap::new(),
            next: first,
            limit,
            own_uid: rustix::process::geteuid().as_raw(),
            accepted: 0,
            cuts: Tally::default(),
        }
    }

    /// Has the poll announce connections by this token.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.listener, token, Interest::READABLE)
    }

    /// Allows so many connections from now on. Those that are there stay.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// The poll announced connections.
    pub(crate) fn on_listener(&mut self, now: Instant) {
        self.accept_at = Some(now);
    }

    /// The poll announced something of a connection.
    pub(crate) fn on_client(&mut self, event: &Event) {
        if let Some(client) = self.clients.get_mut(&event.token()) {
            if event.is_readable() || event.is_read_closed() || event.is_error() {
                client.connection.on_readable();
            }
            if event.is_writable() {
                client.connection.flush();
            }
        }
    }

    /// When there is something to do although the poll announces nothing.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        if self.clients.values().any(|client| client.connection.is_behind()) {
            return Some(now);
        }
        self.clients.values().filter_map(Client::deadline).map(|(at, _)| at).chain(self.accept_at).min()
    }

    /// Takes connections, reads requests, and ends what has to end. Returns what is wanted, in order, and whose
    /// streams have no reader any more.
    pub(crate) fn turn(&mut self, registry: &Registry, now: Instant) -> (Vec<(Asked, Wish)>, Vec<Token>) {
        if self.accept_at.is_some_and(|at| at <= now) {
            self.accept(registry, now);
        }
        let (mut wishes, mut gone) = (Vec::new(), Vec::new());
        for (token, client) in &mut self.clients {
            let mut cut = client.listen(*token, now, &mut wishes).err();
            let expired = client.deadline().filter(|(at, _)| *at <= now).map(|(_, cut)| cut);
            cut = cut.or(expired.map(|message| Cut::new(Reason::TooSlow, message)));
            if let Some(cut) = &cut {
                client.refuse(cut);
                self.cuts.count(cut.reason);
            }
            if cut.is_some() || client.connection.is_closed() {
                gone.push(*token);
            }
        }
        for token in &gone {
            self.clients.remove(token);
        }
        (wishes, gone)
    }

    fn accept(&mut self, registry: &Registry, now: Instant) {
        self.accept_at = Some(now);
        for _ in 0..TURN {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    let Ok(peer) = Peer::of(&stream) else { continue };
                    self.accepted += 1;
                    let mut client = Client {
                        connection: Connection::new(stream, REQUEST),
                        is_greeted: false,
                        active: now,
                        streams: 0,
                    };
                    match self.admit(peer) {
                        Ok(()) => {
                            let token = Token(self.next);
                            let interest = Interest::READABLE | Interest::WRITABLE;
                            if registry.register(client.connection.stream(), token, interest).is_ok() {
                                self.next += 1;
                                self.clients.insert(token, client);
                            }
                        }
                        Err(cut) => {
                            client.refuse(&cut);
                            self.cuts.count(cut.reason);
                        }
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.accept_at = None;
                    return;
                }
                // For want of descriptors or memory, which may come again.
                Err(_) => {
                    self.accept_at = Some(now + AGAIN);
                    return;
                }
            }
        }
    }

    fn admit(&self, peer: Peer) -> Result<(), Cut> {
        if !peer.may_control(self.own_uid) {
            let (uid, own) = (peer.uid, self.own_uid);
            let message = format!("user {uid} may not control this agent: only root and its own user, {own}, may");
            return Err(Cut::new(Reason::NotPermitted, message));
        }
        if self.clients.len() >= self.limit {
            let message = format!("this agent has {} clients, and takes no more; try again later", self.clients.len());
            return Err(Cut::new(Reason::TooMany, message));
        }
        Ok(())
    }

    /// Sends a part of an answer, or all of it.
    pub(crate) fn answer(&mut self, asked: Asked, what: response::What) {
        if let Some(client) = self.clients.get_mut(&asked.client) {
            client.send(from_agent::Message::Response(Response { id: asked.id, what: Some(what) }));
        }
    }

    /// Says why there is no answer.
    pub(crate) fn fail(&mut self, asked: Asked, fault: Fault, message: impl Into<String>) {
        self.answer(asked, response::What::Failure(Failure { fault: fault.into(), message: message.into() }));
    }

    /// Gives a client a stream, if it may have another.
    pub(crate) fn open_stream(&mut self, asked: Asked) -> bool {
        let client = self.clients.get_mut(&asked.client).filter(|client| client.streams < STREAMS);
        client.map(|client| client.streams += 1).is_some()
    }

    /// Ends a stream of a client, which is told so.
    pub(crate) fn close_stream(&mut self, asked: Asked) {
        self.forget_stream(asked);
        self.answer(asked, response::What::Done(Done {}));
    }

    /// A client has a stream less.
    pub(crate) fn forget_stream(&mut self, asked: Asked) {
        if let Some(client) = self.clients.get_mut(&asked.client) {
            client.streams = client.streams.saturating_sub(1);
        }
    }

    /// Whether what is sent to this client now would begin to pile up.
    pub(crate) fn is_congested(&self, client: Token) -> bool {
        self.clients.get(&client).is_none_or(|client| client.connection.backlog() > 0)
    }

    /// Tells everybody that the agent ends.
    pub(crate) fn end(&mut self) {
        for client in self.clients.values_mut() {
            client.refuse(&Cut::new(Reason::Ending, "the agent ends"));
        }
        self.clients.clear();
    }

    pub(crate) fn connected(&self) -> usize {
        self.clients.len()
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.accepted
    }

    pub(crate) fn cuts(&self) -> &Tally<Reason> {
        &self.cuts
    }
}

impl Client {
    fn send(&mut self, message: from_agent::Message) {
        self.connection.send(&FromAgent { message: Some(message) });
    }

    fn refuse(&mut self, cut: &Cut) {
        let refusal = Refusal { reason: cut.reason.into(), message: cut.message.clone() };
        self.send(from_agent::Message::Refusal(refusal));
    }

    /// When patience with this client ends, and what it is told then.
    fn deadline(&self) -> Option<(Instant, &'static str)> {
        let greeting = (!self.is_greeted).then(|| (self.active + GREETING, "said nothing for 5 s"));
        let message = self.connection.deadline().map(|at| (at, "sent a message too slowly, in more than 5 s"));
        // Those of streams are told how much they have missed, whenever they read again.
        let waits = self.streams == 0;
        let stuck = self.connection.stuck().filter(|_| waits).map(|since| (since + STUCK, "read nothing for 30 s"));
        let idle = waits.then(|| (self.active + IDLE, "asked nothing for 60 s"));
        [greeting, message, stuck, idle].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    fn listen(&mut self, token: Token, now: Instant, wishes: &mut Vec<(Asked, Wish)>) -> Result<(), Cut> {
        let mut messages = Vec::new();
        self.connection.receive(now, &mut |message: FromClient| {
            messages.push(message);
            Ok(())
        })?;
        let before = wishes.len();
        for message in messages {
            self.active = now;
            match message.message {
                Some(from_client::Message::Hello(hello)) if !self.is_greeted => {
                    if hello.protocol != PROTOCOL {
                        let (theirs, release) = (hello.protocol, env!("CARGO_PKG_VERSION"));
                        let message = format!(
                            "this agent is Lapwing {release} and speaks version {PROTOCOL} of its protocol, not {theirs}"
                        );
                        return Err(Cut::new(Reason::Version, message));
                    }
                    self.is_greeted = true;
                    let pid = i32::try_from(std::process::id()).unwrap_or(0);
                    let release = env!("CARGO_PKG_VERSION").to_owned();
                    self.send(from_agent::Message::Welcome(Welcome { protocol: PROTOCOL, release, pid }));
                }
                Some(from_client::Message::Request(request)) if self.is_greeted => {
                    let asked = Asked { client: token, id: request.id };
                    match request.what {
                        _ if wishes.len() - before >= REQUESTS => {
                            let message = format!("more than {REQUESTS} requests at once");
                            self.fail(asked, Fault::TooMany, message);
                        }
                        Some(what) => wishes.push((asked, Wish::Request(what))),
                        None => self.fail(asked, Fault::Unsupported, "this agent does not know the request".to_owned()),
                    }
                }
                Some(from_client::Message::Cancel(cancel)) if self.is_greeted => {
                    wishes.push((Asked { client: token, id: cancel.id }, Wish::Cancel));
                }
                _ => return Err(Cut::new(Reason::Malformed, "a message that is not due: Hello comes first, and once")),
            }
        }
        Ok(())
    }

    fn fail(&mut self, asked: Asked, fault: Fault, message: String) {
        let what = response::What::Failure(Failure { fault: fault.into(), message });
        self.send(from_agent::Message::Response(Response { id: asked.id, what: Some(what) }));
    }
}
