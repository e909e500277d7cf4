//! The process that tracing is tried on: this program, doing nothing.
//!
//! Not `/bin/true` or `sleep`: a container built from nothing has neither.

use std::io::{self, Read as _};
use std::process::{Child, ChildStdin, Command, Stdio};

/// The file of this program, also where its path means nothing (another root, deleted meanwhile).
pub(super) const PROGRAM: &str = "/proc/self/exe";
pub(super) const NAME: &str = "doctor-subject";
pub(super) const WAIT: &str = "--wait";

/// Does nothing, until the input ends if `wait`.
pub(crate) fn be_subject(wait: bool) {
    if wait {
        // Whatever ends the input, it is over.
        let _ = io::stdin().read(&mut [0]);
    }
}

/// A subject that waits; it ends with this value.
#[derive(Debug)]
pub(super) struct Subject {
    child: Child,
    input: Option<ChildStdin>,
}

impl Subject {
    pub(super) fn start() -> io::Result<Self> {
        // Not `Stdio::null()`: there need be no `/dev`. It writes nothing anyway.
        let mut child = Command::new(PROGRAM)
            .args([NAME, WAIT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        Ok(Self { child, input })
    }

    pub(super) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).unwrap_or(0)
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        drop(self.input.take());
        // Whatever state a failed trial left it in.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
