//! Both backends tell the same story of programs that people use.
//!
//! Every program runs once under each, on the same ground, and the two streams of events have to be the same but for
//! what `docs/compare.md` lists and `known.yaml` explains. See `lapwing_integration::equivalence`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper's failure is the test's")]

mod discarders;
mod ground;
mod matches;
mod programs;
mod scenarios;

use lapwing_integration::equivalence::{Known, Program, check};
use lapwing_integration::harness::Backend;
use lapwing_integration::need::{self, Need};

/// Differences that are written down.
const KNOWN: &str = include_str!("known.yaml");

fn known() -> Known {
    serde_saphyr::from_str(KNOWN).unwrap()
}

/// Compares, if both backends and all that the program needs are here.
fn same(program: &Program<'_>, needs: &[Need], installed: &[&str]) {
    if Backend::Kernel.is_available() && need::require(needs) && need::installed(installed) {
        check(program, &known()).unwrap_or_else(|problems| panic!("{problems}"));
    }
}

#[test]
fn every_known_difference_is_of_a_program_that_there_is() {
    let Known { events, dumps } = known();
    let events = events.into_iter().map(|row| (row.program, row.reason));
    for (program, reason) in events.chain(dumps.into_iter().map(|row| (row.program, row.reason))) {
        assert!(programs::NAMES.contains(&program.as_str()) || program == scenarios::NAME, "{program}");
        assert!(!reason.is_empty(), "{program}");
    }
}
