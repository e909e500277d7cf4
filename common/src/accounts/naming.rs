//! The accounts by which something is named.

use alloc::sync::Arc;

use super::Accounts;

/// The accounts that give something its names of users and groups; none where nobody looked.
///
/// It takes no part in comparisons: a file is the same file whoever looks at it, and a program the same program
/// after a user was added.
#[derive(Clone, Debug, Default)]
pub struct Naming(Option<Arc<Accounts>>);

impl Naming {
    /// Names by these accounts.
    #[must_use]
    pub fn by(accounts: Arc<Accounts>) -> Self {
        Self(Some(accounts))
    }

    /// The accounts.
    #[must_use]
    pub fn accounts(&self) -> Option<&Arc<Accounts>> {
        self.0.as_ref()
    }

    /// The name of a user; empty without one.
    #[must_use]
    pub fn user(&self, uid: u32) -> &[u8] {
        self.0.as_ref().map_or(&[], |accounts| accounts.user(uid))
    }

    /// The name of a group; empty without one.
    #[must_use]
    pub fn group(&self, gid: u32) -> &[u8] {
        self.0.as_ref().map_or(&[], |accounts| accounts.group(gid))
    }

    /// The name of a user that an event has as a number of its own, where -1 is nobody; empty without one.
    #[must_use]
    pub fn user_of(&self, uid: i64) -> &[u8] {
        u32::try_from(uid).map_or(&[], |uid| self.user(uid))
    }

    /// As [`Self::user_of`], of a group.
    #[must_use]
    pub fn group_of(&self, gid: i64) -> &[u8] {
        u32::try_from(gid).map_or(&[], |gid| self.group(gid))
    }
}

impl PartialEq for Naming {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Naming {}
