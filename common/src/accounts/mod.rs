//! Names of users and groups, as the processes of one root know them.
//!
//! A container has its own `/etc/passwd`, and the same number may be another user there. So names are those of
//! the acting process's root; of a process in a user namespace of its own, the numbers are translated first.
//! Events hold the tables of their process, shared by all who use the same, and look a name up when it is asked
//! for: a change of credentials costs nothing, and nothing is copied.
//!
//! Which root a process has, and what the files there say, is a [`Lookup`]'s business. Only the two files are
//! meant: a directory service would have to be asked by a library of the container's choice, or over a network.

mod id_map;
mod naming;
mod table;

use alloc::sync::Arc;
use core::fmt;

pub use id_map::IdMap;
pub use naming::Naming;
pub use table::Table;

use crate::ids::{ProcessKey, Timestamp};

/// The users and groups of one root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// Which root, by a number of the [`Lookup`]'s own.
    pub root: u64,
    /// Users, by the numbers that they have in `uid_map`'s namespace.
    pub users: Table,
    /// Groups, likewise.
    pub groups: Table,
    /// From the numbers that events show to those of the root's processes.
    pub uid_map: IdMap,
    /// The same for groups.
    pub gid_map: IdMap,
}

impl Accounts {
    /// The name of a user; empty without one.
    #[must_use]
    pub fn user(&self, uid: u32) -> &[u8] {
        self.uid_map.inside(uid).map_or(&[], |uid| self.users.name(uid))
    }

    /// The name of a group; empty without one.
    #[must_use]
    pub fn group(&self, gid: u32) -> &[u8] {
        self.gid_map.inside(gid).map_or(&[], |gid| self.groups.name(gid))
    }
}

/// Where the accounts of processes can be looked up. Does not wait for a file system that a process serves.
pub trait Lookup: fmt::Debug + Send {
    /// Those of the root that a process has now; `None` if that cannot be told, as of one that is gone. `at` is the
    /// time of the event.
    fn of(&mut self, process: ProcessKey, at: Timestamp) -> Option<Arc<Accounts>>;

    /// What has become of these: the same, unless their files have changed. Asked for every event.
    fn current(&mut self, accounts: &Arc<Accounts>, at: Timestamp) -> Arc<Accounts>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_by_the_numbers_inside() {
        let accounts = Accounts {
            root: 1,
            users: Table::users(b"root:x:0:0::/:\nweb:x:33:33::/:\n"),
            groups: Table::groups(b"root:x:0:\nstaff:x:50:\n"),
            uid_map: IdMap::parse(b"0 100000 65536\n"),
            gid_map: IdMap::default(),
        };
        assert_eq!((accounts.user(100_000), accounts.user(100_033)), (&b"root"[..], &b"web"[..]));
        assert_eq!((accounts.user(0), accounts.user(33)), (&b""[..], &b""[..]));
        assert_eq!((accounts.group(50), accounts.group(100_050)), (&b"staff"[..], &b""[..]));
    }
}
