//! Measuring tools side by side: what `lapwing compare` and the benchmarks share.
//!
//! In which [`order`] runs take turns so that drift cancels, the [`statistics`] of times with a floor and a tail, and
//! which [`peers`] there are, with options under which they do about what Lapwing does.

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod order;
pub mod peers;
pub mod statistics;
