//! The side of the commands that ask something of a running agent.
//!
//! A command has one thing to do and may wait for it, so this is plain blocking code, with a limit on how long an
//! agent may be silent.

mod activity;
mod follow;
mod profiles;
pub(crate) mod rules;
mod self_test;
mod status;

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use lapwing_proto::control::v1::{
    ActivityDump, BackendFilters, DiscarderDumpRequest, FilterReportRequest, FromAgent, FromClient, Hello,
    ListActivityDumps, MetricsRequest, NamespaceDumpRequest, PROTOCOL, ProcessDumpFormat, ProcessDumpRequest,
    ProfileListRequest, ProfileSaveRequest, Profiles, Reason, Refusal, ReloadPoliciesRequest, ReloadRequest, Reloaded,
    Request, StartActivityDump, StatusRequest, StopActivityDump, Welcome, from_agent, from_client, request, response,
};
use lapwing_proto::frame::{self, DecodeError, Decoder};
use thiserror::Error;

use crate::config::{ClientConfig, control_socket};

pub(crate) use activity::{list, list_json};
pub(crate) use follow::follow;
pub(crate) use profiles::{profiles, profiles_json};
pub(crate) use self_test::{act, self_test};
pub(crate) use status::{render, render_json, time};

/// How long an agent may be silent where it owes an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same, while it reads or writes files: disks may be slow.
const DUMPING: Duration = Duration::from_secs(60);

/// Why an agent did not answer.
#[derive(Debug, Error)]
pub(crate) enum ClientError {
    #[error(
        "no agent runs: there is no {socket}; start one by `lapwing agent`, or name its directory by `--socket-dir`"
    )]
    NoSocket { socket: PathBuf },
    #[error(
        "no agent runs: {socket} is left of one that has ended without removing it; start one by `lapwing agent`, \
         or name another's directory by `--socket-dir`"
    )]
    NoListener { socket: PathBuf },
    #[error("not permitted to use {socket}: be root or the user whom the agent runs as")]
    NotPermitted { socket: PathBuf },
    #[error("cannot connect to the agent at {socket}: {error}")]
    Connect { socket: PathBuf, error: io::Error },
    #[error("the agent at {socket} has ended, or is about to")]
    Ended { socket: PathBuf },
    #[error("the agent at {socket} refuses: {message}")]
    Refused { socket: PathBuf, reason: Reason, message: String },
    #[error("the agent at {socket} has not answered for {} s: is it stopped?", PATIENCE.as_secs())]
    Silent { socket: PathBuf },
    #[error("the agent at {socket} is gone: {error}")]
    Gone { socket: PathBuf, error: io::Error },
    #[error("what listens at {socket} is no agent of this version: {why}")]
    Nonsense { socket: PathBuf, why: String },
    #[error("{0}")]
    Failed(String),
    #[error("cannot write to stdout: {0}")]
    Output(io::Error),
}

/// A connection to an agent that has said welcome.
#[derive(Debug)]
pub(crate) struct Client {
    socket: PathBuf,
    stream: UnixStream,
    decoder: Decoder,
    input: Vec<u8>,
    /// How much of `input` has been read as messages.
    done: usize,
    welcome: Welcome,
    last: u64,
}

impl Client {
    /// Connects to the agent that serves a directory.
    pub(crate) fn connect(config: &ClientConfig) -> Result<Self, ClientError> {
        let socket = control_socket(&config.directory);
        let stream = UnixStream::connect(&socket).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => ClientError::NoSocket { socket: socket.clone() },
            io::ErrorKind::ConnectionRefused => ClientError::NoListener { socket: socket.clone() },
            io::ErrorKind::PermissionDenied => ClientError::NotPermitted { socket: socket.clone() },
            _ => ClientError::Connect { socket: socket.clone(), error },
        })?;
        let mut client = Self {
            socket,
            stream,
            decoder: Decoder::new(),
            input: Vec::new(),
            done: 0,
            welcome: Welcome::default(),
            last: 0,
        };
        client.set_patience(Some(PATIENCE))?;
        let hello = Hello { protocol: PROTOCOL, release: env!("CARGO_PKG_VERSION").to_owned() };
        client.say(from_client::Message::Hello(hello))?;
        match client.hear()? {
            from_agent::Message::Welcome(welcome) => client.welcome = welcome,
            _ => return Err(client.nonsense("it does not begin with a welcome")),
        }
        Ok(client)
    }

    /// How the agent is.
    pub(crate) fn status(&mut self) -> Result<lapwing_proto::control::v1::Status, ClientError> {
        match self.ask(request::What::Status(StatusRequest {}))? {
            response::What::Status(status) => Ok(*status),
            _ => Err(self.nonsense("it answers something else than a status")),
        }
    }

    /// What it counts, for Prometheus.
    pub(crate) fn metrics(&mut self) -> Result<String, ClientError> {
        match self.ask(request::What::Metrics(MetricsRequest {}))? {
            response::What::Metrics(metrics) => Ok(metrics.text),
            _ => Err(self.nonsense("it answers something else than metrics")),
        }
    }

    /// Has it read its configuration and its policies again. Returns the keys whose change has to wait for its next
    /// start, and the rules.
    pub(crate) fn reload(&mut self) -> Result<Reloaded, ClientError> {
        self.reload_by(request::What::Reload(ReloadRequest {}))
    }

    /// Has it read its policies again.
    pub(crate) fn reload_policies(&mut self) -> Result<Reloaded, ClientError> {
        self.reload_by(request::What::ReloadPolicies(ReloadPoliciesRequest {}))
    }

    /// What its rules let backends leave out.
    pub(crate) fn filters(&mut self) -> Result<Vec<BackendFilters>, ClientError> {
        match self.ask(request::What::ReportFilters(FilterReportRequest {}))? {
            response::What::Filters(report) => Ok(report.backends),
            _ => Err(self.nonsense("it answers something else than filters")),
        }
    }

    fn reload_by(&mut self, what: request::What) -> Result<Reloaded, ClientError> {
        self.set_patience(Some(DUMPING))?;
        match self.ask(what)? {
            response::What::Reloaded(reloaded) => Ok(reloaded),
            _ => Err(self.nonsense("it answers something else than what became of the reading")),
        }
    }

    /// Has it write the processes that it knows. Returns the names of files, as all dumps do.
    pub(crate) fn dump_processes(
        &mut self,
        format: ProcessDumpFormat,
        arguments: bool,
    ) -> Result<Vec<String>, ClientError> {
        self.dump(request::What::DumpProcesses(ProcessDumpRequest { format: format.into(), arguments }))
    }

    /// Has it write the network namespaces, with their devices or without.
    pub(crate) fn dump_namespaces(&mut self, devices: bool) -> Result<Vec<String>, ClientError> {
        self.dump(request::What::DumpNamespaces(NamespaceDumpRequest { devices }))
    }

    /// Has it write what its backend leaves out.
    pub(crate) fn dump_discarders(&mut self) -> Result<Vec<String>, ClientError> {
        self.dump(request::What::DumpDiscarders(DiscarderDumpRequest {}))
    }

    /// The profiles that it has; with those of workloads that have ended, if they are wanted.
    pub(crate) fn profiles(&mut self, ended: bool) -> Result<Profiles, ClientError> {
        match self.ask(request::What::ListProfiles(ProfileListRequest { ended }))? {
            response::What::Profiles(profiles) => Ok(profiles),
            _ => Err(self.nonsense("it answers something else than profiles")),
        }
    }

    /// Has it write the profile of an image. Returns the file's name.
    pub(crate) fn save_profile(&mut self, image_name: String) -> Result<Vec<String>, ClientError> {
        self.dump(request::What::SaveProfile(ProfileSaveRequest { image_name }))
    }

    /// Has it begin an activity dump.
    pub(crate) fn start_activity_dump(&mut self, request: StartActivityDump) -> Result<ActivityDump, ClientError> {
        let dumps = self.activity_dumps(request::What::StartActivityDump(request))?;
        dumps.into_iter().next().ok_or_else(|| self.nonsense("it does not say which dump has begun"))
    }

    /// Has it end an activity dump. Returns the names of its files.
    pub(crate) fn stop_activity_dump(&mut self, request: StopActivityDump) -> Result<Vec<String>, ClientError> {
        self.dump(request::What::StopActivityDump(request))
    }

    /// The activity dumps that it is making.
    pub(crate) fn list_activity_dumps(&mut self) -> Result<Vec<ActivityDump>, ClientError> {
        self.activity_dumps(request::What::ListActivityDumps(ListActivityDumps {}))
    }

    fn activity_dumps(&mut self, what: request::What) -> Result<Vec<ActivityDump>, ClientError> {
        match self.ask(what)? {
            response::What::ActivityDumps(dumps) => Ok(dumps.dumps),
            _ => Err(self.nonsense("it answers something else than dumps")),
        }
    }

    fn dump(&mut self, what: request::What) -> Result<Vec<String>, ClientError> {
        self.set_patience(Some(DUMPING))?;
        match self.ask(what)? {
            response::What::Dumped(dumped) => Ok(dumped.files),
            _ => Err(self.nonsense("it answers something else than names of files")),
        }
    }

    /// Asks for something with one answer.
    fn ask(&mut self, what: request::What) -> Result<response::What, ClientError> {
        self.begin(what)?;
        self.answer()
    }

    /// Asks for something, and leaves the answers for [`Self::answer`].
    fn begin(&mut self, what: request::What) -> Result<(), ClientError> {
        self.last += 1;
        self.say(from_client::Message::Request(Request { id: self.last, what: Some(what) }))
    }

    /// The next answer to what was asked last.
    fn answer(&mut self) -> Result<response::What, ClientError> {
        match self.hear()? {
            from_agent::Message::Response(response) if response.id == self.last => match response.what {
                Some(response::What::Failure(failure)) => Err(ClientError::Failed(failure.message)),
                Some(what) => Ok(what),
                None => Err(self.nonsense("it answers in a way that this version does not know")),
            },
            _ => Err(self.nonsense("it answers what was not asked")),
        }
    }

    /// Lets the agent be silent so long; `None` for ever.
    fn set_patience(&self, patience: Option<Duration>) -> Result<(), ClientError> {
        self.stream.set_read_timeout(patience).map_err(|error| self.gone(error))
    }

    fn say(&mut self, message: from_client::Message) -> Result<(), ClientError> {
        let mut bytes = Vec::new();
        frame::encode(&FromClient { message: Some(message) }, &mut bytes)
            .map_err(|error| ClientError::Failed(format!("cannot ask that: {error}")))?;
        match self.stream.write_all(&bytes) {
            // It may have refused, and gone, before it was asked: that can still be read.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(self.gone(error)),
            _ => Ok(()),
        }
    }

    fn hear(&mut self) -> Result<from_agent::Message, ClientError> {
        loop {
            let mut rest = &self.input[self.done..];
            let read = self.decoder.next::<FromAgent>(&mut rest);
            self.done = self.input.len() - rest.len();
            match read {
                Ok(Some(FromAgent { message: Some(from_agent::Message::Refusal(refusal)) })) => {
                    let Refusal { message, .. } = &refusal;
                    let (socket, reason) = (self.socket.clone(), refusal.reason());
                    return Err(match reason {
                        Reason::Ending => ClientError::Ended { socket },
                        _ => ClientError::Refused { socket, reason, message: message.clone() },
                    });
                }
                Ok(Some(FromAgent { message: Some(message) })) => return Ok(message),
                Ok(Some(_)) => return Err(self.nonsense("it says something that this version does not know")),
                Err(error @ (DecodeError::TooLong { .. } | DecodeError::Malformed { .. })) => {
                    return Err(self.nonsense(&error.to_string()));
                }
                Ok(None) | Err(DecodeError::Truncated { .. }) => {}
            }
            self.input.resize(64 << 10, 0);
            self.done = 0;
            match self.stream.read(&mut self.input) {
                Ok(0) => return Err(self.gone(io::ErrorKind::UnexpectedEof.into())),
                Ok(count) => self.input.truncate(count),
                Err(error) => {
                    self.input.clear();
                    match error.kind() {
                        io::ErrorKind::Interrupted => {}
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                            return Err(ClientError::Silent { socket: self.socket.clone() });
                        }
                        _ => return Err(self.gone(error)),
                    }
                }
            }
        }
    }

    fn gone(&self, error: io::Error) -> ClientError {
        ClientError::Gone { socket: self.socket.clone(), error }
    }

    fn nonsense(&self, why: &str) -> ClientError {
        ClientError::Nonsense { socket: self.socket.clone(), why: why.to_owned() }
    }
}
