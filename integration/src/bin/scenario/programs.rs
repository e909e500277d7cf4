//! Programs executed, and not executed.

use std::ffi::CString;

use lapwing_integration::tiny;

use crate::Scenario;
use crate::raw::{self, NULL, c, exit, fails, ok, sys, wait};
use crate::stage::{NOBODY, Stage, act, become_nobody};

/// Executes in a child, which is waited for.
fn run(exec: impl FnOnce() -> i64) {
    wait(raw::fork(|| i32::try_from(-exec()).unwrap_or(1)));
}

/// `execve` with arguments and without an environment.
fn execve(path: &CString, arguments: &[&str]) -> i64 {
    let strings: Vec<CString> = arguments.iter().map(|argument| c(argument)).collect();
    let mut pointers: Vec<_> = strings.iter().map(|string| string.as_ptr()).collect();
    pointers.push(std::ptr::null());
    sys!(libc::SYS_execve, path, pointers.as_ptr(), NULL)
}

fn program(stage: &Stage, name: &str) -> CString {
    stage.file_with(name, &tiny::exits(0), 0o755)
}

pub(crate) const ALL: &[Scenario] = &[
    ("execve/arguments", |stage| {
        let path = program(stage, "program");
        act(|| run(|| execve(&path, &["zero", "one two", "", "ü"])));
    }),
    ("execve/no-arguments", |stage| {
        // Linux gives such a program one empty argument (5.18).
        let path = program(stage, "program");
        act(|| run(|| sys!(libc::SYS_execve, &path, NULL, NULL)));
    }),
    ("execve/environment", |stage| {
        let path = program(stage, "program");
        let environment = [c"PATH=/bin".as_ptr(), c"SECRET=x".as_ptr(), c"EMPTY=".as_ptr(), std::ptr::null()];
        act(|| run(|| sys!(libc::SYS_execve, &path, &[c"p".as_ptr(), std::ptr::null()], &environment)));
    }),
    ("execve/script", |stage| {
        let interpreter = program(stage, "interpreter");
        let interpreter = interpreter.to_string_lossy();
        let script = stage.file_with("script", format!("#!{interpreter} -x\n").as_bytes(), 0o755);
        act(|| run(|| execve(&script, &["script", "argument"])));
    }),
    ("execve/script-of-script", |stage| {
        let program = program(stage, "interpreter");
        let inner = format!("#!{}\n", program.to_string_lossy());
        let inner = stage.file_with("inner", inner.as_bytes(), 0o755);
        let script = stage.file_with("outer", format!("#!{}\n", inner.to_string_lossy()).as_bytes(), 0o755);
        act(|| run(|| execve(&script, &["outer"])));
    }),
    ("execve/absent", |stage| {
        act(|| run(|| execve(&stage.path("absent"), &["absent"])));
    }),
    ("execve/no-program", |stage| {
        let path = stage.file_with("text", b"neither", 0o755);
        act(|| run(|| execve(&path, &["text"])));
    }),
    ("execve/denied-then-look", |stage| {
        // A refused exec changes nothing about who is acting (B1).
        let path = stage.file_with("text", b"", 0o644);
        act(|| {
            fails(execve(&path, &["text"]), libc::EACCES);
            ok(sys!(libc::SYS_chdir, c"."))
        });
    }),
    ("execve/directory", |stage| {
        let path = stage.dir("sub");
        act(|| fails(execve(&path, &["sub"]), libc::EACCES));
    }),
    ("execve/set-id", |stage| {
        let path = program(stage, "program");
        ok(sys!(libc::SYS_chown, &path, 1000, 2000));
        stage.mode("program", 0o6755);
        become_nobody();
        act(|| run(|| execve(&path, &["program"])));
    }),
    ("execve/from-a-thread", |stage| {
        let path = program(stage, "program");
        act(|| {
            wait(raw::fork(|| {
                let thread = std::thread::spawn(move || execve(&path, &["threaded"]));
                // The exec ends this thread before the other one could be joined.
                i32::try_from(thread.join().unwrap_or(1)).unwrap_or(1)
            }))
        });
    }),
    ("execve/failing-thread", |stage| {
        let path = stage.file_with("text", b"", 0o644);
        act(|| {
            let thread = std::thread::spawn(move || fails(execve(&path, &["text"]), libc::EACCES));
            thread.join().expect("no panic");
            ok(sys!(libc::SYS_chdir, c"."))
        });
    }),
    ("execve/after-vfork", |stage| {
        let path = program(stage, "program");
        act(|| wait(i32::try_from(ok(raw::vfork_and_exec(&path))).unwrap_or(0)));
    }),
    ("execveat/empty", |stage| {
        program(stage, "program");
        let file = stage.open("program", libc::O_PATH);
        act(|| run(|| sys!(libc::SYS_execveat, file, c"", NULL, NULL, libc::AT_EMPTY_PATH)));
    }),
    ("execveat/memfd", |_| {
        let file = raw::fd(sys!(libc::SYS_memfd_create, c"hidden", 0));
        let program = tiny::exits(0);
        ok(sys!(libc::SYS_write, file, program.as_ptr(), program.len()));
        act(|| run(|| sys!(libc::SYS_execveat, file, c"", NULL, NULL, libc::AT_EMPTY_PATH)));
    }),
    ("execveat/deleted", |stage| {
        let path = program(stage, "gone");
        let file = stage.open("gone", libc::O_PATH);
        ok(sys!(libc::SYS_unlink, &path));
        act(|| run(|| sys!(libc::SYS_execveat, file, c"", NULL, NULL, libc::AT_EMPTY_PATH)));
    }),
    ("execveat/empty-denied", |stage| {
        stage.file_with("text", b"", 0o700);
        let file = stage.open("text", libc::O_RDONLY);
        stage.mode("text", 0o644);
        ok(sys!(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY));
        act(|| fails(sys!(libc::SYS_execveat, file, c"", NULL, NULL, libc::AT_EMPTY_PATH), libc::EACCES));
    }),
    ("execve/of-32-bits", |stage| {
        let path = stage.file_with("program", &tiny::exits_32(3), 0o755);
        act(|| run(|| execve(&path, &["zero", "one"])));
    }),
    ("execve/killed-while-waiting", |stage| {
        // exec ends the process's other threads, which are no processes.
        let path = program(stage, "program");
        act(|| {
            wait(raw::fork(|| {
                for _ in 0..4 {
                    std::thread::spawn(|| sys!(libc::SYS_pause));
                }
                execve(&path, &["program"]);
                exit(1)
            }))
        });
    }),
];
