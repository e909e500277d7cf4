//! A description that was cut down does for programs what the whole one does.

use aya_obj::Object;

use super::super::object::OBJECT;
use super::*;

fn kernel() -> Option<Vec<u8>> {
    match fs::read(KERNEL) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            assert!(std::env::var_os("LAPWING_REQUIRE_ALL").is_none(), "skipped: {KERNEL}: {error}");
            None
        }
    }
}

fn adapted(types: &Btf) -> Vec<String> {
    let mut object = Object::parse(OBJECT).unwrap();
    object.relocate_btf(types).unwrap();
    object.functions.values().map(|function| format!("{:?}", function.instructions)).collect()
}

#[test]
fn programs_are_adapted_as_by_the_whole_description() {
    let Some(kernel) = kernel() else { return };
    let whole = Btf::parse(&kernel, Endianness::default()).unwrap();
    let (layouts, _) = Types::pieces(&kernel, OBJECT).unwrap();
    assert!(layouts.len() < kernel.len() / 10, "{} of {} bytes", layouts.len(), kernel.len());
    let layouts = Btf::parse(&layouts, Endianness::default()).unwrap();
    assert_eq!(adapted(&layouts), adapted(&whole));
}

#[test]
fn hooks_keep_their_numbers() {
    use aya_obj::btf::BtfKind;
    let Some(kernel) = kernel() else { return };
    let whole = Btf::parse(&kernel, Endianness::default()).unwrap();
    let types = Types::of_kernel(OBJECT).unwrap();
    for (name, kind) in [
        ("btf_trace_sys_exit", BtfKind::Typedef),
        ("btf_trace_sched_process_fork", BtfKind::Typedef),
        ("bpf_iter_task", BtfKind::Func),
    ] {
        let number = types.hooks.id_by_type_name_kind(name, kind).unwrap();
        assert_eq!(number, whole.id_by_type_name_kind(name, kind).unwrap(), "{name}");
    }
    assert!(types.hooks.id_by_type_name_kind("btf_trace_no_such_thing", BtfKind::Typedef).is_err());
}

#[test]
fn what_is_in_no_known_form_is_left_to_aya() {
    let Some(mut kernel) = kernel() else { return };
    assert!(Types::pieces(&kernel[..100], OBJECT).is_none(), "cut off");
    // The kind of the first type.
    let info = HEADER_LEN + 4;
    kernel[info + 3] = 31;
    assert!(Types::pieces(&kernel, OBJECT).is_none(), "a kind that does not exist");
    kernel[0] = 0;
    assert!(Types::pieces(&kernel, OBJECT).is_none(), "no magic number");
}

const HEADER_LEN: usize = section::HEADER_LEN;

#[test]
fn flavours_are_no_part_of_a_name() {
    assert_eq!(section::flavourless(b"inode___v6_6"), b"inode");
    assert_eq!(section::flavourless(b"inode__x"), b"inode__x");
    assert_eq!(section::flavourless(b""), b"");
}
