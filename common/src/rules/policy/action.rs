//! What a rule does when it matches.

use alloc::string::String;
use alloc::vec::Vec;

use crate::rules::eval::{Facts, Run, Scratch};
use crate::rules::program::{Cond, FieldRef, Num, Template};
use crate::rules::set::RuleSet;
use crate::rules::variables::{Owner, Scope, Source, VariableId, Variables};

/// An action that is left to whoever evaluates: rules themselves touch nothing outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a signal.
    Kill(Kill),
    /// Say something.
    Log {
        /// How loudly.
        level: LogLevel,
        /// What.
        message: String,
    },
    /// Hash a file.
    Hash {
        /// The field whose file is meant: `exec.file`.
        field: String,
        /// The largest file that is hashed; 0 for the usual bound.
        max_file_size: u64,
    },
}

/// A signal to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kill {
    /// Its number.
    pub signal: i32,
    /// To whom.
    pub target: Target,
}

/// Who gets a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The process.
    Process,
    /// Every process of its container.
    Container,
    /// Every process of its control group.
    Cgroup,
}

/// How loudly something is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// It failed.
    Error,
    /// Attention.
    Warn,
    /// By the way.
    Info,
    /// For who looks closely.
    Debug,
}

/// An action, compiled.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) filter: Option<Cond>,
    pub(super) what: Doing,
}

/// What it does.
#[derive(Debug)]
pub(super) enum Doing {
    Set(Set),
    Kill(Kill),
    Log(LogLevel, Template),
    Hash { field: String, max_file_size: u64 },
}

/// Setting a variable.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) id: VariableId,
    pub(super) scope: Scope,
    pub(super) scope_field: Option<FieldRef>,
    pub(super) append: bool,
    pub(super) source: Source,
}

impl Action {
    /// Takes the action, or says what is to be done.
    pub(super) fn take(
        &self,
        rules: &RuleSet,
        facts: &dyn Facts,
        variables: &mut Variables,
        scratch: &mut Scratch,
    ) -> Option<Effect> {
        let mut run = Run::new(&rules.program, &rules.declarations, variables, facts, scratch);
        if self.filter.as_ref().is_some_and(|filter| !run.holds(filter)) {
            return None;
        }
        match &self.what {
            Doing::Set(set) => {
                let data = set.source.data(&mut run)?;
                let owner = set.owner(&mut run, facts);
                variables.write(&rules.declarations, set.id, owner, data, set.append, facts.now());
                None
            }
            Doing::Kill(kill) => Some(Effect::Kill(*kill)),
            Doing::Log(level, template) => {
                let mut message = Vec::new();
                run.write(template, &mut message);
                Some(Effect::Log { level: *level, message: String::from_utf8_lossy(&message).into_owned() })
            }
            Doing::Hash { field, max_file_size } => {
                Some(Effect::Hash { field: field.clone(), max_file_size: *max_file_size })
            }
        }
    }
}

impl Set {
    fn owner(&self, run: &mut Run<'_, '_>, facts: &dyn Facts) -> Option<Owner> {
        let owner = facts.owner(self.scope);
        match (self.scope_field, owner) {
            (Some(field), Some(Owner::Process(mut key))) => {
                let pid = run.number(&Num::Field(field));
                key.pid = crate::ids::Pid(i32::try_from(pid).unwrap_or(0));
                Some(Owner::Process(key))
            }
            (_, owner) => owner,
        }
    }
}
