//! The program that a process runs.

use super::{Arguments, Convention, Environment};
use crate::event::File;
use crate::schema::{Detail, Kind, Leaf, Member, Record, Reduced, Value, derived, group, leaf};

/// What exec put in place; shared by a process and the children it forks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// The executed file: a script if it is one.
    pub file: File,
    /// What runs the script.
    pub interpreter: Option<File>,
    /// Its arguments.
    pub arguments: Arguments,
    /// Its environment.
    pub environment: Environment,
}

impl Record for Image {
    const MEMBERS: &'static [Member<Self>] = &[
        group!(
            "interpreter",
            [group!(
                "file",
                [Member::Inline(&Reduced { get: |image: &Image| image.interpreter.as_ref(), full_from: Detail::Full })]
            )]
        ),
        full("args", Kind::String, "Arguments without the first, joined by spaces", |image| {
            Value::Joined(image.arguments.tail())
        }),
        full("argv", Kind::Strings, "Arguments without the first", |image| Value::Strings(image.arguments.tail())),
        derived("args_flags", Kind::Strings, "Flags: `-ln` gives l, n and ln, `--version` gives version", |image| {
            Value::Options(image.arguments.tail(), Convention::Flags)
        }),
        derived(
            "args_options",
            Kind::Strings,
            "Options with a value: `-T 8` gives T=8, `--width=8` width=8",
            |image| Value::Options(image.arguments.tail(), Convention::Options),
        ),
        full("args_truncated", Kind::Bool, "There were more or longer arguments", |image| {
            Value::mark(image.arguments.truncated)
        }),
        full("envs", Kind::Strings, "Names of the environment variables", |image| {
            Value::Strings(&image.environment.names)
        }),
        full("envp", Kind::Strings, "Environment variables whose values may be kept, as NAME=value", |image| {
            Value::Strings(&image.environment.kept)
        }),
        full("envs_truncated", Kind::Bool, "There were more or longer variables", |image| {
            Value::mark(image.environment.truncated)
        }),
    ];
}

/// A field that only an exec event shows; rules may use it with any.
const fn full(
    name: &'static str,
    kind: Kind,
    doc: &'static str,
    get: for<'a> fn(&'a Image) -> Value<'a>,
) -> Member<Image> {
    let leaf: Leaf<Image> = leaf(name, kind, doc, get);
    Member::Leaf(leaf.at(Detail::Full))
}
