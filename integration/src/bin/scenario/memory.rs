//! Memory that can be executed, and data moved through pipes.

use crate::Scenario;
use crate::raw::{NULL, fails, fd, ok, sys};
use crate::stage::{Stage, act};

const RX: i32 = libc::PROT_READ | libc::PROT_EXEC;
const ANONYMOUS: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;

fn page(protection: i32) -> i64 {
    ok(sys!(libc::SYS_mmap, NULL, 4096, protection, ANONYMOUS, -1, 0))
}

/// A mapping of a file that was not opened for writing, which can never become writable.
fn read_only_mapping(stage: &Stage) -> i64 {
    stage.file("file");
    let file = stage.open("file", libc::O_RDONLY);
    ok(sys!(libc::SYS_mmap, NULL, 4096, libc::PROT_READ, libc::MAP_SHARED, file, 0))
}

fn pipe() -> [i32; 2] {
    let mut ends = [0; 2];
    ok(sys!(libc::SYS_pipe2, ends.as_mut_ptr(), libc::O_CLOEXEC));
    ends
}

/// A pipe with something in it.
fn filled_pipe() -> i32 {
    let [read, write] = pipe();
    ok(sys!(libc::SYS_write, write, c"data".as_ptr(), 4));
    read
}

pub(crate) const ALL: &[Scenario] = &[
    ("mmap/anonymous", |_| act(|| page(RX))),
    ("mmap/anonymous-with-fd", |_| {
        act(|| ok(sys!(libc::SYS_mmap, NULL, 4096, RX, ANONYMOUS, 0, 0)));
    }),
    ("mmap/file", |stage| {
        stage.file("file");
        let file = stage.open("file", libc::O_RDONLY);
        act(|| ok(sys!(libc::SYS_mmap, NULL, 4096, RX, libc::MAP_PRIVATE, file, 0)));
    }),
    ("mmap/readable", |_| act(|| page(libc::PROT_READ | libc::PROT_WRITE))),
    ("mmap/denied", |stage| {
        stage.file("file");
        let file = stage.open("file", libc::O_WRONLY);
        act(|| fails(sys!(libc::SYS_mmap, NULL, 4096, RX, libc::MAP_PRIVATE, file, 0), libc::EACCES));
    }),
    ("mprotect/success", |_| {
        let page = page(libc::PROT_READ | libc::PROT_WRITE);
        act(|| ok(sys!(libc::SYS_mprotect, page, 4096, RX)));
    }),
    ("mprotect/readable", |_| {
        let page = page(libc::PROT_READ | libc::PROT_WRITE);
        act(|| ok(sys!(libc::SYS_mprotect, page, 4096, libc::PROT_READ)));
    }),
    ("mprotect/denied", |stage| {
        let page = read_only_mapping(stage);
        act(|| fails(sys!(libc::SYS_mprotect, page, 4096, libc::PROT_WRITE | libc::PROT_EXEC), libc::EACCES));
    }),
    ("pkey_mprotect/success", |_| {
        let page = page(libc::PROT_READ);
        // Key −1 asks for none, which works without protection keys too.
        act(|| ok(sys!(libc::SYS_pkey_mprotect, page, 4096, libc::PROT_EXEC, -1)));
    }),
    ("pkey_mprotect/denied", |stage| {
        let page = read_only_mapping(stage);
        act(|| fails(sys!(libc::SYS_pkey_mprotect, page, 4096, libc::PROT_WRITE | libc::PROT_EXEC, -1), libc::EACCES));
    }),
    // splice asks for no permission, so it cannot be refused.
    ("splice/from-file", |stage| {
        stage.file("file");
        let file = stage.open("file", libc::O_RDONLY);
        let [_, write] = pipe();
        act(|| ok(sys!(libc::SYS_splice, file, NULL, write, NULL, 3, libc::SPLICE_F_MOVE)));
    }),
    ("splice/to-file", |stage| {
        let read = filled_pipe();
        let file = stage.open("new", libc::O_CREAT | libc::O_WRONLY);
        act(|| ok(sys!(libc::SYS_splice, read, NULL, file, NULL, 4, 0)));
    }),
    ("splice/two-pipes", |stage| {
        // With names, so that one can tell which is shown.
        let [one, two] = ["one", "two"].map(|name| {
            ok(sys!(libc::SYS_mknod, &stage.path(name), libc::S_IFIFO | 0o600, 0));
            stage.open(name, libc::O_RDWR)
        });
        ok(sys!(libc::SYS_write, one, c"data".as_ptr(), 4));
        act(|| ok(sys!(libc::SYS_splice, one, NULL, two, NULL, 4, libc::SPLICE_F_NONBLOCK)));
    }),
    ("splice/fifo-to-file", |stage| {
        ok(sys!(libc::SYS_mknod, &stage.path("fifo"), libc::S_IFIFO | 0o600, 0));
        let fifo = stage.open("fifo", libc::O_RDWR);
        ok(sys!(libc::SYS_write, fifo, c"data".as_ptr(), 4));
        let file = stage.open("new", libc::O_CREAT | libc::O_WRONLY);
        act(|| ok(sys!(libc::SYS_splice, fifo, NULL, file, NULL, 4, libc::SPLICE_F_GIFT)));
    }),
    ("splice/again", |_| {
        let [read, _write] = pipe();
        let file = fd(sys!(libc::SYS_memfd_create, c"m", 0));
        act(|| fails(sys!(libc::SYS_splice, read, NULL, file, NULL, 4, libc::SPLICE_F_NONBLOCK), libc::EAGAIN));
    }),
];
