//! `/proc/PID/mountinfo`: the mounts that a process sees.

use alloc::boxed::Box;
use alloc::vec::Vec;

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

/// A mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// What it shows of its file system, as a path there.
    pub root: Box<[u8]>,
    /// Where it is, as seen from the root of the process whose table this is.
    pub point: Box<[u8]>,
}

impl Mount {
    /// What a place below it is in its file system; `None` if the path is not below it.
    #[must_use]
    pub fn shows(&self, path: &[u8]) -> Option<Box<[u8]>> {
        let point = self.point.strip_suffix(b"/").unwrap_or(&self.point);
        let below = path.strip_prefix(point).filter(|below| below.is_empty() || below.starts_with(b"/"))?;
        let root = self.root.strip_suffix(b"/").unwrap_or(&self.root);
        let below = below.strip_suffix(b"/").unwrap_or(below);
        let whole = [root, below].concat();
        Some(if whole.is_empty() { Box::from(&b"/"[..]) } else { whole.into() })
    }
}

/// The mount with this id, if the table lists it.
#[must_use]
pub fn mount(table: &[u8], id: u32) -> Option<Mount> {
    table.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b' ');
        let found: u32 = core::str::from_utf8(fields.next()?).ok()?.parse().ok()?;
        if found != id {
            return None;
        }
        let root = unescaped(fields.nth(2)?);
        // Of what was removed meanwhile.
        let root = root.strip_suffix(b"//deleted").map(Box::from).unwrap_or(root);
        Some(Mount { root, point: unescaped(fields.next()?) })
    })
}

/// Space, tab, newline and backslash are written as `\` and three octal digits (`mangle` of fs/proc_namespace.c).
fn unescaped(field: &[u8]) -> Box<[u8]> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let digits = after.get(..3).filter(|digits| *byte == b'\\' && digits.iter().all(|d| (b'0'..b'8').contains(d)));
        let Some(digits) = digits else {
            out.push(*byte);
            continue;
        };
        let value = digits.iter().fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
        out.extend(u8::try_from(value));
        rest = &after[3..];
    }
    out.into()
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
    use super::{filesystem, mount, options};

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
    fn a_mount_shows_a_part_of_its_file_system() {
        let table = [TABLE, b"25 22 8:1 /a\\040b//deleted /z rw - ext3 /dev/root rw\n"].concat();
        let found = mount(&table, 23).unwrap();
        assert_eq!((&*found.root, &*found.point), (&b"/"[..], &b"/a b"[..]));
        assert_eq!(&*mount(&table, 25).unwrap().root, b"/a b");
        assert_eq!(mount(&table, 26), None);
        let shown = |id, path: &[u8]| mount(&table, id).unwrap().shows(path).map(|found| found.into_vec());
        assert_eq!(shown(24, b"/y"), Some(b"/x".to_vec()));
        assert_eq!(shown(24, b"/y/c/d"), Some(b"/x/c/d".to_vec()));
        assert_eq!(shown(24, b"/yy"), None);
        assert_eq!(shown(22, b"/"), Some(b"/".to_vec()));
        assert_eq!(shown(22, b"/etc"), Some(b"/etc".to_vec()));
    }

    #[test]
    fn options_are_those_of_the_file_system() {
        let table = b"30 22 0:26 / /sys/fs/cgroup/pids rw,nosuid - cgroup cgroup rw,pids\n";
        assert_eq!(options(table, (0, 26)), Some("rw,pids"));
        assert_eq!(options(table, (0, 27)), None);
        assert_eq!(options(TABLE, (0, 5)), Some("rw"));
    }
}
