//! The harness of the integration tests.
//!
//! A test runs a program under Lapwing as its users do, by the command line, and looks at the events
//! that were written. Which backend saw them is a parameter: whatever one backend passes, every other
//! has to pass unchanged.

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod agent;
pub mod equivalence;
pub mod expect;
pub mod harness;
pub mod marker;
pub mod need;
pub mod run;
pub mod scenario;
pub mod tiny;
