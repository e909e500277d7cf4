//! Security profiles: one that a command is held against, and `lapwing security-profile`.
//!
//! What is normal and what departs from it is decided in `lapwing_common::profile`; here are files, and what they become
//! for other tools.

mod guard;

pub(crate) use guard::Guard;
