//! Wrong usage, missing rights and failing outputs: what Lapwing says, how it ends, and that the command
//! does not suffer for it.

#![allow(unsafe_code, reason = "becomes another user between fork and exec")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper's failure is the test's")]

mod help;
mod policy;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use lapwing_integration::harness::{Backend, Lapwing, binary, read_events};
use lapwing_integration::need::{Need, installed, require};
use lapwing_integration::run::{descendants, end_of, finish, shell_status, until};
use tempfile::TempDir;

/// What Lapwing and its command wrote, and how they ended.
#[derive(Debug)]
struct Said {
    status: i32,
    stdout: String,
    stderr: String,
}

fn said(command: &mut Command) -> Said {
    let output = finish(command, b"");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { status: shell_status(output.status), stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn lapwing(words: &[&str]) -> Said {
    said(Command::new(binary()).args(words))
}

impl Said {
    /// A failure of Lapwing's: it says what failed, on what and why, on one line or a few, all on stderr.
    #[track_caller]
    fn fails(&self, status: i32, words: &[&str]) {
        assert_eq!((self.status, self.stdout.as_str()), (status, ""), "{self:?}");
        assert!(self.stderr.starts_with("lapwing: ") || self.stderr.starts_with("error: "), "{self:?}");
        for word in words {
            assert!(self.stderr.contains(word), "{word:?} is missing: {self:?}");
        }
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }
}

#[test]
fn a_command_that_is_not_there() {
    lapwing(&["run", "--", "no-such-command"]).fails(127, &["no-such-command", "not found"]);
    lapwing(&["run", "--", "/no/such/file"]).fails(127, &["/no/such/file"]);
    lapwing(&["run", "--", "/etc/passwd/x"]).fails(127, &["/etc/passwd/x"]);
    lapwing(&["run", "--", ""]).fails(127, &[]);
}

#[test]
fn a_command_that_is_not_executable() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "#!/bin/sh\n").unwrap();
    let file = file.to_str().unwrap();
    lapwing(&["run", "--", file]).fails(126, &[file, "ermission denied"]);
    lapwing(&["run", "--", "/etc"]).fails(126, &["/etc"]);
    // Found out only by the kernel: an interpreter that is not there, and what is no program at all.
    fs::write(file, "#!/no/such/interpreter\n").unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    let outcome = lapwing(&["run", "--quiet", "--", file]);
    assert_eq!(outcome.status, 127, "{outcome:?}");
    let outcome = lapwing(&["run", "--", file]);
    assert!(
        outcome.status == 127 && outcome.stderr.contains(file) && outcome.stderr.contains("No such file"),
        "{outcome:?}"
    );
    fs::write(file, b"\x7fELF and nothing more").unwrap();
    let outcome = lapwing(&["run", "--quiet", "--", file]);
    // As `execvp` does, which hands it to the shell.
    assert!([126, 127, 2].contains(&outcome.status), "{outcome:?}");
}

#[test]
fn wrong_options() {
    lapwing(&[]).status_is(2);
    lapwing(&["run"]).fails(2, &["command"]);
    lapwing(&["run", "--no-such-option", "--", "true"]).fails(2, &["--no-such-option"]);
    lapwing(&["run", "--formt", "json", "--", "true"]).fails(2, &["--format"]);
    lapwing(&["run", "--format", "xml", "--", "true"]).fails(2, &["xml", "json"]);
    lapwing(&["rum", "--", "true"]).fails(2, &["run"]);
    lapwing(&["run", "--type", "opne", "--", "true"]).fails(2, &["opne", "did you mean `open`"]);
    lapwing(&["run", "--type", "xyzzy", "--", "true"]).fails(2, &["xyzzy", "exec"]);
    lapwing(&["run", "--on-tracer-death", "maybe", "--", "true"]).fails(2, &["maybe", "continue"]);
    lapwing(&["run", "--backend", "ebpf", "--", "true"]).fails(2, &["ebpf", "kernel", "ptrace"]);
    for option in ["--io-uring=deny", "--on-tracer-death=kill", "--on-tracer-death=continue"] {
        let asked = option.replace('=', " ");
        lapwing(&["run", "--backend", "kernel", option, "--", "true"]).fails(2, &[&asked, "--backend ptrace"]);
    }
    lapwing(&["trace"]).fails(2, &["--pid"]);
    for pid in ["0", "-1", "x", "99999999999"] {
        lapwing(&["trace", "--pid", pid]).fails(2, &[pid]);
    }
}

impl Said {
    #[track_caller]
    fn status_is(&self, status: i32) {
        assert_eq!(self.status, status, "{self:?}");
    }
}

/// Nothing is started when its events could not be written.
#[test]
fn an_output_that_cannot_be_opened() {
    let directory = TempDir::new().unwrap();
    let witness = directory.path().join("witness");
    let touch = ["--", "touch", witness.to_str().unwrap()];
    for (output, why) in
        [("/no/such/directory/events", "No such file"), ("/etc", "directory"), ("/proc/self/events", "")]
    {
        lapwing(&[&["run", "-o", output][..], &touch].concat()).fails(1, &[output, why]);
        assert!(!witness.exists(), "the command ran all the same");
    }
}

/// A full disk costs events, and they are counted; the command does not notice.
#[test]
fn an_output_that_cannot_be_written() {
    let command = ["--", "sh", "-c", "cat /etc/passwd | wc -l >/dev/null; echo out; exit 7"];
    for format in ["json", "pretty"] {
        let full =
            lapwing(&[&["run", "--format", format, "--summary", "always", "-o", "/dev/full"][..], &command].concat());
        assert_eq!((full.status, full.stdout.as_str()), (7, "out\n"), "{full:?}");
        assert!(full.stderr.contains("/dev/full") && full.stderr.contains("No space left"), "{full:?}");
        // At least each process's exec and exit.
        assert!(number_before(&full.stderr, "events that could not be written") >= 6, "{full:?}");
    }
    let quiet = lapwing(&[&["run", "--quiet", "-o", "/dev/full"][..], &command].concat());
    assert_eq!((quiet.status, quiet.stdout.as_str(), quiet.stderr.as_str()), (7, "out\n", ""));
}

/// A reader that goes away is as good as a full disk.
#[test]
fn an_output_whose_reader_is_gone() {
    let script = "\"$0\" run --format json -- sh -c 'for i in 1 2 3 4 5; do cat /etc/passwd >/dev/null; done; exit 7' 2>&1 >/dev/null | head -c 1 >/dev/null; echo ${PIPESTATUS[0]}";
    let gone = said(Command::new("bash").args(["-c", script]).arg(binary()));
    assert_eq!(gone.stdout, "7\n", "{gone:?}");
}

#[test]
fn quiet_means_nothing() {
    let quiet =
        lapwing(&["run", "--quiet", "--", "sh", "-c", "cat /etc/passwd >/dev/null; echo out; echo err >&2; exit 4"]);
    assert_eq!((quiet.status, quiet.stdout.as_str(), quiet.stderr.as_str()), (4, "out\n", "err\n"));
}

/// `--type` decides what stops, not just what is shown.
#[test]
fn types_limit_what_is_trapped() {
    let stops = |types: &[&str]| {
        let script = "import os\nfor i in range(2000): os.close(os.open('/dev/null', os.O_RDONLY))";
        let directory = TempDir::new().unwrap();
        let events = directory.path().join("events.json");
        let mut words = vec!["run", "--backend", "ptrace", "--summary", "always", "-o", events.to_str().unwrap()];
        words.extend(types);
        words.extend(["--", "python3", "-c", script]);
        let done = lapwing(&words);
        assert_eq!(done.status, 0, "{done:?}");
        let opens = read_events(&events).unwrap().iter().filter(|event| event["type"] == "open").count();
        (number_before(&done.stderr, "stops"), opens)
    };
    if !installed(&["python3"]) {
        return;
    }
    let (all, seen) = stops(&[]);
    assert!(all > 4000 && seen >= 2000, "{all} stops, {seen} opens");
    let (few, unseen) = stops(&["--type", "exec,exit"]);
    assert!(few < all / 4 && unseen == 0, "{few} stops, {unseen} opens");
    let (some, seen_again) = stops(&["--type", "open"]);
    assert!(some > 4000 && seen_again == seen, "{some} stops, {seen_again} opens");
}

/// The number in a summary before some words: `12,345 stops`.
fn number_before(text: &str, word: &str) -> u64 {
    let at = text.find(word).unwrap_or_else(|| panic!("no {word:?}:\n{text}"));
    let number = text[..at].split_whitespace().last().unwrap();
    number.replace(|letter: char| !letter.is_ascii_digit(), "").parse().unwrap()
}

/// Runs a command under a filter that refuses a system call.
const WITHOUT: &str = env!("CARGO_BIN_EXE_tracee-without");

const RUN_TRUE: [&str; 5] = ["run", "--backend", "ptrace", "--", "true"];

/// Lapwing's children are traced by somebody already.
#[test]
fn ptrace_is_forbidden_by_a_tracer() {
    if !installed(&["strace"]) {
        return;
    }
    let said = said(Command::new("strace").args(["-f", "-q", "-o", "/dev/null"]).arg(binary()).args(RUN_TRUE));
    said.fails(1, &["true", "traces Lapwing already"]);
}

/// As by a container's seccomp profile.
#[test]
fn ptrace_is_forbidden_by_a_filter() {
    for words in [&RUN_TRUE[..], &["run", "--on-tracer-death", "continue", "--", "true"], &["trace", "--pid", "1"]] {
        let said = said(Command::new(WITHOUT).arg("ptrace").arg(binary()).args(words));
        said.fails(1, &["SYS_PTRACE"]);
    }
}

/// The command is held until it is observed: if it cannot be, it never runs. Left to `auto`, it runs traced.
#[test]
fn bpf_is_forbidden_by_a_filter() {
    if !require(&[Need::Root]) {
        return;
    }
    let directory = TempDir::new().unwrap();
    let witness = directory.path().join("witness");
    let run = |backend: &str| {
        let mut lapwing = Command::new(WITHOUT);
        lapwing.arg("bpf").arg(binary()).args(["run", "--type", "exec", "--backend", backend, "--", "touch"]);
        said(lapwing.arg(&witness))
    };
    run("kernel").fails(1, &["the kernel backend cannot begin"]);
    assert!(!witness.exists(), "the command ran all the same");
    let done = run("auto");
    assert!(done.status == 0 && witness.exists(), "{done:?}");
    let reasons = done.stderr.lines().filter(|line| line.contains("observing with ptrace instead: "));
    assert_eq!(reasons.count(), 1, "{done:?}");
}

fn become_nobody(command: &mut Command) -> &mut Command {
    const NOBODY: u32 = 65534;
    // SAFETY: system calls without memory of others: the groups are none.
    unsafe {
        command.pre_exec(|| {
            let dropped = libc::setgroups(0, std::ptr::null()) | libc::setgid(NOBODY) | libc::setuid(NOBODY);
            if dropped < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
        })
    }
}

/// A copy of the binary where everybody may execute it, and a directory that belongs to nobody.
fn for_nobody() -> (TempDir, std::path::PathBuf) {
    let directory = TempDir::new().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let copy = directory.path().join("lapwing");
    fs::copy(binary(), &copy).unwrap();
    (directory, copy)
}

#[test]
fn without_privileges() {
    if !require(&[Need::Root]) {
        return;
    }
    let (directory, copy) = for_nobody();
    let lapwing = Lapwing::with(Backend::Ptrace);
    for mode in ["kill", "continue"] {
        let events = directory.path().join(format!("events-{mode}.json"));
        let mut command = Command::new(&copy);
        let template = lapwing.clone().option("--on-tracer-death").option(mode);
        command.args(
            template
                .command(&["sh", "-c", "id -u; cat /etc/passwd >/dev/null; cat /etc/shadow; exit 3"], &events)
                .get_args(),
        );
        let done = said(become_nobody(command.current_dir(directory.path())));
        assert_eq!((done.status, done.stdout.as_str()), (3, "65534\n"), "{done:?}");
        let events = read_events(&events).unwrap();
        let open =
            |path: &str| events.iter().find(|event| event["type"] == "open" && event["open"]["file"]["path"] == path);
        assert_eq!(open("/etc/passwd").unwrap()["process"]["uid"], 65534);
        assert_eq!(open("/etc/shadow").unwrap()["open"]["retval"], -13);
    }
}

/// What a user without privileges gets of `auto`, and is told if it is asked for.
#[test]
fn without_the_right_to_bpf() {
    if !require(&[Need::Root]) {
        return;
    }
    let (directory, copy) = for_nobody();
    let witness = directory.path().join("witness");
    let run = |options: &[&str]| {
        let mut lapwing = Command::new(&copy);
        lapwing.arg("run").args(options).args(["--", "touch"]).arg(&witness).current_dir(directory.path());
        said(become_nobody(&mut lapwing))
    };
    let refused = run(&["--backend", "kernel"]);
    refused.fails(1, &["the kernel backend cannot run here, for want of CAP_BPF", "CAP_PERFMON", "--backend ptrace"]);
    assert_eq!(refused.stderr.lines().count(), 1, "{refused:?}");
    assert!(!witness.exists(), "the command ran all the same");
    let done = run(&["--backend", "auto", "--type", "exec", "--log-level", "info"]);
    assert!(done.status == 0 && witness.exists(), "{done:?}");
    assert!(done.stderr.contains("observing with ptrace: the kernel backend cannot run here"), "{done:?}");
}

/// What it may not trace, it says, with advice.
#[test]
fn without_the_right_to_a_process() {
    if !require(&[Need::Root]) {
        return;
    }
    let (directory, copy) = for_nobody();
    let mut sleeper = Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = sleeper.id().to_string();
    let said = said(become_nobody(Command::new(&copy).args(["trace", "--pid", &pid]).current_dir(directory.path())));
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    said.fails(1, &[&pid, "CAP_SYS_PTRACE"]);
    // Nor can it write where it may not; and then it starts nothing.
    let root_only = Path::new("/root/lapwing-events.json");
    let refused = self::said(become_nobody(
        Command::new(&copy).args(["run", "-o"]).arg(root_only).args(["--", "true"]).current_dir("/"),
    ));
    refused.fails(1, &["/root/lapwing-events.json", "ermission denied"]);
}

/// A descendant that became another user's is missed, and it is said that one is.
#[test]
fn without_the_right_to_a_descendant() {
    if !require(&[Need::Root]) || !installed(&["python3"]) {
        return;
    }
    let (directory, copy) = for_nobody();
    let script = "import os, time\nif os.fork() == 0: time.sleep(1000)\nos.setgroups([]); os.setgid(65534); \
                  os.setuid(65534)\nos.execvp('sleep', ['sleep', '1000'])";
    let mut parent = Command::new("python3").args(["-c", script]).spawn().unwrap();
    let pid = parent.id();
    let comm = || fs::read_to_string(format!("/proc/{pid}/comm")).unwrap();
    until("it became nobody's", || comm() == "sleep\n");
    let children = descendants(pid);
    let mut lapwing = Command::new(&copy);
    let lapwing = become_nobody(lapwing.args(["trace", "--summary", "always", "--pid", &pid.to_string()]));
    let lapwing = lapwing.current_dir(directory.path()).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let status = || fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    until("it is traced", || !status().contains("TracerPid:\t0\n"));
    let _ = Command::new("kill").arg(pid.to_string()).status();
    let told = end_of(lapwing);
    for child in children.iter().skip(1) {
        let _ = Command::new("kill").arg(child.to_string()).status();
    }
    parent.wait().unwrap();
    assert_eq!((children.len(), told.status.code()), (2, Some(0)), "{told:?}");
    let summary = String::from_utf8_lossy(&told.stderr).into_owned();
    assert_eq!(number_before(&summary, "running descendants that Lapwing may not trace"), 1, "{summary}");
}
