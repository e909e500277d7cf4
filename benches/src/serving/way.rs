//! The ways in which a service is run.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fixtures;
use crate::floor::Points;
use crate::tools::Lapwing;
use lapwing_measure::peers;

/// A way to run a service.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) kind: Kind,
    pub(super) name: &'static str,
    words: Vec<OsString>,
}

/// What targets know it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Native,
    /// Programs in the kernel that do nothing, at both tracepoints of system calls.
    Floor,
    /// Likewise where calls return.
    FloorOfExits,
    /// A tracer that resumes what Lapwing would look at.
    Calls,
    /// Answers to what Lapwing would look at under rules.
    Answers,
    /// The kernel backend with every type of event.
    Kernel,
    /// The same with a policy of 300 rules.
    KernelRules,
    Ptrace,
    PtraceRules,
    Strace,
}

impl Kind {
    pub(super) fn is_lapwing(self) -> bool {
        matches!(self, Self::Kernel | Self::KernelRules | Self::Ptrace | Self::PtraceRules)
    }
}

impl Way {
    /// All that work here, the service as it is first; and what does not, and why.
    pub(super) fn all(lapwing: &Lapwing) -> anyhow::Result<(Vec<Self>, Vec<String>)> {
        let policies = fixtures::policies()?;
        let ours = |kind, name, backend: &str, rules: bool| {
            let mut words: Vec<OsString> = vec![lapwing.binary.clone().into(), "run".into(), "--backend".into()];
            words.push(backend.into());
            words.extend(["--summary", "never", "--format", "json"].map(OsString::from));
            if rules {
                words.extend(["--policies".into(), policies.clone().into_os_string()]);
            }
            Self { kind, name, words }
        };
        let mut ways = vec![Self { kind: Kind::Native, name: "native", words: Vec::new() }];
        let mut absent = Vec::new();
        for (kind, name, points) in [
            (Kind::Floor, "two programs that do nothing", Points::Both),
            (Kind::FloorOfExits, "one program that does nothing", Points::Exits),
            (Kind::Calls, "a tracer that does nothing", Points::Calls),
            (Kind::Answers, "answers without a look", Points::Answers),
        ] {
            let way = Self { kind, name, words: points.words()? };
            match way.objection()? {
                None => ways.push(way),
                Some(objection) => absent.push(format!("{name}: {objection}")),
            }
        }
        for (kind, name, backend, rules) in [
            (Kind::Kernel, "lapwing, kernel", "kernel", false),
            (Kind::KernelRules, "lapwing, kernel, 300 rules", "kernel", true),
            (Kind::Ptrace, "lapwing, ptrace", "ptrace", false),
            (Kind::PtraceRules, "lapwing, ptrace, 300 rules", "ptrace", true),
        ] {
            let way = ours(kind, name, backend, rules);
            match way.objection()? {
                None => ways.push(way),
                Some(objection) => absent.push(format!("{name}: {objection}")),
            }
        }
        match peers::find("strace") {
            Some(program) => {
                let mut words = vec![program.into_os_string()];
                words.extend(peers::strace());
                ways.push(Self { kind: Kind::Strace, name: "strace", words });
            }
            None => absent.push("strace is not installed".to_owned()),
        }
        Ok((ways, absent))
    }

    /// What is said when this way does not work here.
    fn objection(&self) -> anyhow::Result<Option<String>> {
        let mut command = self.command(&["/bin/true".into()], Path::new("/dev/null"));
        let output = command.stdin(Stdio::null()).output()?;
        Ok((!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).trim().to_owned()))
    }

    /// The command that runs another this way.
    pub(super) fn command(&self, inner: &[OsString], events: &Path) -> Command {
        let mut words = self.words.clone();
        if self.kind.is_lapwing() {
            words.extend(["-o".into(), events.into()]);
        } else if self.kind == Kind::Strace {
            words.extend(peers::output(Path::new("/dev/null")));
        }
        if !words.is_empty() {
            words.push("--".into());
        }
        words.extend(inner.iter().cloned());
        let mut words = words.into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words);
        command
    }

    /// The command for a person to read and repeat.
    pub(super) fn shown(&self) -> String {
        let command = self.command(&["SERVICE".into()], Path::new("EVENTS"));
        let words = std::iter::once(command.get_program()).chain(command.get_args()).map(|word| {
            let word = word.to_string_lossy();
            match PathBuf::from(word.as_ref()) {
                _ if word.starts_with("trace=") => "trace=NAMES".to_owned(),
                path if path.is_absolute() && path != Path::new("/dev/null") => {
                    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
                }
                _ => word.into_owned(),
            }
        });
        words.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn way(kind: Kind, words: &[&str]) -> Way {
        Way { kind, name: "x", words: words.iter().map(OsString::from).collect() }
    }

    #[test]
    fn each_way_runs_the_same_service() {
        let words = |way: &Way| {
            let command = way.command(&["/s".into()], Path::new("/e"));
            let all = std::iter::once(command.get_program()).chain(command.get_args());
            all.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words(&way(Kind::Native, &[])), "/s");
        assert_eq!(words(&way(Kind::Ptrace, &["/l", "run"])), "/l run -o /e -- /s");
        assert_eq!(words(&way(Kind::Strace, &["/t", "-f"])), "/t -f -o /dev/null -- /s");
        assert_eq!(way(Kind::Ptrace, &["/bin/l", "run"]).shown(), "l run -o EVENTS -- SERVICE");
    }
}
