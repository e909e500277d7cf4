//! What the host says about itself in `uname`, `/sys`, `/proc` and the capability sets. Reading and
//! interpreting are apart, so that the latter is tested on text from other machines.

use std::path::Path;
use std::{fs, io};

use caps::{CapSet, Capability};

use super::{Finding, State, name};

/// The first Linux with the BPF ring buffer.
const OLDEST: (u32, u32) = (5, 13);

const BTF_FILE: &str = "/sys/kernel/btf/vmlinux";
const LOCKDOWN_FILE: &str = "/sys/kernel/security/lockdown";
const UNPRIVILEGED_FILE: &str = "/proc/sys/kernel/unprivileged_bpf_disabled";

/// The capabilities that either backend may use, and what each is for.
const CAPABILITIES: [(Capability, &str, &str); 6] = [
    (Capability::CAP_BPF, name::CAP_BPF, "loads programs and maps"),
    (Capability::CAP_PERFMON, name::CAP_PERFMON, "attaches programs to tracepoints, reads kernel memory"),
    (Capability::CAP_SYS_ADMIN, name::CAP_SYS_ADMIN, "includes CAP_BPF and CAP_PERFMON"),
    (Capability::CAP_SYS_RESOURCE, name::CAP_SYS_RESOURCE, "raises the memory limit that BPF has before Linux 5.11"),
    (Capability::CAP_SYS_PTRACE, name::CAP_SYS_PTRACE, "traces and inspects processes of other users"),
    (Capability::CAP_NET_ADMIN, name::CAP_NET_ADMIN, "attaches programs to network devices"),
];

/// Everything that can be read.
pub(super) fn findings() -> Vec<Finding> {
    let mut findings = vec![kernel(), btf(), lockdown(), unprivileged()];
    findings.extend(capabilities());
    findings
}

fn kernel() -> Finding {
    match nix::sys::utsname::uname() {
        Ok(names) => kernel_of(&names.release().to_string_lossy()),
        Err(errno) => Finding::new(name::LINUX, State::Unknown, format!("uname: {errno}")),
    }
}

fn kernel_of(release: &str) -> Finding {
    let state = match version(release) {
        Some(version) if version >= OLDEST => State::Present,
        Some(_) => State::Missing,
        None => State::Unknown,
    };
    Finding::new(name::LINUX, state, format!("this is {release}"))
}

/// The first two numbers of a release such as `6.1.0-18-amd64` or `5.13-rc1`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn btf() -> Finding {
    let (state, detail) = match fs::metadata(BTF_FILE) {
        Ok(file) => (State::Present, format!("{BTF_FILE}, {} bytes", file.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (State::Missing, format!("no {BTF_FILE}")),
        Err(error) => (State::Unknown, format!("{BTF_FILE}: {error}")),
    };
    Finding::new(name::BTF, state, detail)
}

fn lockdown() -> Finding {
    match read(LOCKDOWN_FILE) {
        Ok(text) => lockdown_of(&text),
        Err(why) => Finding::new(name::LOCKDOWN, State::Unknown, why),
    }
}

/// The file lists all modes with the one in force in brackets: `none [integrity] confidentiality`.
fn lockdown_of(text: &str) -> Finding {
    let mode = text.split_once('[').and_then(|(_, rest)| rest.split_once(']')).map(|(mode, _)| mode);
    let (state, detail) = match mode {
        Some(mode @ ("none" | "integrity")) => (State::Present, format!("lockdown is {mode}")),
        Some("confidentiality") => {
            (State::Missing, "lockdown is confidentiality: programs may not read kernel memory".to_owned())
        }
        _ => (State::Unknown, format!("{LOCKDOWN_FILE} says {text:?}")),
    };
    Finding::new(name::LOCKDOWN, state, detail)
}

fn unprivileged() -> Finding {
    match read(UNPRIVILEGED_FILE) {
        Ok(text) => unprivileged_of(&text),
        Err(why) => Finding::new(name::UNPRIVILEGED, State::Unknown, why),
    }
}

fn unprivileged_of(text: &str) -> Finding {
    let (state, meaning) = match text {
        "0" => (State::Present, "any user may load some programs"),
        "1" => (State::Missing, "only privileged users, until the next boot"),
        "2" => (State::Missing, "only privileged users, unless an administrator changes it"),
        _ => (State::Unknown, "not a value that Lapwing knows"),
    };
    Finding::new(name::UNPRIVILEGED, state, format!("unprivileged_bpf_disabled is {text}: {meaning}"))
}

fn capabilities() -> impl Iterator<Item = Finding> {
    let effective = caps::read(None, CapSet::Effective);
    CAPABILITIES.into_iter().map(move |(capability, name, purpose)| match &effective {
        Ok(set) if set.contains(&capability) => Finding::new(name, State::Present, purpose.to_owned()),
        Ok(_) => Finding::new(name, State::Missing, purpose.to_owned()),
        Err(error) => Finding::new(name, State::Unknown, format!("reading the capabilities: {error}")),
    })
}

fn read(path: &str) -> Result<String, String> {
    let text = fs::read_to_string(Path::new(path)).map_err(|error| format!("{path}: {error}"))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_many_distributions_are_understood() {
        for (release, state) in [
            ("6.1.0-18-amd64", State::Present),
            ("5.13-rc1", State::Present),
            ("5.15.180-192.286.amzn2.x86_64", State::Present),
            ("5.10.0-32-cloud-amd64", State::Missing),
            ("5.7.19", State::Missing),
            ("4.18.0-553.el8_10.x86_64", State::Missing),
            ("6", State::Unknown),
            ("unreleased", State::Unknown),
            ("99999999999.1", State::Unknown),
            ("", State::Unknown),
        ] {
            assert_eq!(kernel_of(release).state, state, "{release}");
        }
    }

    #[test]
    fn the_bracketed_lockdown_mode_decides() {
        for (text, state) in [
            ("[none] integrity confidentiality", State::Present),
            ("none [integrity] confidentiality", State::Present),
            ("none integrity [confidentiality]", State::Missing),
            ("none integrity confidentiality", State::Unknown),
            ("", State::Unknown),
        ] {
            assert_eq!(lockdown_of(text).state, state, "{text}");
        }
    }

    #[test]
    fn the_three_settings_of_unprivileged_bpf_are_told_apart() {
        for (text, state) in
            [("0", State::Present), ("1", State::Missing), ("2", State::Missing), ("3", State::Unknown)]
        {
            assert_eq!(unprivileged_of(text).state, state, "{text}");
        }
    }

    #[test]
    fn capability_names_are_the_kernels() {
        for (capability, name, _) in CAPABILITIES {
            assert_eq!(capability.to_string(), name);
        }
    }

    #[test]
    fn an_unreadable_file_says_which_and_why() {
        let why = read("/proc/self/no-such-file").unwrap_err();
        assert_eq!(why, "/proc/self/no-such-file: No such file or directory (os error 2)");
    }
}
