//! Files opened by handle.

use crate::Scenario;
use crate::raw::{fails, ok, sys};
use crate::stage::{Stage, act, become_nobody};

/// `struct file_handle` of fcntl.h with room for any file system's.
#[repr(C)]
struct Handle {
    bytes: u32,
    kind: i32,
    data: [u8; 128],
}

fn handle(stage: &Stage, name: &str) -> Handle {
    let mut handle = Handle { bytes: 128, kind: 0, data: [0; 128] };
    let mut mount = 0;
    let path = stage.file(name);
    ok(sys!(libc::SYS_name_to_handle_at, libc::AT_FDCWD, &path, &raw mut handle, &raw mut mount, 0));
    handle
}

pub(crate) const ALL: &[Scenario] = &[
    ("open_by_handle_at/success", |stage| {
        // Handles of two files differ only in their data (B8).
        let (one, two) = (handle(stage, "one"), handle(stage, "two"));
        act(|| {
            for handle in [&one, &two] {
                ok(sys!(libc::SYS_open_by_handle_at, libc::AT_FDCWD, &raw const *handle, libc::O_RDONLY));
            }
        });
    }),
    ("open_by_handle_at/denied", |stage| {
        let handle = handle(stage, "file");
        let mount = stage.open(".", libc::O_DIRECTORY);
        become_nobody();
        act(|| fails(sys!(libc::SYS_open_by_handle_at, mount, &raw const handle, libc::O_RDONLY), libc::EPERM));
    }),
];
