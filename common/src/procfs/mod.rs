//! What the files of `/proc` say, parsed from their bytes.
//!
//! Both backends read these files, each with its own descriptors and buffers; what the texts mean is
//! said here once. Nothing is opened here. A text that the kernel did not write (cut, empty) gives
//! defaults or `None`, never a panic: processes end while they are read.

pub mod cgroup;
pub mod container;
pub mod fdinfo;
pub mod link;
pub mod maps;
pub mod mountinfo;
pub mod sockets;
pub mod stat;
pub mod status;
pub mod strings;
pub mod tty;

use core::str::FromStr;

/// `key: value` lines, white space around the value removed.
fn lines(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    })
}

fn number<T: FromStr>(text: &[u8]) -> Option<T> {
    core::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()
}

pub(crate) fn numbers<T: FromStr>(text: &[u8]) -> impl Iterator<Item = T> {
    text.split(u8::is_ascii_whitespace).filter_map(number)
}
