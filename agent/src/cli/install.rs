//! `lapwing install`.

use std::path::PathBuf;

use clap::Args;

/// Copy this program into a directory
///
/// For an image that has nothing but Lapwing in it, and so no `cp`: run as an init container, it hands the program to
/// the container that shall be traced, on a volume of both.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing install /opt/lapwing
  docker run --rm -v lapwing-bin:/opt/lapwing lapwing install /opt/lapwing")]
pub(crate) struct InstallArgs {
    /// The directory, which has to be there
    #[arg(value_name = "DIRECTORY")]
    pub(crate) directory: PathBuf,
}
