//! The kernel's features for the eBPF backend, as questions with advice.

use std::path::Path;

use lapwing_kernel::features::{self, Features, name};

use super::{Area, Backend, Check, State};

/// What can be said of the backend as a whole, given how a trial of it went: it has to have worked, and
/// nothing that it is known to need may be missing.
pub(super) fn backend(features: &Features, trial: &Check) -> Backend {
    let why = match features.usable() {
        Ok(()) if trial.state == State::Yes => "works here".to_owned(),
        Ok(()) => "does not work here: a command could not be watched".to_owned(),
        Err(blockers) => {
            let names: Vec<_> = blockers.iter().map(|finding| finding.name).collect();
            format!("does not work here, for want of {}", names.join(", "))
        }
    };
    Backend { name: "kernel", works: features.usable().is_ok() && trial.state == State::Yes, why }
}

/// What programs may use, but watching does not depend on.
const OPTIONAL: [&str; 3] = [name::UNPRIVILEGED, name::CAP_SYS_RESOURCE, name::CAP_NET_ADMIN];

/// Whether other capabilities do what this one would.
fn is_made_up_for(features: &Features, name: &str) -> bool {
    let has = |name| features.get(name).is_some_and(|finding| finding.state == features::State::Present);
    match name {
        name::CAP_SYS_ADMIN => has(name::CAP_BPF) && has(name::CAP_PERFMON),
        name::CAP_BPF | name::CAP_PERFMON => has(name::CAP_SYS_ADMIN),
        _ => false,
    }
}

pub(super) fn checks(features: &Features) -> impl Iterator<Item = Check> {
    features.findings().iter().map(|finding| {
        let detail = finding.detail.clone();
        match finding.state {
            features::State::Present => Check::yes(Area::Kernel, finding.name, detail),
            features::State::Missing if OPTIONAL.contains(&finding.name) || is_made_up_for(features, finding.name) => {
                Check::note(Area::Kernel, finding.name, format!("missing, and not needed here: {detail}"))
            }
            features::State::Missing => Check::no(Area::Kernel, finding.name, detail, advice(finding.name)),
            features::State::Unknown => {
                let advice = match finding.name {
                    name::LOCKDOWN => {
                        "mount securityfs on /sys/kernel/security to know; most kernels are not locked down"
                    }
                    _ => "try as root, where it can be found out",
                };
                Check::unknown(Area::Kernel, finding.name, detail).with_advice(advice)
            }
        }
    })
}

fn advice(feature: &str) -> &'static str {
    match feature {
        name::LINUX => "boot Linux 5.13 or later, or use the ptrace backend",
        name::BTF if !Path::new("/sys/kernel").exists() => {
            "mount sysfs on /sys, or the host's /sys/kernel/btf into the container; or use the ptrace backend"
        }
        name::BTF => "boot a kernel built with CONFIG_DEBUG_INFO_BTF, or use the ptrace backend",
        name::LOCKDOWN => "boot with lockdown=integrity or without, or use the ptrace backend",
        name::CAP_BPF | name::CAP_PERFMON | name::CAP_SYS_ADMIN => {
            "start Lapwing as root of the host, or give it CAP_BPF and CAP_PERFMON; ptrace needs neither"
        }
        name::CAP_SYS_PTRACE => "start Lapwing as root or with CAP_SYS_PTRACE to trace other users' processes",
        _ => "the kernel or a seccomp profile refuses it: try as root of the host, or use the ptrace backend",
    }
}
