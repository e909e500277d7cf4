//! Tracers inside a traced command: a process has one tracer, so they fail; they have to be told so, and go on.

use lapwing_integration::harness::{Backend, Lapwing};

use lapwing_integration::need::installed;
use lapwing_integration::run::{finish, shell_status};

use super::both::Both;

fn under_lapwing(command: &[&str]) -> (i32, String) {
    let directory = tempfile::tempdir().unwrap();
    let lapwing = Lapwing::with(Backend::Ptrace);
    let output =
        finish(lapwing.command(command, &directory.path().join("events.json")).current_dir(directory.path()), b"");
    let said = [output.stdout, output.stderr].concat();
    (shell_status(output.status), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn strace_says_why_not() {
    if !installed(&["strace"]) {
        return;
    }
    let (status, said) = under_lapwing(&["strace", "-f", "true"]);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("Operation not permitted"), "{said}");
}

#[test]
fn gdb_says_why_not() {
    if !installed(&["gdb"]) {
        return;
    }
    let (_, said) = under_lapwing(&["gdb", "-nx", "-batch", "-ex", "run", "--args", "/bin/true"]);
    assert!(said.contains("Operation not permitted") || said.contains("ptrace"), "{said}");
}

/// A second Lapwing, and what it says.
#[test]
fn lapwing_in_lapwing() {
    let binary = lapwing_integration::harness::binary().to_str().unwrap();
    let (status, said) = under_lapwing(&[binary, "run", "--backend", "ptrace", "--", "/bin/true"]);
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("traces Lapwing already"), "{said}");
}

/// A process may ask to be traced, or to trace a child; that fails, and harms nothing.
#[test]
fn asking_to_be_traced() {
    if !installed(&["python3"]) {
        return;
    }
    let script = "import ctypes, subprocess\n\
                  libc = ctypes.CDLL(None, use_errno=True)\n\
                  print(libc.ptrace(0, 0, 0, 0), ctypes.get_errno())\n\
                  child = subprocess.Popen(['sleep', '1000'])\n\
                  print(libc.ptrace(16, child.pid, 0, 0), ctypes.get_errno())\n\
                  child.kill(); print(child.wait())\n";
    let (status, said) = under_lapwing(&["python3", "-c", script]);
    assert_eq!((status, said.as_str()), (0, "-1 1\n-1 1\n-9\n"));
}

/// The kernel backend does not trace, so there tracers work, and another Lapwing does.
#[test]
fn tracers_work_in_what_is_not_traced() {
    if !Backend::Kernel.is_available() {
        return;
    }
    if installed(&["strace"]) {
        let did = Both::script("strace -f -e trace=none -e signal=none -qq sh -c 'exit 3'").agree(Backend::Kernel);
        assert_eq!(did.status, 3, "{did:?}");
    }
    let binary = lapwing_integration::harness::binary().to_str().unwrap();
    let inner = ["run", "--backend", "ptrace", "--quiet", "--", "sh", "-c", "echo inside; exit 4"];
    let did = Both::new(&[&[binary][..], &inner].concat()).agree(Backend::Kernel);
    assert_eq!((did.status, did.stdout.as_str()), (4, "inside\n"), "{did:?}");
}
