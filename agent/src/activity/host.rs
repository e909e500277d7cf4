//! What a dump says of the machine it was made on.

use std::fs;
use std::time::Duration;

use lapwing_common::ids::Timestamp;
use lapwing_proto::dumps::Metadata;

/// Letters of a dump's name that are random.
const RANDOM: usize = 10;

/// The machine's part of a dump's description.
pub(super) fn metadata() -> Metadata {
    let uname = rustix::system::uname();
    Metadata {
        agent_version: env!("CARGO_PKG_VERSION").into(),
        kernel_version: uname.release().to_string_lossy().into_owned(),
        linux_distribution: distribution(),
        arch: uname.machine().to_string_lossy().into_owned(),
        protobuf_version: "v1".into(),
        ..Metadata::default()
    }
}

/// A name for a dump that no other has.
pub(super) fn dump_name() -> String {
    format!("activity-dump-{}", random())
}

/// The machine's name.
pub(super) fn name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// When the machine was booted, in nanoseconds since 1970.
pub(crate) fn boot() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME);
    let since = now.map_or(0, |now| u64::try_from(Duration::from(now).as_nanos()).unwrap_or(0));
    Timestamp::now().0.saturating_sub(since)
}

/// `PRETTY_NAME` of os-release(5).
fn distribution() -> String {
    let text = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    value.map_or_else(String::new, |value| value.trim_matches('"').to_owned())
}

/// Letters and digits that nobody has had before.
fn random() -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut bytes = [0; RANDOM];
    // Without them all names would be alike, and a second file be refused because it exists: said, not lost.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    bytes.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}
