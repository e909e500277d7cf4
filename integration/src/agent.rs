//! `lapwing agent`, started for one test: with a directory of its own, and told apart from any other agent of the
//! machine.
//!
//! That it is ready, a test learns as systemd does.

#![expect(clippy::unwrap_used, clippy::panic, reason = "only tests call these, and a failure is theirs")]

use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use lapwing_proto::control::v1::{FromAgent, FromClient, Hello, PROTOCOL, from_agent, from_client};
use lapwing_proto::frame::{self, Decoder};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::binary;
use crate::run::{LIMIT, end_of, finish};

/// A directory for agents, and the service manager's end of what they tell it.
#[derive(Debug)]
pub struct Home {
    directory: TempDir,
    notices: UnixDatagram,
}

/// An agent that runs.
#[derive(Debug)]
pub struct Agent {
    child: Option<Child>,
}

impl Home {
    /// A new one.
    #[must_use]
    pub fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let notices = UnixDatagram::bind(directory.path().join("notify")).unwrap();
        notices.set_read_timeout(Some(LIMIT)).unwrap();
        Self { directory, notices }
    }

    /// Where the sockets are. Other files of a test may be there, too.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The control socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.path().join("control.sock")
    }

    /// A command of Lapwing's that knows the directory.
    #[must_use]
    pub fn command<S: AsRef<OsStr>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(binary());
        command.args(words).env("LAPWING_SOCKET_DIR", self.path()).env("NOTIFY_SOCKET", self.path().join("notify"));
        command
    }

    /// Runs a command of Lapwing's to its end.
    pub fn run<S: AsRef<OsStr>>(&self, words: &[S]) -> Output {
        finish(&mut self.command(words), b"")
    }

    /// Starts an agent with these options, and waits until it says that it is ready.
    #[must_use]
    pub fn start(&self, options: &[&str]) -> Agent {
        self.start_by(self.command(&["agent"]).args(options))
    }

    /// Starts an agent by a command that becomes one, likewise.
    #[must_use]
    pub fn start_by(&self, command: &mut Command) -> Agent {
        command.env("NOTIFY_SOCKET", self.path().join("notify"));
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut agent = Agent { child: Some(child.unwrap()) };
        let told = self.notice();
        if !told.starts_with("READY=1\n") {
            let output = agent.end(Signal::SIGKILL);
            assert!(told.starts_with("READY=1\n"), "{told}: {}", String::from_utf8_lossy(&output.stderr));
        }
        agent
    }

    /// What an agent tells its service manager next.
    #[must_use]
    pub fn notice(&self) -> String {
        let mut bytes = [0; 512];
        let count = self.notices.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    /// What `lapwing status` says.
    pub fn status(&self) -> Value {
        let output = self.run(&["status", "--format", "json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Agent {
    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid().cast_signed()), signal).unwrap();
    }

    /// Ends it by a signal, and returns how it ended and what it wrote.
    pub fn end(&mut self, signal: Signal) -> Output {
        self.signal(signal);
        end_of(self.child.take().unwrap())
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A client that says what the test wants, be it wrong.
#[derive(Debug)]
pub struct Talker {
    /// The connection.
    pub stream: UnixStream,
    decoder: Decoder,
    heard: Vec<u8>,
}

impl Talker {
    /// Connects, and says nothing.
    #[must_use]
    pub fn mute(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        Self { stream, decoder: Decoder::new(), heard: Vec::new() }
    }

    /// Connects, and is welcome.
    #[must_use]
    pub fn welcome(socket: &Path) -> Self {
        let mut talker = Self::mute(socket);
        talker.say(from_client::Message::Hello(Hello { protocol: PROTOCOL, release: "test".to_owned() }));
        assert!(matches!(talker.hear(), Some(from_agent::Message::Welcome(_))));
        talker
    }

    /// Says something.
    pub fn say(&mut self, message: from_client::Message) {
        let mut bytes = Vec::new();
        frame::encode(&FromClient { message: Some(message) }, &mut bytes).unwrap();
        self.stream.write_all(&bytes).unwrap();
    }

    /// What the agent says next; `None` if it has ended the connection.
    pub fn hear(&mut self) -> Option<from_agent::Message> {
        loop {
            let mut rest = self.heard.as_slice();
            let message = self.decoder.next::<FromAgent>(&mut rest).unwrap();
            self.heard = rest.to_vec();
            if let Some(message) = message {
                return message.message;
            }
            let mut bytes = vec![0; 64 << 10];
            match self.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(count) => self.heard.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Why the agent ends the connection, which is what it says next.
    #[track_caller]
    pub fn refusal(&mut self) -> lapwing_proto::control::v1::Refusal {
        match self.hear() {
            Some(from_agent::Message::Refusal(refusal)) => refusal,
            other => panic!("no refusal: {other:?}"),
        }
    }

    /// Lets an answer take so long, instead of the usual limit.
    pub fn set_patience(&self, patience: Duration) {
        self.stream.set_read_timeout(Some(patience)).unwrap();
    }
}
