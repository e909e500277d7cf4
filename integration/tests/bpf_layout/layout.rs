//! Comparing a struct of C with its mirror in Rust.

use std::fmt::Write as _;

use crate::btf::Structs;

/// A field of the mirror: its name, its offset and its size, in bytes.
pub(crate) type Field = (&'static str, usize, usize);

/// Compares the struct `name` with a mirror of `size` bytes that has these fields, all of them, in C's order.
///
/// `mirrors!` writes the call. A field is missing where C has a member that the mirror does not name: padding
/// is named on both sides.
///
/// # Panics
///
/// With all differences, if there are any.
pub(crate) fn assert_layout(structs: &Structs, name: &str, size: usize, fields: &[Field]) {
    let differences = differences(structs, name, size, fields);
    assert!(differences.is_empty(), "struct {name} and its mirror in Rust differ:\n{differences}");
}

/// The size of a field, which `offset_of!` has no sister for. Only the types of the closure matter.
pub(crate) const fn size_of_field<T, F>(_field: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

/// `mirrors!(structs, "name_in_c", Mirror { field, other, r#type })`, every field in C's order.
macro_rules! mirrors {
    ($structs:expr, $name:literal, $mirror:ty { $($field:ident),+ $(,)? }) => {
        $crate::layout::assert_layout($structs, $name, size_of::<$mirror>(), &[$((
            stringify!($field),
            std::mem::offset_of!($mirror, $field),
            $crate::layout::size_of_field(|mirror: &$mirror| &mirror.$field),
        )),+])
    };
}
pub(crate) use mirrors;

fn differences(structs: &Structs, name: &str, size: usize, fields: &[Field]) -> String {
    let Some(found) = structs.get(name) else { return String::from("the object has no such struct\n") };
    let mut text = String::new();
    if found.size != size as u64 {
        let _ = writeln!(text, "C: {} bytes, Rust: {size} bytes", found.size);
    }
    let mut in_c: Vec<_> =
        found.members.iter().map(|member| describe(&member.name, member.offset, member.size)).collect();
    let mut in_rust: Vec<_> =
        fields.iter().map(|&(name, at, size)| describe(plain(name), bits(at), bits(size))).collect();
    let longer = in_c.len().max(in_rust.len());
    in_c.resize(longer, String::from("nothing"));
    in_rust.resize(longer, String::from("nothing"));
    for (in_c, in_rust) in in_c.iter().zip(&in_rust).filter(|(in_c, in_rust)| in_c != in_rust) {
        let _ = writeln!(text, "C: {in_c}, Rust: {in_rust}");
    }
    text
}

fn describe(name: &str, offset: u64, size: u64) -> String {
    match (offset % 8, size % 8) {
        (0, 0) => format!("{name} at {} of {} bytes", offset / 8, size / 8),
        _ => format!("{name} at bit {offset} of {size} bits"),
    }
}

/// A field's name as C has it, where it is a keyword of Rust.
fn plain(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}

fn bits(bytes: usize) -> u64 {
    bytes as u64 * 8
}
