//! Small tracees for tests: closures run in a forked child under the test's tracing.
//!
//! Tests run in threads of one process, so each waits for its own child only and never for "any".

#![allow(unsafe_code, reason = "fork and _exit")]

use std::io::{Read, Write, pipe};

use super::Options;
use super::request;
use super::wait::{Status, Stop, WaitError, WaitMode, wait_for};

/// A forked child that is killed and reaped when the test ends, however it ends.
pub(crate) struct Tracee {
    pub(crate) pid: i32,
    ended: bool,
}

impl Tracee {
    /// Runs `body` in a child, seized with `options` before it begins. The child's exit code is what
    /// `body` returns.
    pub(crate) fn seized(options: Options, body: impl FnOnce() -> i32) -> Self {
        let (mut gate, mut opener) = pipe().unwrap();
        // SAFETY: the child runs `body` and exits without unwinding into the test harness. The C library
        // makes its allocator usable in the child.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0, "fork");
        if pid == 0 {
            drop(opener);
            let opened = gate.read_exact(&mut [0]).is_ok();
            let code = if opened { body() } else { 99 };
            // SAFETY: ends the child only.
            unsafe { libc::_exit(code) };
        }
        let tracee = Self { pid, ended: false };
        request::seize(pid, options).unwrap();
        opener.write_all(&[1]).unwrap();
        tracee
    }

    /// The next status.
    pub(crate) fn next(&mut self) -> Status {
        loop {
            match wait_for(self.pid, WaitMode::Block) {
                Ok(Some((_, status))) => {
                    self.ended = status.ended();
                    return status;
                }
                Err(WaitError::Interrupted) => {}
                other => panic!("waiting for {}: {other:?}", self.pid),
            }
        }
    }

    /// The next status, which has to be this stop.
    pub(crate) fn expect(&mut self, stop: Stop) {
        assert_eq!(self.next(), Status::Stopped(stop));
    }
}

impl Drop for Tracee {
    fn drop(&mut self) {
        if !self.ended {
            // SAFETY: the pid is an unreaped child of ours.
            unsafe { libc::kill(self.pid, libc::SIGKILL) };
            while wait_for(self.pid, WaitMode::Block).is_ok_and(|found| found.is_some_and(|(_, s)| !s.ended())) {}
        }
    }
}
