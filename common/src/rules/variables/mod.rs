//! Variables: what rules remember from one event for another.

mod declaration;
mod source;
mod store;

pub(crate) use declaration::{Builtin, Declaration, Declarations, VariableName};
pub use declaration::{Scope, VariableError};
pub(crate) use source::Source;
pub(crate) use store::{Data, Owner, Scalar, Variables};

/// The number of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct VariableId(pub(crate) u32);

/// How many elements a list keeps, unless an action says otherwise.
pub(crate) const DEFAULT_SIZE: usize = 100;

/// How many processes, containers or control groups have variables of their own, each.
pub(crate) const MOST_OWNERS: usize = 16_384;
