//! `lapwing security-profile`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::agent::DirectoryArgs;
use super::{DiffArgs, ReportFormat, ShowArgs};

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
  lapwing security-profile export --format apparmor web.profile >/etc/apparmor.d/web
  lapwing security-profile list                  what an agent learns by itself")]
pub(crate) enum SecurityProfile {
    List(ListProfilesArgs),
    Save(SaveProfileArgs),
    #[command(after_help = "\
Examples:
  lapwing security-profile show web.profile | less")]
    /// Show a profile: its versions with their states, and the tree
    Show(ShowArgs),
    #[command(after_help = "\
Examples:
  lapwing security-profile diff web-1.0.profile web-1.1.profile
  lapwing security-profile diff --exit-code expected.profile $(lapwing security-profile save web)")]
    /// Show what differs between two profiles
    Diff(DiffArgs),
    Export(ExportArgs),
}

/// Tell which workloads of the agent have profiles, and how far they are learned
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing security-profile list
  lapwing security-profile list --format json | jq '.profiles[].anomalies'")]
pub(crate) struct ListProfilesArgs {
    /// Also those of workloads that have ended, as far as they are kept
    #[arg(long)]
    pub(crate) ended: bool,
    /// How to show them
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Pretty)]
    pub(crate) format: ReportFormat,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}

/// Have the agent write a workload's profile now
///
/// It does so from time to time by itself. Prints the file's name.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing security-profile show $(lapwing security-profile save web)")]
pub(crate) struct SaveProfileArgs {
    /// The name of the workload's image
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
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
