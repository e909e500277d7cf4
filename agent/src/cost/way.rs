//! The ways to run a command: as it is, under each backend, and under other tools that are installed.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use lapwing_measure::peers;

use crate::output::quote;

/// What runs the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Native,
    Ptrace,
    Kernel,
    Strace,
    Tracexec,
    Bpftrace,
}

/// A way to run the command.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) tool: Tool,
    /// Of another tool; `None` for the command as it is and for Lapwing.
    pub(crate) version: Option<String>,
    /// None for the command as it is.
    program: Option<PathBuf>,
}

/// What tools write to, one run after the other.
#[derive(Debug)]
pub(super) struct Places {
    /// Events.
    pub(super) events: PathBuf,
    /// What Lapwing counted.
    pub(super) counters: PathBuf,
    /// The command as a script, for bpftrace, which takes one string.
    script: PathBuf,
    /// What bpftrace runs.
    programs: PathBuf,
}

impl Tool {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Ptrace => "lapwing ptrace",
            Self::Kernel => "lapwing kernel",
            Self::Strace => "strace",
            Self::Tracexec => "tracexec",
            Self::Bpftrace => "bpftrace",
        }
    }

    /// Whether it ends with the command's status.
    pub(super) fn passes_status(self) -> bool {
        self.is_lapwing() || self == Self::Strace
    }

    pub(super) fn is_lapwing(self) -> bool {
        matches!(self, Self::Ptrace | Self::Kernel)
    }
}

impl Places {
    pub(super) fn within(directory: &Path, command: &[OsString]) -> io::Result<Self> {
        let places = Self {
            events: directory.join("events"),
            counters: directory.join("counters"),
            script: directory.join("command"),
            programs: directory.join("tree.bt"),
        };
        let mut script = b"exec".to_vec();
        for word in command {
            script.push(b' ');
            shell_word(&mut script, word.as_bytes());
        }
        fs::write(&places.script, script)?;
        fs::write(&places.programs, peers::BPFTRACE_SCRIPT)?;
        Ok(places)
    }
}

/// A word in quotes for `sh`.
fn shell_word(out: &mut Vec<u8>, word: &[u8]) {
    out.push(b'\'');
    for byte in word {
        match byte {
            b'\'' => out.extend_from_slice(br"'\''"),
            _ => out.push(*byte),
        }
    }
    out.push(b'\'');
}

impl Way {
    /// All that can be tried here, the command as it is first.
    pub(super) fn all(lapwing: PathBuf) -> Vec<Self> {
        let own = |tool, program| Self { tool, version: None, program };
        let mut ways =
            vec![own(Tool::Native, None), own(Tool::Ptrace, Some(lapwing.clone())), own(Tool::Kernel, Some(lapwing))];
        for tool in [Tool::Strace, Tool::Tracexec, Tool::Bpftrace] {
            if let Some(program) = peers::find(tool.name()) {
                let version = peers::version(&program).map(|said| version_in(&said));
                ways.push(Self { tool, version, program: Some(program) });
            }
        }
        ways
    }

    /// The command that runs it. `look` has peers write what they see, for it to be counted, instead of throwing
    /// it away; Lapwing always writes.
    pub(super) fn command(&self, command: &[OsString], places: &Places, look: bool) -> Command {
        let Some(program) = &self.program else {
            let mut plain = Command::new(command.first().map_or_else(OsString::new, Clone::clone));
            plain.args(command.iter().skip(1));
            return plain;
        };
        let mut tool = Command::new(program);
        let output = peers::output(if look { &places.events } else { Path::new("/dev/null") });
        match self.tool {
            Tool::Native => {}
            Tool::Ptrace | Tool::Kernel => {
                let backend = if self.tool == Tool::Ptrace { "ptrace" } else { "kernel" };
                tool.args(["run", "--backend", backend, "--quiet", "--format", "json", "-o"]).arg(&places.events);
                tool.arg("--counters").arg(&places.counters).arg("--").args(command);
            }
            Tool::Strace => drop(tool.args(peers::strace()).args(output).arg("--").args(command)),
            Tool::Tracexec => drop(tool.args(peers::tracexec()).args(output).arg("--").args(command)),
            Tool::Bpftrace => {
                let script = OsString::from_vec([b"/bin/sh ", places.script.as_os_str().as_bytes()].concat());
                tool.arg("-q").args(output).arg("-c").arg(script).arg(&places.programs);
            }
        }
        tool
    }

    #[cfg(test)]
    pub(super) fn made_up(tool: Tool) -> Self {
        Self { tool, version: None, program: None }
    }

    /// The name with the version, if it is another tool's.
    pub(crate) fn label(&self) -> String {
        let name = self.tool.name();
        self.version.as_ref().map_or_else(|| name.to_owned(), |version| format!("{name} {version}"))
    }
}

/// The word of a tool's line that begins with a digit, after a `v` perhaps.
fn version_in(said: &str) -> String {
    let words = said.split_whitespace().map(|word| word.trim_start_matches('v'));
    words.into_iter().find(|word| word.starts_with(|letter: char| letter.is_ascii_digit())).unwrap_or(said).to_owned()
}

/// The command as a shell would take it.
pub(crate) fn shown(command: &[OsString]) -> String {
    let mut out = Vec::new();
    for word in command {
        if !out.is_empty() {
            out.push(b' ');
        }
        quote::quote(&mut out, word.as_bytes());
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &Command) -> Vec<String> {
        command.get_args().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn every_tool_runs_the_same_command() {
        let directory = tempfile::TempDir::new().unwrap();
        let command = ["echo", "it's", "a b"].map(OsString::from);
        let places = Places::within(directory.path(), &command).unwrap();
        let way = |tool| Way { tool, version: None, program: Some("/bin/tool".into()) };
        for tool in [Tool::Ptrace, Tool::Kernel, Tool::Strace, Tool::Tracexec] {
            let words = words(&way(tool).command(&command, &places, true));
            assert!(words.ends_with(&["--", "echo", "it's", "a b"].map(str::to_owned)), "{words:?}");
            assert!(words.iter().any(|word| word.ends_with("/events")), "{words:?}");
        }
        let native = Way { tool: Tool::Native, version: None, program: None }.command(&command, &places, false);
        assert_eq!((native.get_program().to_str(), words(&native).len()), (Some("echo"), 2));
        // bpftrace has it from a file that a shell reads back.
        let bpftrace = words(&way(Tool::Bpftrace).command(&command, &places, false));
        assert!(bpftrace.contains(&format!("/bin/sh {}", places.script.display())), "{bpftrace:?}");
        let said = Command::new("sh").arg(&places.script).output().unwrap();
        assert_eq!(said.stdout, b"it's a b\n");
    }

    #[test]
    fn versions_are_found_in_what_tools_say() {
        assert_eq!(version_in("strace -- version 6.1"), "6.1");
        assert_eq!(version_in("bpftrace v0.17.0"), "0.17.0");
        assert_eq!(version_in("unknown"), "unknown");
    }
}
