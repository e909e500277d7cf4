//! Under which names a tracer tells an agent what its filters have done.

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
