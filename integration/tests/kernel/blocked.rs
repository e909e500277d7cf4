//! Nobody reads the pipe that events go to.

use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;

use lapwing_integration::harness::Backend;
use lapwing_integration::run::anonymous;
use nix::sys::stat::Mode;

use super::flood::Flood;

/// How much memory of its own Lapwing may have then, in KiB. Its program is left out: those of tests are several times as
/// large as those that people use, whose peak the benchmarks compare with the same limit.
const MOST: u64 = 40 << 10;

/// Reads to the end.
fn rest(mut pipe: File) -> String {
    let mut text = String::new();
    pipe.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_command_is_not_held_up_and_losses_are_counted() {
    if !Backend::Kernel.is_available() {
        return;
    }
    let mut reader = None;
    let mut flood = Flood::start(|events| {
        nix::unistd::mkfifo(events, Mode::S_IRWXU).unwrap();
        // Lapwing waits for a reader when it opens the pipe. There is one, which does not read.
        reader = Some(OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(events).unwrap());
    });
    flood.rise();
    // The command has done all that it wanted, although no one has read anything.
    let own = anonymous(flood.lapwing.id()).unwrap();
    println!("{own} KiB of its own");
    assert!(own > 0 && own < MOST, "{own} KiB");
    flood.ebb();
    let pipe = reader.take().unwrap();
    let blocking = nix::fcntl::OFlag::empty();
    nix::fcntl::fcntl(&pipe, nix::fcntl::FcntlArg::F_SETFL(blocking)).unwrap();
    let reading = std::thread::spawn(|| rest(pipe));
    let counted = flood.counted(|_| reading.join().unwrap());
    assert_eq!(counted.seen + counted.lost, Flood::opens(), "{counted:?}");
    assert!(counted.lost > 0 && counted.seen > 0, "the rings held it all: {counted:?}");
}
