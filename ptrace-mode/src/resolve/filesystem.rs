//! The type of the file system that an inode is on, by the name the kernel registers it under.
//!
//! `mountinfo` has that name (`ext4` and `ext3` share their magic number); what is in no mount table
//! (pipes, sockets, memfds, a mount that was lazily removed) is named after its magic number. Mount
//! ids and device numbers are both reused, hence the answers have to be forgotten when mounts change.

use std::collections::HashMap;
use std::sync::Arc;

use lapwing_common::ids::Tid;

use super::procfs::Proc;
use super::sys::Stat;

/// A file system type, and whether it is one of the kernel's own that is mounted nowhere.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: Option<Arc<str>>,
    pub(super) mounted: bool,
}

impl Known {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    /// Whether a process answers for it (`fuse`, `fuseblk`).
    pub(super) fn is_served(&self) -> bool {
        self.name.as_deref().is_some_and(|name| name.starts_with("fuse"))
    }
}

#[derive(Debug, Default)]
pub(super) struct Filesystems {
    known: HashMap<(u32, (u32, u32)), Known>,
    names: Vec<Arc<str>>,
}

impl Filesystems {
    /// The file system of an inode that `tid` reached. `magic` answers `statfs`, once for a mount.
    pub(super) fn of(
        &mut self,
        proc: &mut Proc,
        tid: Tid,
        stat: &Stat,
        magic: impl FnOnce(&mut Proc) -> Option<u64>,
    ) -> Known {
        let key = (stat.mount, stat.device);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let listed = proc.read(tid, "mountinfo").ok().and_then(|table| find(table, stat)).map(|name| self.name(name));
        let mounted = listed.is_some();
        let name = listed.or_else(|| Some(self.name(name_of(magic(proc)?)?)));
        let known = Known { name, mounted };
        // A caller that cannot say the magic number must not decide for those that can.
        if known.name.is_some() {
            self.known.insert(key, known.clone());
        }
        known
    }

    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.iter().find(|known| &***known == name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        self.names.push(Arc::clone(&new));
        new
    }
}

/// The type in the table's line for the mount; for the device where the mount is not known.
///
/// `36 35 98:0 /root /mount/point rw,noatime master:1 - ext3 /dev/root rw`, the part before the dash
/// being of any length. A FUSE file system adds a subtype after a dot, which is not the kernel's name.
fn find<'a>(table: &'a [u8], stat: &Stat) -> Option<&'a str> {
    table.split(|byte| *byte == b'\n').find_map(|line| {
        let line = std::str::from_utf8(line).ok()?;
        let mut fields = line.split(' ');
        let mount: u32 = fields.next()?.parse().ok()?;
        let device = fields.nth(1)?;
        let wanted = if stat.mount == 0 {
            let (major, minor) = device.split_once(':')?;
            (major.parse(), minor.parse()) == (Ok(stat.device.0), Ok(stat.device.1))
        } else {
            mount == stat.mount
        };
        let kind = wanted.then(|| fields.skip_while(|field| *field != "-").nth(1))??;
        Some(kind.split_once('.').map_or(kind, |(kind, _subtype)| kind))
    })
}

/// The names of magic numbers; `linux/magic.h` and the sources of the file systems.
fn name_of(magic: u64) -> Option<&'static str> {
    Some(match magic {
        0x0000_9660 => "isofs",
        0x0000_9fa0 => "proc",
        0x0000_1cd1 => "devpts",
        0x0000_4d44 => "vfat",
        0x0000_6969 => "nfs",
        0x0000_ef53 => "ext4",
        0x0027_e0eb => "cgroup",
        0x0102_1994 => "tmpfs",
        0x0102_1997 => "9p",
        0x0904_1934 => "anon_inodefs",
        0x1980_0202 => "mqueue",
        0x2fc1_2fc1 => "zfs",
        0x444d_4142 => "dmabuf",
        0x5049_4446 => "pidfs",
        0x5049_5045 => "pipefs",
        0x5345_434d => "secretmem",
        0x534f_434b => "sockfs",
        0x5846_5342 => "xfs",
        0x6265_6572 => "sysfs",
        0x6367_7270 => "cgroup2",
        0x6462_6720 => "debugfs",
        0x6573_5546 => "fuse",
        0x6e73_6673 => "nsfs",
        0x7371_7368 => "squashfs",
        0x7363_6673 => "securityfs",
        0x7472_6163 => "tracefs",
        0x794c_7630 => "overlay",
        0x8584_58f6 => "ramfs",
        0x9123_683e => "btrfs",
        0x9584_58f6 => "hugetlbfs",
        0xcafe_4a11 => "bpf",
        0xe0f5_e1e2 => "erofs",
        0xf2f5_2010 => "f2fs",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Stat, find};

    const TABLE: &[u8] = b"22 1 8:1 / / rw,relatime shared:1 master:2 - ext3 /dev/root rw\n\
        23 22 0:5 / /a\\040b rw - fuse.sshfs host: rw\n\
        24 22 8:1 /x /y ro - ext3 /dev/root rw\n";

    #[test]
    fn by_mount_then_by_device() {
        let kind = |mount, device| find(TABLE, &Stat { mount, device, ..Stat::default() });
        assert_eq!(kind(22, (0, 0)), Some("ext3"));
        assert_eq!(kind(23, (9, 9)), Some("fuse"));
        assert_eq!(kind(25, (8, 1)), None);
        assert_eq!(kind(0, (8, 1)), Some("ext3"));
        assert_eq!(kind(0, (0, 5)), Some("fuse"));
        assert_eq!(kind(0, (0, 6)), None);
    }
}
