//! How the listener of a filter comes from the child that put the filter on to the tracer.
//!
//! By a socket and not by `pidfd_getfd`, which profiles of containers forbid. The tracer does not wait for it: the child
//! may be stopped by a signal before it has sent anything, and only the tracer's loop would let it go on.

#![allow(unsafe_code, reason = "sendmsg after a fork, where nothing may be allocated")]

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, socketpair};

use super::SpawnError;
use crate::seccomp::Listener;

/// The end at which the listener arrives.
#[derive(Debug)]
pub struct Handover {
    socket: OwnedFd,
}

/// What came.
#[derive(Debug)]
pub enum Arrival {
    /// Nothing yet.
    Awaited,
    /// The listener.
    Come(Listener),
    /// None will come: the child is no more, or could not put the filter on.
    Never,
}

/// The tracer's end and the child's.
pub(super) fn pair() -> Result<(Handover, OwnedFd), SpawnError> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let (ours, theirs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
        .map_err(|errno| SpawnError::Pipe(errno.into()))?;
    Ok((Handover { socket: ours }, theirs))
}

/// Sends a descriptor and closes it. For the child after its fork: nothing is allocated.
pub(super) fn send(socket: i32, fd: i32) -> Result<(), Errno> {
    /// Of a descriptor.
    const SIZE: u32 = 4;
    // SAFETY: these compute lengths only.
    let (space, length) = unsafe { (libc::CMSG_SPACE(SIZE), libc::CMSG_LEN(SIZE)) };
    // As many bytes as one descriptor takes on any architecture, aligned as a header has to be.
    let mut control = [0_u64; 4];
    let mut byte = 0_u8;
    let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    // SAFETY: all zeros are a valid header without anything.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = space as _;
    // SAFETY: the header points to a buffer that has room for one header with a descriptor, so that the first header is
    // inside of it.
    unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = length as _;
        libc::CMSG_DATA(header).cast::<i32>().write_unaligned(fd);
    }
    // SAFETY: the message and what it points to live until the call is over.
    let sent = unsafe { libc::sendmsg(socket, &raw const message, libc::MSG_NOSIGNAL) };
    let result = Errno::result(sent).map(drop);
    // SAFETY: a plain close of the only descriptor that this process has of it.
    unsafe { libc::close(fd) };
    result
}

impl Handover {
    /// Takes the listener if it is there.
    #[must_use]
    pub fn take(&self) -> Arrival {
        let mut byte = [0];
        let mut parts = [IoSliceMut::new(&mut byte)];
        let mut control = nix::cmsg_space!(i32);
        let received =
            recvmsg::<()>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::MSG_CMSG_CLOEXEC);
        let message = match received {
            Err(Errno::EAGAIN | Errno::EINTR) => return Arrival::Awaited,
            Err(_) => return Arrival::Never,
            Ok(message) => message,
        };
        let sent = message.cmsgs().into_iter().flatten().find_map(|part| match part {
            ControlMessageOwned::ScmRights(fds) => fds.first().copied(),
            _ => None,
        });
        // SAFETY: the kernel has just made it for us, so that nobody else owns it.
        let listener = sent.map(|fd| Listener::new(unsafe { OwnedFd::from_raw_fd(fd) }));
        listener.and_then(Result::ok).map_or(Arrival::Never, Arrival::Come)
    }
}

impl AsFd for Handover {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
