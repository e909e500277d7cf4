//! What the tables make of real values, and what must hold of every table.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::*;
use crate::schema::{FlagSet, Symbols};
use crate::syscall::Arch;

const FLAG_SETS: &[&FlagSet] = &[
    &OPEN_FLAGS,
    &OPEN_FLAGS_ARM,
    &FILE_MODE,
    &MODE,
    &UNLINK_FLAGS,
    &RENAME_FLAGS,
    &CLONE_FLAGS,
    &CAPABILITIES,
    &PROTECTION,
    &MMAP_FLAGS,
    &MEMFD_FLAGS,
    &MOUNT_FLAGS,
    &UMOUNT_FLAGS,
    &SPLICE_FLAGS,
    &SOCKET_FLAGS,
    &MODULE_FLAGS,
];

const SYMBOLS: &[&Symbols] = &[
    &SIGNALS,
    &ERRNOS,
    &SOCKET_FAMILIES,
    &SOCKET_TYPES,
    &L4_PROTOCOLS,
    &SOCKOPT_LEVELS,
    &SOCKET_OPTIONS,
    &PRCTL_OPTIONS,
    &PTRACE_REQUESTS,
    &PTRACE_REQUESTS_AARCH64,
    &PTRACE_REQUESTS_ARM,
    &RLIMITS,
    &BPF_COMMANDS,
    &BPF_MAP_TYPES,
    &BPF_PROGRAM_TYPES,
    &BPF_ATTACH_TYPES,
    &EXIT_CAUSES,
];

fn show(set: &FlagSet, value: u64) -> String {
    let mut words = Vec::new();
    let mut rest = None;
    set.each(value, |name| words.push(name.to_string()), |bits| rest = Some(bits));
    words.extend(rest.map(|bits| format!("{bits:#x}")));
    words.join("|")
}

fn no_name_twice<'a>(table: &str, names: impl Iterator<Item = &'a str>) {
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    for pair in names.windows(2) {
        assert_ne!(pair[0], pair[1], "{table}");
    }
}

#[test]
fn open_flags_begin_with_the_access_mode() {
    for (value, shown) in [
        (0, "O_RDONLY"),
        (0o100 | 0o1 | 0o2_000_000, "O_WRONLY|O_CREAT|O_CLOEXEC"),
        (0o2 | 0o1_000 | 0o2_000, "O_RDWR|O_TRUNC|O_APPEND"),
        (0o3, "O_ACCMODE"),
        (0o4_000, "O_RDONLY|O_NONBLOCK"),
        (0o100_000_000, "O_RDONLY|0x1000000"),
    ] {
        assert_eq!(show(&OPEN_FLAGS, value), shown);
    }
}

#[test]
fn open_flags_name_a_combination_instead_of_its_parts() {
    assert_eq!(show(&OPEN_FLAGS, 0o4_010_000), "O_RDONLY|O_SYNC");
    assert_eq!(show(&OPEN_FLAGS, 0o10_000), "O_RDONLY|O_DSYNC");
    assert_eq!(show(&OPEN_FLAGS, 0o20_200_002), "O_RDWR|O_TMPFILE");
    assert_eq!(show(&OPEN_FLAGS, 0o200_000), "O_RDONLY|O_DIRECTORY");
    assert_eq!(show(&OPEN_FLAGS_ARM, 0o20_040_002), "O_RDWR|O_TMPFILE");
}

#[test]
fn open_flags_depend_on_the_architecture() {
    for (bit, x86, arm) in [
        (0o40_000, "O_DIRECT", "O_DIRECTORY"),
        (0o100_000, "O_LARGEFILE", "O_NOFOLLOW"),
        (0o200_000, "O_DIRECTORY", "O_DIRECT"),
        (0o400_000, "O_NOFOLLOW", "O_LARGEFILE"),
    ] {
        for arch in [Arch::X86_64, Arch::X32, Arch::I386] {
            assert_eq!(show(open_flags(arch), bit), format!("O_RDONLY|{x86}"));
        }
        for arch in [Arch::Aarch64, Arch::Arm] {
            assert_eq!(show(open_flags(arch), bit), format!("O_RDONLY|{arm}"));
        }
    }
}

#[test]
fn modes_name_type_and_each_permission() {
    assert_eq!(show(&FILE_MODE, 0o100_644), "S_IFREG|S_IRUSR|S_IWUSR|S_IRGRP|S_IROTH");
    assert_eq!(
        show(&FILE_MODE, 0o041_777),
        "S_IFDIR|S_ISVTX|S_IRUSR|S_IWUSR|S_IXUSR|S_IRGRP|S_IWGRP|S_IXGRP|S_IROTH|S_IWOTH|S_IXOTH"
    );
    // A socket's type holds the bits of a regular file's, a block device's those of a directory's.
    assert_eq!(show(&FILE_MODE, 0o140_000), "S_IFSOCK");
    assert_eq!(show(&FILE_MODE, 0o060_000), "S_IFBLK");
    assert_eq!(show(&FILE_MODE, 0), "");
    assert_eq!(show(&MODE, 0o4711), "S_ISUID|S_IRUSR|S_IWUSR|S_IXUSR|S_IXGRP|S_IXOTH");
    assert_eq!(show(&MODE, 0o100_400), "S_IRUSR|0x8000");
    assert_eq!(show(&MODE, 0), "");
}

#[test]
fn memory_flags_name_the_mapping_type_by_value() {
    assert_eq!(show(&PROTECTION, 0), "PROT_NONE");
    assert_eq!(show(&PROTECTION, 0x5), "PROT_READ|PROT_EXEC");
    assert_eq!(show(&PROTECTION, 0x80), "0x80");
    assert_eq!(show(&MMAP_FLAGS, 0x22), "MAP_PRIVATE|MAP_ANONYMOUS");
    assert_eq!(show(&MMAP_FLAGS, 0x8_0003), "MAP_SHARED_VALIDATE|MAP_SYNC");
    assert_eq!(show(&MMAP_FLAGS, 0x4_0022 | 21 << 26), "MAP_PRIVATE|MAP_ANONYMOUS|MAP_HUGETLB|MAP_HUGE_2MB");
    assert_eq!(show(&MMAP_FLAGS, 0x400_0022), "MAP_PRIVATE|MAP_ANONYMOUS|MAP_UNINITIALIZED");
    assert_eq!(show(&MMAP_FLAGS, 0x7), "0x7");
    assert_eq!(show(&MEMFD_FLAGS, 0x3), "MFD_CLOEXEC|MFD_ALLOW_SEALING");
}

#[test]
fn other_flags() {
    assert_eq!(show(&UNLINK_FLAGS, 0x200), "AT_REMOVEDIR");
    assert_eq!(show(&RENAME_FLAGS, 0x3), "RENAME_NOREPLACE|RENAME_EXCHANGE");
    assert_eq!(show(&CLONE_FLAGS, 0x1002_0000), "CLONE_NEWNS|CLONE_NEWUSER");
    assert_eq!(show(&CAPABILITIES, 1 << 40 | 1 << 21 | 1), "CAP_CHOWN|CAP_SYS_ADMIN|CAP_CHECKPOINT_RESTORE");
    assert_eq!(show(&CAPABILITIES, 1 << 41), "0x20000000000");
    assert_eq!(show(&MOUNT_FLAGS, 0x5001), "MS_RDONLY|MS_BIND|MS_REC");
    assert_eq!(show(&MOUNT_FLAGS, 0xc0ed_0001), "MS_MGC_VAL|MS_RDONLY");
    assert_eq!(show(&UMOUNT_FLAGS, 0xa), "MNT_DETACH|UMOUNT_NOFOLLOW");
    assert_eq!(show(&SPLICE_FLAGS, 0x5), "SPLICE_F_MOVE|SPLICE_F_MORE");
    assert_eq!(show(&SOCKET_FLAGS, 0o2_004_000), "SOCK_NONBLOCK|SOCK_CLOEXEC");
    assert_eq!(show(&MODULE_FLAGS, 0x6), "MODULE_INIT_IGNORE_VERMAGIC|MODULE_INIT_COMPRESSED_FILE");
}

#[test]
fn symbols_show_the_first_name_of_a_value() {
    for (table, value, name) in [
        (&SIGNALS, 6, "SIGABRT"),
        (&SIGNALS, 32, "SIGRTMIN"),
        (&SIGNALS, 34, "SIGRTMIN+2"),
        (&SIGNALS, 64, "SIGRTMAX"),
        (&ERRNOS, 11, "EAGAIN"),
        (&ERRNOS, 133, "EHWPOISON"),
        (&SOCKET_FAMILIES, 1, "AF_UNIX"),
        (&SOCKET_TYPES, 1, "SOCK_STREAM"),
        (&L4_PROTOCOLS, 6, "IP_PROTO_TCP"),
        (&SOCKOPT_LEVELS, 0, "IPPROTO_IP"),
        (&SOCKOPT_LEVELS, 1, "SOL_SOCKET"),
        (&SOCKET_OPTIONS, 26, "SO_ATTACH_FILTER"),
        (&PRCTL_OPTIONS, 15, "PR_SET_NAME"),
        (&RLIMITS, 7, "RLIMIT_NOFILE"),
        (&BPF_COMMANDS, 10, "BPF_PROG_TEST_RUN"),
        (&BPF_MAP_TYPES, 27, "BPF_MAP_TYPE_RINGBUF"),
        (&BPF_PROGRAM_TYPES, 29, "BPF_PROG_TYPE_LSM"),
        (&BPF_ATTACH_TYPES, 27, "BPF_LSM_MAC"),
        (&EXIT_CAUSES, 2, "SIGNALED"),
    ] {
        assert_eq!(table.name_of(value), Some(name));
    }
    assert_eq!(SIGNALS.name_of(0), None);
    assert_eq!(SIGNALS.name_of(65), None);
    // The two errors nobody defined: old aliases of EAGAIN and EDEADLK elsewhere.
    assert_eq!((1..=133).filter(|error| ERRNOS.name_of(*error).is_none()).collect::<Vec<_>>(), [41, 58]);
}

#[test]
fn ptrace_requests_depend_on_the_architecture() {
    let names = |request| {
        [Arch::X86_64, Arch::I386, Arch::Aarch64, Arch::Arm].map(|arch| ptrace_requests(arch).name_of(request))
    };
    assert_eq!(names(16), [Some("PTRACE_ATTACH"); 4]);
    assert_eq!(names(12), [Some("PTRACE_GETREGS"), Some("PTRACE_GETREGS"), None, Some("PTRACE_GETREGS")]);
    assert_eq!(names(33), [Some("PTRACE_SINGLEBLOCK"), Some("PTRACE_SINGLEBLOCK"), Some("PTRACE_PEEKMTETAGS"), None]);
}

#[test]
fn flag_tables_are_sound() {
    for set in FLAG_SETS {
        no_name_twice(set.name, set.flags.iter().map(|flag| flag.name));
        for (at, flag) in set.flags.iter().enumerate() {
            assert_eq!(flag.value & !flag.mask, 0, "{} can never apply", flag.name);
            let shown = show(set, flag.value);
            assert!(!shown.contains("0x"), "{} leaves bits unnamed: {shown}", flag.name);
            let earlier: u64 = set.flags[..at].iter().fold(0, |bits, earlier| bits | earlier.value);
            assert!(
                shown.split('|').any(|name| name == flag.name) || flag.value & !earlier == 0,
                "{} is hidden by {shown}",
                flag.name
            );
        }
    }
}

#[test]
fn symbol_tables_name_nothing_twice() {
    for table in SYMBOLS {
        no_name_twice(table.name, table.names.iter().map(|(_, name)| *name));
    }
}
