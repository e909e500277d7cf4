//! Decoding of layouts that differ between calls and interfaces. Each defect of the reference
//! implementation (B1 to B18) that lies in decoding has a test here that names it.

use alloc::vec::Vec;

use smallvec::SmallVec;

use super::decode;
use crate::event::{EventType, File, Payload, Quality, Text};
use crate::ids::{Pid, PidNs, Tid, Timestamp};
use crate::process::{Cache, Credentials, Limits};
use crate::record::{Record, SocketKind, Task};
use crate::syscall::{Arch, Layout, Slot, Syscall};

const TASK: Task = Task { pid: Pid(10), tid: Tid(10), namespace: PidNs(1), mark: None };

fn record(name: &str, arch: Arch, args: [u64; 6], result: i64) -> Record {
    Record { result, ..Record::new(Syscall::named(name).unwrap(), arch, args) }
}

fn with_data(mut record: Record, arg: u8, bytes: &[u8]) -> Record {
    record.data.push((arg, SmallVec::from_slice(bytes)));
    record
}

fn with_text(mut record: Record, arg: u8, text: &str) -> Record {
    record.texts.push((arg, Text { bytes: text.as_bytes().into(), truncated: false }));
    record
}

fn decoded(mut record: Record) -> Payload {
    let event = record.row.event_for(&record.args).unwrap();
    decode(&mut record, event, TASK, &Cache::new(Limits::default()))
}

fn words(values: &[u64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn halves(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn b4_setrlimit_and_prlimit64_have_different_layouts() {
    let raw = with_data(record("setrlimit", Arch::X86_64, [7, 1, 0, 0, 0, 0], 0), 1, &words(&[64, 128]));
    let Payload::Setrlimit(limit) = decoded(raw) else { unreachable!() };
    assert_eq!((limit.resource, limit.soft, limit.hard, limit.target_pid), (7, 64, 128, Pid(10)));
    let other = with_data(record("prlimit64", Arch::X86_64, [55, 7, 1, 0, 0, 0], 0), 2, &words(&[1, 2]));
    let Payload::Setrlimit(limit) = decoded(other) else { unreachable!() };
    assert_eq!((limit.resource, limit.soft, limit.hard, limit.target_pid), (7, 1, 2, Pid(55)));
    let narrow = with_data(record("setrlimit", Arch::I386, [7, 1, 0, 0, 0, 0], 0), 1, &halves(&[9, u32::MAX]));
    let Payload::Setrlimit(limit) = decoded(narrow) else { unreachable!() };
    assert_eq!((limit.soft, limit.hard), (9, u64::MAX));
}

/// Its programs have pointers of four bytes, but its calls are the native ones, and so are their structures.
#[test]
fn x32_has_the_native_layouts() {
    let limit = with_data(record("setrlimit", Arch::X32, [7, 1, 0, 0, 0, 0], 0), 1, &words(&[64, u64::MAX]));
    let Payload::Setrlimit(limit) = decoded(limit) else { unreachable!() };
    assert_eq!((limit.soft, limit.hard), (64, u64::MAX));
    for (call, arg, second) in [("utimes", 1, 5_000), ("futimesat", 2, 5_000), ("utimensat", 2, 5)] {
        let times = with_data(record(call, Arch::X32, [0; 6], 0), arg, &words(&[3, 5, 4, 6]));
        let Payload::Utimes(times) = decoded(times) else { unreachable!() };
        assert_eq!(times.accessed, Some(Timestamp(3_000_000_000 + second)), "{call}");
    }
    let times = with_data(record("utime", Arch::X32, [0; 6], 0), 1, &words(&[3, 4]));
    let Payload::Utimes(times) = decoded(times) else { unreachable!() };
    assert_eq!(times.modified, Some(Timestamp(4_000_000_000)));
    for layout in [Layout::Rlimit, Layout::Utimbuf, Layout::Timeval, Layout::Timespec] {
        assert_eq!(layout.size(Arch::X32), layout.size(Arch::X86_64));
        assert_eq!(2 * layout.size(Arch::I386), layout.size(Arch::X86_64));
    }
    assert_eq!(Layout::SockFprog.size(Arch::X32), 8, "its pointer is the program's");
}

#[test]
fn b5_symlinkat_has_its_own_layout() {
    let raw = record("symlinkat", Arch::Aarch64, [1, 5, 2, 0, 0, 0], 0);
    let mut raw = with_text(with_text(raw, 0, "../target"), 2, "link");
    raw.set_file(Slot::Destination, File::at(&b"/dir/link"[..]));
    raw.set_file(Slot::File, File::at(&b"/target"[..]));
    let Payload::Link(link) = decoded(raw) else { unreachable!() };
    assert!(link.symbolic);
    assert_eq!(&*link.path.unwrap().bytes, b"../target");
    assert_eq!(&*link.destination_path.unwrap().bytes, b"link");
    assert_eq!((&*link.file.path, &*link.destination.path), (&b"/target"[..], &b"/dir/link"[..]));
}

#[test]
fn b7_each_call_that_sets_times_has_its_unit() {
    let times = |name, arch, arg, bytes: &[u8]| {
        let mut args = [1; 6];
        args[5] = 0;
        let Payload::Utimes(utimes) = decoded(with_data(record(name, arch, args, 0), arg, bytes)) else {
            unreachable!()
        };
        (utimes.accessed, utimes.modified)
    };
    let at = |nanoseconds| Some(Timestamp(nanoseconds));
    assert_eq!(times("utime", Arch::X86_64, 1, &words(&[3, 4])), (at(3_000_000_000), at(4_000_000_000)));
    assert_eq!(times("futimesat", Arch::X86_64, 2, &words(&[3, 5, 4, 6])), (at(3_000_005_000), at(4_000_006_000)));
    assert_eq!(times("utimensat", Arch::X86_64, 2, &words(&[3, 5, 4, 6])), (at(3_000_000_005), at(4_000_000_006)));
    assert_eq!(times("utimensat", Arch::I386, 2, &halves(&[3, 5, 4, 6])), (at(3_000_000_005), at(4_000_000_006)));
    assert_eq!(times("utimensat_time64", Arch::I386, 2, &words(&[3, 5, 4, 6])), (at(3_000_000_005), at(4_000_000_006)));
    // UTIME_NOW and UTIME_OMIT stand in the nanoseconds.
    assert_eq!(times("utimensat", Arch::X86_64, 2, &words(&[0, (1 << 30) - 1, 0, (1 << 30) - 2])), (None, None));
}

#[test]
fn b9_a_remount_without_source_and_type_is_an_event() {
    let mut raw = with_text(record("mount", Arch::X86_64, [0, 2, 0, 0x21, 0, 0], 0), 1, "/mnt");
    raw.set_file(Slot::File, File::at(&b"/mnt"[..]));
    let Payload::Mount(mount) = decoded(raw) else { unreachable!() };
    assert_eq!((&*mount.mountpoint.path, &*mount.source, &*mount.fs_type), (&b"/mnt"[..], &b""[..], &b""[..]));
    assert_eq!(mount.flags, 0x21);
}

#[test]
fn a_bind_mount_is_of_type_bind() {
    let raw = with_text(record("mount", Arch::X86_64, [1, 2, 0, 0x1000, 0, 0], 0), 0, "/src");
    let Payload::Mount(mount) = decoded(raw) else { unreachable!() };
    assert_eq!((&*mount.source, &*mount.fs_type), (&b"/src"[..], &b"bind"[..]));
}

#[test]
fn b11_the_flags_of_a_socket_type_are_no_part_of_it() {
    let Payload::Socket(socket) = decoded(record("socket", Arch::X86_64, [2, 0o2_004_001, 6, 0, 0, 0], 3)) else {
        unreachable!()
    };
    assert_eq!((socket.domain, socket.kind, socket.protocol), (2, 1, 6));
}

#[test]
fn b12_an_option_means_something_only_at_its_level() {
    let filter = [8_u8, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    let option = |level| {
        let raw = with_data(record("setsockopt", Arch::X86_64, [3, level, 26, 1, 16, 0], 0), 3, &filter);
        let Payload::Setsockopt(option) = decoded(raw) else { unreachable!() };
        option.filter_len
    };
    assert_eq!(option(1), Some(8));
    assert_eq!(option(6), None);
}

#[test]
fn addresses_of_each_family() {
    let address = |bytes: &[u8]| {
        let Payload::Connect(connect) =
            decoded(with_data(record("connect", Arch::X86_64, [3, 1, 16, 0, 0, 0], 0), 1, bytes))
        else {
            unreachable!()
        };
        connect.address
    };
    let v4 = address(&[2, 0, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!((v4.family, v4.port, v4.ip), (2, 8080, Some([127, 0, 0, 1].into())));
    let mut v6 = [0; 28];
    (v6[0], v6[3], v6[23]) = (10, 53, 1);
    let v6 = address(&v6);
    assert_eq!((v6.family, v6.port, v6.ip), (10, 53, Some("::1".parse().unwrap())));
    assert_eq!(&*address(b"\x01\0/run/x.sock\0junk").path, b"/run/x.sock");
    assert_eq!(&*address(b"\x01\0\0abstract").path, b"@abstract");
    assert_eq!(address(&[1, 0]).path.len(), 0);
    assert_eq!((address(&[2, 0, 1]).family, address(&[2, 0, 1]).ip), (2, None));
    assert_eq!(address(&[2]).family, 0);
}

#[test]
fn an_address_that_cannot_be_read_still_has_its_sockets_family() {
    let mut raw = record("accept", Arch::X86_64, [3, 0, 0, 0, 0, 0], 4);
    raw.socket = Some(SocketKind { family: 10, kind: 1, protocol: 6 });
    let Payload::Accept(accept) = decoded(raw) else { unreachable!() };
    assert_eq!((accept.address.family, accept.address.ip), (10, None));
}

#[test]
fn sixteen_bit_ids_of_32_bit_calls() {
    let chown = |name, arch, uid, gid| {
        let Payload::Chown(chown) = decoded(record(name, arch, [1, uid, gid, 0, 0, 0], 0)) else { unreachable!() };
        (chown.uid, chown.gid)
    };
    assert_eq!(chown("chown", Arch::I386, 0xffff, 0x1_0005), (-1, 5));
    assert_eq!(chown("chown32", Arch::I386, 0xffff, 0xffff_ffff), (0xffff, -1));
    assert_eq!(chown("chown", Arch::X86_64, 0xffff, 0xffff_ffff), (0xffff, -1));
}

#[test]
fn credentials_are_those_in_force_after_success_and_those_asked_for_after_a_refusal() {
    let mut done = record("setreuid", Arch::X86_64, [0xffff_ffff, 1000, 0, 0, 0, 0], 0);
    done.credentials = Some(Credentials { uid: 5, euid: 1000, fsuid: 1000, ..Credentials::default() });
    let Payload::Setuid(setuid) = decoded(done) else { unreachable!() };
    assert_eq!((setuid.uid, setuid.euid, setuid.fsuid), (5, 1000, 1000));
    let Payload::Setuid(setuid) = decoded(record("setreuid", Arch::X86_64, [0xffff_ffff, 0, 0, 0, 0, 0], -1)) else {
        unreachable!()
    };
    assert_eq!((setuid.uid, setuid.euid, setuid.fsuid, setuid.retval), (-1, 0, -1, -1));
}

#[test]
fn capabilities_come_in_halves() {
    let raw = with_data(record("capset", Arch::X86_64, [1, 1, 0, 0, 0, 0], 0), 1, &halves(&[1, 2, 3, 4, 5, 6]));
    let Payload::Capset(capset) = decoded(raw) else { unreachable!() };
    assert_eq!((capset.effective, capset.permitted), (1 | 4 << 32, 2 | 5 << 32));
}

#[test]
fn openat2_passes_flags_and_mode_in_a_structure() {
    let raw = with_data(record("openat2", Arch::X86_64, [0, 1, 1, 24, 0, 0], 5), 2, &words(&[0o102, 0o640, 8]));
    let Payload::Open(open) = decoded(raw) else { unreachable!() };
    assert_eq!((open.flags, open.mode), (0o102, 0o640));
    let Payload::Open(open) = decoded(record("creat", Arch::X86_64, [1, 0o600, 0, 0, 0, 0], 5)) else { unreachable!() };
    assert_eq!((open.flags, open.mode), (0o1101, 0o600));
}

#[test]
fn a_splice_is_about_the_end_that_is_no_pipe() {
    let splice = |from: &str, to: &str| {
        let mut raw = record("splice", Arch::X86_64, [3, 0, 4, 0, 10, 1], 10);
        raw.set_file(Slot::File, File::at(from.as_bytes()));
        raw.set_file(Slot::Destination, File::at(to.as_bytes()));
        let Payload::Splice(splice) = decoded(raw) else { unreachable!() };
        splice.file.path
    };
    assert_eq!(&*splice("/etc/passwd", "pipe:[1]"), b"/etc/passwd");
    assert_eq!(&*splice("pipe:[1]", "/tmp/out"), b"/tmp/out");
    assert_eq!(&*splice("pipe:[1]", "pipe:[2]"), b"pipe:[1]");
}

#[test]
fn bpf_maps_and_programs() {
    let mut attr = [0_u8; 72];
    attr[0] = 2;
    attr[28..33].copy_from_slice(b"stats");
    let raw = with_data(record("bpf", Arch::X86_64, [0, 1, 72, 0, 0, 0], 3), 1, &attr);
    let Payload::Bpf(bpf) = decoded(raw) else { unreachable!() };
    let (kind, name) = bpf.map.unwrap();
    assert_eq!((bpf.command, kind, name.as_bytes(), bpf.program), (0, 2, &b"stats"[..], None));
}

#[test]
fn module_names() {
    let mut raw = record("finit_module", Arch::X86_64, [3, 1, 0, 0, 0, 0], 0);
    raw.set_file(Slot::File, File::at(&b"/lib/modules/6.1/kernel/nf-tables.ko.xz"[..]));
    let Payload::LoadModule(module) = decoded(raw) else { unreachable!() };
    assert_eq!(&*module.name, b"nf_tables");
    let Payload::LoadModule(module) = decoded(record("init_module", Arch::X86_64, [1, 10, 0, 0, 0, 0], -1)) else {
        unreachable!()
    };
    assert!(module.file.is_none());
}

#[test]
fn a_record_that_was_full_is_truncated() {
    let whole = record("chdir", Arch::X86_64, [1, 0, 0, 0, 0, 0], 0);
    assert!(!super::quality(&whole).contains(Quality::TRUNCATED));
    assert!(super::quality(&Record { cut: true, ..whole }).contains(Quality::TRUNCATED));
}

#[test]
fn every_row_decodes_without_any_capture() {
    for row in crate::syscall::CATALOGUE {
        for candidate in row.yields {
            for arch in [Arch::X86_64, Arch::I386] {
                for result in [0, -13] {
                    let mut record = Record { result, ..Record::new(row, arch, [0; 6]) };
                    let payload = decode(&mut record, candidate.event, TASK, &Cache::new(Limits::default()));
                    let by_engine = candidate.event == EventType::Exec;
                    assert_eq!(payload.event_type() == candidate.event, !by_engine, "{}", row.name);
                }
            }
        }
    }
}

/// Whether the target is there is nobody's concern: both backends show the same.
#[test]
fn the_target_of_a_symbolic_link_is_its_text_from_where_the_link_is() {
    let target = |text: &str| {
        let mut raw = with_text(record("symlink", Arch::X86_64, [0; 6], 0), 0, text);
        raw.set_file(Slot::Destination, File::at(&b"/a/b/link"[..]));
        let Payload::Link(link) = decoded(raw) else { unreachable!() };
        assert_eq!(link.path.as_ref().map(|text| &*text.bytes), Some(text.as_bytes()));
        alloc::string::String::from_utf8(link.file.path.into()).unwrap()
    };
    for (text, path) in [
        ("file", "/a/b/file"),
        ("../c//d/.", "/a/c/d"),
        ("/x/../y", "/y"),
        ("../../../..", "/"),
        ("/", "/"),
        ("", "/a/b"),
    ] {
        assert_eq!(target(text), path, "{text}");
    }
}
