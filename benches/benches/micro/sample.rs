//! Records as the ptrace backend makes them of ordinary programs.

use std::sync::Arc;

use lapwing_common::engine::{Engine, EventSet};
use lapwing_common::event::{Attachment, File, Inode, Origin, Text};
use lapwing_common::ids::{Pid, PidNs, Tid, Timestamp};
use lapwing_common::process::{ArgumentLimits, Arguments, Credentials, Environment, Keep, Limits};
use lapwing_common::record::{Cgroup, Observation, Program, Record, Running, Sighting, Task};
use lapwing_common::schema::Short;
use lapwing_common::syscall::{Arch, Slot, Syscall};

/// A moment in 2025.
pub(crate) const NOW: Timestamp = Timestamp(1_750_000_000_123_456_789);

/// The first thread of a process.
pub(crate) fn task(pid: i32) -> Task {
    Task { pid: Pid(pid), tid: Tid(pid), namespace: PidNs(4_026_531_836), mark: None }
}

/// What such a thread did.
pub(crate) fn observation(pid: i32, what: Sighting) -> Observation {
    Observation { timestamp: NOW, origin: Origin::Ptrace, task: task(pid), what }
}

/// A regular file of root's.
pub(crate) fn file(path: &str) -> File {
    let inode = Inode {
        attachment: Attachment::Visible,
        number: 1_234_567,
        mount_id: 29,
        mode: 0o100_644,
        modified: NOW,
        changed: NOW,
        filesystem: Some(Arc::from("ext4")),
        ..Inode::default()
    };
    File { inode: Some(inode), ..File::at(path.as_bytes()) }
}

/// `openat(AT_FDCWD, "/usr/include/…/types.h", O_RDONLY)` with its file.
pub(crate) fn open() -> Record {
    let path = "/usr/include/x86_64-linux-gnu/bits/types.h";
    let mut record = call("openat", [0xffff_ff9c, 0x7ffd_1234_5678, 0, 0, 0, 0], 3);
    record.texts.push((1, Text { bytes: path.as_bytes().into(), truncated: false }));
    record.set_file(Slot::File, file(path));
    record
}

/// `execve` of a compiler: a dozen arguments and two dozen variables.
pub(crate) fn exec(path: &str) -> Record {
    let mut record = call("execve", [0x7ffd_1234_5678, 0x5555_0000_0000, 0x5555_0000_1000, 0, 0, 0], 0);
    record.texts.push((0, Text { bytes: path.as_bytes().into(), truncated: false }));
    record.program = Some(Box::new(program(path)));
    record
}

/// A compiler at this path.
pub(crate) fn program(path: &str) -> Program {
    let arguments = "cc -std=c17 -O2 -g -Wall -Wextra -Iinclude -DNDEBUG -c -o build/main.o src/main.c -MMD";
    let file = file(path);
    let comm = Short::new(file.name());
    let cgroup = Cgroup { path: b"/user.slice/user-1000.slice/session-2.scope"[..].into(), ..Cgroup::default() };
    Program {
        arguments: Arguments::capture(arguments.split(' ').map(str::as_bytes), false, &ArgumentLimits::default()),
        environment: Environment::capture(variables().iter().map(Vec::as_slice), false, &Keep::default()),
        file,
        comm,
        tty: Short::new(b"pts0"),
        credentials: Credentials { uid: 1000, euid: 1000, fsuid: 1000, ..Credentials::default() },
        cgroup: Some(Arc::new(cgroup)),
        ..Program::default()
    }
}

fn variables() -> Vec<Vec<u8>> {
    let usual = ["PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/home/user", "LANG=C.UTF-8", "TERM=xterm-256color"];
    let others = (0..20).map(|number| format!("BUILD_VARIABLE_{number}=some value of a variable"));
    usual.iter().map(|variable| variable.as_bytes().to_vec()).chain(others.map(String::into_bytes)).collect()
}

/// An engine that knows a shell, a build tool below it (pid 3) and their ancestors.
pub(crate) fn engine() -> Engine {
    let mut engine = Engine::new(Limits::default(), EventSet::ALL);
    for (pid, ppid, path) in [(1, 0, "/sbin/init"), (2, 1, "/usr/bin/bash"), (3, 2, "/usr/bin/make")] {
        let running = Running { ppid: Pid(ppid), started: Timestamp(NOW.0 - 1000), program: program(path) };
        engine.observe(observation(pid, Sighting::Running(Box::new(running))), |_| {});
    }
    engine
}

#[expect(clippy::expect_used, reason = "a benchmark of a call without a row cannot run")]
fn call(name: &str, args: [u64; 6], result: i64) -> Record {
    Record { result, ..Record::new(Syscall::named(name).expect("in the catalogue"), Arch::X86_64, args) }
}
