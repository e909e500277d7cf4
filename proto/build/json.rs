//! serde attributes that make derived code read and write ProtoJSON.
//!
//! The mapping is by types only, so it follows from a descriptor: 64-bit numbers are strings, enums are names, and
//! a reader takes a field under either of its two names and `null` for a default. An unset message is `None`, which
//! serde writes as `null`, and members come in the order of their declaration, because prost keeps it.

use prost_build::Config;
use protox::prost_reflect::prost_types::field_descriptor_proto::{Label, Type};
use protox::prost_reflect::prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

/// Where the functions are that the attributes name.
const CODEC: &str = "crate::dumps::json";

/// Has the messages of a file derive serde's traits. Messages inside messages are not needed so far, and refused.
pub(crate) fn derive(config: &mut Config, file: &FileDescriptorProto) {
    let package = file.package();
    for message in &file.message_type {
        let path = format!(".{package}.{}", message.name());
        config.message_attribute(&path, "#[derive(::serde::Serialize, ::serde::Deserialize)] #[serde(default)]");
        assert!(message.nested_type.iter().all(is_map_entry), "{path}: a message of its own, please");
        for field in &message.field {
            let (name, alias) = (field.name(), field.json_name());
            let field_path = format!("{path}.{name}");
            if alias != name {
                config.field_attribute(&field_path, format!("#[serde(alias = \"{alias}\")]"));
            }
            config.field_attribute(field_path, format!("#[serde({})]", codec(field, message)));
        }
    }
}

/// What a map is to protobuf: a repeated message of key and value.
fn is_map_entry(message: &DescriptorProto) -> bool {
    message.options.as_ref().is_some_and(|options| options.map_entry())
}

fn codec(field: &FieldDescriptorProto, message: &DescriptorProto) -> String {
    let repeated = field.label() == Label::Repeated;
    if field.proto3_optional() {
        // Go's library leaves out what has presence and is not there, even where it writes defaults.
        let reader = if field.r#type() == Type::Uint32 { "optional_number" } else { "nullable" };
        return format!("skip_serializing_if = \"Option::is_none\", deserialize_with = \"{CODEC}::{reader}\"");
    }
    match field.r#type() {
        Type::Message if !repeated => String::from("default"),
        Type::String | Type::Bool | Type::Message => format!("deserialize_with = \"{CODEC}::nullable\""),
        Type::Uint32 | Type::Int32 if repeated => format!("deserialize_with = \"{CODEC}::numbers\""),
        Type::Uint32 | Type::Int32 => format!("deserialize_with = \"{CODEC}::number\""),
        Type::Uint64 | Type::Sint64 if !repeated => format!("with = \"{CODEC}::wide\""),
        Type::Enum if !repeated => {
            let name = field.type_name().rsplit('.').next().unwrap_or_default();
            format!("with = \"{CODEC}::{}\"", name.chars().map(lower).collect::<String>())
        }
        other => unreachable!("{}.{}: no codec for {other:?}", message.name(), field.name()),
    }
}

/// `GenerationType` is the module `generationtype`.
fn lower(letter: char) -> char {
    letter.to_ascii_lowercase()
}
