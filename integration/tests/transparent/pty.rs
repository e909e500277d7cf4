//! A terminal for a command, with the test at the other end.

use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use lapwing_integration::run::LIMIT;

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
        let (master, slave) = pair();
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
        command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null());
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

    /// Sends a signal to the process that was started.
    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: takes no pointers; the child has not been waited for.
        assert_eq!(unsafe { libc::kill(self.child.id().cast_signed(), signal) }, 0);
    }

    /// Types a command for a shell and waits for its answer, which has to differ from what is typed.
    pub(crate) fn ask(&mut self, command: &str, answer: &str) {
        self.send(&format!("{command}\n"));
        self.expect(answer);
    }

    /// The process group that the terminal's keys act on.
    pub(crate) fn foreground(&self) -> i32 {
        // SAFETY: takes no pointers.
        unsafe { libc::tcgetpgrp(self.master.as_raw_fd()) }
    }

    /// Waits until another group has the terminal: a shell says what it continues before it hands over.
    pub(crate) fn await_other_foreground(&self, than: i32) {
        let deadline = Instant::now() + LIMIT;
        while self.foreground() == than {
            assert!(Instant::now() < deadline, "the shell keeps the terminal:\n{}", self.all);
            std::thread::sleep(Duration::from_millis(5));
        }
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

/// The two ends of a new terminal. Not by `openpty`, whose descriptors would leak into the commands that
/// other tests start at the same time.
fn pair() -> (File, File) {
    // SAFETY: takes no pointers.
    let master = unsafe { libc::posix_openpt(libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC) };
    assert!(master >= 0, "posix_openpt: {}", io::Error::last_os_error());
    // SAFETY: it has just been made, and nobody else has it.
    let master = unsafe { File::from_raw_fd(master) };
    let mut name = [0; 64];
    // SAFETY: the first two take no pointers, the third writes a string of at most this length.
    let named = unsafe {
        libc::grantpt(master.as_raw_fd())
            | libc::unlockpt(master.as_raw_fd())
            | libc::ptsname_r(master.as_raw_fd(), name.as_mut_ptr(), name.len())
    };
    assert_eq!(named, 0, "no name: {}", io::Error::last_os_error());
    // SAFETY: ptsname_r wrote a string that ends with NUL.
    let name = unsafe { CStr::from_ptr(name.as_ptr()) };
    let slave =
        OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY).open(name.to_str().unwrap()).unwrap();
    (master, slave)
}
