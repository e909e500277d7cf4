//! The ways of `kernel`: a command as it is, under Lapwing, and under bpftrace.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::files::Files;
use crate::floor::Points;
use crate::tools::{self, Lapwing};
use crate::{fixtures, run};
use lapwing_measure::peers;

/// A way to run a command.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) kind: Kind,
    pub(crate) name: &'static str,
    /// Absolute; none for the command as it is.
    pub(super) program: Option<PathBuf>,
    options: Vec<OsString>,
}

/// What targets know it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Native,
    /// Lapwing's kernel backend with every type of event.
    Kernel,
    /// The same with `--type exec,exit`.
    KernelExecExit,
    /// The same with every type and a policy of 300 rules.
    KernelRules,
    /// Lapwing's ptrace backend with every type of event.
    Ptrace,
    /// Programs that do nothing, at both tracepoints of system calls.
    Floor,
    /// Likewise where calls return.
    FloorOfExits,
    Bpftrace,
}

impl Kind {
    /// Whether it tells of events.
    pub(super) fn sees(self) -> bool {
        self.is_lapwing() || self == Self::Bpftrace
    }

    /// What is left of it when its programs do nothing.
    pub(super) fn floor(self) -> Self {
        // Rules about other events than those of removals and renames have nothing looked at before a call.
        if self == Self::KernelRules { Self::FloorOfExits } else { Self::Floor }
    }

    pub(super) fn is_lapwing(self) -> bool {
        matches!(self, Self::Kernel | Self::KernelExecExit | Self::KernelRules | Self::Ptrace)
    }
}

/// Why a peer is not among the ways.
pub(crate) type Absence = String;

impl Way {
    pub(super) fn native() -> Self {
        Self { kind: Kind::Native, name: "native", program: None, options: Vec::new() }
    }

    pub(super) fn lapwing(lapwing: &Lapwing, kind: Kind) -> Self {
        let (name, options): (_, &[&str]) = match kind {
            Kind::KernelExecExit => ("lapwing --type exec,exit", &["--backend", "kernel", "--type", "exec,exit"]),
            Kind::Ptrace => ("lapwing --backend ptrace", &["--backend", "ptrace"]),
            _ => ("lapwing", &["--backend", "kernel"]),
        };
        let options = options.iter().map(OsString::from).collect();
        Self { kind, name, program: Some(lapwing.binary.clone()), options }
    }

    /// The kernel backend with the rules of a folder.
    pub(super) fn with_rules(lapwing: &Lapwing, policies: &Path) -> Self {
        let mut way = Self::lapwing(lapwing, Kind::Kernel);
        way.options.extend(["--policies".into(), policies.into()]);
        Self { kind: Kind::KernelRules, name: "lapwing, 300 rules", ..way }
    }

    /// Programs that do nothing.
    pub(super) fn floor(points: Points) -> anyhow::Result<Self> {
        let (kind, name) = match points {
            Points::Exits => (Kind::FloorOfExits, "one program that does nothing"),
            _ => (Kind::Floor, "two programs that do nothing"),
        };
        let mut words = points.words()?.into_iter();
        Ok(Self { kind, name, program: words.next().map(PathBuf::from), options: words.collect() })
    }

    /// bpftrace, if it works here: being installed is not enough, since it needs tracefs.
    pub(super) fn bpftrace(files: &Files) -> anyhow::Result<Result<Self, Absence>> {
        let Some(program) = peers::find("bpftrace") else {
            return Ok(Err("there is no bpftrace (apt-get install bpftrace)".to_owned()));
        };
        let way = Self { kind: Kind::Bpftrace, name: "bpftrace", program: Some(program), options: vec!["-q".into()] };
        let tried = way.works(files)?;
        Ok(tried.map(|()| way))
    }

    /// Whether this way runs a command, and what is said if not.
    pub(super) fn works(&self, files: &Files) -> anyhow::Result<Result<(), Absence>> {
        let mut command = self.command(&["/bin/true".into()], files)?;
        let ended = run::timed(&mut command);
        let said = fs::read_to_string(&files.stderr).unwrap_or_default();
        let seen = fs::metadata(&files.events).is_ok_and(|events| events.len() > 0);
        files.remove_events()?;
        Ok(match ended {
            Err(error) => Err(format!("{error:#}: {}", said.trim())),
            Ok(_) if self.program.is_some() && !seen => Err(format!("it sees nothing: {}", said.trim())),
            Ok(_) => Ok(()),
        })
    }

    /// The command that runs another this way, with nothing of the terminal.
    pub(super) fn command(&self, inner: &[OsString], files: &Files) -> anyhow::Result<Command> {
        let mut command = self.bare_command(inner, &files.events)?;
        run::isolate(&mut command, &files.stderr)?;
        if self.kind == Kind::Bpftrace {
            // Paths are longer than the 64 bytes that it shows otherwise; this is as much as it can.
            command.env("BPFTRACE_STRLEN", "200");
        }
        Ok(command)
    }

    fn bare_command(&self, inner: &[OsString], events: &Path) -> anyhow::Result<Command> {
        let (first, rest) = inner.split_first().context("nothing to run")?;
        let Some(program) = &self.program else {
            let mut command = Command::new(first);
            command.args(rest);
            return Ok(command);
        };
        let mut command = Command::new(program);
        if self.kind.is_lapwing() {
            command.arg("run").args(&self.options).args(["--summary", "never", "--format", "json", "-o"]).arg(events);
            command.arg("--").args(inner);
        } else if matches!(self.kind, Kind::Floor | Kind::FloorOfExits) {
            command.args(&self.options).arg("--").args(inner);
        } else {
            // It takes a command as one argument, and divides it at spaces.
            let joined = inner.join(&OsString::from(" "));
            command.args(&self.options).arg("-o").arg(events).arg("-c").arg(joined).arg(bpftrace_script());
        }
        Ok(command)
    }

    /// The command for a person to read and repeat.
    pub(crate) fn shown(&self) -> String {
        let Ok(command) = self.bare_command(&["COMMAND".into()], Path::new("EVENTS")) else { return String::new() };
        let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let root = format!("{}/", tools::root().display());
        let fixtures = fixtures::directory().map_or_else(|_| root.clone(), |folder| format!("{}/", folder.display()));
        let words = command.get_args().map(|word| word.to_string_lossy().replace(&root, "").replace(&fixtures, ""));
        std::iter::once(name).chain(words).collect::<Vec<_>>().join(" ")
    }
}

fn bpftrace_script() -> PathBuf {
    tools::root().join("measure/src/peers/tree.bt")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(way: &Way) -> String {
        let command = way.bare_command(&["/bin/sh".into(), "w.sh".into()], Path::new("/e")).unwrap();
        let all = std::iter::once(command.get_program()).chain(command.get_args());
        all.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_way_runs_the_same_command() {
        assert_eq!(words(&Way::native()), "/bin/sh w.sh");
        let lapwing = Lapwing { binary: "/l".into(), source: String::new() };
        assert_eq!(
            words(&Way::lapwing(&lapwing, Kind::KernelExecExit)),
            "/l run --backend kernel --type exec,exit --summary never --format json -o /e -- /bin/sh w.sh"
        );
        let all = words(&Way::lapwing(&lapwing, Kind::Kernel));
        assert_eq!(all, "/l run --backend kernel --summary never --format json -o /e -- /bin/sh w.sh");
    }

    #[test]
    fn programs_that_do_nothing_run_it_too() {
        let floor = words(&Way::floor(Points::Exits).unwrap());
        assert!(floor.ends_with(" floor --points exits -- /bin/sh w.sh"), "{floor}");
    }

    #[test]
    fn bpftrace_gets_a_command_of_one_word() {
        let way = Way { kind: Kind::Bpftrace, name: "b", program: Some("/b".into()), options: vec!["-q".into()] };
        let command = way.bare_command(&["/bin/sh".into(), "w.sh".into()], Path::new("/e")).unwrap();
        let words: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(&words[..5], ["-q", "-o", "/e", "-c", "/bin/sh w.sh"]);
        assert!(Path::new(&words[5]).is_file(), "{words:?}");
        assert_eq!(way.shown(), "b -q -o EVENTS -c COMMAND measure/src/peers/tree.bt");
    }
}
