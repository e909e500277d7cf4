//! Operations of an io_uring: calls by other means. The ring is there before the first mark, so that nothing
//! between the marks is a system call that would be of interest.

#![allow(unsafe_code, reason = "what an operation points to has to live until it is complete")]

use std::ffi::CStr;

use io_uring::squeue::{Entry, Flags};
use io_uring::types::{DestinationSlot, Fd, Fixed, OpenHow};
use io_uring::{IoUring, opcode};

use crate::Scenario;
use crate::raw::{fails, fd, ok, sys};
use crate::sockets::{Address, LOCAL, listener, tcp};
use crate::stage::{Stage, act, become_nobody};

const HERE: Fd = Fd(libc::AT_FDCWD);

fn ring() -> IoUring {
    let ring = IoUring::new(4).expect("a ring");
    ring.submitter().register_files_sparse(4).expect("room for fixed files");
    ring
}

/// Gives a ring some operations at once, and takes their results in the order of completion.
fn submit(ring: &mut IoUring, entries: &[Entry], results: usize) -> Vec<i64> {
    // SAFETY: what the entries point to outlives this, which waits until they are complete.
    unsafe { ring.submission().push_multiple(entries).expect("room") };
    ring.submit_and_wait(results).expect("submitted");
    ring.completion().map(|completion| completion.result().into()).collect()
}

fn one(ring: &mut IoUring, entry: Entry) -> i64 {
    submit(ring, &[entry], 1)[0]
}

/// An operation that has to succeed.
fn does(entry: impl Into<Entry>) {
    let (mut ring, entry) = (ring(), entry.into());
    act(|| ok(one(&mut ring, entry)));
}

/// An operation that has to fail like this.
fn refused(entry: impl Into<Entry>, errno: i32) {
    let (mut ring, entry) = (ring(), entry.into());
    act(|| fails(one(&mut ring, entry), errno));
}

fn open(path: &CStr, flags: i32) -> Entry {
    opcode::OpenAt::new(HERE, path.as_ptr()).flags(flags).mode(0o640).build()
}

/// A directory descriptor of a new directory.
fn directory(stage: &Stage, name: &str) -> Fd {
    stage.dir(name);
    Fd(stage.open(name, libc::O_PATH))
}

fn unlink(path: &CStr, flags: i32) -> Entry {
    opcode::UnlinkAt::new(HERE, path.as_ptr()).flags(flags).build()
}

fn connect(address: &Address) -> Entry {
    opcode::Connect::new(Fd(tcp()), address.bytes.as_ptr().cast(), address.length()).build()
}

fn accept(listener: i32) -> Entry {
    opcode::Accept::new(Fd(listener), std::ptr::null_mut(), std::ptr::null_mut()).build()
}

/// Connects to a listener.
fn peer(address: &Address) -> i32 {
    let peer = tcp();
    ok(sys!(libc::SYS_connect, peer, &address.bytes, address.length));
    peer
}

pub(crate) const ALL: &[Scenario] = &[
    ("io_uring_openat/success", |stage| {
        stage.file("file");
        does(open(c"file", libc::O_RDONLY | libc::O_CLOEXEC));
    }),
    ("io_uring_openat/create", |_| does(open(c"new", libc::O_CREAT | libc::O_WRONLY))),
    ("io_uring_openat/dirfd", |stage| {
        let base = directory(stage, "sub");
        stage.file("sub/file");
        stage.link("sub/hop", "file");
        does(opcode::OpenAt::new(base, c"hop".as_ptr()).flags(libc::O_RDWR).build());
    }),
    ("io_uring_openat/absent", |_| refused(open(c"absent", libc::O_RDONLY), libc::ENOENT)),
    ("io_uring_openat/denied", |stage| {
        stage.file("file");
        become_nobody();
        refused(open(c"file", libc::O_RDONLY), libc::EACCES);
    }),
    ("io_uring_openat/fixed", |stage| {
        stage.file("file");
        let slot = DestinationSlot::try_from_slot_target(2).expect("a slot");
        does(opcode::OpenAt::new(HERE, c"file".as_ptr()).file_index(Some(slot)).build());
    }),
    ("io_uring_openat/worker", |stage| {
        stage.file("file");
        does(open(c"file", libc::O_RDONLY).flags(Flags::ASYNC));
    }),
    ("io_uring_openat/quiet", |stage| {
        stage.file("file");
        let mut ring = ring();
        let entries = [open(c"file", libc::O_RDONLY).flags(Flags::SKIP_SUCCESS), opcode::Nop::new().build()];
        act(|| assert_eq!(submit(&mut ring, &entries, 1), [0]));
    }),
    ("io_uring_openat/linked", |stage| {
        stage.file("file");
        let mut ring = ring();
        let made = opcode::MkDirAt::new(HERE, c"sub".as_ptr()).mode(0o700).build();
        let entries = [made.flags(Flags::IO_LINK), open(c"sub/new", libc::O_CREAT | libc::O_RDWR)];
        act(|| submit(&mut ring, &entries, 2).into_iter().for_each(|result| assert!(result >= 0)));
    }),
    ("io_uring_openat/polled", |stage| {
        stage.file("file");
        let mut ring = IoUring::builder().setup_sqpoll(1000).build(4).expect("a ring with a thread");
        act(|| ok(one(&mut ring, open(c"file", libc::O_RDONLY))));
    }),
    ("io_uring_openat2/success", |stage| {
        stage.file("file");
        let how = OpenHow::new().flags((libc::O_WRONLY | libc::O_APPEND).cast_unsigned().into());
        does(opcode::OpenAt2::new(HERE, c"file".as_ptr(), &raw const how).build());
    }),
    ("io_uring_unlinkat/success", |stage| {
        stage.file("file");
        does(unlink(c"file", 0));
    }),
    ("io_uring_unlinkat/directory", |stage| {
        stage.dir("sub");
        does(unlink(c"sub", libc::AT_REMOVEDIR));
    }),
    ("io_uring_unlinkat/denied", |stage| {
        stage.file("file");
        become_nobody();
        refused(unlink(c"file", 0), libc::EACCES);
    }),
    ("io_uring_renameat/success", |stage| {
        let base = directory(stage, "sub");
        stage.file("old");
        let entry = opcode::RenameAt::new(HERE, c"old".as_ptr(), base, c"new".as_ptr());
        does(entry.flags(libc::RENAME_NOREPLACE).build());
    }),
    ("io_uring_mkdirat/success", |_| {
        does(opcode::MkDirAt::new(HERE, c"sub/".as_ptr()).mode(0o750).build());
    }),
    ("io_uring_symlinkat/success", |stage| {
        let base = directory(stage, "sub");
        does(opcode::SymlinkAt::new(base, c"../other".as_ptr(), c"new".as_ptr()).build());
    }),
    ("io_uring_linkat/success", |stage| {
        stage.file("file");
        does(opcode::LinkAt::new(HERE, c"file".as_ptr(), HERE, c"linked".as_ptr()).build());
    }),
    ("io_uring_setxattr/success", |stage| {
        let path = stage.file("file");
        does(opcode::SetXattr::new(c"trusted.lw".as_ptr(), b"value".as_ptr().cast(), path.as_ptr(), 5).build());
    }),
    ("io_uring_fsetxattr/success", |stage| {
        stage.file("file");
        let file = Fd(stage.open("file", libc::O_RDWR));
        does(opcode::FSetXattr::new(file, c"trusted.lw".as_ptr(), b"value".as_ptr().cast(), 5).build());
    }),
    ("io_uring_ftruncate/success", |stage| {
        stage.file("file");
        does(opcode::Ftruncate::new(Fd(stage.open("file", libc::O_RDWR)), 3).build());
    }),
    ("io_uring_ftruncate/fixed", |stage| {
        stage.file("file");
        let mut ring = ring();
        ring.submitter().register_files_update(1, &[stage.open("file", libc::O_RDWR)]).expect("a fixed file");
        act(|| ok(one(&mut ring, opcode::Ftruncate::new(Fixed(1), 3).build())));
    }),
    ("io_uring_splice/success", |stage| {
        stage.file("file");
        let file = stage.open("file", libc::O_RDONLY);
        let mut ends = [0_i32; 2];
        ok(sys!(libc::SYS_pipe2, ends.as_mut_ptr(), 0));
        does(opcode::Splice::new(Fd(file), -1, Fd(ends[1]), -1, 3).build());
    }),
    ("io_uring_socket/success", |_| {
        does(opcode::Socket::new(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0).build());
    }),
    ("io_uring_bind/success", |_| {
        let address = Address::v4(LOCAL, 0);
        does(opcode::Bind::new(Fd(tcp()), address.bytes.as_ptr().cast(), address.length()).build());
    }),
    ("io_uring_connect/success", |_| {
        let (_listener, address) = listener(libc::AF_INET);
        does(connect(&address));
    }),
    ("io_uring_connect/refused", |_| refused(connect(&Address::v4(LOCAL, 1)), libc::ECONNREFUSED)),
    ("io_uring_accept/success", |_| {
        let (listener, address) = listener(libc::AF_INET);
        peer(&address);
        does(accept(listener));
    }),
    ("io_uring_accept/fixed", |_| {
        let (listener, address) = listener(libc::AF_INET);
        peer(&address);
        let entry = opcode::Accept::new(Fd(listener), std::ptr::null_mut(), std::ptr::null_mut());
        does(entry.file_index(Some(DestinationSlot::auto_target())).build());
    }),
    ("io_uring_accept/many", |_| {
        let (listener, address) = listener(libc::AF_INET);
        let mut ring = ring();
        peer(&address);
        peer(&address);
        let entry = opcode::AcceptMulti::new(Fd(listener)).build().user_data(7);
        act(|| submit(&mut ring, &[entry], 2).into_iter().for_each(|result| assert!(fd(result) > 0)));
    }),
    // Of a socket, which is what a command is given to.
    ("io_uring_uring_cmd/setsockopt", |_| {
        let value = 1_i32;
        let option = opcode::SetSockOpt::new(
            Fd(tcp()),
            libc::SOL_SOCKET.cast_unsigned(),
            libc::SO_REUSEADDR.cast_unsigned(),
            (&raw const value).cast(),
            4,
        )
        .build();
        let mut ring = ring();
        // Said once.
        act(|| (0..2).for_each(|_| assert_eq!(one(&mut ring, option.clone()), 0)));
    }),
    // There is no room for the last completion.
    ("io_uring_overflow/open", |stage| {
        stage.file("file");
        let mut ring: IoUring = IoUring::builder().setup_cqsize(2).build(2).expect("a ring");
        let mut submit = |entries: &[Entry]| {
            // SAFETY: the path is a constant.
            unsafe { ring.submission().push_multiple(entries).expect("room") };
            ring.submit().expect("submitted");
        };
        submit(&[opcode::Nop::new().build(), opcode::Nop::new().build()]);
        act(|| submit(&[open(c"file", libc::O_RDONLY)]));
    }),
];
