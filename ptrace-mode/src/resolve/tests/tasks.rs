//! What a thread is, compared with what it says of itself.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use lapwing_common::event::File;
use lapwing_common::ids::{Pid, Tid};

use super::puppet::{Arg, int};
use super::{Last, Puppet, Resolver, found, named, skip, stage, symlink, text};
use crate::resolve::Thread;

/// The test itself, which is a thread and not its process's first.
fn own() -> Thread {
    Thread { pid: Pid(nix::unistd::getpid().as_raw()), tid: Tid(nix::unistd::gettid().as_raw()) }
}

#[test]
fn threads_and_processes() {
    let puppet = Puppet::new();
    let mut resolver = Resolver::new().unwrap();
    let Thread { pid, tid } = own();
    assert_eq!(resolver.tgid_of(tid), Some(pid));
    assert!(resolver.is_thread(pid, tid));
    assert!(!resolver.is_thread(pid, puppet.thread().tid));
    assert_eq!(resolver.tgid_of(puppet.thread().tid), Some(puppet.thread().pid));
    let gone = puppet.thread().tid;
    drop(puppet);
    assert_eq!(resolver.tgid_of(gone), None);
    assert!(resolver.stat(gone).is_none() && resolver.credentials(gone).is_none() && resolver.cgroup(gone).is_none());
}

#[test]
fn names_parents_and_starts() {
    let before = SystemTime::now();
    let puppet = Puppet::new();
    let mut resolver = Resolver::new().unwrap();
    assert_eq!(puppet.call(libc::SYS_prctl, &[int(libc::PR_SET_NAME), Arg::Path(" a) S \\\n(b ")]), 0);
    let stat = resolver.stat(puppet.thread().tid).unwrap();
    let status = resolver.status(puppet.thread().tid).unwrap();
    assert_eq!(stat.name.as_bytes(), b" a) S \\\n(b ");
    assert_eq!(status.name, stat.name);
    assert_eq!((stat.ppid, status.ppid), (own().pid, own().pid));
    assert_eq!(&status.tgids[..1], [puppet.thread().pid.0]);
    // A tick is 10 ms, and rounded down.
    let at = |time: SystemTime| u64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap();
    assert!((at(before) - 20_000_000..=at(SystemTime::now())).contains(&stat.started.0));
}

#[test]
fn credentials() {
    let puppet = Puppet::new();
    let mut resolver = Resolver::new().unwrap();
    if nix::unistd::geteuid().is_root() {
        assert_eq!(puppet.call(libc::SYS_setresgid, &[int(1), int(2), int(3)]), 0);
        assert_eq!(puppet.call(libc::SYS_setresuid, &[int(4), int(5), int(6)]), 0);
        let now = resolver.credentials(puppet.thread().tid).unwrap();
        assert_eq!((now.uid, now.euid, now.fsuid, now.gid, now.egid, now.fsgid), (4, 5, 5, 1, 2, 2));
        assert_eq!((now.cap_effective, now.cap_permitted), (0, 0));
    } else {
        let now = resolver.credentials(puppet.thread().tid).unwrap();
        assert_eq!(now.uid, nix::unistd::getuid().as_raw());
    }
    let auid = fs::read_to_string("/proc/self/loginuid").ok().and_then(|text| text.trim().parse().ok());
    assert_eq!(resolver.login_uid(own().tid), auid.unwrap_or(u32::MAX));
}

#[test]
fn control_groups_are_shared() {
    let puppet = Puppet::new();
    let mut resolver = Resolver::new().unwrap();
    let (one, other) = (resolver.cgroup(puppet.thread().tid), resolver.cgroup(own().tid));
    let (Some(one), Some(other)) = (one, other) else { return skip("no control groups") };
    assert!(Arc::ptr_eq(&one, &other));
    assert!(one.path.starts_with(b"/"));
}

#[test]
fn sockets_and_their_peers() {
    let puppet = Puppet::new();
    let mut resolver = Resolver::new().unwrap();
    for (family, kind, protocol) in [
        (libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_TCP),
        (libc::AF_INET6, libc::SOCK_DGRAM, libc::IPPROTO_UDP),
        (libc::AF_UNIX, libc::SOCK_SEQPACKET, 0),
    ] {
        let flags = kind | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
        let fd = i32::try_from(puppet.call(libc::SYS_socket, &[int(family), int(flags), int(0)])).unwrap();
        let Some(found) = resolver.socket(puppet.thread(), fd) else { return skip("no pidfd_getfd") };
        assert_eq!(
            (found.family, found.kind, found.protocol),
            (u16::try_from(family).unwrap(), u16::try_from(kind).unwrap(), u16::try_from(protocol).unwrap())
        );
        assert_eq!(resolver.peer(puppet.thread(), fd), None);
        puppet.close(fd);
    }
    assert_eq!(resolver.socket(puppet.thread(), 999), None);
    let file = puppet.fd("/proc/self/status", libc::O_RDONLY);
    assert_eq!(resolver.socket(puppet.thread(), file), None);

    // B10: the peer is the socket's, whatever accept was passed.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    let peer = resolver.peer(own(), server.as_raw_fd()).unwrap();
    assert_eq!(peer.len(), size_of::<libc::sockaddr_in>());
    assert_eq!(u16::from_ne_bytes([peer[0], peer[1]]), u16::try_from(libc::AF_INET).unwrap());
    assert_eq!(u16::from_be_bytes([peer[2], peer[3]]), client.local_addr().unwrap().port());
    assert_eq!(peer[4..8], [127, 0, 0, 1]);
}

#[test]
fn the_peer_of_a_named_socket() {
    let (_guard, dir, puppet) = stage();
    let listener = UnixListener::bind(format!("{dir}/socket")).unwrap();
    let fd = puppet.call(libc::SYS_socket, &[int(libc::AF_UNIX), int(libc::SOCK_STREAM), int(0)]);
    let fd = i32::try_from(fd).unwrap();
    let mut address = u16::try_from(libc::AF_UNIX).unwrap().to_ne_bytes().to_vec();
    address.extend_from_slice(b"socket\0");
    let size = int(i32::try_from(address.len()).unwrap());
    assert_eq!(puppet.call(libc::SYS_connect, &[int(fd), Arg::Bytes(&address), size]), 0);
    let _accepted = listener.accept().unwrap();
    let Some(peer) = Resolver::new().unwrap().peer(puppet.thread(), fd) else { return skip("no pidfd_getfd") };
    // As the listener called itself.
    assert_eq!(&peer[2..], format!("{dir}/socket\0").as_bytes());
}

#[test]
fn targets_of_pidfds() {
    let (puppet, target) = (Puppet::new(), Puppet::new());
    let pid = target.thread().pid;
    let mut resolver = Resolver::new().unwrap();
    let fd = puppet.call(libc::SYS_pidfd_open, &[int(pid.0), int(0)]);
    let Ok(fd) = i32::try_from(fd) else { return skip("no pidfds") };
    if fd < 0 {
        return skip("no pidfds");
    }
    assert_eq!(resolver.pidfd_target(puppet.thread(), fd), Some(pid));
    drop(target);
    assert_eq!(resolver.pidfd_target(puppet.thread(), fd), None);
    let file = puppet.fd("/", libc::O_RDONLY);
    assert_eq!(resolver.pidfd_target(puppet.thread(), file), None);
    assert_eq!(resolver.pidfd_target(puppet.thread(), 999), None);
}

#[test]
fn programs_and_scripts() {
    let (_guard, dir, puppet) = stage();
    let thread = puppet.thread();
    let path = fs::read_link("/proc/self/exe").unwrap();
    let path = path.to_str().unwrap();
    fs::write(format!("{dir}/script"), "#!/bin/sh\n").unwrap();
    symlink(path, &format!("{dir}/program"));
    symlink("script", &format!("{dir}/link"));
    let mut resolver = Resolver::new().unwrap();
    let exe = resolver.executable(thread);
    found(&exe, path);

    let mut script = |execfn: &str| resolver.script(thread, execfn.as_bytes(), &exe);
    // The program itself, by whatever name.
    for execfn in [path, "program", "./program", "", "/proc/self/exe", "/dev/fd/999"] {
        assert_eq!(script(execfn), None, "{execfn}");
    }
    for execfn in ["script", "link", &format!("{dir}/link")] {
        found(&script(execfn).unwrap(), &format!("{dir}/script"));
    }
    // Removed since: it was not the executable, so it was a script.
    assert_eq!(script("gone"), Some(File::at(format!("{dir}/gone").into_bytes())));
    let fd = puppet.fd("script", libc::O_RDONLY);
    let execfn = format!("/dev/fd/{fd}");
    found(&resolver.script(thread, execfn.as_bytes(), &exe).unwrap(), &format!("{dir}/script"));
    assert_eq!(text(&resolver.at(thread, named("link"), Last::Keep)), format!("{dir}/link"));
}
