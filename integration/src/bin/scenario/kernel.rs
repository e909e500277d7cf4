//! Modules and BPF. No module is ever loaded: even root's attempts fail, with errors that are not
//! reported, so only refusals can be seen.

use crate::Scenario;
use crate::raw::{fails, ok, sys};
use crate::stage::{act, become_nobody};

/// `BPF_MAP_CREATE` of linux/bpf.h for an array, with its name at offset 28.
fn map() -> [u32; 18] {
    let mut attr = [0; 18];
    attr[..4].copy_from_slice(&[2, 4, 4, 1]);
    attr[7] = u32::from_le_bytes(*b"lwma");
    attr[8] = u32::from_le_bytes(*b"p\0\0\0");
    attr
}

pub(crate) const ALL: &[Scenario] = &[
    ("init_module/denied", |_| {
        become_nobody();
        act(|| fails(sys!(libc::SYS_init_module, c"image", 5, c"a=1 b=2"), libc::EPERM));
    }),
    ("finit_module/denied", |stage| {
        stage.file("some-module.ko.zst");
        let file = stage.open("some-module.ko.zst", libc::O_RDONLY);
        become_nobody();
        act(|| fails(sys!(libc::SYS_finit_module, file, c"", 0), libc::EPERM));
    }),
    ("delete_module/denied", |_| {
        become_nobody();
        act(|| fails(sys!(libc::SYS_delete_module, c"lw_none", libc::O_NONBLOCK), libc::EPERM));
    }),
    ("bpf/map", |_| {
        let attr = map();
        act(|| ok(sys!(libc::SYS_bpf, 0, &attr, size_of_val(&attr))));
    }),
    ("bpf/program", |_| {
        // BPF_PROG_LOAD of a socket filter that returns 0; the name is at offset 48.
        let code: [u64; 2] = [0xb7, 0x95];
        let mut attr = [0_u64; 9];
        attr[0] = 1 | 2 << 32;
        attr[1] = code.as_ptr().addr() as u64;
        attr[2] = c"GPL".as_ptr().addr() as u64;
        attr[6] = u64::from_le_bytes(*b"lw_prog\0");
        act(|| ok(sys!(libc::SYS_bpf, 5, &attr, size_of_val(&attr))));
    }),
    ("bpf/denied", |_| {
        let attr = map();
        become_nobody();
        // Tracing programs are for the privileged, whatever kernel.unprivileged_bpf_disabled says.
        let mut program = attr;
        program[0] = 5;
        act(|| fails(sys!(libc::SYS_bpf, 5, &program, size_of_val(&program)), libc::EPERM));
    }),
];
