//! Names of terminals, from the device number that `/proc/PID/stat` has.
//!
//! A table instead of `/sys/dev/char`, which containers often hide, and instead of the path of
//! descriptor 0, which need not be the controlling terminal.

use smallvec::SmallVec;

use crate::schema::Short;

/// The kernel's name of a terminal (`pts0`); empty for none, or for one of an unknown kind.
///
/// `device` is the field `tty_nr` of proc_pid_stat(5). Which numbers are whose is in
/// Documentation/admin-guide/devices.txt of the kernel's sources.
#[must_use]
pub fn name(device: u32) -> Short {
    // `new_encode_dev`: the minor number's upper bits lie above the major number.
    let (major, minor) = ((device >> 8) & 0xfff, (device & 0xff) | ((device >> 12) & 0xf_ff00));
    let (kind, number) = match (major, minor) {
        (4, 0..64) => ("tty", minor),
        (4, _) => ("ttyS", minor - 64),
        (5, 1) => return Short::new(b"console"),
        (136..=143, _) => ("pts", (major - 136) * 256 + minor),
        (166, _) => ("ttyACM", minor),
        (188, _) => ("ttyUSB", minor),
        (204, 64..) => ("ttyAMA", minor - 64),
        (229, _) => ("hvc", minor),
        _ => return Short::default(),
    };
    let mut text: SmallVec<[u8; 16]> = SmallVec::from_slice(kind.as_bytes());
    text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    Short::new(&text)
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn devices() {
        for (major, minor, expected) in [
            (0, 0, ""),
            (4, 1, "tty1"),
            (4, 64, "ttyS0"),
            (5, 1, "console"),
            (136, 0, "pts0"),
            (136, 1000, "pts1000"),
            (136, 1_048_575, "pts1048575"),
            (137, 1, "pts257"),
            (204, 64, "ttyAMA0"),
            (229, 0, "hvc0"),
            (1, 1, ""),
        ] {
            let device: u32 = (minor & 0xff) | (major << 8) | ((minor & 0xf_ff00) << 12);
            assert_eq!(name(device).as_bytes(), expected.as_bytes(), "{major}:{minor}");
        }
    }
}
