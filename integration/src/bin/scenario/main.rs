//! `scenario NAME DIR`: makes one system call, or a few that belong together, and nothing else of
//! interest between two marks.
//!
//! Each scenario prepares its ground in an empty directory, sets the first mark, acts, sets the second
//! one, and fails if the call did not end as it was meant to. What Lapwing has to say about it stands in
//! `tests/scenarios`. Names begin with the call: `openat/dirfd`. `--list` shows them.

mod attributes;
mod blind;
mod credentials;
mod foreign;
mod handles;
mod int80;
mod kernel;
mod linking;
mod memory;
mod mounts;
mod namespaces;
mod odd;
mod opening;
mod paths;
mod process;
mod programs;
mod raw;
mod signals;
mod sockets;
mod stage;
mod unix;
mod uring;

use std::ffi::OsString;
use std::process::ExitCode;

use stage::Stage;

/// A scenario and its name.
type Scenario = (&'static str, fn(&Stage));

const FAMILIES: &[&[Scenario]] = &[
    attributes::ALL,
    blind::ALL,
    credentials::ALL,
    foreign::ALL,
    handles::ALL,
    kernel::ALL,
    linking::ALL,
    memory::ALL,
    mounts::ALL,
    namespaces::ALL,
    odd::ALL,
    opening::ALL,
    process::ALL,
    programs::ALL,
    signals::ALL,
    sockets::ALL,
    unix::ALL,
    uring::ALL,
];

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]
fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let (name, directory) = match arguments.as_slice() {
        [list] if list == "--list" => {
            let single = FAMILIES.iter().flat_map(|family| family.iter().map(|(name, _)| (*name).to_owned()));
            single.chain(paths::names()).for_each(|name| println!("{name}"));
            return ExitCode::SUCCESS;
        }
        [name, directory] => (name, directory),
        _ => {
            eprintln!("usage: scenario NAME DIR");
            return ExitCode::from(2);
        }
    };
    let stage = Stage::new(directory);
    let name = name.to_string_lossy();
    match FAMILIES.iter().flat_map(|family| family.iter()).find(|(known, _)| *known == name) {
        Some((_, play)) => play(&stage),
        None if paths::play(&stage, &name) => {}
        None => {
            eprintln!("no such scenario: {name}");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
