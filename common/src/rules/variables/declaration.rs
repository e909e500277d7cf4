//! Which variables there are: actions declare them by setting them.

use alloc::boxed::Box;
use alloc::vec::Vec;

use hashbrown::HashMap;
use thiserror::Error;

use super::{Data, VariableId};
use crate::rules::catalogue::Ty;

/// Whose a variable is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// There is one for all.
    #[default]
    Global,
    /// Each process has its own.
    Process,
    /// Each container has its own.
    Container,
    /// Each control group has its own.
    Cgroup,
}

impl Scope {
    /// What comes before the names of its variables.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Global => "",
            Self::Process => "process.",
            Self::Container => "container.",
            Self::Cgroup => "cgroup.",
        }
    }

    /// The scope of this name in a policy.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "" => Some(Self::Global),
            "process" => Some(Self::Process),
            "container" => Some(Self::Container),
            "cgroup" => Some(Self::Cgroup),
            _ => None,
        }
    }
}

/// A variable, as the actions that set it agree on it.
#[derive(Clone, Debug)]
pub(crate) struct Declaration {
    /// With its scope's prefix.
    pub(crate) name: Box<str>,
    pub(crate) ty: Ty,
    pub(crate) scope: Scope,
    /// Nanoseconds after a write until it is unset; 0 for never.
    pub(crate) ttl: u64,
    /// Of a list.
    pub(crate) size: usize,
    pub(crate) private: bool,
    /// A process without one reads that of its nearest ancestor.
    pub(crate) inherited: bool,
    /// What it reads as while it is unset.
    pub(crate) default: Option<Data>,
}

/// Why a variable cannot be declared.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VariableError {
    /// Its name means something else.
    #[error("`{0}` is the name of a field or a constant")]
    NameTaken(Box<str>),
    /// Not a name.
    #[error("`{0}` is no name of a variable: letters, digits and `_`")]
    BadName(Box<str>),
    /// Another action declares it otherwise.
    #[error("`{name}` has another {what} in another action")]
    Conflict {
        /// The variable.
        name: Box<str>,
        /// What differs.
        what: &'static str,
    },
    /// An action has to say one thing.
    #[error("an action sets one of value, field and expression")]
    OneSource,
    /// Its type cannot be told.
    #[error("the type of `{0}` is not known: give a default_value")]
    NoType(Box<str>),
    /// Such values are not kept.
    #[error("{0} cannot be kept in a variable")]
    BadValue(&'static str),
    /// A list that replaces itself.
    #[error("a list field is appended to a variable: say `append: true`")]
    NeedsAppend,
    /// What only processes have.
    #[error("{0} goes with scope: process")]
    ProcessOnly(&'static str),
    /// Append to what is one value.
    #[error("`append` goes with lists, numbers and texts")]
    BadAppend,
}

/// What a name in braces stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VariableName {
    Declared(VariableId),
    Builtin(Builtin),
}

/// What is always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    ProcessPid,
    /// A new random identifier each time.
    Uuid4,
}

/// All variables.
#[derive(Clone, Debug, Default)]
pub(crate) struct Declarations {
    all: Vec<Declaration>,
    by_name: HashMap<Box<str>, VariableId>,
}

impl Declarations {
    /// Declares a variable, or finds that it is declared alike.
    pub(crate) fn declare(&mut self, new: Declaration) -> Result<VariableId, VariableError> {
        if let Some(id) = self.by_name.get(&new.name) {
            let known = &mut self.all[id.0 as usize];
            let conflict = |what| Err(VariableError::Conflict { name: new.name.clone(), what });
            if known.ty != new.ty {
                return conflict("type");
            }
            if known.ttl != new.ttl {
                return conflict("ttl");
            }
            if known.private != new.private {
                return conflict("`private`");
            }
            if known.default.is_none() {
                known.default = new.default;
            }
            known.inherited |= new.inherited;
            known.size = known.size.max(new.size);
            return Ok(*id);
        }
        let id = VariableId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.by_name.insert(new.name.clone(), id);
        self.all.push(new);
        Ok(id)
    }

    pub(crate) fn find(&self, name: &str) -> Option<VariableName> {
        match name {
            "process.pid" => Some(VariableName::Builtin(Builtin::ProcessPid)),
            "builtins.uuid4" => Some(VariableName::Builtin(Builtin::Uuid4)),
            _ => self.by_name.get(name).copied().map(VariableName::Declared),
        }
    }

    /// The variable that actions set by this name.
    pub(crate) fn declared(&self, name: &str) -> Option<VariableId> {
        self.by_name.get(name).copied()
    }

    /// The variable that is declared as this one was in other policies.
    pub(crate) fn same(&self, other: &Declaration) -> Option<VariableId> {
        let id = self.declared(&other.name)?;
        let own = self.get(id)?;
        (own.ty == other.ty && own.scope == other.scope).then_some(id)
    }

    pub(crate) fn ty(&self, id: VariableId) -> Ty {
        self.all.get(id.0 as usize).map_or(Ty::Int, |declaration| declaration.ty)
    }

    pub(crate) fn get(&self, id: VariableId) -> Option<&Declaration> {
        self.all.get(id.0 as usize)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|declaration| &*declaration.name)
    }
}
