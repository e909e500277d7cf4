//! Users and groups, out of the `passwd` and `group` of each process's own root.
//!
//! Lapwing's own root is read at once, as by any program. The files of another root may lie on a file system that
//! a watched process serves, so they are read by a worker: the first time it is waited for, but not for long, and
//! never again while it hangs. A root is looked at anew once a second as long as something happens in it. No
//! descriptor of it is kept meanwhile: it would keep the file system of a container that is gone from being
//! unmounted.

mod files;
mod proc;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::HashMap;
use std::sync::Arc;

use lapwing_common::accounts::{Accounts, IdMap, Lookup};
use lapwing_common::ids::{Pid, PidNs, ProcessKey, Timestamp};

use files::{Files, Stamps};
use proc::{Proc, RootId, Roots};
use worker::{Job, Worker};

use super::numbering;

/// How long what a root's files said is taken to hold.
const FRESH: u64 = 1_000_000_000;
/// As many roots are remembered; past that the one goes that was asked for least lately.
const MOST_ROOTS: usize = 256;
/// As many roots may be met in a second: each costs reading two files.
const NEW_A_SECOND: u32 = 64;

/// Looks names up on this host.
#[derive(Debug)]
pub(crate) struct HostAccounts<R = Proc> {
    roots: R,
    /// That in which this host's `/proc` numbers processes.
    namespace: PidNs,
    own: Option<RootId>,
    /// What this process started, in its own root.
    command: Option<Pid>,
    numbers: HashMap<RootId, u64>,
    known: HashMap<u64, Root>,
    next: u64,
    worker: Worker,
    budget: Budget,
}

/// A root that processes have been seen to have.
#[derive(Debug)]
struct Root {
    id: RootId,
    accounts: Arc<Accounts>,
    stamps: Stamps,
    /// One of those whose root it is.
    pid: Pid,
    checked: Timestamp,
    used: Timestamp,
}

/// How many roots have been met in the second that began at `since`.
#[derive(Debug, Default)]
struct Budget {
    since: Timestamp,
    taken: u32,
}

impl HostAccounts {
    /// The accounts of the processes of this `/proc`; `None` if it does not belong to this process's pid namespace.
    pub(crate) fn new() -> Option<Self> {
        numbering().map(|namespace| Self::with(Proc, namespace))
    }
}

impl<R: Roots> HostAccounts<R> {
    /// Takes a command of this process's to have begun in its root: it may have ended before anybody looks.
    pub(crate) fn starting(self, command: Option<i32>) -> Self {
        Self { command: command.map(Pid), ..self }
    }

    fn with(roots: R, namespace: PidNs) -> Self {
        let own = roots.own();
        Self {
            roots,
            namespace,
            own,
            command: None,
            numbers: HashMap::new(),
            known: HashMap::new(),
            next: 0,
            worker: Worker::new(),
            budget: Budget::default(),
        }
    }

    /// Meets a root for the first time.
    fn meet(&mut self, id: RootId, pid: Pid, at: Timestamp) -> Option<Arc<Accounts>> {
        if !self.budget.take(at) {
            return None;
        }
        let mut accounts = Accounts { root: self.next, ..Accounts::default() };
        self.next += 1;
        let mut stamps = Stamps::default();
        if self.own == Some(id) {
            let read = files::read(self.roots.open_own().ok()?, stamps);
            apply(&mut accounts, &mut stamps, read);
        } else {
            (accounts.uid_map, accounts.gid_map) = self.roots.id_maps(pid);
            let job = Job { number: accounts.root, root: self.roots.open(pid).ok()?, stamps };
            for (number, read) in self.worker.ask_and_wait(job) {
                if number == accounts.root {
                    apply(&mut accounts, &mut stamps, read);
                } else {
                    self.learn(number, read);
                }
            }
        }
        self.make_room();
        let accounts = Arc::new(accounts);
        self.numbers.insert(id, accounts.root);
        let root = Root { id, accounts: Arc::clone(&accounts), stamps, pid, checked: at, used: at };
        self.known.insert(accounts.root, root);
        Some(accounts)
    }

    /// A root's files have been read again.
    fn learn(&mut self, number: u64, read: Files) {
        if let Some(root) = self.known.get_mut(&number) {
            let mut accounts = Accounts::clone(&root.accounts);
            if apply(&mut accounts, &mut root.stamps, read) {
                root.accounts = Arc::new(accounts);
            }
        }
    }

    /// Looks at a root again.
    fn check(&mut self, number: u64) {
        let Some(root) = self.known.get(&number) else { return };
        let stamps = root.stamps;
        if self.own == Some(root.id) {
            if let Ok(opened) = self.roots.open_own() {
                self.learn(number, files::read(opened, stamps));
            }
        } else if self.roots.of(root.pid) == Some(root.id)
            && let Ok(opened) = self.roots.open(root.pid)
        {
            // Where the process is gone, the next one that executes something there takes its place.
            self.worker.ask(Job { number, root: opened, stamps });
        }
    }

    fn make_room(&mut self) {
        if self.known.len() < MOST_ROOTS {
            return;
        }
        let oldest = self.known.iter().min_by_key(|(number, root)| (root.used, **number));
        if let Some((number, id)) = oldest.map(|(number, root)| (*number, root.id)) {
            self.known.remove(&number);
            self.numbers.remove(&id);
        }
    }
}

/// Takes over what was read anew, and tells whether there was anything.
fn apply(accounts: &mut Accounts, stamps: &mut Stamps, read: Files) -> bool {
    *stamps = read.stamps;
    let changed = read.users.is_some() || read.groups.is_some();
    if let Some(users) = read.users {
        accounts.users = users;
    }
    if let Some(groups) = read.groups {
        accounts.groups = groups;
    }
    changed
}

impl<R: Roots> Lookup for HostAccounts<R> {
    fn of(&mut self, process: ProcessKey, at: Timestamp) -> Option<Arc<Accounts>> {
        if process.namespace != self.namespace {
            return None;
        }
        let id = match self.roots.of(process.pid) {
            None if self.command == Some(process.pid) => self.own?,
            found => found?,
        };
        let Some(root) = self.numbers.get(&id).and_then(|number| self.known.get_mut(number)) else {
            return self.meet(id, process.pid, at);
        };
        root.pid = process.pid;
        let known = Arc::clone(&root.accounts);
        Some(self.current(&known, at))
    }

    fn current(&mut self, accounts: &Arc<Accounts>, at: Timestamp) -> Arc<Accounts> {
        while let Some((number, read)) = self.worker.next() {
            self.learn(number, read);
        }
        let number = accounts.root;
        let Some(root) = self.known.get_mut(&number) else { return Arc::clone(accounts) };
        root.used = at;
        // The clock may have been set back.
        if at.0.abs_diff(root.checked.0) < FRESH {
            return Arc::clone(&root.accounts);
        }
        root.checked = at;
        self.check(number);
        self.known.get(&number).map_or_else(|| Arc::clone(accounts), |root| Arc::clone(&root.accounts))
    }
}

impl Budget {
    fn take(&mut self, at: Timestamp) -> bool {
        if at.0.abs_diff(self.since.0) >= 1_000_000_000 {
            *self = Self { since: at, taken: 0 };
        }
        self.taken += 1;
        self.taken <= NEW_A_SECOND
    }
}
