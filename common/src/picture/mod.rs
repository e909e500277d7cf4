//! Finished dumps for people: drawings, and what differs between two.
//!
//! Everything here goes by a [`Picture`]: a dump reduced to programs and, below each, lists of what it did. A
//! difference is a picture too, whose parts are marked, so that whatever can show a dump can show a difference.

mod compare;
mod dot;
mod escape;
mod model;
mod rename;
mod svg;

pub use compare::{Change, Tally, changes, compare, tally};
pub use dot::dot;
pub use model::{Category, Group, Item, Mark, Picture, Program};
pub use svg::svg;

#[cfg(test)]
mod tests;
