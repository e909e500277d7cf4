//! What kind of socket a descriptor is, asked of the socket itself.
//!
//! Not remembered from `socket(2)`: descriptors are inherited, passed and duplicated. A duplicate of
//! the descriptor (`pidfd_getfd`, Linux 5.6) answers for all of them; without it nothing is known.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use smallvec::SmallVec;

use lapwing_common::record::SocketKind;

use super::{Resolver, Thread, sys};

/// `PIDFD_THREAD` of `linux/pidfd.h`.
const PIDFD_THREAD: libc::c_uint = libc::O_EXCL.cast_unsigned();

impl Resolver {
    /// The kind of a socket; `None` if it is none, or the kernel cannot be asked.
    pub fn socket(&mut self, thread: Thread, fd: i32) -> Option<SocketKind> {
        let socket = self.duplicate(thread, fd).ok()?;
        let option = |name| sys::socket_option(socket.as_fd(), name).ok().and_then(|value| u16::try_from(value).ok());
        Some(SocketKind {
            family: option(libc::SO_DOMAIN)?,
            kind: option(libc::SO_TYPE)?,
            protocol: option(libc::SO_PROTOCOL)?,
        })
    }

    /// The address of a socket's peer as the kernel words it: for `accept` without an address pointer.
    pub fn peer(&mut self, thread: Thread, fd: i32) -> Option<SmallVec<[u8; 32]>> {
        let socket = self.duplicate(thread, fd).ok()?;
        let mut address = [0; size_of::<libc::sockaddr_storage>()];
        sys::peer_name(socket.as_fd(), &mut address).ok().map(SmallVec::from_slice)
    }

    fn duplicate(&mut self, thread: Thread, fd: i32) -> Result<OwnedFd, Errno> {
        let pidfd = match self.pidfds.get(&thread.pid) {
            Some(pidfd) => pidfd,
            None => {
                let new = sys::pidfd_open(thread.pid.0, 0)?;
                self.pidfds.entry(thread.pid).or_insert(new)
            }
        };
        match sys::pidfd_getfd(pidfd.as_fd(), fd) {
            // The first thread has ended, and its table with it; the others go on with theirs.
            Err(Errno::ESRCH | Errno::EBADF) if thread.tid.0 != thread.pid.0 => {
                sys::pidfd_getfd(sys::pidfd_open(thread.tid.0, PIDFD_THREAD)?.as_fd(), fd)
            }
            done => done,
        }
    }
}
