//! What Lapwing and its command wrote, and how they ended.

use std::process::{Command, Output};

use lapwing_integration::run::{finish, shell_status};

/// Text, and a status as a shell has it.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    pub(crate) fn by(command: &mut Command) -> Self {
        Self::of(finish(command, b""))
    }

    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { status: shell_status(output.status), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The second word of a line of output that begins with this one.
    pub(crate) fn word(&self, first: &str) -> &str {
        self.words(first).first().copied().unwrap_or_else(|| panic!("no {first} in {self:?}"))
    }

    /// That of every such line.
    pub(crate) fn words(&self, first: &str) -> Vec<&str> {
        self.stdout.lines().filter_map(|line| line.strip_prefix(first)?.split_whitespace().next()).collect()
    }
}
