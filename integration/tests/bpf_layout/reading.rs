//! Tests of the reader and of the comparison themselves.

use crate::btf::{Error, Member, Struct, Structs};
use crate::encoded::{BIT_FIELDS, Encoded, kind};
use crate::layout::mirrors;

fn read(encoded: &Encoded) -> Result<Structs, Error> {
    Structs::parse(&encoded.bytes())
}

/// The struct `s`.
fn s(encoded: &Encoded) -> Struct {
    read(encoded).expect("readable BTF").get("s").cloned().expect("a struct s")
}

/// Name, offset and size in bits of each member.
fn members(of: &Struct) -> Vec<(&str, u64, u64)> {
    of.members.iter().map(|Member { name, offset, size }| (name.as_str(), *offset, *size)).collect()
}

#[test]
fn members_have_the_sizes_of_their_types() {
    let mut btf = Encoded::new();
    let (long, byte) = (btf.int(8), btf.int(1));
    let pointer = btf.add("", kind::POINTER, 0, 99, &[]);
    let constant = btf.add("", kind::CONST, 0, byte, &[]);
    let alias = btf.add("u8", kind::TYPEDEF, 0, constant, &[]);
    let bytes = btf.add("", kind::ARRAY, 0, 0, &[alias, byte, 3]);
    let rows = btf.add("", kind::ARRAY, 0, 0, &[bytes, byte, 2]);
    let choice = btf.add("choice", kind::ENUM, 2, 4, &[0, 0, 0, 1]);
    let large = btf.add("large", kind::ENUM64, 1, 8, &[0, 0, 1]);
    let float = btf.add("double", kind::FLOAT, 0, 8, &[]);
    let inner = btf.composite("inner", kind::STRUCT, 16, &[("x", long, 0)]);
    let all = [long, pointer, alias, bytes, rows, choice, large, float, inner];
    let listed: Vec<_> = all.iter().zip((0..).step_by(128)).map(|(of, at)| ("m", *of, at)).collect();
    btf.composite("s", kind::STRUCT, 200, &listed);
    let found = s(&btf);
    assert_eq!(found.size, 200);
    let sizes: Vec<_> = found.members.iter().map(|member| member.size / 8).collect();
    assert_eq!(sizes, [8, 8, 1, 3, 6, 4, 8, 8, 16]);
    let offsets: Vec<_> = found.members.iter().map(|member| member.offset / 8).collect();
    assert_eq!(offsets, [0, 16, 32, 48, 64, 80, 96, 112, 128]);
}

#[test]
fn bit_fields_have_their_size_beside_their_offset() {
    let mut btf = Encoded::new();
    let int = btf.int(4);
    let places = [("a", int, 3 << 24), ("b", int, 5 << 24 | 3), ("whole", int, 32)];
    btf.composite("s", kind::STRUCT | BIT_FIELDS, 8, &places);
    assert_eq!(members(&s(&btf)), [("a", 0, 3), ("b", 3, 5), ("whole", 32, 32)]);
}

#[test]
fn members_of_anonymous_ones_stand_in_their_place() {
    let mut btf = Encoded::new();
    let int = btf.int(4);
    let inner = btf.composite("", kind::STRUCT, 8, &[("low", int, 0), ("high", int, 32)]);
    let either = btf.composite("", kind::UNION, 8, &[("number", int, 0), ("", inner, 0)]);
    btf.composite("s", kind::STRUCT, 12, &[("first", int, 0), ("", either, 32)]);
    let structs = read(&btf).unwrap();
    let expected = [("first", 0, 32), ("number", 32, 32), ("low", 32, 32), ("high", 64, 32)];
    assert_eq!(members(structs.get("s").unwrap()), expected);
    assert_eq!(structs.get(""), None);
}

#[test]
fn what_is_between_structs_is_passed_over() {
    let mut btf = Encoded::new();
    let int = btf.int(4);
    btf.add("later", kind::FORWARD, 0, 0, &[]);
    let prototype = btf.add("", kind::PROTOTYPE, 2, int, &[0, int, 0, int]);
    btf.add("f", kind::FUNCTION, 1, prototype, &[]);
    let variable = btf.add("v", kind::VARIABLE, 0, int, &[1]);
    btf.add(".data", kind::SECTION, 1, 4, &[variable, 0, 4]);
    btf.add("tag", kind::DECLARATION_TAG, 0, variable, &[u32::MAX]);
    btf.composite("s", kind::STRUCT, 4, &[("a", int, 0)]);
    assert_eq!(members(&s(&btf)), [("a", 0, 32)]);
}

#[test]
fn what_is_not_btf_is_refused() {
    assert_eq!(Structs::parse(b""), Err(Error::Short));
    assert_eq!(Structs::parse(&[0; 24]), Err(Error::NoBtf));
    assert_eq!(Structs::of_object(b"no object"), Err(Error::NoSection));

    let mut btf = Encoded::new();
    let int = btf.int(4);
    btf.composite("s", kind::STRUCT, 4, &[("a", int, 0)]);
    let bytes = btf.bytes();
    for length in 0..bytes.len() {
        assert_eq!(Structs::parse(&bytes[..length]), Err(Error::Short), "of {length} bytes");
    }
}

#[test]
fn types_that_are_wrong_are_refused_and_do_not_go_round() {
    let refused = |add: fn(&mut Encoded) -> u32| {
        let mut btf = Encoded::new();
        add(&mut btf);
        read(&btf).unwrap_err()
    };
    assert_eq!(refused(|btf| btf.add("x", 31, 0, 0, &[])), Error::UnknownKind(31));
    assert_eq!(refused(|btf| btf.add("x", kind::STRUCT, 2, 8, &[0, 0, 0])), Error::Short);
    assert_eq!(refused(|btf| btf.composite("s", kind::STRUCT, 4, &[("a", 9, 0)])), Error::BadType(9));
    // A member of type void.
    assert_eq!(refused(|btf| btf.composite("s", kind::STRUCT, 4, &[("a", 0, 0)])), Error::BadType(0));
    // Types of themselves: a typedef, an anonymous member, an array.
    let alias = |btf: &mut Encoded| {
        let itself = btf.add("t", kind::TYPEDEF, 0, 1, &[]);
        btf.composite("s", kind::STRUCT, 4, &[("a", itself, 0)])
    };
    assert_eq!(refused(alias), Error::BadType(1));
    assert_eq!(refused(|btf| btf.composite("s", kind::STRUCT, 4, &[("", 1, 0)])), Error::BadType(1));
    let array = |btf: &mut Encoded| {
        let itself = btf.add("", kind::ARRAY, 0, 0, &[1, 1, u32::MAX]);
        btf.composite("s", kind::STRUCT, 4, &[("a", itself, 0)])
    };
    assert_eq!(refused(array), Error::BadType(1));
}

#[repr(C)]
struct Mirror {
    a: u64,
    r#type: u32,
    pad: [u8; 4],
}

/// What `Mirror` mirrors, but for the places and sizes that are passed.
fn mirrored(size: u32, place_of_type: u32, size_of_pad: u32) -> Structs {
    let mut btf = Encoded::new();
    let (long, int, byte) = (btf.int(8), btf.int(4), btf.int(1));
    let pad = btf.add("", kind::ARRAY, 0, 0, &[byte, byte, size_of_pad]);
    btf.composite("s", kind::STRUCT, size, &[("a", long, 0), ("type", int, place_of_type), ("pad", pad, 96)]);
    read(&btf).expect("readable BTF")
}

#[test]
fn a_true_mirror_passes() {
    mirrors!(&mirrored(16, 64, 4), "s", Mirror { a, r#type, pad });
}

#[test]
#[should_panic(expected = "C: 24 bytes, Rust: 16 bytes")]
fn another_size_is_found() {
    mirrors!(&mirrored(24, 64, 4), "s", Mirror { a, r#type, pad });
}

#[test]
#[should_panic(expected = "C: type at 4 of 4 bytes, Rust: type at 8 of 4 bytes")]
fn another_offset_is_found() {
    mirrors!(&mirrored(16, 32, 4), "s", Mirror { a, r#type, pad });
}

#[test]
#[should_panic(expected = "C: pad at 12 of 3 bytes, Rust: pad at 12 of 4 bytes")]
fn another_size_of_a_member_is_found() {
    mirrors!(&mirrored(16, 64, 3), "s", Mirror { a, r#type, pad });
}

#[test]
#[should_panic(expected = "C: pad at 12 of 4 bytes, Rust: nothing")]
fn a_member_that_the_mirror_lacks_is_found() {
    mirrors!(&mirrored(16, 64, 4), "s", Mirror { a, r#type });
}

#[test]
#[should_panic(expected = "the object has no such struct")]
fn a_struct_that_is_not_there_is_found() {
    mirrors!(&mirrored(16, 64, 4), "t", Mirror { a, r#type, pad });
}
