//! Running a command as it is and under Lapwing, and comparing.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use lapwing_integration::harness::{Backend, Lapwing, read_events};
use tempfile::TempDir;

use lapwing_integration::run::{finish, shell_status};

/// What is opened at the ground that a command runs on matches, and what it needs elsewhere does not.
const POLICY: &str = r#"
rules:
  - id: program
    expression: exec.file.path =~ "/**"
  - id: opened
    expression: open.file.path =~ "/**/work/**"
  - id: changed
    expression: chmod.file.path =~ "/**/work/**" || mkdir.file.path =~ "/**/work/**"
"#;

/// A command to run in both ways.
pub(crate) struct Both {
    command: Vec<OsString>,
    input: Vec<u8>,
    files: Box<dyn Fn(&Path)>,
    prepare: Box<dyn Fn(&mut Command)>,
    scrub: Box<dyn Fn(String) -> String>,
    /// How many of a backend's ways of watching are tried.
    ways: usize,
}

/// What a command did.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Did {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// As a shell has it: 128+n for signal n.
    pub(crate) status: i32,
}

impl fmt::Debug for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}\n--- stdout\n{}\n--- stderr\n{}", self.status, self.stdout, self.stderr)
    }
}

impl Both {
    pub(crate) fn new<S: AsRef<OsStr>>(command: &[S]) -> Self {
        Self {
            command: command.iter().map(|word| word.as_ref().to_owned()).collect(),
            input: Vec::new(),
            files: Box::new(|_| {}),
            prepare: Box::new(|_| {}),
            scrub: Box::new(|text| text),
            ways: usize::MAX,
        }
    }

    /// A script for bash.
    pub(crate) fn script(script: &str) -> Self {
        Self::new(&["bash", "-c", script])
    }

    /// A tracee program of this package.
    pub(crate) fn tracee(program: &str, arguments: &[&str]) -> Self {
        let mut command = vec![OsStr::new(program)];
        command.extend(arguments.iter().map(OsStr::new));
        Self::new(&command)
    }

    /// With this on its standard input.
    pub(crate) fn input(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// With files that are made anew in its working directory before each run.
    pub(crate) fn files(mut self, files: impl Fn(&Path) + 'static) -> Self {
        self.files = Box::new(files);
        self
    }

    /// With changes to the command (or to Lapwing, which has to pass them on).
    pub(crate) fn prepare(mut self, prepare: impl Fn(&mut Command) + 'static) -> Self {
        self.prepare = Box::new(prepare);
        self
    }

    /// Takes out of the output what differs from run to run.
    pub(crate) fn scrub(mut self, scrub: impl Fn(String) -> String + 'static) -> Self {
        self.scrub = Box::new(scrub);
        self
    }

    /// For commands that take long: only in the way that a backend watches by default.
    pub(crate) fn usual_way_only(mut self) -> Self {
        self.ways = 1;
        self
    }

    /// Runs alone and under the backend, and compares; returns what both did.
    pub(crate) fn agree(&self, backend: Backend) -> Did {
        let root = TempDir::new().unwrap();
        let directory = root.path().join("work");
        let events = root.path().join("events.json");
        let alone = self.run(&directory, Command::new(&self.command[0]).args(&self.command[1..]));
        for way in backend.ways().iter().take(self.ways) {
            let lapwing = Lapwing::with(backend).options(*way);
            let watched = self.run(&directory, &mut lapwing.command(&self.command, &events));
            assert_eq!(alone, watched, "alone and under {backend:?} {way:?}: {:?}", self.command);
            let seen = read_events(&events).unwrap();
            assert!(seen.iter().any(|event| event["type"] == "exec"), "Lapwing saw no exec of {:?}", self.command);
        }
        if backend == Backend::Ptrace && self.ways == usize::MAX {
            self.agree_by_rules(&root, &alone);
        }
        alone
    }

    /// Under rules about paths, by which calls wait for an answer: of most files no rule need hear, and of some one does.
    fn agree_by_rules(&self, root: &TempDir, alone: &Did) {
        let (policy, events) = (root.path().join("test.policy"), root.path().join("matches.json"));
        fs::write(&policy, POLICY).unwrap();
        let lapwing = Lapwing::with(Backend::Ptrace).option("--policies").option(&policy);
        let watched = self.run(&root.path().join("work"), &mut lapwing.command(&self.command, &events));
        assert_eq!(*alone, watched, "alone and under rules: {:?}", self.command);
        let seen = read_events(&events).unwrap();
        assert!(seen.iter().any(|event| event["type"] == "exec"), "no exec of {:?} matched", self.command);
    }

    fn run(&self, directory: &Path, command: &mut Command) -> Did {
        // Always the same path, since paths appear in outputs.
        let _ = fs::remove_dir_all(directory);
        fs::create_dir(directory).unwrap();
        (self.files)(directory);
        command.current_dir(directory);
        (self.prepare)(command);
        let output = finish(command, &self.input);
        let text = |bytes: Vec<u8>| (self.scrub)(String::from_utf8_lossy(&bytes).into_owned());
        Did { status: shell_status(output.status), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}
