//! The program that a process runs.

use alloc::sync::Arc;

use super::{Arguments, Convention, Environment};
use crate::event::File;
use crate::hashes::{Hashes, OfProgram};
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
    /// Its environment, in common with other programs that have the same.
    pub environment: Arc<Environment>,
    /// The hashes of its files.
    pub hashing: OfProgram,
}

pub(super) const HASHES: &str = "Hashes of the file, as in `sha256:6f3c…`, where files are hashed";
pub(super) const HASH_STATE: &str =
    "Whether there are hashes: done, pending, not_found, changed, too_big, unreadable or rate_limited";

pub(super) fn texts(hashes: Option<&Hashes>) -> Value<'_> {
    hashes.map_or(Value::Absent, |hashes| match hashes.texts() {
        [] => Value::Absent,
        texts => Value::Strings(texts),
    })
}

pub(super) fn state(hashes: Option<&Hashes>) -> Value<'_> {
    hashes.map_or(Value::Absent, |hashes| Value::Bytes(hashes.state().name().as_bytes()))
}

impl Image {
    /// The hashes of the executed file, where files are hashed.
    #[must_use]
    pub fn hashes(&self) -> Option<&Hashes> {
        self.hashing.file.get()
    }
}

impl Record for Image {
    const MEMBERS: &'static [Member<Self>] = &[
        group!(
            "interpreter",
            [group!(
                "file",
                [
                    Member::Inline(&Reduced {
                        get: |image: &Image| image.interpreter.as_ref(),
                        full_from: Detail::Full
                    }),
                    full("hashes", Kind::Strings, HASHES, |image| texts(image.hashing.interpreter.get())),
                    full("hash_state", Kind::String, HASH_STATE, |image| state(image.hashing.interpreter.get())),
                ]
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
