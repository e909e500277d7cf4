//! Processes: what is known of each, and the cache that follows them from fork to exit.

mod arguments;
mod cache;
mod counters;
mod credentials;
pub mod dump;
mod entry;
mod environment;
mod image;
mod lineage;
mod mark;
mod options;
mod resolve;
mod scrub;
mod sweep;
mod version;

pub use arguments::{ArgumentLimits, Arguments};
pub use cache::{Cache, Limits};
pub use counters::Counters;
pub use credentials::Credentials;
pub use entry::{Process, Source};
pub use environment::{Environment, Keep};
pub use image::Image;
pub use lineage::{BrokenLineage, Lineage};
pub use mark::Mark;
pub use options::Convention;
pub(crate) use resolve::Reach;
pub use resolve::{Lookup, Resolver, Scope};
pub use sweep::Sweep;

#[cfg(test)]
mod tests;
