//! Strings and pointers that nobody expects.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;

use crate::Scenario;
use crate::raw::{NULL, fails, ok, sys};
use crate::stage::act;

/// The address of no memory.
const NOWHERE: usize = 8;

pub(crate) const ALL: &[Scenario] = &[
    ("open/not-utf8", |stage| {
        let name =
            CString::new([stage.directory().as_os_str().as_bytes(), b"/a\xff\xfeb\"\\\n"].concat()).expect("no NUL");
        act(|| ok(sys!(libc::SYS_open, &name, libc::O_CREAT | libc::O_WRONLY, 0o600)));
    }),
    ("open/longest-path", |stage| {
        // PATH_MAX is 4096 with the NUL.
        let path = format!("{}{}/file", stage.directory().display(), "/.".repeat(2048));
        stage.file("file");
        let path = shortened(stage.directory().as_os_str().len(), &path);
        assert_eq!(path.as_bytes().len(), 4095);
        act(|| ok(sys!(libc::SYS_open, &path, libc::O_RDONLY)));
    }),
    ("open/too-long-path", |stage| {
        let path = CString::new(format!("{}{}", stage.directory().display(), "/".repeat(4096))).expect("no NUL");
        act(|| fails(sys!(libc::SYS_open, &path, libc::O_RDONLY), libc::ENAMETOOLONG));
    }),
    ("mkdir/deep", |_| {
        // Deeper than any path can say: the kernel itself cannot name it in one piece.
        let name = "d".repeat(250);
        let deep = crate::raw::c(&name);
        for _ in 0..20 {
            ok(sys!(libc::SYS_mkdir, &deep, 0o700));
            ok(sys!(libc::SYS_chdir, &deep));
        }
        act(|| ok(sys!(libc::SYS_mkdir, c"leaf", 0o700)));
    }),
    ("open/bad-pointer", |_| act(|| fails(sys!(libc::SYS_open, NOWHERE, libc::O_RDONLY), libc::EFAULT))),
    ("open/null", |_| act(|| fails(sys!(libc::SYS_open, NULL, libc::O_RDONLY), libc::EFAULT))),
    ("open/empty", |_| act(|| fails(sys!(libc::SYS_open, c"", libc::O_RDONLY), libc::ENOENT))),
    ("prctl/bad-pointer", |_| act(|| fails(sys!(libc::SYS_prctl, libc::PR_SET_NAME, NOWHERE), libc::EFAULT))),
    ("connect/bad-descriptor", |_| {
        act(|| fails(sys!(libc::SYS_connect, 999, &[0_u8; 16], 16), libc::EBADF));
    }),
    ("connect/not-a-socket", |stage| {
        stage.file("file");
        let file = stage.open("file", libc::O_RDONLY);
        act(|| fails(sys!(libc::SYS_connect, file, &[0_u8; 16], 16), libc::ENOTSOCK));
    }),
    ("open/of-a-thread", |stage| {
        // A thread with files and a directory of its own.
        stage.dir("sub");
        stage.file("sub/file");
        act(|| {
            let thread = std::thread::spawn(|| {
                ok(sys!(libc::SYS_unshare, libc::CLONE_FS | libc::CLONE_FILES));
                ok(sys!(libc::SYS_chdir, c"sub"));
                ok(sys!(libc::SYS_open, c"file", libc::O_RDONLY));
            });
            thread.join().expect("no panic");
            ok(sys!(libc::SYS_open, c"sub/file", libc::O_RDONLY))
        });
    }),
];

/// A path to `file` that is as long as can be.
fn shortened(directory: usize, path: &str) -> CString {
    let (start, _) = path.split_at(directory);
    let room = 4095 - directory - "/file".len();
    let filling: String = "/.".repeat(room / 2) + if room % 2 == 1 { "/" } else { "" };
    crate::raw::c(&format!("{start}{filling}/file"))
}
