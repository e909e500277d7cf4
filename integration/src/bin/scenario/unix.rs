//! Unix sockets, by path and by abstract name.

use crate::Scenario;
use crate::raw::{NULL, fails, fd, ok, sys};
use crate::stage::{Stage, act, become_nobody};

/// `struct sockaddr_un` and the length that counts.
fn address(name: &[u8]) -> ([u8; 110], usize) {
    let mut bytes = [0; 110];
    bytes[..2].copy_from_slice(&1_u16.to_ne_bytes());
    bytes[2..2 + name.len()].copy_from_slice(name);
    (bytes, 2 + name.len())
}

fn socket() -> i32 {
    fd(sys!(libc::SYS_socket, libc::AF_UNIX, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0))
}

fn bind(socket: i32, name: &[u8]) -> i64 {
    let (bytes, length) = address(name);
    sys!(libc::SYS_bind, socket, &bytes, length)
}

fn connect(socket: i32, name: &[u8]) -> i64 {
    let (bytes, length) = address(name);
    sys!(libc::SYS_connect, socket, &bytes, length)
}

/// A listener with a path or name.
fn listener(name: &[u8]) -> i32 {
    let listener = socket();
    ok(bind(listener, name));
    ok(sys!(libc::SYS_listen, listener, 5));
    listener
}

/// An abstract name that no other test has: the directory's.
fn abstract_name(stage: &Stage) -> Vec<u8> {
    [&[0], stage.directory().as_os_str().as_encoded_bytes(), &[0, 1]].concat()
}

pub(crate) const ALL: &[Scenario] = &[
    ("bind/unix", |_| {
        let socket = socket();
        act(|| ok(bind(socket, b"socket\0")));
    }),
    ("bind/abstract-name", |stage| {
        let (socket, name) = (socket(), abstract_name(stage));
        act(|| ok(bind(socket, &name)));
    }),
    ("bind/autobind", |_| {
        let socket = socket();
        act(|| ok(bind(socket, b"")));
    }),
    ("bind/unix-denied", |stage| {
        stage.dir("sub");
        let socket = socket();
        become_nobody();
        act(|| fails(bind(socket, b"sub/socket"), libc::EACCES));
    }),
    ("bind/unix-in-use", |stage| {
        stage.file("file");
        let socket = socket();
        act(|| fails(bind(socket, b"file"), libc::EADDRINUSE));
    }),
    ("connect/unix", |_| {
        listener(b"socket");
        let socket = socket();
        act(|| ok(connect(socket, b"socket\0")));
    }),
    ("connect/abstract-name", |stage| {
        let name = abstract_name(stage);
        listener(&name);
        let socket = socket();
        act(|| ok(connect(socket, &name)));
    }),
    ("connect/unix-denied", |stage| {
        listener(b"socket");
        stage.mode("socket", 0o600);
        let socket = socket();
        become_nobody();
        act(|| fails(connect(socket, b"socket"), libc::EACCES));
    }),
    ("connect/unix-refused", |_| {
        let bound = socket();
        ok(bind(bound, b"socket"));
        let socket = socket();
        act(|| fails(connect(socket, b"socket"), libc::ECONNREFUSED));
    }),
    ("accept/unix", |_| {
        let listener = listener(b"socket");
        let peer = socket();
        ok(bind(peer, b"peer"));
        ok(connect(peer, b"socket"));
        let (mut bytes, mut length) = ([0_u8; 110], 110_u32);
        act(|| ok(sys!(libc::SYS_accept, listener, bytes.as_mut_ptr(), &raw mut length)));
    }),
    ("accept4/unix-unnamed", |_| {
        let listener = listener(b"socket");
        ok(connect(socket(), b"socket"));
        act(|| ok(sys!(libc::SYS_accept4, listener, NULL, NULL, libc::SOCK_CLOEXEC)));
    }),
];
