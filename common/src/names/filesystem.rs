//! Names of file systems by their magic numbers, for inodes that are in no mount table.

/// The name that the kernel registers a file system under, by the magic number that statfs(2) gives for
/// it; `None` for a number that is not known. `linux/magic.h` and the sources of the file systems.
///
/// `ext2`, `ext3` and `ext4` share their number and are all `ext4` here.
#[must_use]
pub fn filesystem_of_magic(magic: u64) -> Option<&'static str> {
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
    use super::filesystem_of_magic;

    #[test]
    fn known_and_unknown_numbers() {
        assert_eq!(filesystem_of_magic(0x9123_683e), Some("btrfs"));
        assert_eq!(filesystem_of_magic(0x0102_1994), Some("tmpfs"));
        assert_eq!(filesystem_of_magic(0), None);
    }
}
