//! `/proc/TID/status`: whose a thread is, and who it acts as.
//!
//! Numbers are those that the reader sees: `/proc` translates users into the reader's user namespace and
//! pids into that of the procfs mount.

use smallvec::SmallVec;

use super::{lines, number, numbers};
use crate::ids::Pid;
use crate::process::Credentials;
use crate::schema::Short;

/// Ids of one task, from the pid namespace of the procfs to its own.
pub type Levels = SmallVec<[i32; 4]>;

/// What `/proc/TID/status` says: proc_pid_status(5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The command name.
    pub name: Short,
    /// The process.
    pub tgid: Pid,
    /// Its parent; 0 if that is outside of the procfs's pid namespace.
    pub ppid: Pid,
    /// Real, effective, saved and file access user.
    pub uids: [u32; 4],
    /// Real, effective, saved and file access group.
    pub gids: [u32; 4],
    /// Permitted capabilities.
    pub cap_permitted: u64,
    /// Effective capabilities.
    pub cap_effective: u64,
    /// The process's id in each pid namespace that it is in, the procfs's first.
    pub tgids: Levels,
    /// The thread's id in each pid namespace that it is in, the procfs's first.
    pub tids: Levels,
}

/// The login user of a process that nobody logged in for.
pub const NO_LOGIN: u32 = u32::MAX;

/// The login user that `/proc/TID/loginuid` says (proc_pid_loginuid(5)): a user's number, or
/// [`NO_LOGIN`] if it was never set. `None` if the text is no number.
#[must_use]
pub fn login_uid(text: &[u8]) -> Option<u32> {
    number(text)
}

impl Status {
    /// Reads the text. A line that is missing leaves zero, or nothing.
    #[must_use]
    pub fn parse(text: &[u8]) -> Self {
        let mut status = Self::default();
        for (key, value) in lines(text) {
            match key {
                // Not trimmed: a name may begin or end with a space. The kernel puts one tab before it.
                b"Name" => status.name = name(first_line(text).strip_prefix(b"Name:\t").unwrap_or(value)),
                b"Tgid" => status.tgid = Pid(number(value).unwrap_or(0)),
                b"PPid" => status.ppid = Pid(number(value).unwrap_or(0)),
                b"Uid" => status.uids = four(value),
                b"Gid" => status.gids = four(value),
                b"NStgid" => status.tgids = numbers(value).collect(),
                b"NSpid" => status.tids = numbers(value).collect(),
                b"CapPrm" => status.cap_permitted = capabilities(value),
                b"CapEff" => {
                    status.cap_effective = capabilities(value);
                    break;
                }
                _ => {}
            }
        }
        status
    }

    /// As credentials, with the login user that `/proc/TID/loginuid` says.
    #[must_use]
    pub fn credentials(&self, auid: u32) -> Credentials {
        let ([uid, euid, _, fsuid], [gid, egid, _, fsgid]) = (self.uids, self.gids);
        Credentials {
            uid,
            euid,
            fsuid,
            gid,
            egid,
            fsgid,
            auid,
            cap_effective: self.cap_effective,
            cap_permitted: self.cap_permitted,
        }
    }
}

fn four(text: &[u8]) -> [u32; 4] {
    let mut ids = [0; 4];
    ids.iter_mut().zip(numbers(text)).for_each(|(id, found)| *id = found);
    ids
}

fn capabilities(text: &[u8]) -> u64 {
    core::str::from_utf8(text).ok().and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0)
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// A command name, in which the kernel writes newline and backslash as `\n` and `\\`.
fn name(escaped: &[u8]) -> Short {
    let mut plain: SmallVec<[u8; 16]> = SmallVec::new();
    let mut bytes = escaped.iter().copied();
    while let Some(byte) = bytes.next() {
        plain.push(match (byte, byte == b'\\') {
            (_, true) => match bytes.next() {
                Some(b'n') => b'\n',
                Some(other) => other,
                None => b'\\',
            },
            (byte, false) => byte,
        });
    }
    Short::new(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_of_a_nested_thread() {
        let status = Status::parse(
            b"Name:\t b: x\\\\\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t77\nNgid:\t0\nPid:\t78\nPPid:\t1\n\
              Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nNStgid:\t77\t5\nNSpid:\t78\t6\n\
              CapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000400\n",
        );
        assert_eq!(status.name.as_bytes(), b" b: x\\");
        assert_eq!((status.tgid, status.ppid), (Pid(77), Pid(1)));
        assert_eq!((&status.tgids[..], &status.tids[..]), (&[77, 5][..], &[78, 6][..]));
        let credentials = status.credentials(1000);
        assert_eq!((credentials.uid, credentials.euid, credentials.fsuid), (1, 2, 4));
        assert_eq!((credentials.gid, credentials.egid, credentials.fsgid), (5, 6, 8));
        assert_eq!((credentials.auid, credentials.cap_effective), (1000, 0x400));
        assert_eq!(credentials.cap_permitted, 0x1ff_ffff_ffff);
    }

    #[test]
    fn names_are_unescaped() {
        assert_eq!(name(b"a\\nb\\\\c").as_bytes(), b"a\nb\\c");
        assert_eq!(name(b"\\").as_bytes(), b"\\");
    }

    #[test]
    fn login_users() {
        assert_eq!(login_uid(b"1000"), Some(1000));
        assert_eq!(login_uid(b"4294967295"), Some(NO_LOGIN));
        assert_eq!(login_uid(b""), None);
    }
}
