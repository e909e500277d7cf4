//! Under which names a tracer tells an agent what its filters have done.

use alloc::format;
use alloc::string::String;

use crate::event::EventType;

/// The name of such a counter, of one type of events alone.
#[must_use]
pub fn of_type(name: &str, event: EventType) -> String {
    format!("{name}.{event}")
}

/// Events that nothing approved.
pub const REJECTED: &str = "filters.rejected";
/// Events that something approved.
pub const APPROVED: &str = "filters.approved";
/// Events that were discarded.
pub const DISCARDED: &str = "filters.discarded";
/// Discarders that were added.
pub const DISCARDERS: &str = "filters.discarders";
/// 1 if no discarders are taken.
pub const REFUSES: &str = "filters.refuses";
