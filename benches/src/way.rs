//! The ways a workload is run: as it is, under Lapwing, and under the tools its users could pick instead.
//!
//! A way is a command that the workload's shell is an argument of. Every tool writes what it sees: Lapwing JSON
//! to a file, which is more than the text that the others write to `/dev/null`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use lapwing_measure::peers;

use crate::floor::Points;
use crate::tools::Lapwing;

/// A way to run a workload.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// Absolute; none for the workload as it is.
    pub(crate) program: Option<PathBuf>,
    options: Vec<OsString>,
}

/// What targets know it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Native,
    /// Lapwing with every type of event.
    Everything,
    /// Lapwing with `--type exec,exit`.
    ExecExit,
    /// Lapwing with `--type exec`, which is what tracexec does.
    Exec,
    /// Lapwing with every type of event and a policy of 300 rules.
    Rules,
    /// Lapwing with options from the command line.
    Variant,
    Strace,
    Tracexec,
    /// A tracer that follows who is who, and does nothing.
    Lineage,
    /// A tracer that resumes what Lapwing would look at for all events.
    Calls,
}

impl Kind {
    fn is_lapwing(self) -> bool {
        matches!(self, Self::Everything | Self::ExecExit | Self::Exec | Self::Rules | Self::Variant)
    }
}

/// What Lapwing says when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Summary {
    Never,
    Always,
}

impl Way {
    /// All that can be had on this machine, the workload as it is first.
    pub(crate) fn all(lapwing: &Lapwing, policies: &Path, variants: &[String]) -> anyhow::Result<Vec<Self>> {
        let lapwing = |kind, name: &str, options: &[&str]| Self {
            kind,
            name: format!("lapwing{name}"),
            program: Some(lapwing.binary.clone()),
            options: options.iter().map(OsString::from).collect(),
        };
        let mut ways = vec![
            Self { kind: Kind::Native, name: "native".to_owned(), program: None, options: Vec::new() },
            lapwing(Kind::Everything, "", &[]),
            lapwing(Kind::ExecExit, " --type exec,exit", &["--type", "exec,exit"]),
        ];
        let mut rules = lapwing(Kind::Rules, ", 300 rules", &["--policies"]);
        rules.options.push(policies.into());
        ways.push(rules);
        for variant in variants {
            let options: Vec<&str> = variant.split_whitespace().collect();
            ways.push(lapwing(Kind::Variant, &format!(" {variant}"), &options));
        }
        if let Some(program) = peers::find("strace") {
            ways.push(Self::peer(Kind::Strace, program, peers::strace()));
        }
        if let Some(program) = peers::find("tracexec") {
            ways.push(lapwing(Kind::Exec, " --type exec", &["--type", "exec"]));
            ways.push(Self::peer(Kind::Tracexec, program, peers::tracexec()));
        }
        for (kind, points, name) in [
            (Kind::Lineage, Points::Lineage, "a tracer that does nothing"),
            (Kind::Calls, Points::Calls, "a tracer that does nothing, with stops"),
        ] {
            let mut words = points.words()?.into_iter();
            let program = words.next().map(PathBuf::from);
            ways.push(Self { kind, name: name.to_owned(), program, options: words.collect() });
        }
        Ok(ways)
    }

    fn peer(kind: Kind, program: PathBuf, mut options: Vec<OsString>) -> Self {
        options.extend(peers::output(Path::new("/dev/null")));
        let name = program.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Self { kind, name, program: Some(program), options }
    }

    /// The command that runs a script this way. `events` is where Lapwing writes.
    pub(crate) fn command(&self, script: &str, events: &Path) -> Command {
        self.command_with(script, events, Summary::Never)
    }

    /// As [`Way::command`], but Lapwing says what it did. `None` for what is not Lapwing.
    pub(crate) fn counting_command(&self, script: &str, events: &Path) -> Option<Command> {
        self.kind.is_lapwing().then(|| self.command_with(script, events, Summary::Always))
    }

    fn command_with(&self, script: &str, events: &Path, summary: Summary) -> Command {
        let Some(program) = &self.program else {
            let mut shell = Command::new("/bin/sh");
            shell.args(["-c", script]);
            return shell;
        };
        let mut command = Command::new(program);
        if self.kind.is_lapwing() {
            let summary = if summary == Summary::Always { "always" } else { "never" };
            command.args(["run", "--backend", "ptrace", "--summary", summary, "--format", "json", "-o"]).arg(events);
        }
        command.args(&self.options).args(["--", "/bin/sh", "-c", script]);
        command
    }

    /// The command for a person to read and repeat.
    pub(crate) fn shown(&self) -> String {
        let command = self.command("SCRIPT", Path::new("EVENTS.json"));
        let mut words = vec![self.program.as_ref().map_or_else(|| "/bin/sh".to_owned(), |_| self.first_word())];
        words.extend(command.get_args().map(|word| {
            let word = word.to_string_lossy();
            match Path::new(word.as_ref()) {
                _ if word.starts_with("trace=") => "trace=NAMES".to_owned(),
                folder if folder.ends_with("bench-fixtures/policies") => "policies".to_owned(),
                _ => word.into_owned(),
            }
        }));
        words.join(" ")
    }

    fn first_word(&self) -> String {
        self.program.as_ref().and_then(|path| path.file_name()).unwrap_or_default().to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(kind: Kind, options: &[&str]) -> Way {
        Way {
            kind,
            name: "x".to_owned(),
            program: Some("/bin/tool".into()),
            options: options.iter().map(OsString::from).collect(),
        }
    }

    fn words(command: &Command) -> String {
        let all = std::iter::once(command.get_program()).chain(command.get_args());
        all.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_way_runs_the_same_shell() {
        let native = Way { kind: Kind::Native, name: "native".to_owned(), program: None, options: Vec::new() };
        let events = Path::new("/e.json");
        assert_eq!(words(&native.command(":", events)), "/bin/sh -c :");
        assert!(native.counting_command(":", events).is_none());
        let peer = way(Kind::Strace, &["-f"]);
        assert_eq!(words(&peer.command(":", events)), "/bin/tool -f -- /bin/sh -c :");
        assert!(peer.counting_command(":", events).is_none());
        let ours = way(Kind::ExecExit, &["--type", "exec"]);
        assert_eq!(
            words(&ours.counting_command(":", events).unwrap()),
            "/bin/tool run --backend ptrace --summary always --format json -o /e.json --type exec -- /bin/sh -c :"
        );
        assert!(words(&ours.command(":", events)).contains("--summary never"));
    }
}
