//! The mirrors against the header itself.

use std::collections::BTreeMap;
use std::fmt::Debug;

use bitflags::Flags;
use lapwing_common::discard::{self, Mode};
use lapwing_common::event::EventType;
use lapwing_common::syscall::Place;
use zerocopy::{FromBytes as _, IntoBytes as _};

use super::*;

const HEADER: &str = concat!(
    include_str!("../../../bpf/include/abi/call.h"),
    include_str!("../../../bpf/include/abi/scope.h"),
    include_str!("../../../bpf/include/abi/record.h"),
    include_str!("../../../bpf/include/abi/count.h"),
    include_str!("../../../bpf/include/abi/filter.h"),
);

/// A header without its comments.
fn without_comments(header: &str) -> String {
    let mut text = String::new();
    let mut rest = header;
    while let Some((before, comment)) = rest.split_once("/*") {
        text.push_str(before);
        rest = comment.split_once("*/").unwrap().1;
    }
    text + rest
}

/// Constants of the header with plain numbers, and members of its enums.
fn constants(header: &str) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for line in header.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        if let ["#define", name, value] = words[..] {
            let value = value.strip_prefix("0x").map_or(value.parse(), |hex| u64::from_str_radix(hex, 16));
            found.insert(name.to_owned(), value.unwrap());
        }
    }
    found.extend(enums(header));
    found
}

fn enums(header: &str) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for body in header.split("\nenum ").skip(1) {
        let body = body.split_once('{').unwrap().1.split_once('}').unwrap().0;
        let mut next = 0;
        for member in body.split(',').map(str::trim).filter(|member| !member.is_empty()) {
            let (name, value) = member.split_once(" = ").map_or((member, next), |(name, v)| (name, v.parse().unwrap()));
            found.insert(name.to_owned(), value);
            next = value + 1;
        }
    }
    found
}

/// `AnyBit` to `ANY_BIT`.
fn screaming(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_uppercase());
    }
    out
}

fn codes<T: Copy + Debug + Into<N>, N: Into<u64>>(prefix: &str, all: &[T]) -> Vec<(String, u64)> {
    all.iter().map(|code| (prefix.to_owned() + &screaming(&format!("{code:?}")), (*code).into().into())).collect()
}

fn flags<F: Flags<Bits: Into<u64>>>(prefix: &str) -> Vec<(String, u64)> {
    F::FLAGS.iter().map(|flag| (prefix.to_owned() + flag.name(), flag.value().bits().into())).collect()
}

#[test]
fn constants_are_the_headers_and_none_is_missing() {
    let mut ours: BTreeMap<String, u64> = [
        ("LW_NUMBERS", NUMBERS.into()),
        ("LW_INTERFACES", INTERFACES.into()),
        ("LW_REDIRECTS", REDIRECTS.into()),
        ("LW_OPERATIONS", OPERATIONS.into()),
        ("LW_SETS", SETS.into()),
        ("LW_SET_BYTES", SET_BYTES as u64),
        ("LW_TESTS", TESTS as u64),
        ("LW_ERRORS", ERRORS as u64),
        ("LW_COUNTERS", COUNTERS.into()),
        ("LW_RINGS", RINGS as u64),
        ("LW_MADE_PROCESSES", MADE_PROCESSES.into()),
        ("LW_MADE_WORDS", MADE_WORDS as u64),
        ("LW_FILTERED", FILTERED as u64),
        ("LW_CELLS", CELLS.into()),
        ("LW_BASENAME", BASENAME as u64),
        ("LW_COMPONENT", COMPONENT as u64),
        ("LW_NAMED_LAST", NAMED_LAST.into()),
        ("LW_NAMED_ANY", NAMED_ANY.into()),
        ("LW_NAME_MARKS", NAME_MARKS as u64),
        ("LW_COMPONENT_MARKS", COMPONENT_MARKS as u64),
        ("LW_COMPONENTS", discard::MOST_BASENAMES as u64),
        ("LW_BEGAN_SHIFT", BEGAN_SHIFT.into()),
        ("LW_SLOT_ROOT", SLOT_ROOT.into()),
        ("LW_MISSED", MISSED.into()),
        ("LW_MISSED_BYTES", MISSED_BYTES as u64),
        ("LW_INODE_DISCARDERS", discard::MOST_INODES as u64),
        ("LW_PID_DISCARDERS", discard::MOST_PIDS as u64),
        ("LW_MOUNT_REVISIONS", discard::MOUNT_REVISIONS.into()),
        ("LW_BASENAMES", discard::MOST_BASENAMES as u64),
        ("LW_MODE_NO_FILTER", Mode::NoFilter as u64),
        ("LW_MODE_ACCEPT", Mode::Accept as u64),
        ("LW_MODE_DENY", Mode::Deny as u64),
        ("LW_TYPE_LINK", EventType::Link as u64),
        ("LW_TYPE_RENAME", EventType::Rename as u64),
        ("LW_TYPE_UNLINK", EventType::Unlink as u64),
        ("LW_TYPE_RMDIR", EventType::Rmdir as u64),
        ("LW_TYPE_SPLICE", EventType::Splice as u64),
        ("LW_TYPE_MOUNT", EventType::Mount as u64),
        ("LW_TYPE_UMOUNT", EventType::Umount as u64),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    ours.extend(codes::<_, u8>("LW_", Interface::ALL));
    ours.extend(codes::<_, u32>("LW_SCOPE_", ScopeKind::ALL));
    ours.extend(codes::<_, u32>("LW_HIERARCHY_", Hierarchy::ALL));
    ours.extend(codes::<_, u8>("LW_ROLE_", Role::ALL));
    ours.extend(codes::<_, u8>("LW_", Condition::ALL));
    ours.extend(codes::<_, u8>("LW_", Kind::ALL));
    ours.extend(codes::<_, u16>("LW_PART_", PartKind::ALL));
    ours.extend(codes::<_, u32>("LW_", Counter::ALL));
    ours.extend(codes::<_, u32>("LW_CELL_", Cell::ALL));
    ours.extend(codes::<_, u32>("LW_SET_", NumberSetOf::ALL));
    ours.extend(codes::<_, u32>("LW_ORDER_", Order::ALL));
    ours.extend(codes::<_, u32>("LW_ANSWER_", Answer::ALL));
    let places =
        Place::ALL.iter().map(|place| (format!("LW_PLACE_{}", screaming(&format!("{place:?}"))), *place as u64));
    ours.extend(places);
    ours.extend(flags::<OperationFlags>("LW_OPERATION_"));
    ours.extend(flags::<ArgumentFlags>("LW_ARG_"));
    ours.extend(flags::<CallFlags>("LW_CALL_"));
    ours.extend(flags::<PartFlags>("LW_PART_"));
    ours.extend(flags::<FileFlags>("LW_FILE_"));
    assert_eq!(ours, constants(&without_comments(HEADER)));
    assert!(HEADER.contains("#define LW_FIRST_OPERATION (LW_INTERFACES * LW_NUMBERS + LW_REDIRECTS)\n"));
    assert!(HEADER.contains("#define LW_DESCRIPTORS (LW_FIRST_OPERATION + LW_OPERATIONS)\n"));
}

/// Size of a type of the header; nested structures by their mirrors.
fn size_of_c(kind: &str, layouts: &[Layout]) -> usize {
    match kind {
        "unsigned char" | "char" => 1,
        "unsigned short" => 2,
        "unsigned int" => 4,
        "unsigned long long" | "long long" => 8,
        _ => {
            let name = kind.strip_prefix("struct ").unwrap_or_else(|| panic!("a type of unknown size: {kind}"));
            layouts.iter().find(|layout| layout.name == name).unwrap().size
        }
    }
}

/// Members of the header's structures with their offsets, which are sums since padding is explicit.
fn structures(header: &str, layouts: &[Layout]) -> BTreeMap<String, (usize, Vec<(String, usize)>)> {
    let mut found = BTreeMap::new();
    let constants = constants(header);
    for body in header.split("\nstruct ").skip(1) {
        let (name, body) = body.split_once(" {").unwrap();
        let body = body.split_once("};").unwrap().0;
        let (mut members, mut at) = (Vec::new(), 0);
        for declaration in body.split(';').map(str::trim).filter(|text| !text.is_empty()) {
            let declaration = declaration.split_whitespace().collect::<Vec<_>>().join(" ");
            let (first, others) = declaration.split_once(", ").unwrap_or((&declaration, ""));
            let (kind, first) = first.rsplit_once(' ').unwrap();
            for declarator in [first].into_iter().chain(others.split(", ").filter(|other| !other.is_empty())) {
                let (member, count) = declarator.split_once('[').unwrap_or((declarator, "1]"));
                let count = count.trim_end_matches(']');
                let count = count.parse().unwrap_or_else(|_| usize::try_from(constants[count]).unwrap());
                members.push((member.to_owned(), at));
                at += count * size_of_c(kind, layouts);
            }
        }
        found.insert(name.to_owned(), (at, members));
    }
    found
}

#[test]
fn members_are_the_headers_and_none_is_missing() {
    let layouts = [
        Argument::LAYOUT,
        Test::LAYOUT,
        Descriptor::LAYOUT,
        NumberSet::LAYOUT,
        Numbers::LAYOUT,
        Record::LAYOUT,
        Part::LAYOUT,
        FileHead::LAYOUT,
        Socket::LAYOUT,
        Operation::LAYOUT,
        Credentials::LAYOUT,
        Program::LAYOUT,
        InodeKey::LAYOUT,
        Discarder::LAYOUT,
        Policy::LAYOUT,
        Basename::LAYOUT,
        Component::LAYOUT,
        FilterCounts::LAYOUT,
        MadeKey::LAYOUT,
        Made::LAYOUT,
        MadeRecord::LAYOUT,
    ];
    let plain = |(name, at): &(&str, usize)| (name.trim_start_matches("r#").to_owned(), *at);
    let ours: BTreeMap<_, _> = layouts
        .iter()
        .map(|layout| (layout.name.to_owned(), (layout.size, layout.members.iter().map(plain).collect::<Vec<_>>())))
        .collect();
    assert_eq!(ours, structures(&without_comments(HEADER), &layouts));
}

#[test]
fn filters_measure_as_the_model_does() {
    assert_eq!(FILTERED, EventType::FILTERED);
    let discarders = without_comments(include_str!("../../../bpf/lib/discard.h"));
    assert!(discarders.contains(&format!("#define RETENTION {}ull\n", discard::RETENTION)));
}

#[test]
fn names_that_begin_alike_are_told_apart_by_their_length() {
    let marks = |add: fn(&mut Policy, &[u8]), name: &[u8]| {
        let mut policy = Policy::default();
        add(&mut policy, name);
        policy
    };
    for add in [Policy::add_name, Policy::add_component] {
        let (one, other) = (marks(add, b"shadow"), marks(add, b"shadows"));
        assert_ne!(one, other);
        assert_eq!(marks(add, b"abcdefgh-1"), marks(add, b"abcdefgh-2"), "eight bytes are looked at");
    }
    assert_eq!((marks(Policy::add_name, b"x").named, marks(Policy::add_component, b"x").named), (1, 2));
    assert_eq!(Component::new(&[b'x'; 40]).bytes, Component::new(&[b'x'; 31]).bytes);
}

#[test]
fn a_basename_has_room_for_its_end() {
    assert_eq!(Basename::new(b"ab").unwrap().bytes[..3], *b"ab\0");
    assert!(Basename::new(&[b'x'; 255]).is_some());
    assert_eq!(Basename::new(&[b'x'; 256]), None);
}

#[test]
fn a_set_has_the_bits_that_programs_look_at() {
    let mut set = NumberSet::EMPTY;
    for number in [0, 9, 1023, 1024 + 17] {
        set.insert(number);
    }
    assert_eq!((set.bits[0], set.bits[1], set.bits[2], set.bits[127]), (1, 2, 2, 0x80));
    assert_eq!(set.bits.iter().map(|byte| byte.count_ones()).sum::<u32>(), 4);
}

#[test]
fn counters_are_as_many_as_there_are_names() {
    assert_eq!(Counter::ALL.len(), COUNTERS as usize);
}

#[test]
fn scratch_memory_has_as_many_users_as_the_programs_say() {
    let maps = without_comments(include_str!("../../../bpf/lib/maps.h"));
    assert_eq!(enums(&maps)["USERS"], u64::from(SCRATCH_USERS));
    assert_eq!(enums(&maps)["MOVE"], u64::from(SCRATCH_USERS_OF_A_TREE));
    assert_eq!(enums(&maps)["URING_SUBMIT"], u64::from(SCRATCH_USERS_WITHOUT_URING));
}

#[test]
fn numbers_that_stand_for_nothing_are_errors() {
    assert_eq!(Kind::try_from(5), Ok(Kind::Call));
    assert_eq!(Kind::try_from(0), Err(UnknownValue { what: "kind of record", value: 0 }));
    assert_eq!(Record { kind: 10, ..Record::default() }.kind().unwrap_err().to_string(), "10 is no kind of record");
    assert_eq!(Part { kind: 10, ..Part::default() }.kind(), Ok(PartKind::Peer));
    assert!(Role::try_from(8).is_err() && Condition::try_from(6).is_err() && Interface::try_from(3).is_err());
}

#[test]
fn structures_survive_the_way_through_bytes() {
    let mut descriptor = Descriptor { row: 7, redirect: 3072, words: 6, ..Descriptor::default() };
    descriptor.flags = (CallFlags::ENABLED | CallFlags::INDIRECT).bits();
    descriptor.tests[5].value = u64::MAX;
    assert_eq!(Descriptor::read_from_bytes(descriptor.as_bytes()), Ok(descriptor));
    assert!(Record::read_from_prefix(&[0; 87]).is_err());
}

#[test]
fn interfaces_are_those_that_the_kernels_reach() {
    use lapwing_common::syscall::Arch;
    for kernel in [Arch::X86_64, Arch::Aarch64] {
        let mut ours: Vec<_> = Interface::ALL.iter().filter_map(|interface| interface.arch_on(kernel)).collect();
        let mut theirs = kernel.reachable().to_vec();
        ours.sort_unstable();
        theirs.sort_unstable();
        assert_eq!(ours, theirs);
    }
}
