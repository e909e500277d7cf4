//! The kernel's features for the eBPF backend, as questions with advice.

use lapwing_kernel::features::{self, Features, name};

use super::{Area, Backend, Check, State};

/// What can be said of the backend as a whole.
pub(super) fn backend(features: &Features) -> Backend {
    let machine = match features.usable() {
        Ok(()) => "this machine could run it".to_owned(),
        Err(blockers) => {
            let names: Vec<_> = blockers.iter().map(|finding| finding.name).collect();
            format!("this machine could not run it either, for want of {}", names.join(", "))
        }
    };
    Backend { name: "kernel", works: false, why: format!("not in this release; {machine}") }
}

pub(super) fn checks(features: &Features) -> impl Iterator<Item = Check> {
    features.findings().iter().map(|finding| {
        let detail = finding.detail.clone();
        match finding.state {
            features::State::Present => Check::yes(Area::Kernel, finding.name, detail),
            features::State::Missing if finding.name == name::UNPRIVILEGED => {
                Check::note(Area::Kernel, finding.name, format!("{detail}; Lapwing does not need it"))
            }
            features::State::Missing => Check::no(Area::Kernel, finding.name, detail, advice(finding.name)),
            features::State::Unknown => {
                Check { state: State::Unknown, ..Check::no(Area::Kernel, finding.name, detail, advice(finding.name)) }
            }
        }
    })
}

fn advice(feature: &str) -> &'static str {
    match feature {
        name::LINUX => "boot Linux 5.8 or later, or use the ptrace backend",
        name::BTF => "boot a kernel built with CONFIG_DEBUG_INFO_BTF, or use the ptrace backend",
        name::LOCKDOWN => "boot with lockdown=integrity or without, or use the ptrace backend",
        name::CAP_BPF | name::CAP_PERFMON | name::CAP_SYS_ADMIN => {
            "start Lapwing as root of the host, or give it CAP_BPF and CAP_PERFMON; ptrace needs neither"
        }
        name::CAP_SYS_RESOURCE => "needed before Linux 5.11 only: start Lapwing as root, or give it CAP_SYS_RESOURCE",
        name::CAP_SYS_PTRACE => "start Lapwing as root or with CAP_SYS_PTRACE to trace other users' processes",
        name::CAP_NET_ADMIN => "needed to watch network devices only: start Lapwing as root, or give it CAP_NET_ADMIN",
        _ => {
            "the kernel or a seccomp profile refuses it, or privilege is lacking: try as root, or use the ptrace backend"
        }
    }
}
