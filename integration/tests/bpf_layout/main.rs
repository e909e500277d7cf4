//! The layout of what the eBPF programs and user space exchange, as the compiler of each side laid it out.
//!
//! C's side is read from the type information (BTF) of the committed object, so what is compared is what
//! runs, not two sources that look alike. Each mirror in Rust has a test in `abi`.

mod abi;
mod btf;
mod encoded;
mod layout;
mod reading;
