//! The files of a run, and what they tell of it: which events there were, and which were lost.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::TempDir;

use super::way::Kind;

/// Where a run leaves what.
#[derive(Debug)]
pub(crate) struct Files {
    /// What a tool saw.
    pub(super) events: PathBuf,
    pub(super) stderr: PathBuf,
    /// What the clock or the caller wrote.
    pub(super) lap: PathBuf,
    /// What a shell runs.
    pub(super) script: PathBuf,
    _directory: TempDir,
}

/// What a tool saw and did not see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// How many events there were of each type, by the tool's own name of it.
    pub(crate) events: BTreeMap<String, u64>,
    /// What the tool says it lost, in its own words.
    pub(crate) losses: Vec<String>,
}

impl Seen {
    pub(crate) fn total(&self) -> u64 {
        self.events.values().sum()
    }

    /// The types of which there are not equally many, and how many there are here and there.
    pub(crate) fn differences(&self, other: &Self) -> Vec<(String, u64, u64)> {
        let types: BTreeMap<_, ()> = self.events.keys().chain(other.events.keys()).map(|event| (event, ())).collect();
        let count = |seen: &Self, event| seen.events.get(event).copied().unwrap_or(0);
        let pairs = types.into_keys().map(|event| (event.clone(), count(self, event), count(other, event)));
        pairs.filter(|(_, here, there)| here != there).collect()
    }
}

impl Files {
    pub(super) fn new() -> anyhow::Result<Self> {
        let directory = TempDir::new().context("cannot make a temporary directory")?;
        let file = |name| directory.path().join(name);
        Ok(Self {
            events: file("events.json"),
            stderr: file("stderr"),
            lap: file("lap"),
            script: file("workload.sh"),
            _directory: directory,
        })
    }

    /// Removes what was written, so that no later run waits for it to reach the disk.
    pub(super) fn remove_events(&self) -> anyhow::Result<()> {
        match fs::remove_file(&self.events) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", self.events.display()))
            }
            _ => Ok(()),
        }
    }

    /// What the last run left.
    pub(super) fn seen(&self, kind: Kind) -> anyhow::Result<Seen> {
        if !kind.sees() {
            return Ok(Seen::default());
        }
        let mut seen = Seen::default();
        let read = if kind.is_lapwing() { of_json } else { of_bpftrace };
        each_line(&self.events, |line| read(line, &mut seen))?;
        // bpftrace complains that it cannot raise a limit that it does not need.
        each_line(&self.stderr, |line| {
            if let Some(lost) = line.strip_prefix("lapwing: warning: lost: ") {
                seen.losses.push(lost.to_owned());
            }
        })?;
        Ok(seen)
    }

    /// What the last run wrote to standard error.
    pub(super) fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.stderr).unwrap_or_default()).trim().to_owned()
    }
}

fn each_line(file: &Path, mut each: impl FnMut(&str)) -> anyhow::Result<()> {
    let context = || format!("cannot read {}", file.display());
    for line in BufReader::new(File::open(file).with_context(context)?).split(b'\n') {
        each(&String::from_utf8_lossy(&line.with_context(context)?));
    }
    Ok(())
}

/// `{"type":"open",…`
fn of_json(line: &str, seen: &mut Seen) {
    let event = line.strip_prefix("{\"type\":\"").and_then(|rest| rest.split_once('"'));
    *seen.events.entry(event.map_or("?", |(event, _)| event).to_owned()).or_default() += 1;
}

/// `TIME open …`, and `Lost 12 events`.
fn of_bpftrace(line: &str, seen: &mut Seen) {
    let mut words = line.split(' ');
    match (words.next(), words.next()) {
        (Some("Lost"), Some(_)) => seen.losses.push(line.to_owned()),
        (Some(_), Some(event)) => *seen.events.entry(event.to_owned()).or_default() += 1,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_by_type_and_losses_kept() {
        let files = Files::new().unwrap();
        fs::write(&files.events, "{\"type\":\"open\",\"x\":1}\n{\"type\":\"exec\"}\n{\"type\":\"open\"}\n").unwrap();
        fs::write(&files.stderr, "lapwing: warning: lost: 3 open events\nlapwing: other\n").unwrap();
        let seen = files.seen(Kind::Kernel).unwrap();
        assert_eq!((seen.total(), seen.events["open"], seen.events["exec"]), (3, 2, 1));
        assert_eq!(seen.losses, ["3 open events"]);
        fs::write(&files.events, "\n1 exec 2 sh\nLost 12 events\n3 exit 2 sh\n").unwrap();
        let seen = files.seen(Kind::Bpftrace).unwrap();
        assert_eq!((seen.total(), seen.losses[0].as_str()), (2, "Lost 12 events"));
        files.remove_events().unwrap();
        assert!(files.seen(Kind::Kernel).is_err());
        assert_eq!(files.seen(Kind::Native).unwrap(), Seen::default());
    }

    #[test]
    fn differences_go_both_ways() {
        let seen = |counts: &[(&str, u64)]| Seen {
            events: counts.iter().map(|(event, count)| ((*event).to_owned(), *count)).collect(),
            losses: Vec::new(),
        };
        let (here, there) = (seen(&[("exec", 1), ("open", 2)]), seen(&[("exec", 1), ("open", 3), ("mmap", 1)]));
        let expected = [("mmap".to_owned(), 0, 1), ("open".to_owned(), 2, 3)];
        assert_eq!(here.differences(&there), expected);
        assert!(here.differences(&here).is_empty());
    }
}
