//! An exported seccomp profile under runc: it lets the workload run that it was learned of, and nothing else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

use lapwing_integration::harness::{Backend, binary};
use lapwing_integration::need::{Need, installed, path_of, require};
use lapwing_integration::run::finish;
use lapwing_integration::under_each_backend;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Builtins and other programs, a pipe, a file that is written.
const WORKLOAD: &str = "echo begun; cat /etc/name | tr a-z A-Z; ls /etc >/tmp/list; cat /tmp/list; exit 3";

/// A root with nothing but busybox, as the container and the learning have it.
fn root(bundle: &Path) {
    for place in ["bin", "proc", "etc", "tmp"] {
        fs::create_dir_all(bundle.join("root").join(place)).unwrap();
    }
    // By another process: what this one has open for writing, a child of another test could hold open.
    let copied = Command::new("cp").arg(path_of("busybox").unwrap()).arg(bundle.join("root/bin/busybox")).status();
    assert!(copied.unwrap().success());
    for applet in ["sh", "cat", "tr", "ls", "mkdir"] {
        symlink("busybox", bundle.join("root/bin").join(applet)).unwrap();
    }
    fs::write(bundle.join("root/etc/name"), "lapwing\n").unwrap();
}

/// Runs a script in a container under a seccomp profile.
fn contained(bundle: &Path, script: &str, seccomp: &Value, no_new_privileges: bool) -> Output {
    let config = json!({
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0}, "args": ["/bin/sh", "-c", script], "env": ["PATH=/bin"], "cwd": "/",
            "noNewPrivileges": no_new_privileges,
        },
        "root": {"path": "root"},
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"}],
        "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}], "seccomp": seccomp},
    });
    fs::write(bundle.join("config.json"), config.to_string()).unwrap();
    let mut runc = Command::new("runc");
    runc.arg("--root").arg(bundle.join("state")).args(["run", "--bundle"]).arg(bundle);
    let name = bundle.file_name().unwrap().to_string_lossy().replace('.', "");
    finish(runc.arg(format!("lapwing-test-{}-{name}", std::process::id())), b"")
}

fn an_exported_profile_lets_the_workload_run_and_nothing_else(backend: Backend) {
    if !installed(&["runc", "busybox", "chroot"]) || !require(&[Need::Root, Need::MountNamespace]) {
        return;
    }
    let directory = TempDir::new().unwrap();
    let bundle = directory.path();
    root(bundle);
    let profile = bundle.join("workload.profile");
    let mut learning = Command::new(binary());
    learning.args(["run", "--quiet", "--backend", backend.name(), "--syscalls", "--dump"]).arg(&profile).arg("--");
    learning
        .arg("chroot")
        .arg(bundle.join("root"))
        .args(["/bin/sh", "-c", WORKLOAD])
        .env("PATH", "/bin:/usr/sbin:/usr/bin");
    let learned = finish(&mut learning, b"");
    assert_eq!(learned.status.code(), Some(3), "{}", String::from_utf8_lossy(&learned.stderr));
    let export = ["security-profile", "export", "--format", "seccomp"];
    let exported = finish(Command::new(binary()).args(export).arg(&profile), b"");
    assert!(exported.status.success(), "{}", String::from_utf8_lossy(&exported.stderr));
    let seccomp: Value = serde_json::from_slice(&exported.stdout).unwrap();
    assert!(!exported.stdout.windows(7).any(|word| word == b"\"mkdir\""), "{seccomp}");
    // The runtime applies the filter at different times.
    for no_new_privileges in [true, false] {
        let output = contained(bundle, WORKLOAD, &seccomp, no_new_privileges);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &output.stdout), (Some(3), &learned.stdout), "{said}");
        let output = contained(bundle, "mkdir /tmp/new; echo $?", &seccomp, no_new_privileges);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.stdout, b"1\n", "{said}");
        assert!(said.contains("Operation not permitted"), "{said}");
        assert!(!bundle.join("root/tmp/new").exists());
    }
}

under_each_backend!(an_exported_profile_lets_the_workload_run_and_nothing_else);
