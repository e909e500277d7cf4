//! What only the host can tell about what was observed.
//!
//! An observation says numbers; what they mean stands in files of the host or of a container. Each resolver is one
//! such question, behind a trait of `common`'s or of its own, so that whoever asks can be tested without a host.
//! Containers are not trusted: what is read of theirs is bounded, never leads out of their root, and is read by a
//! thread that nobody waits for long.

pub(crate) mod accounts;
