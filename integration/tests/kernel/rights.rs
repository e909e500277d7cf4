//! What the kernel backend may do, what it has to be allowed to, and what it says when it is not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use lapwing_integration::harness::{Backend, Lapwing, binary};
use lapwing_integration::need::{Need, installed, require};
use lapwing_integration::run::until;
use tempfile::TempDir;

use super::said::Said;

/// `linux/capability.h`.
const CAP_SYS_ADMIN: u32 = 21;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;
const CAP_LAST: u32 = 63;

/// As root of a container that has only these capabilities.
fn with_only(capabilities: &'static [u32], command: &mut Command) {
    let limit = move || {
        for capability in (0..=CAP_LAST).filter(|capability| !capabilities.contains(capability)) {
            // SAFETY: takes no pointers. Fails for a capability that this kernel does not know.
            unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
        }
        Ok(())
    };
    // SAFETY: makes system calls only.
    unsafe { command.pre_exec(limit) };
}

/// Runs `true` with only these capabilities; `Ok` says how many programs were seen.
fn watches_with(capabilities: &'static [u32]) -> Result<usize, Said> {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("events");
    let mut lapwing = Lapwing::with(Backend::Kernel).telling_losses().command(&["sh", "-c", "true; /bin/true"], &file);
    with_only(capabilities, &mut lapwing);
    let said = Said::by(&mut lapwing);
    if said.status != 0 {
        return Err(said);
    }
    assert_eq!(said.stderr, "");
    Ok(fs::read_to_string(&file).unwrap().lines().filter(|line| line.contains("\"type\":\"exec\"")).count())
}

fn may_be_limited() -> bool {
    Backend::Kernel.is_available() && require(&[Need::Root])
}

#[test]
fn two_capabilities_suffice_or_the_one_that_includes_them() {
    if !may_be_limited() {
        return;
    }
    assert_eq!(watches_with(&[CAP_BPF, CAP_PERFMON]).unwrap(), 2);
    assert_eq!(watches_with(&[CAP_SYS_ADMIN]).unwrap(), 2);
}

#[test]
fn what_is_missing_is_said_on_one_line() {
    if !may_be_limited() {
        return;
    }
    for (capabilities, missing) in
        [(&[][..], &["CAP_BPF", "CAP_PERFMON"][..]), (&[CAP_BPF], &["CAP_PERFMON"]), (&[CAP_PERFMON], &["CAP_BPF"])]
    {
        let said = watches_with(capabilities).unwrap_err();
        assert_eq!((said.status, said.stdout.as_str(), said.stderr.lines().count()), (1, "", 1), "{said:?}");
        assert!(said.stderr.starts_with("lapwing: the kernel backend cannot run here, for want of"), "{said:?}");
        assert!(said.stderr.ends_with("use --backend ptrace\n"), "{said:?}");
        for name in ["CAP_BPF", "CAP_PERFMON"] {
            assert_eq!(said.stderr.contains(name), missing.contains(&name), "{said:?}");
        }
    }
}

/// A copy of Lapwing in a directory that everybody may enter: the build's may be closed.
fn for_everybody() -> (TempDir, String) {
    let directory = TempDir::new().unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = directory.path().join("lapwing");
    fs::copy(binary(), &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).unwrap();
    let copy = copy.to_str().unwrap().to_owned();
    (directory, copy)
}

/// Another user than root, with the two capabilities and no others.
#[test]
fn a_user_with_two_capabilities_watches() {
    if !may_be_limited() || !installed(&["setpriv"]) {
        return;
    }
    let (_directory, lapwing) = for_everybody();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+cap_38,+cap_39"]);
    command.args(["--ambient-caps=+cap_38,+cap_39", &lapwing, "run", "--backend", "kernel", "--format", "json"]);
    let said = Said::by(command.args(["--summary", "never", "--", "true"]));
    assert_eq!((said.status, said.stdout.as_str()), (0, ""), "{said:?}");
    assert_eq!(said.stderr.lines().filter(|line| line.contains("\"type\":\"exec\"")).count(), 1, "{said:?}");
}

#[test]
fn given_up_by_lapwing_and_kept_by_the_command() {
    if !may_be_limited() {
        return;
    }
    let directory = TempDir::new().unwrap();
    let go_on = directory.path().join("go-on");
    let script = format!(
        "while ! [ -e {} ]; do sleep 0.02; done; sed 's/^/own-/' /proc/self/status; cat /proc/$PPID/task/*/status",
        go_on.display()
    );
    let events = directory.path().join("events");
    let mut lapwing = Lapwing::with(Backend::Kernel).telling_losses().command(&["sh", "-c", &script], &events);
    let mut lapwing =
        lapwing.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // It gives them up when the command is on its way.
    let status = format!("/proc/{}/status", lapwing.id());
    let bpf = |text: &str| text.lines().find_map(|line| line.strip_prefix("CapPrm:")).map(str::trim).map(has_any);
    until("given up", || {
        bpf(&fs::read_to_string(&status).unwrap()) == Some(false) || lapwing.try_wait().unwrap().is_some()
    });
    fs::write(&go_on, "").unwrap();
    let said = Said::of(lapwing_integration::run::end_of(lapwing));
    assert_eq!((said.status, said.stderr.as_str()), (0, ""), "reading counters and what was seen goes on");
    for set in ["CapPrm:", "CapEff:"] {
        let left = said.words(set);
        assert!(!left.is_empty() && !left.iter().copied().any(has_any), "a thread kept them: {said:?}");
        assert!(has_all(said.word(&format!("own-{set}"))), "the command lost them: {said:?}");
    }
    // Apart from these three, nothing is given up.
    let (own, lapwings) = (number(said.word("own-CapEff:")), number(said.word("CapEff:")));
    assert_eq!(own & !lapwings, THREE);
    assert!(fs::read_to_string(&events).unwrap().lines().last().unwrap().contains("\"type\":\"exit\""));
}

const THREE: u64 = 1 << CAP_SYS_ADMIN | 1 << CAP_PERFMON | 1 << CAP_BPF;

fn number(set: &str) -> u64 {
    u64::from_str_radix(set, 16).unwrap()
}

fn has_any(set: &str) -> bool {
    number(set) & THREE != 0
}

fn has_all(set: &str) -> bool {
    number(set) & THREE == THREE
}

/// BPF tracepoints that are attached by descriptor do not need tracefs.
#[test]
fn without_tracefs() {
    if !may_be_limited() || !require(&[Need::MountNamespace]) || !installed(&["unshare", "umount"]) {
        return;
    }
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("events");
    let lapwing = Lapwing::with(Backend::Kernel).telling_losses().command(&["true"], &file);
    let script = "grep -E ' (tracefs|debugfs) ' /proc/self/mounts | cut -d' ' -f2 | xargs -r umount -l; \
                  grep -cE ' (tracefs|debugfs) ' /proc/self/mounts; exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(lapwing.get_program()).args(lapwing.get_args());
    let said = Said::by(&mut command);
    assert_eq!((said.status, said.stdout.as_str(), said.stderr.as_str()), (0, "0\n", ""));
    assert!(fs::read_to_string(&file).unwrap().contains("\"type\":\"exec\""));
}

/// Who observes runs sooner than what it observes, and does not change the latter.
#[test]
fn sooner_than_the_command() {
    if !may_be_limited() {
        return;
    }
    let directory = TempDir::new().unwrap();
    let nice = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // proc_pid_stat(5): the 19th, of which the first two are before the end of the name.
        stat.rsplit(") ").next().unwrap().split(' ').nth(16).unwrap_or("0").parse::<i32>().unwrap()
    };
    let mut lapwing = Lapwing::with(Backend::Kernel).command(&["cat"], &directory.path().join("events"));
    let mut lapwing = lapwing.stdin(std::process::Stdio::piped()).spawn().unwrap();
    let own = nice(std::process::id());
    let pid = lapwing.id();
    until("sooner", || nice(pid) == (own - 10).max(-20));
    let command = lapwing_integration::run::descendants(pid)[1];
    assert_eq!(nice(command), own);
    drop(lapwing.stdin.take());
    assert!(lapwing.wait().unwrap().success());
}
