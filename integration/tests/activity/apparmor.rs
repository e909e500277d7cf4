//! An exported AppArmor profile is one to AppArmor's own compiler, whatever files are called. No kernel with AppArmor
//! is needed for that.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use lapwing_integration::harness::binary;
use lapwing_integration::need::installed;
use lapwing_integration::run::finish;
use tempfile::TempDir;

use super::backends::record;

/// Programs, a library that is mapped, a port, and a file with a name of which every letter means something in a profile.
const WORKLOAD: &str = r#"
    cat /etc/passwd | sort >"$OUT"; rm "$OUT"
    mkdir -p "$OUT.d"; echo >"$OUT.d/$(printf 'a "[b]{c,d}*?@{e}^\\é#,')"
    /usr/bin/python3 -c 'import socket; socket.socket().bind(("127.0.0.1", 0))'
"#;

fn compiled(profile: &Path) -> Output {
    // Neither loaded nor kept.
    let options = ["--skip-kernel-load", "--skip-cache", "--stdout"];
    finish(Command::new("apparmor_parser").args(options).arg(profile), b"")
}

#[test]
fn an_exported_profile_compiles() {
    if !installed(&["apparmor_parser", "/usr/bin/python3"]) {
        return;
    }
    let directory = TempDir::new().unwrap();
    record("ptrace", directory.path(), &["a.profile"], WORKLOAD);
    let export = ["security-profile", "export", "--format", "apparmor"];
    let exported = finish(Command::new(binary()).args(export).arg(directory.path().join("a.profile")), b"");
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let text = String::from_utf8(exported.stdout).unwrap();
    let profile = directory.path().join("apparmor");
    fs::write(&profile, &text).unwrap();
    let output = compiled(&profile);
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
    // Each profile begins with its name; more than the head is there.
    assert!(output.stdout.windows(3).any(|bytes| bytes == b"sh\0") && output.stdout.len() > 1000, "{text}");
    // The compiler minds: with what the strange name would be unquoted, there is no profile.
    let line = text.lines().find(|line| line.contains("\\[b\\]")).unwrap_or_else(|| panic!("{text}"));
    fs::write(&profile, text.replace(line, &line.replace('\\', ""))).unwrap();
    assert!(!compiled(&profile).status.success(), "{line}");
}
