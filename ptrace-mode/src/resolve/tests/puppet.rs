//! A forked process that makes the system calls it is told to.
//!
//! Calls and strings are left in memory that both share, at one address, so that a pointer means the
//! same to both. After the fork the child only makes system calls: it allocates nothing, since another
//! thread of the test may have held the allocator's lock.

#![allow(unsafe_code, reason = "forking, shared memory and arbitrary system calls are what it is for")]

use std::cell::Cell;
use std::io::{PipeReader, PipeWriter, Read as _, Write as _};
use std::os::fd::AsRawFd as _;

use lapwing_common::ids::{Pid, Tid};

use crate::resolve::Thread;

/// An argument of a system call.
pub(super) enum Arg<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    Path(&'a str),
    /// Room for an answer, found in `answer` afterwards.
    Room(usize),
}

#[repr(C)]
struct Shared {
    number: i64,
    args: [i64; 6],
    result: i64,
    data: [u8; 32768],
}

pub(super) struct Puppet {
    pid: i32,
    shared: *mut Shared,
    go: PipeWriter,
    done: PipeReader,
    answer: Cell<(usize, usize)>,
}

impl Puppet {
    pub(super) fn new() -> Self {
        Self::with(0).unwrap()
    }

    /// With namespaces of its own; `None` if that is not allowed here.
    pub(super) fn with(flags: i32) -> Option<Self> {
        let (child_go, go) = std::io::pipe().unwrap();
        let (done, child_done) = std::io::pipe().unwrap();
        // SAFETY: a new mapping at an address of the kernel's choice.
        let shared = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size_of::<Shared>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(shared, libc::MAP_FAILED);
        let shared: *mut Shared = shared.cast();
        // SAFETY: without a stack, clone is a fork; the child never returns from `obey`.
        let pid = unsafe { libc::syscall(libc::SYS_clone, i64::from(flags | libc::SIGCHLD), 0, 0, 0, 0) };
        if pid == 0 {
            // SAFETY: the mapping is shared with the parent, who waits while the child works on it.
            unsafe { obey(shared, child_go.as_raw_fd(), child_done.as_raw_fd()) }
        }
        let pid = i32::try_from(pid).unwrap();
        (pid > 0).then(|| Self { pid, shared, go, done, answer: Cell::new((0, 0)) })
    }

    pub(super) fn thread(&self) -> Thread {
        Thread { pid: Pid(self.pid), tid: Tid(self.pid) }
    }

    /// Makes a system call; its result is a value or a negative error number.
    pub(super) fn call(&self, number: libc::c_long, args: &[Arg<'_>]) -> i64 {
        // SAFETY: the child waits for `go`, so that nobody else uses the mapping now.
        let shared = unsafe { &mut *self.shared };
        shared.number = number;
        let mut used = 0;
        for (slot, arg) in shared.args.iter_mut().zip(args) {
            let (bytes, room) = match arg {
                Arg::Int(value) => {
                    *slot = *value;
                    continue;
                }
                Arg::Bytes(bytes) => (*bytes, bytes.len()),
                Arg::Path(path) => (path.as_bytes(), path.len() + 1),
                Arg::Room(size) => (&b""[..], *size),
            };
            let place = &mut shared.data[used..used + room];
            place.fill(0);
            place[..bytes.len()].copy_from_slice(bytes);
            *slot = i64::try_from(place.as_ptr().addr()).unwrap();
            if let Arg::Room(size) = arg {
                self.answer.set((used, *size));
            }
            used += room.next_multiple_of(16);
        }
        (&self.go).write_all(b"!").unwrap();
        (&self.done).read_exact(&mut [0]).unwrap();
        // SAFETY: the child has answered and waits again.
        unsafe { (*self.shared).result }
    }

    /// The bytes written to the room of the last call.
    pub(super) fn answer(&self) -> Vec<u8> {
        let (start, size) = self.answer.get();
        // SAFETY: the child waits for `go`, so that nobody else uses the mapping now.
        unsafe { (&(*self.shared).data)[start..start + size].to_vec() }
    }

    pub(super) fn chdir(&self, path: &str) -> i64 {
        self.call(libc::SYS_chdir, &[Arg::Path(path)])
    }

    pub(super) fn open(&self, path: &str, flags: i32) -> i64 {
        self.openat(libc::AT_FDCWD, path, flags)
    }

    pub(super) fn openat(&self, dir: i32, path: &str, flags: i32) -> i64 {
        self.call(libc::SYS_openat, &[int(dir), Arg::Path(path), int(flags), int(0o600)])
    }

    /// An open that must succeed.
    #[track_caller]
    pub(super) fn fd(&self, path: &str, flags: i32) -> i32 {
        let fd = self.open(path, flags);
        assert!(fd >= 0, "open {path}: {fd}");
        i32::try_from(fd).unwrap()
    }

    pub(super) fn close(&self, fd: i32) {
        assert_eq!(self.call(libc::SYS_close, &[int(fd)]), 0);
    }

    /// Where a descriptor leads, in the process's own words; `fds` is its `/proc/self/fd`.
    pub(super) fn path_of(&self, fds: i32, fd: i32) -> String {
        let length =
            self.call(libc::SYS_readlinkat, &[int(fds), Arg::Path(&fd.to_string()), Arg::Room(4096), int(4096)]);
        let mut answer = self.answer();
        answer.truncate(usize::try_from(length).unwrap());
        String::from_utf8(answer).unwrap()
    }

    pub(super) fn inode_of(&self, fd: i32) -> u64 {
        let size = size_of::<libc::stat>();
        assert_eq!(self.call(libc::SYS_fstat, &[int(fd), Arg::Room(size)]), 0);
        // st_ino is the second word of the structure on 64-bit architectures.
        u64::from_ne_bytes(self.answer()[8..16].try_into().unwrap())
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        // SAFETY: the child is ours and not yet waited for; nobody uses the mapping afterwards.
        unsafe {
            libc::kill(self.pid, libc::SIGKILL);
            libc::waitpid(self.pid, std::ptr::null_mut(), 0);
            libc::munmap(self.shared.cast(), size_of::<Shared>());
        }
    }
}

pub(super) fn int(value: i32) -> Arg<'static> {
    Arg::Int(value.into())
}

/// The child's life.
///
/// # Safety
///
/// `shared` is a mapping that nobody else uses between a byte from `go` and the byte to `done`.
unsafe fn obey(shared: *mut Shared, go: i32, done: i32) -> ! {
    // SAFETY: as above; the calls themselves are the test's business.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        let mut byte = 0_u8;
        while libc::read(go, (&raw mut byte).cast(), 1) == 1 {
            let [a, b, c, d, e, f] = (*shared).args;
            let result = libc::syscall((*shared).number, a, b, c, d, e, f);
            (*shared).result = if result == -1 { -i64::from(*libc::__errno_location()) } else { result };
            libc::write(done, (&raw const byte).cast(), 1);
        }
        libc::_exit(0)
    }
}
