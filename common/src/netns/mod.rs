//! Network namespaces, and the dump of them.
//!
//! The dump has the layout of the reference, whose users have tools for it: a JSON array, and the same as a graph.

mod dot;
mod json;
#[cfg(test)]
mod tests;

use alloc::string::String;
use alloc::vec::Vec;

pub use dot::write_dot;
pub use json::write_json;

use crate::ids::Timestamp;

/// A network namespace that is held open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    /// The number of its inode in nsfs, which is what the kernel calls it.
    pub id: u32,
    /// The descriptor that holds it open.
    pub handle: i32,
    /// Where it was opened: a magic link of a process that was in it.
    pub path: String,
    /// When it is let go of, unless it turns out to be in use.
    pub lonely_until: Option<Timestamp>,
    /// Its devices; `None` if nobody looked, or could.
    pub devices: Option<Vec<Device>>,
}

/// A network device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Its name: any bytes but a slash, a colon and white space.
    pub name: Vec<u8>,
    /// Its number, which is its own in the namespace.
    pub index: u32,
    /// Whether it has a hardware address other than zero.
    pub has_address: bool,
}

impl Device {
    /// Whether it says that the namespace is in use: it has an address, and nobody leaves it behind. A namespace has
    /// `lo` from the start, and some have `dummy` devices to their end.
    #[must_use]
    pub fn tells_of_use(&self) -> bool {
        self.has_address && !self.name.starts_with(b"lo") && !self.name.starts_with(b"dummy")
    }
}
