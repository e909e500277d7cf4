//! Snapshots of the test's own process and of children, compared with what those were started with.

use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{SystemTime, UNIX_EPOCH};

use lapwing_common::ids::{Pid, PidNs, ProcessKey, Timestamp};
use lapwing_common::process::{ArgumentLimits, Keep};
use lapwing_common::record::Running;
use nix::sched::CloneFlags;
use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::{Holders, Snapshots};
use crate::clock::HostTime;

fn running(pid: i32) -> Option<Running> {
    Snapshots::new(HostTime::now().starts()).running(pid, &ArgumentLimits::default(), &Keep::default())
}

fn own() -> i32 {
    i32::try_from(std::process::id()).unwrap()
}

/// A `cat` that waits for its standard input, and ends with it.
struct Cat(Child);

impl Cat {
    fn start(program: &Path, change: impl FnOnce(&mut Command) -> &mut Command) -> Self {
        let mut command = Command::new(program);
        // A program that is many in one goes by the name that it is called by.
        command.arg0("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let command = change(&mut command);
        let mut child = loop {
            match command.spawn() {
                // Another test's child has yet to exec, and until then holds what this one wrote.
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
                done => break done.unwrap(),
            }
        };
        // The parent goes on when the child's memory is replaced, before its arguments are in place.
        child.stdin.as_mut().unwrap().write_all(b".").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        Self(child)
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).unwrap()
    }

    /// Lets it end, and become a zombie.
    fn end(&mut self) {
        drop(self.0.stdin.take());
        let id = WaitId::Pid(rustix::process::Pid::from_child(&self.0));
        waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
    }
}

impl Drop for Cat {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

fn cat() -> PathBuf {
    ["/bin/cat", "/usr/bin/cat"].iter().find_map(|path| fs::canonicalize(path).ok()).unwrap()
}

fn path(pid: i32) -> PathBuf {
    std::ffi::OsStr::from_bytes(&running(pid).unwrap().program.file.path).into()
}

#[test]
fn the_test_itself() {
    let program = running(own()).unwrap().program;
    let exe = std::env::current_exe().unwrap();
    assert_eq!(&*program.file.path, exe.as_os_str().as_bytes());
    assert!(!program.file.unresolved && program.interpreter.is_none());
    let comm = fs::read_to_string(format!("/proc/{}/comm", own())).unwrap();
    assert_eq!(program.comm.as_bytes(), comm.trim_end_matches('\n').as_bytes());
    let arguments: Vec<_> = std::env::args_os().collect();
    assert_eq!(program.arguments.len(), arguments.len());
    assert_eq!(program.arguments.first(), arguments[0].as_bytes());
}

#[test]
fn inode_of_the_executable() {
    let inode = running(own()).unwrap().program.file.inode.unwrap();
    let exe = fs::File::open(std::env::current_exe().unwrap()).unwrap();
    let status = exe.metadata().unwrap();
    assert_eq!((inode.number, u32::from(inode.mode)), (status.ino(), status.mode()));
    assert_eq!((inode.uid, inode.gid), (status.uid(), status.gid()));
    let time =
        |seconds: i64, nanoseconds: i64| Timestamp(u64::try_from(seconds * 1_000_000_000 + nanoseconds).unwrap());
    assert_eq!(inode.modified, time(status.mtime(), status.mtime_nsec()));
    assert_eq!(inode.changed, time(status.ctime(), status.ctime_nsec()));
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", exe.as_raw_fd())).unwrap();
    let mount = info.lines().find_map(|line| line.strip_prefix("mnt_id:")).unwrap().trim();
    assert_eq!(inode.mount_id.to_string(), mount);
    let table = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let line = table.lines().find(|line| line.starts_with(&format!("{mount} "))).unwrap();
    let filesystem = inode.filesystem.unwrap();
    assert!(line.contains(&format!(" - {filesystem} ")), "{filesystem}: {line}");
}

#[test]
fn arguments_environment_and_origin_of_a_child() {
    let before = SystemTime::now();
    let child = Cat::start(&cat(), |command| {
        command.args(["--", "-", "", "--password=hunter2"]).env_clear().env("PATH", "/x y").env("SECRET", "s")
    });
    let seen = running(child.pid()).unwrap();
    assert_eq!(seen.ppid, Pid(own()));
    // A tick is 10 ms, and rounded down.
    let at = |time: SystemTime| u64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap();
    assert!((at(before) - 20_000_000..=at(SystemTime::now())).contains(&seen.started.0));
    let program = seen.program;
    let texts = |values: &[Box<[u8]>]| values.iter().map(|value| String::from_utf8_lossy(value).into()).collect();
    let arguments: Vec<String> = texts(program.arguments.all());
    assert_eq!(arguments, ["cat", "--", "-", "", "--password=********"]);
    let (names, kept): (Vec<String>, Vec<String>) =
        (texts(&program.environment.names), texts(&program.environment.kept));
    assert_eq!(names, ["PATH", "SECRET"]);
    assert_eq!(kept, ["PATH=/x y"]);
    assert!(!program.arguments.truncated && !program.environment.truncated);
    assert_eq!(*program.file.path, *cat().as_os_str().as_bytes());
}

#[test]
fn limits_are_heeded() {
    let child = Cat::start(&cat(), |command| command.args(["-", "a", "b"]).env_clear().env("PATH", "x"));
    let limits = ArgumentLimits { count: 2, ..ArgumentLimits::default() };
    let none = Keep::new([""; 0]);
    let program = Snapshots::new(HostTime::now().starts()).running(child.pid(), &limits, &none).unwrap().program;
    assert_eq!((program.arguments.len(), program.arguments.truncated), (2, true));
    assert_eq!((program.environment.names.len(), program.environment.kept.len()), (1, 0));
}

#[test]
fn more_than_is_read_ends_with_a_whole_string() {
    // 8 variables of 100 kB: a string may have 128 KiB (execve(2)).
    let names: Vec<_> = (0..8).map(|number| format!("V{number}")).collect();
    let child =
        Cat::start(&cat(), |command| command.env_clear().envs(names.iter().map(|name| (name, "x".repeat(100_000)))));
    let environment = running(child.pid()).unwrap().program.environment;
    assert!(environment.truncated);
    let seen: Vec<_> = environment.names.iter().map(|name| String::from_utf8_lossy(name)).collect();
    assert_eq!(seen, names[..5]);
}

#[test]
fn credentials_and_control_group() {
    let child = Cat::start(&cat(), |command| command);
    let mut snapshots = Snapshots::new(HostTime::now().starts());
    let [one, other] = [own(), child.pid()]
        .map(|pid| snapshots.running(pid, &ArgumentLimits::default(), &Keep::default()).unwrap().program);
    let owner = fs::metadata(format!("/proc/{}", child.pid())).unwrap();
    assert_eq!((other.credentials.euid, other.credentials.egid), (owner.uid(), owner.gid()));
    assert_eq!(one.credentials, other.credentials);
    let auid = fs::read_to_string("/proc/self/loginuid").ok().and_then(|text| text.trim().parse().ok());
    assert_eq!(one.credentials.auid, auid.unwrap_or(u32::MAX));
    match (one.cgroup, other.cgroup) {
        (Some(one), Some(other)) => assert!(Arc::ptr_eq(&one, &other) && one.path.starts_with(b"/")),
        (one, _) => {
            assert!(one.is_none() && fs::read("/proc/self/cgroup").is_ok_and(|text| text.is_empty()), "{one:?}");
        }
    }
}

#[test]
fn removed_and_strangely_named_programs() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().canonicalize().unwrap().join(name);
    let start = |name: &str| {
        fs::copy(cat(), at(name)).unwrap();
        Cat::start(&at(name), |command| command)
    };
    let removed = start("removed");
    fs::remove_file(at("removed")).unwrap();
    assert_eq!(path(removed.pid()), at("removed"));

    let named = start("named (deleted)");
    assert_eq!(path(named.pid()), at("named (deleted)"));

    let linked = start("linked");
    fs::hard_link(at("linked"), at("other")).unwrap();
    fs::remove_file(at("linked")).unwrap();
    assert_eq!(path(linked.pid()), at("linked"));

    // Another file has taken the name that the kernel's words would mean.
    fs::write(at("linked (deleted)"), "").unwrap();
    assert_eq!(path(linked.pid()), at("linked"));
}

#[test]
fn a_program_in_memory() {
    let fd = rustix::fs::memfd_create("a b", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    let mut memory = fs::File::from(fd);
    memory.write_all(&fs::read(cat()).unwrap()).unwrap();
    let readable = PathBuf::from(format!("/proc/{}/fd/{}", own(), memory.as_raw_fd()));
    // A file that is open for writing cannot be executed (ETXTBSY).
    let program = fs::File::open(&readable).unwrap();
    drop(memory);
    let child = Cat::start(Path::new(&format!("/proc/self/fd/{}", program.as_raw_fd())), |command| command);
    let file = running(child.pid()).unwrap().program.file;
    assert_eq!(&*file.path, b"memfd:a b");
    assert_eq!(file.inode.unwrap().filesystem.as_deref(), Some("tmpfs"));
}

#[test]
fn ended_and_gone() {
    let mut child = Cat::start(&cat(), |command| command);
    child.end();
    let ended = running(child.pid()).unwrap();
    assert_eq!(ended.ppid, Pid(own()));
    assert!(ended.program.file.unresolved && ended.program.file.path.is_empty());
    assert!(ended.program.arguments.is_empty() && ended.program.environment.names.is_empty());
    let pid = child.pid();
    drop(child);
    assert!(running(pid).is_none());
}

#[test]
fn paths_begin_at_the_root_of_the_process() {
    let exe = std::env::current_exe().unwrap();
    let (tell, told) = mpsc::channel();
    let (finish, finished) = mpsc::channel::<()>();
    let directory = exe.parent().unwrap().to_owned();
    // A thread can have a root of its own; `/proc` shows it as it shows a process.
    let thread = std::thread::spawn(move || {
        let done = nix::sched::unshare(CloneFlags::CLONE_FS).and_then(|()| nix::unistd::chroot(&directory));
        tell.send(done.map(|()| nix::unistd::gettid().as_raw())).unwrap();
        assert!(finished.recv().is_err(), "the other end is dropped without a message");
    });
    match told.recv().unwrap() {
        Ok(tid) => assert_eq!(path(tid), Path::new("/").join(exe.file_name().unwrap())),
        Err(errno) => {
            assert!(std::env::var_os("LAPWING_REQUIRE_ALL").is_none(), "skipped: no root of its own: {errno}");
            println!("skipped: no root of its own: {errno}");
        }
    }
    drop(finish);
    thread.join().unwrap();
}

#[test]
fn what_a_process_holds() {
    let directory = tempfile::TempDir::new().unwrap();
    let (kept, removed) = (directory.path().join("kept"), directory.path().join("removed"));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (datagrams, client) =
        (std::net::UdpSocket::bind("[::1]:0"), std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap());
    let files = [&kept, &removed].map(|path| fs::OpenOptions::new().create(true).append(true).open(path).unwrap());
    let again = fs::File::open(&kept).unwrap();
    fs::remove_file(&removed).unwrap();

    let namespace = PidNs(fs::metadata("/proc/self/ns/pid").unwrap().ino());
    let key = ProcessKey { pid: Pid(own()), namespace };
    let held = Holders::of(&[key], Some(namespace)).held(key).unwrap();
    let flags_of = |path: &Path| {
        let is_it = |(file, _): &&(lapwing_common::event::File, u64)| *file.path == *path.as_os_str().as_bytes();
        held.files.iter().filter(is_it).map(|(file, flags)| (file.inode.as_ref().unwrap().number, *flags)).collect()
    };
    let append = u64::from(rustix::fs::OFlags::APPEND.bits());
    let inode = |file: &fs::File| file.metadata().unwrap().ino();
    // A file that is open twice is one; the name of a removed one has no suffix.
    assert_eq!((inode(&again), flags_of(&kept)), (inode(&files[0]), vec![(inode(&files[0]), append | 1)]));
    assert_eq!(flags_of(&removed), [(inode(&files[1]), append | 1)]);
    // Of mappings the libraries, and not the program itself.
    let is_mapped = |name: &[u8]| held.files.iter().any(|(file, _)| file.name().starts_with(name));
    assert!(is_mapped(b"libc.so") || is_mapped(b"libc-") || is_mapped(b"ld-musl"), "{:?}", held.files);
    assert!(flags_of(&std::env::current_exe().unwrap()).is_empty());
    // Who is connected has bound nothing.
    let mut ports: Vec<_> =
        held.ports.iter().map(|(address, kind)| (address.port, address.ip, kind.protocol)).collect();
    ports.retain(|(port, ..)| *port == listener.local_addr().unwrap().port());
    assert_eq!(ports, [(listener.local_addr().unwrap().port(), Some("127.0.0.1".parse().unwrap()), 6)]);
    assert!(held.ports.iter().all(|(address, _)| address.port != client.local_addr().unwrap().port()));
    if let Ok(datagrams) = datagrams {
        let port = datagrams.local_addr().unwrap().port();
        assert!(
            held.ports.iter().any(|(address, kind)| (address.port, kind.protocol) == (port, 17)),
            "{:?}",
            held.ports
        );
    }
}

#[test]
fn processes_of_other_namespaces_are_found_if_they_are_to_be_seen() {
    let mut child = Cat::start(&cat(), |command| command);
    let namespace = PidNs(fs::metadata("/proc/self/ns/pid").unwrap().ino());
    let key = ProcessKey { pid: Pid(child.pid()), namespace };
    // Where the reader's own namespace is not known, every one is another.
    let mut holders = Holders::of(&[key], None);
    let shown = |inner: &ProcessKey| fs::read_to_string(format!("/proc/{}/comm", inner.pid)).is_ok();
    assert!(shown(&key) && holders.held(key).is_some_and(|held| !held.files.is_empty()));
    assert!(holders.held(ProcessKey { namespace: PidNs(1), ..key }).is_none());
    child.end();
}
