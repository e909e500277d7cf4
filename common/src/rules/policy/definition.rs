//! What a policy says, before anybody asks whether it makes sense.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::rules::SampleValue;

/// A policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySource {
    /// Its name, with `.policy`.
    pub name: String,
    /// What is in it.
    pub text: String,
}

impl PolicySource {
    /// Whether it is the one that others customise.
    #[must_use]
    pub fn is_default(&self) -> bool {
        self.name == "default.policy"
    }
}

/// Where in a file something stands: line and column from 1 on, and the byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1 on.
    pub line: usize,
    /// From 1 on, in characters.
    pub column: usize,
    /// From 0 on.
    pub offset: usize,
}

/// Something and where it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Located<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

/// One file, read.
#[derive(Clone, Debug, Default)]
pub(super) struct Document {
    pub(super) version: String,
    /// Policies that this one takes the place of.
    pub(super) replaces: Option<String>,
    pub(super) macros: Vec<MacroDefinition>,
    pub(super) rules: Vec<RuleDefinition>,
}

/// What becomes of a definition that another one precedes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Combine {
    Merge,
    Override,
}

/// A macro as it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct MacroDefinition {
    pub(super) place: Place,
    pub(super) id: String,
    pub(super) expression: Option<Located<String>>,
    pub(super) values: Vec<Located<String>>,
    pub(super) agent_version: Option<Located<String>>,
    pub(super) filters: Vec<Located<String>>,
    pub(super) combine: Option<Combine>,
}

/// A rule as it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct RuleDefinition {
    pub(super) place: Place,
    pub(super) id: String,
    pub(super) version: String,
    pub(super) expression: Option<Located<String>>,
    pub(super) description: String,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) product_tags: Vec<String>,
    pub(super) agent_version: Option<Located<String>>,
    pub(super) filters: Vec<Located<String>>,
    pub(super) disabled: bool,
    pub(super) combine: Option<Combine>,
    pub(super) override_fields: Vec<String>,
    pub(super) actions: Vec<Located<ActionDefinition>>,
    /// Nanoseconds.
    pub(super) every: Option<u64>,
    pub(super) limiter_token: Vec<Located<String>>,
    pub(super) silent: bool,
    pub(super) group_id: String,
    pub(super) priority: i64,
}

/// An action as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ActionDefinition {
    pub(super) filter: Option<Located<String>>,
    pub(super) what: What,
}

/// What an action does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Set(Box<SetDefinition>),
    Kill {
        signal: Located<String>,
        scope: String,
    },
    Log {
        level: String,
        message: String,
    },
    Hash {
        field: Option<Located<String>>,
        max_file_size: u64,
    },
    /// Known, and not done by Lapwing.
    Unsupported(&'static str),
}

/// What `set` says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SetDefinition {
    pub(super) name: String,
    pub(super) value: Option<SampleValue>,
    pub(super) field: Option<Located<String>>,
    pub(super) expression: Option<Located<String>>,
    pub(super) default: Option<SampleValue>,
    pub(super) append: bool,
    pub(super) scope: String,
    pub(super) scope_field: Option<Located<String>>,
    pub(super) size: Option<u64>,
    /// Nanoseconds.
    pub(super) ttl: u64,
    pub(super) private: bool,
    pub(super) inherited: bool,
}
