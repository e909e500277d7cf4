//! Which findings make a machine usable, and that this machine can be probed at all.

use super::*;

/// A machine on which everything was found, with exceptions.
fn machine(exceptions: &[(&str, State)]) -> Features {
    let mut features = probe();
    for finding in &mut features.findings {
        finding.state =
            exceptions.iter().find(|(name, _)| *name == finding.name).map_or(State::Present, |found| found.1);
    }
    features
}

fn blockers(exceptions: &[(&str, State)]) -> Vec<&'static str> {
    match machine(exceptions).usable() {
        Ok(()) => Vec::new(),
        Err(findings) => findings.into_iter().map(|finding| finding.name).collect(),
    }
}

#[test]
fn every_name_is_found_once_and_explained_in_one_line() {
    let features = probe();
    let mut names: Vec<_> = features.findings().iter().map(|finding| finding.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a name appears twice: {names:?}");
    for name in REQUIRED.into_iter().chain([name::CAP_BPF, name::CAP_PERFMON, name::CAP_SYS_ADMIN]) {
        assert!(features.get(name).is_some(), "{name} was not looked for");
    }
    for finding in features.findings() {
        assert!(!finding.detail.contains('\n'), "{finding:?}");
        assert!(finding.state == State::Present || !finding.detail.is_empty(), "{finding:?} does not say why");
    }
}

#[test]
fn what_a_glance_finds_missing_a_closer_look_does_too() {
    let (glance, probe) = (glance(), probe());
    let names = |features: &Features| -> Vec<&str> {
        features.usable().err().into_iter().flatten().map(|finding| finding.name).collect()
    };
    assert!(glance.get(name::BTF).is_some() && glance.get(name::CAP_BPF).is_some());
    assert_eq!(names(&probe).into_iter().filter(|name| glance.get(name).is_some()).collect::<Vec<_>>(), names(&glance));
}

#[test]
fn each_requirement_alone_stands_in_the_way() {
    assert_eq!(blockers(&[]), [""; 0]);
    for name in REQUIRED {
        assert_eq!(blockers(&[(name, State::Missing)]), [name]);
        assert_eq!(blockers(&[(name, State::Unknown)]), [name], "not knowing is not a yes");
    }
}

#[test]
fn one_broad_capability_or_two_narrow_ones() {
    use State::Missing;
    use name::{CAP_BPF, CAP_PERFMON, CAP_SYS_ADMIN};
    assert_eq!(blockers(&[(CAP_SYS_ADMIN, Missing)]), [""; 0]);
    assert_eq!(blockers(&[(CAP_BPF, Missing), (CAP_PERFMON, Missing)]), [""; 0]);
    assert_eq!(blockers(&[(CAP_SYS_ADMIN, Missing), (CAP_BPF, Missing)]), [CAP_BPF]);
    assert_eq!(
        blockers(&[(CAP_SYS_ADMIN, Missing), (CAP_BPF, Missing), (CAP_PERFMON, State::Unknown)]),
        [CAP_BPF, CAP_PERFMON]
    );
}

#[test]
fn what_the_backend_does_not_need_does_not_stand_in_the_way() {
    for name in [name::UNPRIVILEGED, name::LOCKDOWN, name::CAP_SYS_RESOURCE, name::CAP_SYS_PTRACE, name::TRACEPOINT] {
        assert_eq!(blockers(&[(name, State::Missing)]), [""; 0], "{name}");
    }
}

/// Facts of other machines, made into a refusal.
fn refusal(exceptions: &[(&str, State, &str)]) -> Option<String> {
    let mut features = machine(&[]);
    for finding in &mut features.findings {
        if let Some((_, state, detail)) = exceptions.iter().find(|(name, ..)| *name == finding.name) {
            (finding.state, finding.detail) = (*state, (*detail).to_owned());
        }
    }
    features.refusal()
}

#[test]
fn what_is_known_to_be_missing_is_refused_on_one_line() {
    use State::{Missing, Unknown};
    assert_eq!(refusal(&[]), None);
    assert_eq!(refusal(&[(name::BTF, Unknown, "permission denied")]), None, "it may work, and is to be tried");
    assert_eq!(
        refusal(&[(name::BTF, Missing, "no /sys/kernel/btf/vmlinux")]).unwrap(),
        "the kernel backend cannot run here, for want of kernel BTF (no /sys/kernel/btf/vmlinux)"
    );
    assert_eq!(
        refusal(&[(name::LINUX, Missing, "this is 5.4.0-190-generic"), (name::BTF, Unknown, "?")]).unwrap(),
        "the kernel backend cannot run here, for want of Linux 5.13 (this is 5.4.0-190-generic)"
    );
    let rights = [name::CAP_SYS_ADMIN, name::CAP_BPF, name::CAP_PERFMON].map(|name| (name, Missing, "for this"));
    assert_eq!(
        refusal(&rights).unwrap(),
        "the kernel backend cannot run here, for want of CAP_BPF (for this), CAP_PERFMON (for this)"
    );
}
