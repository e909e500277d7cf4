//! `lapwing security-profile`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{DiffArgs, ShowArgs};

/// Look at security profiles: what a workload normally does
///
/// A profile is learned by `lapwing run --dump FILE.profile -- CMD`; `lapwing run --profile FILE -- CMD` then shows what
/// departs from it. Any dump serves as a profile.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  lapwing run --dump web.profile -- nginx        learn
  lapwing run --profile web.profile -- nginx     show what departs
  lapwing security-profile show web.profile
  lapwing security-profile export --format apparmor web.profile >/etc/apparmor.d/web")]
pub(crate) enum SecurityProfile {
    Show(ShowArgs),
    Diff(DiffArgs),
    Export(ExportArgs),
}

/// Write a profile in the language of something that enforces it
///
/// What was learned is allowed, and everything else refused: have a workload do all that it normally does before, and
/// try the result where a refusal does no harm. Prints it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing run --dump web.profile --syscalls -- ./web
  lapwing security-profile export --format seccomp web.profile >web.json
  docker run --security-opt seccomp=web.json web
  lapwing security-profile export --format apparmor --name web web.profile >/etc/apparmor.d/web")]
pub(crate) struct ExportArgs {
    /// The profile: a .profile, .json or .protobuf file, maybe .gz
    #[arg(value_name = "FILE")]
    pub(crate) input: PathBuf,
    /// Which language
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: ExportFormat,
    /// What to call it; AppArmor only [default: the name of the image]
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// System calls, as container runtimes take them (OCI): for Docker, containerd, Podman and Kubernetes
    Seccomp,
    /// Programs, files, ports and capabilities
    Apparmor,
}
