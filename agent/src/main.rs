//! Lapwing.
fn main() {}
