//! Each struct of `bpf/include/abi` against its mirror, as the compiler laid it out in the object.

use std::sync::LazyLock;

use lapwing_kernel::abi::{
    Argument, Credentials, Descriptor, FileHead, Made, MadeKey, NumberSet, Operation, Part, Program, Record, Socket,
    Test,
};

use crate::btf::Structs;
use crate::layout::mirrors;

/// Of x86-64, whose ABI is that of every 64-bit processor for types of fixed size.
static STRUCTS: LazyLock<Structs> =
    LazyLock::new(|| Structs::of_object(include_bytes!("../../../bpf/lapwing.bpf.o")).expect("a readable object"));

#[test]
fn the_table_of_calls() {
    mirrors!(
        &STRUCTS,
        "lw_descriptor",
        Descriptor {
            flags,
            row,
            redirect,
            selector,
            pointer,
            words,
            tests_count,
            reads_count,
            r#type,
            first_type,
            flags_arg,
            errors,
            args,
            tests,
            reads,
            first_when,
            implied_flags,
            upheaval,
            result_slot,
            padding
        }
    );
    mirrors!(&STRUCTS, "lw_argument", Argument { role, slot, flags, at_flags, size, place, padding });
    mirrors!(&STRUCTS, "lw_number_set", NumberSet { bits });
    mirrors!(&STRUCTS, "lw_test", Test { condition, arg, padding, value });
}

#[test]
fn records_and_parts() {
    mirrors!(
        &STRUCTS,
        "lw_record",
        Record { size, kind, interface, row, time, pid, tid, unreadable, omitted, programs, began, result, args }
    );
    mirrors!(&STRUCTS, "lw_part", Part { kind, arg, flags, size });
    mirrors!(
        &STRUCTS,
        "lw_file",
        FileHead { inode, modified, changed, mount, uid, gid, links, magic, mode, flags, names, rest, filesystem }
    );
    mirrors!(&STRUCTS, "lw_socket", Socket { family, r#type, protocol, padding });
    mirrors!(
        &STRUCTS,
        "lw_credentials",
        Credentials { uid, gid, euid, egid, fsuid, fsgid, auid, padding, cap_effective, cap_permitted }
    );
    mirrors!(&STRUCTS, "lw_operation", Operation { token, flags, padding });
    mirrors!(&STRUCTS, "lw_made_key", MadeKey { tgid, interface });
    mirrors!(&STRUCTS, "lw_made", Made { since, pid, padding, numbers });
    mirrors!(&STRUCTS, "lw_program", Program { cgroups, cgroup_id, ppid, padding, comm, tty });
}

/// Structs are laid out the same for every processor, or one mirror would not do.
#[test]
fn all_processors_have_the_same_abi() {
    let other = Structs::of_object(include_bytes!("../../../bpf/lapwing-aarch64.bpf.o")).expect("a readable object");
    for name in ["lw_operation", "lw_descriptor", "lw_record", "lw_part", "lw_file", "lw_credentials", "lw_program"] {
        assert!(STRUCTS.get(name).is_some(), "{name}");
        assert_eq!(STRUCTS.get(name), other.get(name), "{name}");
    }
}
