//! The same workload under either backend: the same tree.

use std::path::Path;
use std::process::Command;

use lapwing_common::syscall::{Arch, names};
use lapwing_integration::harness::binary;
use lapwing_integration::need::{Need, installed, require};
use lapwing_integration::run::finish;
use lapwing_proto::dumps::{FileActivityNode, FileInfo, Limits, NodeBase, ProcessActivityNode, SecDump, decode_dump};
use tempfile::TempDir;

/// Forks, execs, pipelines, an orphan, files read and written, and a port.
pub(crate) const WORKLOAD: &str = "
    cat /etc/passwd | sort | head -n 2 >/dev/null
    ( sh -c 'cat /etc/group >/dev/null; exec ls / >/dev/null' )
    ( setsid sh -c 'sleep 0.1; cat /etc/hostname >/dev/null' & )
    sleep 0.4
    echo done >\"$OUT\"
    rm \"$OUT\"
    exec /usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0)); s6 = open(\"/etc/passwd\")'
";

/// Runs a script, and has it written to these files of a directory.
pub(crate) fn record(backend: &str, directory: &Path, files: &[&str], script: &str) {
    record_with(backend, directory, &[], files, script);
}

fn record_with(backend: &str, directory: &Path, options: &[&str], files: &[&str], script: &str) {
    let mut command = Command::new(binary());
    command.args(["run", "--backend", backend, "--quiet"]).args(options);
    for file in files {
        command.arg("--dump").arg(directory.join(file));
    }
    // A file for the workload whose name is the same in each run.
    command.env("OUT", directory.join("written")).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = finish(command.args(["--", "sh", "-c", script]), b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn recorded(backend: &str, directory: &Path, name: &str) -> SecDump {
    record(backend, directory, &[name], WORKLOAD);
    decode_dump(&std::fs::read(directory.join(name)).unwrap(), Limits::default()).unwrap()
}

#[test]
fn both_backends_make_the_same_tree() {
    if !installed(&["/usr/bin/python3", "setsid"]) || !require(&[Need::Root, Need::Bpf]) {
        return;
    }
    let directory = TempDir::new().unwrap();
    let [by_ptrace, by_kernel] = ["ptrace", "kernel"].map(|backend| {
        let mut dump = recorded(backend, directory.path(), &format!("{backend}.protobuf"));
        dump.tree.iter_mut().for_each(without_noise);
        dump
    });
    assert!(by_ptrace.tree[0].children.len() > 3, "{:?}", by_ptrace.tree);
    assert_eq!(by_ptrace.tree, by_kernel.tree);
    assert_eq!(by_ptrace.tags, by_kernel.tags);
    // By the product's own means too.
    let (one, other) = (directory.path().join("ptrace.protobuf"), directory.path().join("kernel.protobuf"));
    let output = finish(Command::new(binary()).args(["activity-dump", "diff", "--exit-code"]).args([one, other]), b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// Programs one after the other, whose calls do not depend on who runs first.
const STEADY: &str =
    "cat /etc/passwd >/dev/null; ls / >/dev/null; (cd /; umask 22); cat /no/such/file 2>/dev/null; exec /bin/true";

#[test]
fn both_backends_see_the_same_system_calls_those_without_an_event_included() {
    if !require(&[Need::Root, Need::Bpf]) {
        return;
    }
    let directory = TempDir::new().unwrap();
    let [by_ptrace, by_kernel, anew] = ["ptrace", "kernel", "ptrace"].map(|backend| {
        // That a fork or an end was seen sooner or later makes no call of another program another's.
        let name = format!("{backend}.protobuf");
        let _ = std::fs::remove_file(directory.path().join(&name));
        record_with(backend, directory.path(), &["--syscalls", "--type", "exec"], &[&name], STEADY);
        let mut dump = decode_dump(&std::fs::read(directory.path().join(name)).unwrap(), Limits::default()).unwrap();
        dump.tree.iter_mut().for_each(without_noise);
        dump
    });
    assert_eq!(by_ptrace.tree, anew.tree, "the workload itself is not steady");
    assert_eq!(by_ptrace.tree, by_kernel.tree);
    let [shell] = by_kernel.tree.as_slice() else { panic!("{:?}", by_kernel.tree) };
    let called = |node: &ProcessActivityNode, name| {
        let number = names::number(Arch::NATIVE, name).unwrap();
        node.syscall_nodes.iter().any(|call| call.syscall.cast_unsigned() == number)
    };
    // What makes no event, what ends the program, and what the shell's forks did.
    for name in ["read", "wait4", "execve", "umask", "exit_group"] {
        assert!(called(shell, name), "{name}: {shell:?}");
    }
    for child in &shell.children {
        assert!(called(child, "read") && called(child, "exit_group"), "{child:?}");
        // What began it was a call of the program before.
        assert!(!called(child, "execve") && !called(child, "wait4"), "{child:?}");
    }
}

/// Takes away what differs from run to run: numbers of processes, times, and ports that the kernel chose.
fn without_noise(node: &mut ProcessActivityNode) {
    let process = node.process.as_mut().unwrap();
    (process.pid, process.tid, process.ppid) = (0, 0, 0);
    (process.fork_time, process.exec_time, process.exit_time) = (0, 0, 0);
    clear(&mut node.node_base);
    process.file.iter_mut().for_each(clear_file);
    node.files.iter_mut().for_each(clear_files);
    for bind in node.sockets.iter_mut().flat_map(|socket| &mut socket.bind) {
        bind.port = 0;
        clear(&mut bind.node_base);
    }
    node.syscall_nodes.iter_mut().for_each(|call| clear(&mut call.node_base));
    node.children.iter_mut().for_each(without_noise);
    // Which of two that run side by side comes first is chance.
    let key = |node: &ProcessActivityNode| node.process.clone().unwrap_or_default();
    node.children.sort_by_key(|node| (key(node).file.unwrap_or_default().path, key(node).args));
}

fn clear(base: &mut Option<NodeBase>) {
    for times in base.iter_mut().flat_map(|base| base.seen.values_mut()) {
        (times.first_seen, times.last_seen) = (0, 0);
    }
}

fn clear_files(node: &mut FileActivityNode) {
    node.first_seen = 0;
    clear(&mut node.node_base);
    node.file.iter_mut().for_each(clear_file);
    // The lowest free number, which the order of threads may change.
    node.open.iter_mut().for_each(|open| open.retval = open.retval.min(0));
    node.children.iter_mut().for_each(clear_files);
}

fn clear_file(file: &mut FileInfo) {
    (file.inode, file.mount_id, file.mtime, file.ctime) = (0, 0, 0, 0);
}

#[test]
fn a_dump_has_its_place_for_everything() {
    if !installed(&["/usr/bin/python3", "setsid"]) {
        return;
    }
    let directory = TempDir::new().unwrap();
    let dump = recorded("ptrace", directory.path(), "a.protobuf");
    let [shell] = dump.tree.as_slice() else { panic!("{:?}", dump.tree) };
    let name = |node: &ProcessActivityNode| node.process.as_ref().unwrap().argv0.clone();
    assert_eq!(name(shell), "sh");
    let names: Vec<String> = shell.children.iter().map(name).collect();
    for expected in ["cat", "sort", "head", "ls", "setsid", "sleep", "rm", "/usr/bin/python3"] {
        assert!(names.iter().any(|name| name == expected), "{expected} is not in {names:?}");
    }
    let python = shell.children.iter().find(|node| name(node) == "/usr/bin/python3").unwrap();
    assert_eq!(python.sockets[0].family, "AF_INET");
    assert_eq!(python.sockets[0].bind[0].ip, "127.0.0.1");
    let metadata = dump.metadata.unwrap();
    assert!(metadata.name.starts_with("activity-dump-") && metadata.name.len() == 24, "{}", metadata.name);
    assert!(metadata.start < metadata.end && metadata.size > 0);
    assert!(dump.tags.contains(&"image_name:sh".to_owned()), "{:?}", dump.tags);
}
