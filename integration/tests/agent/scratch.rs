//! A container that was built from nothing: one static binary, a `/proc`, and no other file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use lapwing_integration::harness::Backend;
use lapwing_integration::need::{Need, installed, require};
use lapwing_integration::run::{finish, shell_status};
use serde_json::Value;
use tempfile::TempDir;

/// Builds Lapwing as `packaging/README.md` says, beside the other binaries of these tests.
fn static_binary() -> PathBuf {
    let version = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("static");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--package", "lapwing", "--target", host, "--target-dir"])
        .arg(&target)
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    assert!(built.unwrap().success());
    target.join(host).join("debug/lapwing")
}

/// The root of the container.
struct Scratch(TempDir);

impl Scratch {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        for directory in ["proc", "sys", "tmp"] {
            fs::create_dir(root.path().join(directory)).unwrap();
        }
        fs::copy(static_binary(), root.path().join("lapwing")).unwrap();
        Self(root)
    }

    /// What Lapwing writes to its output in there, in namespaces of its own; it has to succeed.
    fn lapwing(&self, words: &[&str]) -> String {
        let script = r#"mount -t proc proc "$0/proc" && mount --rbind /sys "$0/sys" && exec chroot "$0" /lapwing "$@""#;
        let mut command = Command::new("unshare");
        command.args(["--pid", "--fork", "--mount", "sh", "-c", script]).arg(self.0.path()).args(words);
        let output = finish(&mut command, b"");
        assert_eq!(shell_status(output.status), 0, "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn a_static_binary_needs_no_other_file() {
    if !require(&[Need::Root, Need::MountNamespace]) || !installed(&["unshare", "chroot"]) {
        return;
    }
    let scratch = Scratch::new();
    for backend in [Backend::Ptrace, Backend::Kernel] {
        if !backend.is_available() {
            continue;
        }
        let name = backend.name();
        scratch.lapwing(&["run", "--backend", name, "-o", "/tmp/events.json", "--", "/lapwing", "--version"]);
        let events = fs::read_to_string(scratch.0.path().join("tmp/events.json")).unwrap();
        let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let exec = events.iter().find(|event| event["type"] == "exec").unwrap();
        assert_eq!(exec["exec"]["file"]["path"], "/lapwing", "{name}: {exec:#}");
        assert!(events.iter().any(|event| event["type"] == "exit"), "{name}: {events:#?}");
    }
    let report: Value = serde_json::from_str(&scratch.lapwing(&["doctor", "--format", "json"])).unwrap();
    let checks = report["checks"].as_array().unwrap();
    let ptrace: Vec<_> = checks.iter().filter(|check| check["area"] == "ptrace").collect();
    assert!(ptrace.len() > 5, "{report:#}");
    assert!(ptrace.iter().all(|check| check["state"] != "no"), "{ptrace:#?}");
}
