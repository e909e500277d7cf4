//! Calls by the other interfaces of an x86-64 kernel: 32-bit and x32.

use crate::Scenario;
use crate::int80::{Low, int80};
use crate::raw::{fails, ok, sys};
use crate::stage::{NOBODY, act, become_nobody};

const MINUS_ONE: u32 = u32::MAX;
const AT_FDCWD: u32 = libc::AT_FDCWD.cast_unsigned();

/// `__X32_SYSCALL_BIT`.
const X32: i64 = 0x4000_0000;

/// One 32-bit call with a path in the directory, which is made before.
fn with_file(call: impl Fn(&mut Low, u32) -> i64) {
    let mut low = Low::new();
    let path = low.text("file");
    act(|| ok(call(&mut low, path)));
}

/// `sockaddr_in` of 127.0.0.1 and a port of the kernel's choice.
fn local() -> [u32; 4] {
    [2, u32::from_le_bytes([127, 0, 0, 1]), 0, 0]
}

pub(crate) const ALL: &[Scenario] = &[
    ("i386_open/success", |stage| {
        stage.file("file");
        with_file(|_, path| int80(5, &[path, libc::O_RDWR.cast_unsigned(), 0]));
    }),
    ("i386_open/denied", |stage| {
        stage.file("file");
        let path = Low::new().text("file");
        become_nobody();
        act(|| fails(int80(5, &[path, 0, 0]), libc::EACCES));
    }),
    ("i386_openat/dirfd", |stage| {
        stage.dir("sub");
        stage.file("sub/file");
        let dir = stage.open("sub", libc::O_DIRECTORY).cast_unsigned();
        with_file(|_, path| int80(295, &[dir, path, 0, 0]));
    }),
    ("i386_openat2/success", |stage| {
        stage.file("file");
        with_file(|low, path| int80(437, &[AT_FDCWD, path, low.words(&[1, 0, 0, 0, 0, 0]), 24]));
    }),
    ("i386_truncate64/success", |stage| {
        stage.file("file");
        with_file(|_, path| int80(193, &[path, 3, 0]));
    }),
    ("i386_ftruncate64/success", |stage| {
        stage.file("file");
        let file = stage.open("file", libc::O_RDWR).cast_unsigned();
        act(|| ok(int80(194, &[file, 3, 0])));
    }),
    ("i386_mkdir/success", |_| with_file(|_, path| int80(39, &[path, 0o711]))),
    ("i386_unlink/success", |stage| {
        stage.file("file");
        with_file(|_, path| int80(10, &[path]));
    }),
    ("i386_rename/success", |stage| {
        stage.file("file");
        with_file(|low, path| int80(38, &[path, low.text("new")]));
    }),
    ("i386_symlink/success", |_| with_file(|low, path| int80(83, &[low.text("text"), path]))),
    ("i386_chmod/success", |stage| {
        stage.file("file");
        with_file(|_, path| int80(15, &[path, 0o640]));
    }),
    // The first chown and setuid have ids of 16 bits, in which all ones leave an id as it is.
    ("i386_chown/narrow", |stage| {
        stage.file("file");
        with_file(|_, path| int80(182, &[path, 0x1_0007, 0xffff]));
    }),
    ("i386_chown32/success", |stage| {
        stage.file("file");
        with_file(|_, path| int80(212, &[path, 0x1_0007, MINUS_ONE]));
    }),
    ("i386_lchown32/success", |stage| {
        stage.link("file", "nowhere");
        with_file(|_, path| int80(198, &[path, 1, 2]));
    }),
    ("i386_fchown32/success", |stage| {
        stage.file("file");
        let file = stage.open("file", 0).cast_unsigned();
        act(|| ok(int80(207, &[file, 1, 2])));
    }),
    ("i386_setuid/narrow", |_| {
        act(|| {
            ok(int80(23, &[u32::from(u16::try_from(NOBODY).unwrap_or(0)) | 0x10_0000]));
            ok(sys!(libc::SYS_chdir, c"."))
        });
    }),
    ("i386_setuid32/denied", |_| {
        become_nobody();
        act(|| fails(int80(213, &[0]), libc::EPERM));
    }),
    ("i386_setreuid32/success", |_| act(|| ok(int80(203, &[MINUS_ONE, 1000])))),
    ("i386_setresuid32/success", |_| act(|| ok(int80(208, &[1, 2, 3])))),
    ("i386_setfsuid32/success", |_| act(|| ok(int80(215, &[1000])))),
    ("i386_setgid32/success", |_| act(|| ok(int80(214, &[1000])))),
    ("i386_setregid32/success", |_| act(|| ok(int80(204, &[1000, MINUS_ONE])))),
    ("i386_setresgid32/success", |_| act(|| ok(int80(210, &[1, 2, 3])))),
    ("i386_setfsgid32/success", |_| act(|| ok(int80(216, &[1000])))),
    // setrlimit has limits of 32 bits here, prlimit64 of 64 everywhere (B4).
    ("i386_setrlimit/success", |_| {
        let limit = Low::new().words(&[100, MINUS_ONE]);
        act(|| ok(int80(75, &[libc::RLIMIT_CPU, limit])));
    }),
    ("i386_prlimit64/success", |_| {
        let limit = Low::new().words(&[100, 0, 200, 1]);
        act(|| ok(int80(340, &[0, libc::RLIMIT_CPU, limit, 0])));
    }),
    ("i386_utime/success", |stage| {
        stage.file("file");
        with_file(|low, path| int80(30, &[path, low.words(&[1, 2])]));
    }),
    ("i386_utimes/success", |stage| {
        stage.file("file");
        with_file(|low, path| int80(271, &[path, low.words(&[1, 500_000, 2, 0])]));
    }),
    ("i386_utimensat/success", |stage| {
        stage.file("file");
        with_file(|low, path| int80(320, &[AT_FDCWD, path, low.words(&[1, 5, 2, (1 << 30) - 2]), 0]));
    }),
    ("i386_utimensat_time64/success", |stage| {
        stage.file("file");
        with_file(|low, path| int80(412, &[AT_FDCWD, path, low.words(&[0, 1, 5, 0, 2, 0, (1 << 30) - 1, 0]), 0]));
    }),
    ("i386_umount/denied", |stage| {
        let path = Low::new().text("sub");
        stage.dir("sub");
        become_nobody();
        act(|| fails(int80(22, &[path]), libc::EPERM));
    }),
    ("i386_kill/success", |_| {
        let own = u32::try_from(ok(sys!(libc::SYS_getpid))).unwrap_or(0);
        act(|| ok(int80(37, &[own, 0])));
    }),
    ("i386_prctl/name", |_| {
        let name = Low::new().text("32-bit");
        act(|| ok(int80(172, &[15, name])));
    }),
    ("i386_mmap2/success", |_| act(|| int80(192, &[0, 4096, 5, 0x22, MINUS_ONE, 0]))),
    ("i386_mmap2/readable", |_| act(|| int80(192, &[0, 4096, 1, 0x22, MINUS_ONE, 0]))),
    ("i386_mmap_old/success", |stage| {
        stage.file("file");
        let file = stage.open("file", 0).cast_unsigned();
        let block = Low::new().words(&[0, 4096, 5, 2, file, 0]);
        act(|| int80(90, &[block]));
    }),
    ("i386_mmap_old/readable", |_| {
        let block = Low::new().words(&[0, 4096, 1, 0x22, MINUS_ONE, 0]);
        act(|| int80(90, &[block]));
    }),
    ("i386_mprotect/success", |_| {
        let page = Low::new();
        let address = { page }.words(&[0]) & !0xfff;
        act(|| ok(int80(125, &[address, 4096, 5])));
    }),
    ("i386_socketcall/all", |_| {
        // socket, bind, connect, accept, accept4, setsockopt; listen and getsockname are of no interest.
        let mut low = Low::new();
        let address = low.words(&local());
        let length = low.words(&[16]);
        let call = |low: &mut Low, number: u32, args: &[u32]| {
            let block = low.words(args);
            u32::try_from(ok(int80(102, &[number, block]))).unwrap_or(0)
        };
        act(|| {
            let listener = call(&mut low, 1, &[2, 1, 0]);
            call(&mut low, 2, &[listener, address, 16]);
            call(&mut low, 4, &[listener, 5]);
            call(&mut low, 6, &[listener, address, length]);
            for accept in [5, 18] {
                let client = call(&mut low, 1, &[2, 1, 6]);
                call(&mut low, 3, &[client, address, 16]);
                call(&mut low, accept, &[listener, 0, 0, 0]);
            }
            let one = low.words(&[1]);
            call(&mut low, 14, &[listener, 1, 2, one, 4])
        });
    }),
    ("i386_connect/direct", |_| {
        // Since Linux 4.3 there are calls of their own too.
        let address = Low::new().words(&local());
        act(|| {
            let socket = u32::try_from(ok(int80(359, &[2, 2, 0]))).unwrap_or(0);
            ok(int80(362, &[socket, address, 16]))
        });
    }),
    ("i386_setsockopt/filter", |_| {
        // struct sock_fprog with a pointer of four bytes.
        let mut low = Low::new();
        let code = low.words(&[6, 0xffff, 6, 0xffff, 6, 0xffff]);
        let program = low.words(&[3, code]);
        let socket = ok(sys!(libc::SYS_socket, libc::AF_INET, libc::SOCK_DGRAM, 0));
        let socket = u32::try_from(socket).unwrap_or(0);
        act(|| ok(int80(366, &[socket, 1, 26, program, 8])));
    }),
    ("i386_execve/success", |stage| {
        stage.file_with("file", &lapwing_integration::tiny::exits_32(0), 0o755);
        let mut low = Low::new();
        let path = low.text("file");
        let arguments = low.words(&[path, 0]);
        act(|| crate::raw::wait(crate::raw::fork(|| i32::try_from(-int80(11, &[path, arguments, 0])).unwrap_or(1))));
    }),
    ("i386_execve/after-refusal", |stage| {
        stage.file_with("file", &lapwing_integration::tiny::exits_32(0), 0o755);
        let text = stage.file("text");
        let path = Low::new().text("file");
        act(|| {
            crate::raw::wait(crate::raw::fork(|| {
                fails(sys!(libc::SYS_execve, &text, 0, 0), libc::EACCES);
                i32::try_from(-int80(11, &[path, 0, 0])).unwrap_or(1)
            }))
        });
    }),
    ("i386_execve/denied", |stage| {
        stage.file("file");
        let path = Low::new().text("file");
        act(|| fails(int80(11, &[path, 0, 0]), libc::EACCES));
    }),
    ("x32_open/success", |stage| {
        let path = stage.file("file");
        act(|| ok(sys!(X32 | libc::SYS_open, &path, 0)));
    }),
];
