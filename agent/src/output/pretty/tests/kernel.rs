//! Lines about memory, the kernel and what is out of sight.

use lapwing_common::event::{Blind, BlindCause, Bpf, LoadModule, Mmap, Mprotect, UnloadModule};
use lapwing_common::schema::Short;

use super::shown;
use crate::output::sample::{file, text};

#[test]
fn memory() {
    let mmap = |file, flags| Mmap { file, protection: 5, flags, retval: 0 };
    assert_eq!(shown(mmap(Some(file("/lib/libc.so.6")), 2)), "mmap /lib/libc.so.6 PROT_READ|PROT_EXEC MAP_PRIVATE");
    assert_eq!(shown(mmap(None, 0x22)), "mmap (anonymous) PROT_READ|PROT_EXEC MAP_PRIVATE|MAP_ANONYMOUS");
    assert_eq!(shown(Mprotect { protection: 7, retval: -13 }), "mprotect PROT_READ|PROT_WRITE|PROT_EXEC EACCES");
}

#[test]
fn modules() {
    let load = |file, parameters| LoadModule { file, name: (*b"loop").into(), parameters, retval: -1 };
    assert_eq!(
        shown(load(Some(file("/lib/loop.ko")), text(b"max=1 b=2"))),
        "load_module /lib/loop.ko 'max=1 b=2' EPERM"
    );
    assert_eq!(shown(load(None, None)), "load_module (from memory) EPERM");
    assert_eq!(shown(UnloadModule { name: (*b"loop").into(), retval: 0 }), "unload_module loop");
}

#[test]
fn bpf() {
    let map = Bpf { command: 0, map: Some((1, Short::new(b"counts"))), program: None, retval: 5 };
    assert_eq!(shown(map), "bpf BPF_MAP_CREATE BPF_MAP_TYPE_HASH counts → 5");
    let program = Bpf { command: 5, map: None, program: Some((5, 0, Short::new(b"probe"))), retval: -1 };
    assert_eq!(shown(program), "bpf BPF_PROG_LOAD BPF_PROG_TYPE_TRACEPOINT probe EPERM");
}

#[test]
fn blind() {
    let blind = |cause, refused, retval| Blind { cause, refused, retval };
    assert_eq!(
        shown(blind(BlindCause::IoUring, false, 3)),
        "blind io_uring, whose operations are no system calls (may go unseen from here on)"
    );
    assert_eq!(
        shown(blind(BlindCause::IoUring, true, -1)),
        "blind io_uring, whose operations are no system calls (refused) EPERM"
    );
    assert!(shown(blind(BlindCause::CloneUntraced, false, 0)).starts_with("blind a child made with CLONE_UNTRACED"));
    assert!(shown(blind(BlindCause::ForeignAbi, false, 0)).starts_with("blind a call through an interface"));
}
