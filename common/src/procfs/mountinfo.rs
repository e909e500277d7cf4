//! `/proc/PID/mountinfo`: the mounts that a process sees.

/// The type of a file system (`ext4`), by the name the kernel registers it under: that of the table's
/// line for the mount; for the device (major, minor) where the mount is not known and so 0.
///
/// proc_pid_mountinfo(5):
/// `36 35 98:0 /root /mount/point rw,noatime master:1 - ext3 /dev/root rw`, the part before the dash
/// being of any length. A FUSE file system adds a subtype after a dot, which is not the kernel's name.
///
/// Mount ids and device numbers are both reused: answers have to be forgotten when mounts change.
#[must_use]
pub fn filesystem(table: &[u8], mount: u32, device: (u32, u32)) -> Option<&str> {
    table.split(|byte| *byte == b'\n').find_map(|line| {
        let line = core::str::from_utf8(line).ok()?;
        let mut fields = line.split(' ');
        let id: u32 = fields.next()?.parse().ok()?;
        let numbers = fields.nth(1)?;
        let wanted = if mount == 0 {
            let (major, minor) = numbers.split_once(':')?;
            (major.parse(), minor.parse()) == (Ok(device.0), Ok(device.1))
        } else {
            id == mount
        };
        let kind = wanted.then(|| fields.skip_while(|field| *field != "-").nth(1))??;
        Some(kind.split_once('.').map_or(kind, |(kind, _subtype)| kind))
    })
}

/// The options of the file system on a device (major, minor): of a hierarchy of control groups, its controllers.
#[must_use]
pub fn options(table: &[u8], device: (u32, u32)) -> Option<&str> {
    table.split(|byte| *byte == b'\n').find_map(|line| {
        let line = core::str::from_utf8(line).ok()?;
        let (major, minor) = line.split(' ').nth(2)?.split_once(':')?;
        let wanted = (major.parse(), minor.parse()) == (Ok(device.0), Ok(device.1));
        wanted.then(|| line.split(' ').skip_while(|field| *field != "-").nth(3))?
    })
}

#[cfg(test)]
mod tests {
    use super::{filesystem, options};

    const TABLE: &[u8] = b"22 1 8:1 / / rw,relatime shared:1 master:2 - ext3 /dev/root rw\n\
        23 22 0:5 / /a\\040b rw - fuse.sshfs host: rw\n\
        24 22 8:1 /x /y ro - ext3 /dev/root rw\n";

    #[test]
    fn by_mount_then_by_device() {
        let kind = |mount, device| filesystem(TABLE, mount, device);
        assert_eq!(kind(22, (0, 0)), Some("ext3"));
        assert_eq!(kind(23, (9, 9)), Some("fuse"));
        assert_eq!(kind(25, (8, 1)), None);
        assert_eq!(kind(0, (8, 1)), Some("ext3"));
        assert_eq!(kind(0, (0, 5)), Some("fuse"));
        assert_eq!(kind(0, (0, 6)), None);
    }

    #[test]
    fn options_are_those_of_the_file_system() {
        let table = b"30 22 0:26 / /sys/fs/cgroup/pids rw,nosuid - cgroup cgroup rw,pids\n";
        assert_eq!(options(table, (0, 26)), Some("rw,pids"));
        assert_eq!(options(table, (0, 27)), None);
        assert_eq!(options(TABLE, (0, 5)), Some("rw"));
    }
}
