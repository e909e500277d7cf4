//! The devices of a network namespace, over rtnetlink from inside of it.
//!
//! Which namespace a thread is in is its own affair, and so is what a netlink socket is about: the one that it was
//! in when it made the socket. So a thread of its own goes from namespace to namespace, and ends there.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::thread;

use lapwing_common::netns::Device;
use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NetlinkBuffer, NetlinkHeader, NetlinkMessage, NetlinkPayload,
    NlasIterator,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkHeader, LinkMessage};
use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Attributes of linux/if_link.h.
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
/// `struct ifinfomsg` of linux/rtnetlink.h.
const HEADER: usize = 16;

/// What devices the namespaces have, each by itself: entering one takes `CAP_SYS_ADMIN` there.
pub(crate) fn devices(namespaces: &[Arc<OwnedFd>]) -> Vec<io::Result<Vec<Device>>> {
    let go = || namespaces.iter().map(|namespace| within(namespace.as_fd())).collect();
    let listed = thread::scope(|scope| {
        let visitor = thread::Builder::new().name("lapwing-netns".into()).spawn_scoped(scope, go)?;
        visitor.join().map_err(|_panic| io::Error::other("listing devices has failed; please report this"))
    });
    listed.unwrap_or_else(|error: io::Error| {
        namespaces.iter().map(|_| Err(io::Error::other(error.to_string()))).collect()
    })
}

fn within(namespace: BorrowedFd<'_>) -> io::Result<Vec<Device>> {
    move_into_link_name_space(namespace, Some(LinkNameSpaceType::Network))?;
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let question = RouteNetlinkMessage::GetLink(LinkMessage::default());
    let mut message = NetlinkMessage::new(NetlinkHeader::default(), NetlinkPayload::from(question));
    message.header.flags = NLM_F_DUMP | NLM_F_REQUEST;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    socket.send(&bytes, 0)?;
    let mut devices = Vec::new();
    loop {
        let (answer, _) = socket.recv_from_full()?;
        if read(&answer, &mut devices)? {
            return Ok(devices);
        }
    }
}

/// Takes devices out of a part of the answer, and tells whether it was the last.
fn read(answer: &[u8], devices: &mut Vec<Device>) -> io::Result<bool> {
    let malformed = |error| io::Error::new(io::ErrorKind::InvalidData, format!("{error}"));
    let mut rest = answer;
    while !rest.is_empty() {
        let message = NetlinkBuffer::new_checked(rest).map_err(malformed)?;
        match message.message_type() {
            NLMSG_DONE => return Ok(true),
            NLMSG_ERROR => {
                // `struct nlmsgerr` begins with the negative error number.
                let code = message.payload().first_chunk().map_or(0, |code| i32::from_ne_bytes(*code));
                return Err(io::Error::from_raw_os_error(-code));
            }
            _ => devices.push(device(message.payload()).map_err(malformed)?),
        }
        // Messages begin at multiples of four.
        let length = usize::try_from(message.length()).unwrap_or(usize::MAX).next_multiple_of(4);
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(false)
}

/// Not as the library reads it as a whole: a name or an alias that is no UTF-8, which anybody can give a device of
/// their own, would be an error.
fn device(message: &[u8]) -> Result<Device, netlink_packet_core::DecodeError> {
    let mut device = Device { index: LinkHeader::parse(message)?.index, ..Device::default() };
    for attribute in NlasIterator::new(message.get(HEADER..).unwrap_or_default()) {
        let attribute = attribute?;
        match attribute.kind() {
            IFLA_IFNAME => device.name = attribute.value().split(|byte| *byte == 0).next().unwrap_or_default().to_vec(),
            IFLA_ADDRESS => device.has_address = attribute.value().iter().any(|byte| *byte != 0),
            _ => {}
        }
    }
    Ok(device)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    #[test]
    fn the_devices_of_ones_own_namespace() {
        let own = Arc::new(OwnedFd::from(File::open("/proc/thread-self/ns/net").unwrap()));
        let listed = devices(&[Arc::clone(&own), own]);
        // Without the right to enter even one's own namespace, there is an error and no list.
        if rustix::process::geteuid().is_root() || listed[0].is_ok() {
            let mut expected: Vec<_> =
                fs::read_dir("/sys/class/net").unwrap().map(|entry| entry.unwrap().file_name()).collect();
            expected.sort();
            for listed in listed {
                let mut names: Vec<_> = listed.unwrap().into_iter().map(|device| device.name).collect();
                names.sort();
                let expected: Vec<_> = expected.iter().map(|name| name.as_encoded_bytes().to_vec()).collect();
                assert!(names.contains(&b"lo".to_vec()) && expected.iter().all(|name| names.contains(name)));
            }
        } else {
            assert_eq!(listed[0].as_ref().unwrap_err().raw_os_error(), Some(libc::EPERM));
        }
    }

    #[test]
    fn what_is_no_namespace_is_an_error() {
        let file = Arc::new(OwnedFd::from(File::open("/proc/self/status").unwrap()));
        assert!(devices(&[file])[0].is_err());
        assert!(devices(&[]).is_empty());
    }

    #[test]
    fn an_error_in_an_answer() {
        // nlmsghdr: length, type, flags, sequence, port; then -EPERM.
        let mut answer = Vec::new();
        answer.extend_from_slice(&20_u32.to_ne_bytes());
        answer.extend_from_slice(&[2, 0, 0, 0]);
        answer.extend_from_slice(&[0; 8]);
        answer.extend_from_slice(&(-1_i32).to_ne_bytes());
        assert_eq!(read(&answer, &mut Vec::new()).unwrap_err().raw_os_error(), Some(1));
        assert!(read(&answer[..19], &mut Vec::new()).is_err());
        assert!(read(&[0; 40], &mut Vec::new()).is_err());
    }
}
