//! A table of which fields of which messages are messages, and how large each is in memory.
//!
//! A file that is shorter than what it unfolds to has to be recognised before it is unfolded. The table is what a
//! scan of the bytes needs for that.

use std::fmt::Write as _;

use protox::prost_reflect::prost_types::field_descriptor_proto::Type;
use protox::prost_reflect::prost_types::{DescriptorProto, FileDescriptorProto};

/// Rust code for the table: `SHAPES`, and a constant with the index of each message.
pub(crate) fn table(file: &FileDescriptorProto) -> String {
    let prefix = format!(".{}.", file.package());
    // Maps are repeated messages of key and value, which have no type of their own in Rust.
    let entries = file.message_type.iter().flat_map(|message| {
        message.nested_type.iter().map(move |entry| (format!("{}.{}", message.name(), entry.name()), entry))
    });
    let all: Vec<(String, &DescriptorProto)> =
        file.message_type.iter().map(|message| (message.name().to_owned(), message)).chain(entries).collect();
    let index = |name: &str| all.iter().position(|(known, _)| Some(known.as_str()) == name.strip_prefix(&prefix));
    let mut code = String::from("static SHAPES: &[Shape] = &[\n");
    for (name, message) in &all {
        let size = if name.contains('.') {
            String::from("MAP_ENTRY")
        } else {
            format!("size_of::<super::{}>()", rust_name(name))
        };
        let members: Vec<String> = message
            .field
            .iter()
            .filter(|field| field.r#type() == Type::Message)
            .filter_map(|field| Some(format!("({}, {})", field.number(), index(field.type_name())?)))
            .collect();
        let _ = writeln!(code, "    // {name}\n    Shape {{ size: {size}, members: &[{}] }},", members.join(", "));
    }
    code.push_str("];\n");
    for (constant, name) in [("SEC_DUMP", "SecDump"), ("SECURITY_PROFILE", "SecurityProfile")] {
        let at = all.iter().position(|(known, _)| known == name).unwrap_or_default();
        let _ = writeln!(code, "pub(super) const {constant}: usize = {at};");
    }
    code
}

/// The name that prost gives a message: `DNSNode` is `DnsNode`, `event_type_state` is `EventTypeState`.
fn rust_name(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    let mut starts = true;
    for (at, letter) in letters.iter().copied().enumerate() {
        let after_upper = at > 0 && letters[at - 1].is_uppercase();
        let before_lower = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        match letter {
            '_' => starts = true,
            _ if starts || (letter.is_uppercase() && (!after_upper || before_lower)) => {
                out.extend(letter.to_uppercase());
                starts = false;
            }
            _ => out.extend(letter.to_lowercase()),
        }
    }
    out
}
