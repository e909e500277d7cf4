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
    /// What the peak contains of mapped rings: about twice their size where a library maps each twice in a row, so
    /// that a record that goes over the end of a ring can be read in one piece.
    pub(crate) mapped_kib: u64,
    pub(crate) seen: Seen,
}

pub(super) fn at(way: &Way, inner: &[OsString], files: &Files) -> anyhow::Result<Look> {
    let mut look = Look::default();
    let mut command = way.command(inner, files)?;
    run::sampled(&mut command, PERIOD, |pid| {
        if way.program.is_some() {
            look.peak_kib = look.peak_kib.max(run::kib(pid, "VmHWM"));
            look.rings_kib = look.rings_kib.max(rings_kib(pid));
            let maps = fs::read_to_string(format!("/proc/{pid}/smaps")).unwrap_or_default();
            look.mapped_kib = look.mapped_kib.max(mapped_kib(&maps));
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

/// How much of BPF maps is mapped, by `smaps`, where a line with a path begins the members of a mapping. Of maps
/// only rings are.
fn mapped_kib(maps: &str) -> u64 {
    let mut is_ring = false;
    let mut sum = 0;
    for line in maps.lines() {
        match line.strip_prefix("Rss:") {
            Some(size) if is_ring => sum += size.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0),
            Some(_) => {}
            None if line.split_once(' ').is_some_and(|(first, _)| first.contains('-')) => {
                is_ring = line.ends_with("anon_inode:bpf-map");
            }
            None => {}
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mapped_rings_count_as_mapped() {
        let maps = "7f0-7f1 rw-s 00001000 00:0f 1063   anon_inode:bpf-map\nSize:  9 kB\nRss:  4 kB\nPss:  2 kB\n\
            7f1-7f2 rw-p 00000000 00:00 0   [heap]\nRss:  100 kB\n7f2-7f3 r--s 0 0:f 3   anon_inode:bpf-map\nRss:  8 kB\n";
        assert_eq!(mapped_kib(maps), 12);
        assert_eq!(mapped_kib(""), 0);
    }

    #[test]
    fn only_rings_count_as_rings() {
        let ring = "pos:\t0\nflags:\t02000002\nmap_type:\t27\nkey_size:\t0\nmax_entries:\t8388608\n";
        assert_eq!(ring_bytes(ring), 8 << 20);
        assert_eq!(ring_bytes(&ring.replace("27", "2")), 0);
        assert_eq!(ring_bytes("pos:\t0\n"), 0);
    }
}
