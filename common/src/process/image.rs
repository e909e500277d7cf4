//! The program that a process runs.

use super::{Arguments, Environment};
use crate::event::File;

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
