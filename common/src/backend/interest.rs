//! What a backend may ask at a call, so as to let it pass.

use core::fmt::Debug;

use crate::event::{EventType, File};
use crate::ids::Timestamp;

/// Whoever knows of which paths nobody wants to hear. Unlike discarders this is about paths alone, so that nothing that
/// happens to files makes it wrong.
///
/// It is asked on a backend's thread while somebody waits for the answer.
pub trait Interest: Debug + Send + Sync {
    /// Whether nobody wants to hear of an event of this type about this path, whatever else is true of it.
    fn is_indifferent(&self, event: EventType, path: &[u8]) -> bool;

    /// Tells that a call about an existing file was let pass, and when.
    fn passed(&self, event: EventType, file: &File, at: Timestamp);
}
