//! A terminal for a command, with the test at the other end.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use super::both::LIMIT;

/// A command in a session of its own, whose terminal this is.
pub(crate) struct Terminal {
    master: File,
    output: Receiver<Vec<u8>>,
    /// What was read and not yet expected.
    unread: String,
    /// All that was read.
    all: String,
    child: Child,
}

impl Terminal {
    pub(crate) fn start(command: &mut Command) -> Self {
        let (mut master, mut slave) = (-1, -1);
        // SAFETY: writes two descriptors; the optional pointers are null.
        let made = unsafe {
            libc::openpty(&raw mut master, &raw mut slave, std::ptr::null_mut(), std::ptr::null(), std::ptr::null())
        };
        assert_eq!(made, 0, "openpty: {}", io::Error::last_os_error());
        // SAFETY: openpty has just made both, and nobody else has them.
        let (master, slave) = unsafe { (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave)) };
        // SAFETY: takes no pointers.
        unsafe { libc::fcntl(master.as_raw_fd(), libc::F_SETFD, libc::FD_CLOEXEC) };
        let clone = || slave.try_clone().unwrap();
        command.stdin(clone()).stdout(clone()).stderr(clone());
        // SAFETY: two plain system calls: a new session, and standard input as its terminal.
        unsafe {
            command.pre_exec(|| {
                libc::setsid();
                if libc::ioctl(0, libc::TIOCSCTTY, 0) < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
            });
        }
        let child = command.spawn().unwrap();
        drop(slave);
        // The command keeps copies of the terminal otherwise, and the end would not be seen.
        command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let (sender, output) = channel();
        let mut reader = master.try_clone().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The end is EIO: nobody has the terminal open any more.
            while let Ok(length @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { master, output, unread: String::new(), all: String::new(), child }
    }

    /// Types.
    pub(crate) fn send(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }

    /// Waits for this text in the output.
    pub(crate) fn expect(&mut self, text: &str) {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(at) = self.unread.find(text) {
                self.unread.drain(..at + text.len());
                return;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.take(&bytes),
                Err(error) => {
                    let _ = self.child.kill();
                    panic!("{text:?} did not come ({error}):\n{}", self.all);
                }
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        self.unread += &text;
        self.all += &text;
    }

    /// Types a command for a shell and waits for its answer, which has to differ from what is typed.
    pub(crate) fn ask(&mut self, command: &str, answer: &str) {
        self.send(&format!("{command}\n"));
        self.expect(answer);
    }

    /// Waits for the end of the command and of its output.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let deadline = Instant::now() + LIMIT;
        loop {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.take(&bytes),
                Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => break,
                Err(error) => {
                    let _ = self.child.kill();
                    panic!("the terminal is still open ({error}):\n{}", self.all);
                }
            }
        }
        (self.child.wait().unwrap(), self.all)
    }
}
