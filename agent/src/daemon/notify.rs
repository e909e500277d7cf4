//! What the service manager is told: that the agent is ready, reads its configuration again, ends, still lives.
//!
//! The protocol of sd_notify(3) is lines in a datagram to the socket that `NOTIFY_SOCKET` names; a library for it
//! would be longer than this.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// The way to the service manager, if there is one.
#[derive(Debug, Default)]
pub(super) struct Manager {
    socket: Option<UnixDatagram>,
    /// How often it wants to hear that the agent lives.
    pub(super) watchdog: Option<Duration>,
}

impl Manager {
    /// The one that the environment names.
    pub(super) fn of_environment() -> Self {
        let socket = env::var_os("NOTIFY_SOCKET").and_then(|name| connect(&name).ok());
        let own = env::var("WATCHDOG_PID").ok().is_none_or(|pid| pid == std::process::id().to_string());
        let limit = env::var("WATCHDOG_USEC").ok().filter(|_| own).and_then(|limit| limit.parse().ok());
        // Twice as often as it has to be.
        Self {
            socket,
            watchdog: limit.map(|limit: u64| Duration::from_micros(limit / 2).max(Duration::from_millis(1))),
        }
    }

    pub(super) fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    pub(super) fn reloading(&self) {
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.as_micros()));
    }

    pub(super) fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    pub(super) fn alive(&self) {
        self.tell("WATCHDOG=1");
    }

    fn tell(&self, state: &str) {
        if let Some(socket) = &self.socket {
            // It may have gone, and the agent can do nothing about it.
            let _ = socket.send(state.as_bytes());
        }
    }
}

fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match name.as_bytes() {
        [b'@', name @ ..] => socket.connect_addr(&SocketAddr::from_abstract_name(name)?)?,
        _ => socket.connect(name)?,
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 256];
        let count = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    #[test]
    fn a_manager_with_a_path_or_an_abstract_name_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let abstract_name = format!("lapwing-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&abstract_name).unwrap();
        for (socket, name) in [
            (UnixDatagram::bind(&path).unwrap(), path.into_os_string()),
            (UnixDatagram::bind_addr(&address).unwrap(), format!("@{abstract_name}").into()),
        ] {
            let manager = Manager { socket: Some(connect(&name).unwrap()), watchdog: None };
            manager.ready("observing nothing");
            assert_eq!(told(&socket), "READY=1\nSTATUS=observing nothing");
            manager.stopping();
            assert_eq!(told(&socket), "STOPPING=1");
            manager.reloading();
            let text = told(&socket);
            let time: u64 = text.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap().parse().unwrap();
            assert!(time > 0);
            drop(socket);
            manager.alive();
        }
    }

    #[test]
    fn without_a_manager_nobody_is_told() {
        Manager::default().ready("x");
        assert!(connect(OsStr::new("/nonexistent/notify")).is_err());
    }
}
