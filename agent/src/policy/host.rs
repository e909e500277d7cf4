//! What rules may ask about this machine.

use std::fs;

use lapwing_common::rules::policy::Host;
use rustix::system::uname;

/// Looks at the machine. What cannot be found out is left empty.
pub(super) fn look(origin: &str) -> Host {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let name = uname();
    Host {
        id: value(&release, "ID"),
        like: value(&release, "ID_LIKE"),
        version: value(&release, "VERSION_ID"),
        kernel: version(&name.release().to_string_lossy()),
        hostname: name.nodename().to_string_lossy().into_owned(),
        origin: origin.into(),
    }
}

/// A value of os-release(5).
fn value(release: &str, key: &str) -> String {
    let found = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    found.unwrap_or_default().trim().trim_matches(['"', '\'']).into()
}

fn version(release: &str) -> [u64; 3] {
    let mut parts = release.split(|one: char| !one.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    [(); 3].map(|()| parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_are_written() {
        let release = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nID=debian\nVERSION_ID=\"12\"\nID_LIKE='a b'\n";
        assert_eq!(["ID", "VERSION_ID", "ID_LIKE", "NAME"].map(|key| value(release, key)), ["debian", "12", "a b", ""]);
        assert_eq!(version("6.1.0-18-amd64"), [6, 1, 0]);
        assert_eq!(version("odd"), [0, 0, 0]);
    }
}
