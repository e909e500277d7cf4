//! Observations there and back, and what others may send.

mod hostile;
pub(crate) mod random;
mod round_trip;
