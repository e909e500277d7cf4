//! The promise, on random rules and a machine on which files are used and renamed at random.

use super::machine::{Disk, Tables};
use super::*;

const NAMES: [&str; 5] = ["a", "b", "passwd", "x.so", "c"];

fn path(random: &mut Random) -> String {
    (0..=random.below(4)).map(|_| format!("/{}", random.pick(&NAMES))).collect()
}

fn condition(random: &mut Random, event: &str, depth: usize) -> String {
    let some = |random: &mut Random| match random.below(5) {
        0 => format!("~\"{}/*\"", path(random)),
        1 => format!("~\"{}/**\"", path(random)),
        2 => format!("~\"/**/{}\"", random.pick(&NAMES)),
        3 => format!("~\"/*{}\"", path(random)),
        _ => format!("\"{}\"", path(random)),
    };
    match random.below(if depth == 0 { 7 } else { 10 }) {
        0..4 => {
            let members: Vec<_> = (0..=random.below(3)).map(|_| some(random)).collect();
            format!("{event}.file.path {} [{}]", random.pick(&["in", "in", "in", "not in"]), members.join(", "))
        }
        4 => format!("{event}.file.name == \"{}\"", random.pick(&NAMES)),
        5 => format!("{event}.file.name =~ \"*{}\"", random.pick(&[".so", "s*", "a"])),
        6 => format!("{event}.retval {} 1", random.pick(&["==", "!=", "<"])),
        7 => format!("!({})", condition(random, event, depth - 1)),
        choice => {
            let parts: Vec<_> = (0..2).map(|_| format!("({})", condition(random, event, depth - 1))).collect();
            parts.join(if choice == 8 { " || " } else { " && " })
        }
    }
}

/// A machine on which files are made, named and used at random.
struct Machine {
    disk: Disk,
    tables: Tables,
    random: Random,
}

impl Machine {
    fn any_path(&mut self) -> String {
        let at = self.random.below(self.disk.names.len().max(1));
        self.disk.names.keys().nth(at).cloned().unwrap_or_else(|| path(&mut self.random))
    }

    fn invalidate(&self, what: impl IntoIterator<Item = Invalidation>) {
        let mut discarders = self.tables.discarders.borrow_mut();
        for invalid in what {
            match invalid {
                Invalidation::Inode { inode, mount } => discarders.expire(inode, mount, self.tables.now()),
                Invalidation::Mount(mount) => discarders.bump_mount(mount),
                Invalidation::Mounts => discarders.bump_mounts(),
                Invalidation::Everything => discarders.flush(),
            }
        }
    }

    /// One call that gives a file another name or takes one away, as a backend follows it.
    fn change(&mut self) {
        let (from, to) = (self.any_path(), path(&mut self.random));
        let directory = self.disk.is_directory(&from);
        let exists = self.disk.names.contains_key(&from);
        let into_itself = to.starts_with(&format!("{from}/"));
        let replaced = self.disk.names.contains_key(&to) && !directory && !self.disk.is_directory(&to) && to != from;
        let (name, possible) = match self.random.below(6) {
            0 => ("unlink", exists && !directory),
            1 => ("rmdir", directory && self.disk.below(&from).is_empty()),
            2 => ("link", exists && !directory && self.disk.is_free(&to)),
            3 => ("rename", exists && !into_itself && (self.disk.is_free(&to) || replaced)),
            choice => {
                self.disk.make(&to, choice == 4);
                return;
            }
        };
        let row = Syscall::named(name).unwrap();
        let mut record = Record::new(row, Arch::X86_64, [0; 6]);
        record.set_file(Slot::File, self.disk.file(&from));
        record.set_file(Slot::Destination, self.disk.file(&to));
        let kind = row.event_for(&record.args).unwrap();
        self.invalidate(discard::before(&record, kind, self.disk.inode(&to).as_ref()));
        if !possible {
            return;
        }
        match name {
            "link" => {
                let inode = self.disk.names[&from];
                self.disk.names.insert(to.clone(), inode);
            }
            "rename" => self.disk.rename(&from, &to),
            _ => {
                self.disk.names.remove(&from);
            }
        }
        record.set_file(Slot::Destination, self.disk.file(&to));
        self.invalidate(discard::after(&record, kind, None));
    }

    /// Whether a backend would keep an event back.
    fn discards(&self, kind: EventType, path: &str) -> bool {
        let mut discarders = self.tables.discarders.borrow_mut();
        let mut matches = |path: &str, leaf: bool| {
            let inode = self.disk.names.get(path).copied().unwrap_or(0);
            discarders.matches(InodeKey { inode, mount: MOUNT, leaf }, kind, self.tables.now())
        };
        let above = parents(path.as_bytes());
        matches(path, true) || above.into_iter().any(|one| matches(core::str::from_utf8(one).unwrap(), false))
    }
}

/// Whoever looks at events does so late, and files have been renamed, linked, removed and made anew by then.
#[test]
fn nothing_that_a_rule_matches_is_discarded() {
    hold::<Discoverer>();
}

/// The same from afar: what is concluded is told, arrives later still, and is done by whoever knows nothing of rules.
/// Now and then the rules are others, and all is taken back; what was concluded from the last ones is then not told.
#[test]
fn nothing_that_a_rule_matches_is_discarded_from_afar() {
    hold::<Afar>();
}

/// Who finds discarders.
trait Finds: Default {
    /// Learns from an event, and returns how many discarders were added.
    fn learn(&mut self, rules: &Rules, event: &Event, machine: &mut Machine) -> usize;

    /// The rules are others.
    fn forget(&mut self);
}

impl Finds for Discoverer {
    fn learn(&mut self, rules: &Rules, event: &Event, machine: &mut Machine) -> usize {
        let found = self.consider(rules, event, &machine.tables, &mut &machine.disk).unwrap();
        usize::from(found.is_some())
    }

    fn forget(&mut self) {
        Self::forget(self);
    }
}

struct Afar {
    pace: Pace,
    verdicts: Verdicts,
    told: VecDeque<lapwing_proto::tracer::v1::Step>,
}

impl Default for Afar {
    fn default() -> Self {
        Self { pace: Pace::remembering(64), verdicts: Verdicts::default(), told: VecDeque::new() }
    }
}

impl Finds for Afar {
    fn learn(&mut self, rules: &Rules, event: &Event, machine: &mut Machine) -> usize {
        let concluded = self.pace.conclude(rules, &mut self.verdicts, event);
        self.told.extend(concluded.iter().map(session::conclusion_message));
        let mut added = 0;
        while self.told.len() > machine.random.below(10) {
            let Some(step) = self.told.pop_front() else { break };
            let done = session::apply(step, &machine.tables, &mut &machine.disk).unwrap();
            added += usize::from(matches!(done, session::Step::Discarded(..)));
        }
        added
    }

    fn forget(&mut self) {
        self.pace.forget();
        self.verdicts = Verdicts::default();
        self.told.clear();
    }
}

fn hold<F: Finds>() {
    let (mut discarded, mut matched, mut pushed) = (0, 0, 0);
    let rounds = std::env::var("LAPWING_ROUNDS").map_or(600, |rounds| rounds.parse().unwrap());
    for seed in 1..=rounds {
        let mut random = Random(seed * 0x9e37_79b9);
        let name = random.pick(&["open", "chmod"]);
        let conditions: Vec<_> = (0..=random.below(3)).map(|_| condition(&mut random, name, 1)).collect();
        let mut sets = [rules(&conditions), rules(&[condition(&mut random, name, 1)])];
        let mut memory = sets[0].memory(1);
        let mut machine = Machine { disk: Disk::default(), tables: Tables::default(), random };
        let (mut finder, mut late) = (F::default(), VecDeque::new());
        for step in 0..400 {
            let now = SECOND + step * 10_000_000 * (1 + seed % 20);
            machine.tables.now.set(now);
            if machine.random.below(4) == 0 {
                machine.change();
                continue;
            }
            if machine.random.below(100) == 0 {
                // Events that were on their way stay so, and are looked at with the new rules.
                sets.swap(0, 1);
                memory = sets[0].memory(1);
                finder.forget();
                machine.tables.flush().unwrap();
            }
            let rules = &sets[0];
            let path = machine.any_path();
            if !machine.disk.names.contains_key(&path) {
                continue;
            }
            let (file, retval) = (machine.disk.file(&path), i64::try_from(machine.random.below(3)).unwrap());
            let happened = match name {
                "open" => event(Open { retval, ..open(file, 0) }, now),
                _ => event(Chmod { file, mode: 0, path: None, retval }, now),
            };
            let mut matches = 0;
            rules.evaluate(&happened, &mut memory, &mut |_| matches += 1);
            matched += matches;
            if machine.discards(happened.event_type(), &path) {
                discarded += 1;
                assert_eq!(matches, 0, "seed {seed}, step {step}: {path} {conditions:#?}");
            } else if matches == 0 {
                late.push_back(happened);
            }
            while late.len() > machine.random.below(30) {
                let Some(event) = late.pop_front() else { break };
                pushed += finder.learn(rules, &event, &mut machine);
            }
        }
    }
    // Otherwise this would prove nothing.
    assert!(discarded > 500 && matched > 5000 && pushed > 150, "{discarded} {matched} {pushed}");
}
