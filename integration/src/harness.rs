//! Running Lapwing and reading what it wrote.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::need::{self, Need};
use crate::run::finish;

/// What observes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// ptrace and seccomp.
    Ptrace,
    /// eBPF.
    Kernel,
}

impl Backend {
    /// Whether tests run under it here; says on stderr why not.
    ///
    /// # Panics
    ///
    /// When it lacks what the environment wants all tests to have, see [`need`].
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Ptrace => true,
            Self::Kernel => need::require(&[Need::Bpf]),
        }
    }

    /// The word for it: on the command line, and in `event.origin`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ptrace => "ptrace",
            Self::Kernel => "kernel",
        }
    }

    /// The rings that observations travel in: each has 4 MiB at most, and is resident twice, as its memory is mapped
    /// twice in a row.
    #[must_use]
    pub fn rings(self) -> usize {
        match self {
            Self::Ptrace => 0,
            // That of fork, exec and exit, and one for two CPUs.
            Self::Kernel => 1 + std::thread::available_parallelism().map_or(1, |cpus| cpus.get().div_ceil(2).min(8)),
        }
    }

    /// The ways in which it can watch, each as options of `lapwing run`. The first is the usual one.
    #[must_use]
    pub fn ways(self) -> &'static [&'static [&'static str]] {
        match self {
            Self::Ptrace => &[&["--on-tracer-death", "kill"], &["--on-tracer-death", "continue"]],
            Self::Kernel => &[&[]],
        }
    }
}

/// Makes a test under each backend of functions that take one: `ptrace::NAME` and `kernel::NAME`. One that a
/// machine does not permit says so, and passes or fails as [`need`] has it.
#[macro_export]
macro_rules! under_each_backend {
    ($($test:ident),* $(,)?) => {
        $crate::under_each_backend!(@ ptrace Ptrace $($test)*);
        $crate::under_each_backend!(@ kernel Kernel $($test)*);
    };
    (@ $module:ident $backend:ident $($test:ident)*) => {
        mod $module {
            $(#[test]
            fn $test() {
                let backend = $crate::harness::Backend::$backend;
                if backend.is_available() {
                    super::$test(backend);
                }
            })*
        }
    };
}

/// `lapwing run`, ready to be started.
#[derive(Clone, Debug)]
pub struct Lapwing {
    backend: Backend,
    options: Vec<OsString>,
    directory: Option<PathBuf>,
    environment: Vec<(OsString, OsString)>,
    tells_losses: bool,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How Lapwing ended: with the command's own status.
    pub status: ExitStatus,
    /// What the command wrote.
    pub stdout: Vec<u8>,
    /// What the command and Lapwing wrote.
    pub stderr: Vec<u8>,
    /// The events, in order.
    pub events: Vec<Value>,
}

impl Lapwing {
    /// Lapwing with this backend.
    #[must_use]
    pub fn with(backend: Backend) -> Self {
        Self { backend, options: Vec::new(), directory: None, environment: Vec::new(), tells_losses: false }
    }

    /// Says on stderr what was lost, for [`Outcome::losses`], and whatever else there is to warn of. Without
    /// this it is quiet.
    #[must_use]
    pub fn telling_losses(mut self) -> Self {
        self.tells_losses = true;
        self
    }

    /// With an option of `lapwing run`.
    #[must_use]
    pub fn option(mut self, option: impl AsRef<OsStr>) -> Self {
        self.options.push(option.as_ref().to_owned());
        self
    }

    /// With several.
    #[must_use]
    pub fn options<S: AsRef<OsStr>>(self, options: impl IntoIterator<Item = S>) -> Self {
        options.into_iter().fold(self, Self::option)
    }

    /// In this working directory.
    #[must_use]
    pub fn in_directory(mut self, directory: &Path) -> Self {
        self.directory = Some(directory.to_owned());
        self
    }

    /// With an environment variable for the command.
    #[must_use]
    pub fn variable(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The process that would run a command, for a test that needs a hand in it, and the file that the
    /// events go to.
    #[must_use]
    pub fn command<S: AsRef<OsStr>>(&self, command: &[S], events: &Path) -> Command {
        let mut lapwing = Command::new(binary());
        let said: &[_] = if self.tells_losses { &["--summary", "never"] } else { &["--quiet"] };
        lapwing.args(["run", "--backend", self.backend.name(), "--format", "json"]).args(said).arg("-o").arg(events);
        lapwing.args(&self.options).arg("--").args(command);
        lapwing.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(directory) = &self.directory {
            lapwing.current_dir(directory);
        }
        lapwing
    }

    /// Runs a command and returns when it has ended. Panics when Lapwing cannot be run at all.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a machine without a temporary directory cannot test anything")]
    pub fn watch<S: AsRef<OsStr>>(&self, command: &[S]) -> Outcome {
        let directory = TempDir::new().expect("temporary directory");
        let file = directory.path().join("events.json");
        let output = finish(&mut self.command(command, &file), b"");
        let events = read_events(&file).unwrap_or_default();
        Outcome { status: output.status, stdout: output.stdout, stderr: output.stderr, events }
    }
}

impl Outcome {
    /// The events of one type.
    pub fn of_type<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |event| event["type"] == name)
    }

    /// What was lost: how many of what. Only of a [`Lapwing::telling_losses`].
    #[must_use]
    pub fn losses(&self) -> BTreeMap<String, u64> {
        losses(&self.stderr)
    }
}

/// What a [`Lapwing::telling_losses`] says on stderr that it lost.
#[must_use]
pub fn losses(stderr: &[u8]) -> BTreeMap<String, u64> {
    let text = String::from_utf8_lossy(stderr);
    let said = text.lines().filter_map(|line| line.strip_prefix("lapwing: warning: lost: ")?.split_once(' '));
    said.filter_map(|(count, what)| Some((what.to_owned(), count.parse().ok()?))).collect()
}

/// What both wrote, for a failed test to show.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} after {} events", self.status, self.events.len())?;
        writeln!(f, "--- stdout\n{}", String::from_utf8_lossy(&self.stdout))?;
        write!(f, "--- stderr\n{}", String::from_utf8_lossy(&self.stderr))
    }
}

/// The events of a file with one JSON object a line.
///
/// # Errors
///
/// When the file cannot be read or a line is not JSON.
pub fn read_events(file: &Path) -> io::Result<Vec<Value>> {
    fs::read_to_string(file)?.lines().map(|line| serde_json::from_str(line).map_err(io::Error::other)).collect()
}

/// The binary: `LAPWING_BINARY`, or one built now, so that it is never older than its sources.
#[must_use]
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| std::env::var_os("LAPWING_BINARY").map_or_else(build, PathBuf::from))
}

/// Builds with the profile of the running test, into the directory that its binary lies in.
#[expect(clippy::expect_used, reason = "without the binary there is nothing to test")]
fn build() -> PathBuf {
    let test = std::env::current_exe().expect("path of the test");
    let directory = test.parent().and_then(Path::parent).expect("target/PROFILE/deps");
    let profile = match directory.file_name().and_then(OsStr::to_str).expect("UTF-8") {
        "debug" => "dev",
        name => name,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--package", "lapwing", "--bin", "lapwing", "--profile", profile])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .expect("cargo runs");
    assert!(built.success(), "lapwing does not build");
    directory.join("lapwing")
}
