//! Each struct of `bpf/include/abi.h` against its mirror.

use std::sync::LazyLock;

use crate::btf::Structs;
use crate::layout::mirrors;

/// Of x86-64, whose ABI is that of every 64-bit processor for types of fixed size.
static STRUCTS: LazyLock<Structs> =
    LazyLock::new(|| Structs::of_object(include_bytes!("../../../bpf/lapwing.bpf.o")).expect("a readable object"));

#[repr(C)]
struct Counts {
    execs: u64,
    last_pid: u32,
    reserved: u32,
}

#[test]
fn counts() {
    mirrors!(&STRUCTS, "lapwing_counts", Counts { execs, last_pid, reserved });
}

/// Structs are laid out the same for every processor, or one mirror would not do.
#[test]
fn all_processors_have_the_same_abi() {
    let other = Structs::of_object(include_bytes!("../../../bpf/lapwing-aarch64.bpf.o")).expect("a readable object");
    assert_eq!(STRUCTS.get("lapwing_counts"), other.get("lapwing_counts"));
}
