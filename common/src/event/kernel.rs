//! Events about the kernel itself: modules and BPF.

use alloc::boxed::Box;

use super::{File, Text};
use crate::names;
use crate::schema::group;
use crate::schema::{Embedded, Kind, Member, Record, Short, Value, field, worded};

/// `init_module`, `finit_module`.
#[derive(Clone, Debug)]
pub struct LoadModule {
    /// The file it came from; `None` from memory.
    pub file: Option<File>,
    /// Its name: that of the file without `.ko` and what follows. From memory it is not known.
    pub name: Box<[u8]>,
    /// Its parameters.
    pub parameters: Option<Text>,
    /// The result.
    pub retval: i64,
}

impl Record for LoadModule {
    const MEMBERS: &'static [Member<Self>] = &[
        group!("file", [Member::Inline(&Embedded { get: |event: &LoadModule| event.file.as_ref() })]),
        field("loaded_from_memory", Kind::Bool, "The image was passed in memory", |event| {
            Value::Bool(event.file.is_none())
        }),
        field("name", Kind::String, "Name of the module, from its file", |event| Value::text(&event.name)),
        field("args", Kind::String, "Parameters of the module", |event| {
            event.parameters.as_ref().map_or(Value::Absent, |text| Value::text(&text.bytes))
        }),
        field("args_truncated", Kind::Bool, "There were more parameters", |event| {
            Value::mark(event.parameters.as_ref().is_some_and(|text| text.truncated))
        }),
        retval!(),
    ];
}

/// `delete_module`.
#[derive(Clone, Debug)]
pub struct UnloadModule {
    /// Its name.
    pub name: Box<[u8]>,
    /// The result.
    pub retval: i64,
}

impl Record for UnloadModule {
    const MEMBERS: &'static [Member<Self>] =
        &[field("name", Kind::String, "Name of the module", |event| Value::text(&event.name)), retval!()];
}

/// `bpf`.
#[derive(Clone, Debug)]
pub struct Bpf {
    /// `BPF_*` command.
    pub command: i64,
    /// Type and name of the map that is created.
    pub map: Option<(i64, Short)>,
    /// Type, attach type and name of the program that is loaded.
    pub program: Option<(i64, i64, Short)>,
    /// The result.
    pub retval: i64,
}

impl Record for Bpf {
    const MEMBERS: &'static [Member<Self>] = &[
        worded("cmd", "cmd_str", Kind::Symbol(&names::BPF_COMMANDS), "Command", |event| {
            Value::Symbol(event.command, &names::BPF_COMMANDS)
        }),
        group!(
            "map",
            [
                worded("type", "type_str", Kind::Symbol(&names::BPF_MAP_TYPES), "Type of the map", |event: &Bpf| {
                    event.map.map_or(Value::Absent, |(kind, _)| Value::Symbol(kind, &names::BPF_MAP_TYPES))
                }),
                field("name", Kind::String, "Name of the map", |event: &Bpf| {
                    event.map.map_or(Value::Absent, |(_, name)| Value::Short(name))
                }),
            ],
        ),
        group!(
            "prog",
            [
                worded(
                    "type",
                    "type_str",
                    Kind::Symbol(&names::BPF_PROGRAM_TYPES),
                    "Type of the program",
                    |event: &Bpf| {
                        event.program.map_or(Value::Absent, |(kind, ..)| Value::Symbol(kind, &names::BPF_PROGRAM_TYPES))
                    }
                ),
                worded(
                    "attach_type",
                    "attach_type_str",
                    Kind::Symbol(&names::BPF_ATTACH_TYPES),
                    "Where the program expects to be attached",
                    |event: &Bpf| {
                        event
                            .program
                            .map_or(Value::Absent, |(_, attach, _)| Value::Symbol(attach, &names::BPF_ATTACH_TYPES))
                    },
                ),
                field("name", Kind::String, "Name of the program", |event: &Bpf| {
                    event.program.map_or(Value::Absent, |(.., name)| Value::Short(name))
                }),
            ],
        ),
        retval!(),
    ];
}
