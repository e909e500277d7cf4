//! What is found out about a way beside its times, in a run that is not timed: memory and events.

use std::ffi::OsString;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;

use super::files::{Files, Seen};
use super::way::Way;
use crate::run;

/// How often memory is looked at. The peak only rises, so all that is missed is its last rise.
const PERIOD: Duration = Duration::from_millis(2);

/// `BPF_MAP_TYPE_RINGBUF` of linux/bpf.h.
const RING: u64 = 27;

/// What a way does, apart from taking time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// The tool's own; none where there is no tool.
    pub(crate) peak_kib: Option<u64>,
    /// Size of all rings that the tool has, by the kernel.
    pub(crate) rings_kib: u64,
    pub(crate) seen: Seen,
}

pub(super) fn at(way: &Way, inner: &[OsString], files: &Files) -> anyhow::Result<Look> {
    let mut look = Look::default();
    let mut command = way.command(inner, files)?;
    run::sampled(&mut command, PERIOD, |pid| {
        if way.program.is_some() {
            look.peak_kib = look.peak_kib.max(run::kib(pid, "VmHWM"));
            // They are all made before anything runs, so the first sight that is not of none comes soon.
            look.rings_kib = look.rings_kib.max(rings_kib(pid));
        }
    })
    .with_context(|| files.said())?;
    look.seen = files.seen(way.kind)?;
    files.remove_events()?;
    Ok(look)
}

/// The size of the rings that a process has descriptors of.
fn rings_kib(pid: u32) -> u64 {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fdinfo")) else { return 0 };
    let texts = descriptors.flatten().filter_map(|descriptor| fs::read_to_string(descriptor.path()).ok());
    texts.map(|text| ring_bytes(&text)).sum::<u64>() / 1024
}

/// Of a descriptor, by its `fdinfo`: a ring's entries are bytes.
fn ring_bytes(text: &str) -> u64 {
    let member = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        value.trim().parse::<u64>().ok()
    };
    if member("map_type") == Some(RING) { member("max_entries").unwrap_or(0) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rings_count_as_rings() {
        let ring = "pos:\t0\nflags:\t02000002\nmap_type:\t27\nkey_size:\t0\nmax_entries:\t8388608\n";
        assert_eq!(ring_bytes(ring), 8 << 20);
        assert_eq!(ring_bytes(&ring.replace("27", "2")), 0);
        assert_eq!(ring_bytes("pos:\t0\n"), 0);
    }
}
