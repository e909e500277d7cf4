//! Who is at the other end of a socket, as the kernel knows it.

use std::io;
use std::os::fd::AsFd;

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;

/// The process that connected, as it was then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// Its number in the agent's pid namespace; 0 if that does not see it, being another container's.
    pub(crate) pid: i32,
    /// Its effective user, as the agent's user namespace numbers it.
    pub(crate) uid: u32,
}

impl Peer {
    /// The peer of a connection (`SO_PEERCRED`, unix(7)).
    pub(crate) fn of(socket: impl AsFd) -> io::Result<Self> {
        // Not by rustix, whose type for it cannot hold a pid of 0.
        let credentials = getsockopt(&socket, PeerCredentials)?;
        Ok(Self { pid: credentials.pid(), uid: credentials.uid() })
    }

    /// Whether it may tell the agent what to do, and see everything that the agent sees.
    pub(crate) fn may_control(self, own: u32) -> bool {
        self.uid == 0 || self.uid == own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_of_ones_own_socket_is_oneself() {
        let (near, _far) = std::os::unix::net::UnixStream::pair().unwrap();
        let own = rustix::process::geteuid().as_raw();
        let peer = Peer::of(&near).unwrap();
        assert_eq!(peer, Peer { pid: i32::try_from(std::process::id()).unwrap(), uid: own });
        assert!(peer.may_control(own));
    }

    #[test]
    fn root_and_the_own_user_may_control_and_nobody_else() {
        let of = |uid| Peer { pid: 1, uid };
        assert!(of(0).may_control(1000) && of(1000).may_control(1000));
        assert!(!of(1001).may_control(1000) && !of(1000).may_control(0));
    }
}
