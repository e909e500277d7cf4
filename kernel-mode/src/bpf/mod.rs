//! BPF by way of aya, which is named in this module and nowhere else.

mod attach;
mod error;
mod floor;
mod missed;
mod null_program;
mod object;
mod ring;
mod tables;
mod trial;
mod types;

pub use error::LoadError;
pub use floor::Floor;
pub(crate) use missed::MissedTable;
pub(crate) use object::{Object, Settings};
pub(crate) use ring::Ring;
pub use tables::TableError;
pub(crate) use tables::{FilterTables, Told};
pub(crate) use trial::{Trial, btf_tracepoint, lru_hash, probe_read_kernel, raw_tracepoint, ring_buffer, tracepoint};
pub(crate) use types::Types;
