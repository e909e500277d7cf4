//! Files, whom they belong to, and that other programs read what is in them.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::channel;

use lapwing_common::discard::dump::Dump as DiscarderDump;
use lapwing_common::event::File;
use lapwing_common::ids::{Pid, PidNs, ProcessKey, Timestamp};
use lapwing_common::netns::{Device, Namespace};
use lapwing_common::process::dump::{Dump, ShowArguments};
use lapwing_common::process::{ArgumentLimits, Arguments, Cache, Limits};
use lapwing_common::record::{Program, Running};
use lapwing_common::schema::Short;

use nix::mount::{MsFlags, mount, umount};
use nix::sched::{CloneFlags, unshare};

use super::*;

/// Names that a workload may give its programs.
const HOSTILE: [&[u8]; 9] = [
    b"\"];}",
    b"a\"b\\",
    b"\\",
    b"new\nline",
    b"\xff\xfe",
    "\u{202e}exe.txt".as_bytes(),
    b"\\N \\G &lt;&",
    b"<b>--></b>",
    b"\x1b[31m\x07",
];

fn hostile() -> Dump {
    let mut cache = Cache::new(Limits::default());
    for (pid, name) in (1..).zip(HOSTILE) {
        let program = Program {
            file: File::at([b"/bin/", name].concat()),
            comm: Short::new(name),
            arguments: Arguments::capture([name, name], false, &ArgumentLimits::default()),
            ..Program::default()
        };
        let key = ProcessKey { pid: Pid(pid), namespace: PidNs(1) };
        cache.running(key, Running { ppid: Pid(pid - 1), started: Timestamp(5), program });
    }
    Dump::of(&cache)
}

fn dir() -> (tempfile::TempDir, DumpDir) {
    let dir = tempfile::tempdir().unwrap();
    let opened = DumpDir::open(dir.path()).unwrap();
    (dir, opened)
}

/// What Graphviz makes of a graph; `None` where it is not installed and need not be.
fn svg(graph: &[u8]) -> Option<String> {
    let mut command = Command::new("dot");
    command.arg("-Tsvg").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Err(error) if error.kind() == io::ErrorKind::NotFound && std::env::var_os("LAPWING_REQUIRE_ALL").is_none() => {
            return None;
        }
        spawned => spawned.unwrap(),
    };
    child.stdin.take().unwrap().write_all(graph).unwrap();
    let output = child.wait_with_output().unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{complaints}");
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn files_are_new_and_for_their_owner_alone() {
    let (place, dir) = dir();
    let path = dir.write("process-cache-dump-", ".json", |out| out.write_all(b"{}")).unwrap();
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.permissions().mode() & 0o7777, found.len()), (0o400, 2));
    assert_eq!(found.uid(), rustix::process::geteuid().as_raw());
    let name = path.file_name().unwrap().to_str().unwrap();
    let digits = name.strip_prefix("process-cache-dump-").and_then(|rest| rest.strip_suffix(".json")).unwrap();
    assert!(!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()), "{name}");
    let other = dir.write("process-cache-dump-", ".json", |_| Ok(())).unwrap();
    assert_ne!(path, other);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let (place, dir) = dir();
    let failed = dir.write("x-", "", |out| {
        out.write_all(&[0; 1 << 20])?;
        Err(io::Error::from_raw_os_error(libc::ENOSPC))
    });
    let message = failed.unwrap_err().to_string();
    assert!(message.contains("No space left on device") && message.contains("removed"), "{message}");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}

/// In a mount namespace of this test's own thread, so that nobody else sees the disk.
#[test]
fn a_full_disk() {
    let unshared = std::thread::spawn(|| {
        let place = tempfile::tempdir().unwrap();
        let none = None::<&str>;
        if unshare(CloneFlags::CLONE_NEWNS).is_err() {
            return;
        }
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
        mount(Some("lapwing"), place.path(), Some("tmpfs"), MsFlags::empty(), Some("size=64k")).unwrap();
        let dir = DumpDir::open(place.path()).unwrap();
        let failed = dir.write("x-", "", |out| out.write_all(&[0; 1 << 20])).unwrap_err().to_string();
        assert!(failed.contains("No space left on device"), "{failed}");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
        drop(dir);
        umount(place.path()).unwrap();
    });
    unshared.join().unwrap();
}

#[test]
fn a_directory_that_is_none_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let (real, link) = (place.path().join("real"), place.path().join("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    let message = DumpDir::open(&link).unwrap_err().to_string();
    assert!(message.contains("symbolic link"), "{message}");
    let message = DumpDir::open(&place.path().join("nowhere")).unwrap_err().to_string();
    assert!(message.contains("No such file or directory"), "{message}");
    fs::write(place.path().join("file"), "").unwrap();
    assert!(DumpDir::open(&place.path().join("file")).is_err());
}

#[test]
fn graphviz_reads_any_name() {
    let (_place, dir) = dir();
    let path = processes(&dir, hostile(), GraphFormat::Dot, ShowArguments::Yes).unwrap();
    assert!(path.extension().is_none());
    let Some(svg) = svg(&fs::read(path).unwrap()) else { return };
    assert_eq!(svg.matches("class=\"node\"").count(), HOSTILE.len());
    assert_eq!(svg.matches("class=\"edge\"").count(), HOSTILE.len() - 1);
    // Each is shown as what it is, and none as something else.
    for shown in ["\\u{202e}exe.txt", "\\N \\G &amp;lt;&amp;:7", "&lt;b&gt;", "\\u{1b}[31m\\u{7}", "a&quot;b\\:2"] {
        assert!(svg.contains(shown), "{shown} in {svg}");
    }
    assert!(!svg.contains('\u{202e}') && !svg.chars().any(|c| c.is_control() && c != '\n'));
}

#[test]
fn graphviz_reads_any_device() {
    let devices: Vec<_> =
        HOSTILE.iter().zip(1..).map(|(name, index)| Device { name: name.to_vec(), index, has_address: true }).collect();
    let namespace = Namespace { id: 4_026_531_840, handle: 3, devices: Some(devices), ..Namespace::default() };
    let (_place, dir) = dir();
    let [array, graph] = namespaces(&dir, &[namespace], Timestamp(5), 0).unwrap();
    let read: serde_json::Value = serde_json::from_slice(&fs::read(array).unwrap()).unwrap();
    assert_eq!(read[0]["Devices"].as_array().unwrap().len(), HOSTILE.len());
    assert_eq!(graph.extension().unwrap(), "dot");
    let Some(svg) = svg(&fs::read(graph).unwrap()) else { return };
    assert_eq!(svg.matches("class=\"node\"").count(), 1 + HOSTILE.len());
    assert!(
        svg.contains("&lt;b&gt;--&gt;&lt;/b&gt; [8]") || svg.contains("&lt;b&gt;&#45;&#45;&gt;&lt;/b&gt; [8]"),
        "{svg}"
    );
}

#[test]
fn a_json_parser_reads_any_name() {
    let (_place, dir) = dir();
    let path = processes(&dir, hostile(), GraphFormat::Json, ShowArguments::Yes).unwrap();
    let read: serde_json::Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let entries = read["Entries"].as_array().unwrap();
    assert_eq!(entries.len(), HOSTILE.len());
    for (entry, name) in entries.iter().zip(HOSTILE) {
        let name = String::from_utf8_lossy(name);
        assert_eq!((entry["Comm"].as_str(), entry["Args"][1].as_str()), (Some(&*name), Some(&*name)));
    }
}

#[test]
fn discarders_have_a_file_too() {
    let (_place, dir) = dir();
    let path = discarders(&dir, &DiscarderDump::default()).unwrap();
    assert!(path.file_name().unwrap().to_str().unwrap().starts_with("discarder-dump-"));
    assert!(fs::read_to_string(path).unwrap().contains("inodes: []"));
}

#[test]
fn dumps_are_written_by_a_worker() {
    let place = tempfile::tempdir().unwrap();
    let (woken, wakes) = channel();
    let mut dumper = Dumper::new(place.path().to_owned(), Arc::new(move || woken.send(()).unwrap()));
    assert!(dumper.next().is_none() && dumper.finish().is_empty());
    let write = |dir: &DumpDir| dir.write("x-", "", |_| Ok(())).map(|path| vec![path]);
    dumper.write(1, write).unwrap();
    wakes.recv().unwrap();
    let done = dumper.next().unwrap();
    assert_eq!((done.of, done.files.unwrap().len()), (1, 1));
    // What was asked for before the end is there after it.
    dumper.write(2, write).unwrap();
    dumper.write(3, |_| Err(DumpError::Busy)).unwrap();
    let rest: Vec<_> = dumper.finish().into_iter().map(|done| (done.of, done.files.is_ok())).collect();
    assert_eq!(rest, [(2, true), (3, false)]);
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
}

#[test]
fn only_so_many_dumps_wait() {
    let place = tempfile::tempdir().unwrap();
    let mut dumper = Dumper::new(place.path().to_owned(), Arc::new(|| {}));
    let (hold, held) = channel::<()>();
    let waits = move |_: &DumpDir| -> Result<Vec<PathBuf>, DumpError> {
        // Until the sender is gone.
        held.recv().unwrap_err();
        Ok(Vec::new())
    };
    dumper.write(0, waits).unwrap();
    let refused = (1..).find_map(|number| dumper.write(number, |_| Ok(Vec::new())).err());
    assert!(matches!(refused, Some((8..10, DumpError::Busy))), "{refused:?}");
    drop(hold);
    assert!(dumper.finish().len() >= 8);
}
