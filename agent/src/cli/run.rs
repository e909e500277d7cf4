//! `lapwing run`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};

use super::{CaptureArgs, DumpArgs, OutputArgs};

/// Run a command and show what it and everything it starts does
///
/// Standard input, standard output and the terminal belong to CMD. Events and the summary go to stderr, or
/// events to a file with `-o`. Signals sent to Lapwing reach CMD. Lapwing ends when CMD and all that descends
/// from it have ended, with CMD's exit status: 128+n when signal n ended it, 127 when there is no such command,
/// 126 when it cannot be executed. Lapwing's own failures are 1, and 2 for wrong usage.
#[derive(Args, Debug, Default)]
#[command(
    group = ArgGroup::new("written").args(["dump", "discarders"]).multiple(true),
    group = ArgGroup::new("followed").args(["dump", "profile"]).multiple(true),
    override_usage = "lapwing run [OPTIONS] -- CMD [ARGUMENT]...",
    after_help = "\
Examples:
  lapwing run -- make test
  lapwing run --type exec,connect -- ./install.sh
  lapwing run -o build.jsonl -- cargo build      the format follows the extension
  lapwing run --format json -- ls 2>&1 >/dev/null | jq .open.file.path
  lapwing run --policies ./policies -- ./install.sh
  lapwing run --hash --type exec -- make         the hashes of every program that it runs
  lapwing run --quiet -o events.log -- ./daemon  nothing but the daemon's own output on stderr
  lapwing run --dump build.svg --dump build.json -- make
                                                 what it did as a whole, drawn and as data
  lapwing run --profile build.profile -- make    what it did not do before: learned by --dump build.profile
  lapwing run --type help                        the types of events"
)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) capture: CaptureArgs,
    /// Show what matches the rules in DIR (or in one file), not every event; only what rules are about is captured
    #[arg(long, value_name = "DIR", conflicts_with = "types", help_heading = "Capture")]
    pub(crate) policies: Option<PathBuf>,
    /// Show what departs from the profile in FILE, not every event: a .profile that `--dump` wrote when CMD did what it
    /// normally does, or any other dump
    #[arg(long, value_name = "FILE", conflicts_with = "types", help_heading = "Capture")]
    pub(crate) profile: Option<PathBuf>,
    /// Capture every event of the types that rules are about, even where no rule could match: the same matches, at
    /// a higher cost, to compare
    #[arg(long, requires = "policies", help_heading = "Capture")]
    pub(crate) no_filters: bool,
    /// Write the discarders that the rules turned out to allow to FILE at the end, as YAML: what no rule could match, and
    /// so was not reported any more
    #[arg(long, value_name = "FILE", requires = "policies", conflicts_with = "no_filters", help_heading = "Capture")]
    pub(crate) discarders: Option<PathBuf>,
    /// What to observe with; auto: kernel where that works, else ptrace, see `lapwing doctor`
    #[arg(long, value_enum, value_name = "BACKEND", default_value_t = Backend::Auto, help_heading = "Capture")]
    pub(crate) backend: Backend,
    /// Whether CMD may set up an io_uring, whose operations only kernel sees; deny needs ptrace [default: allow]
    #[arg(long, value_enum, value_name = "CHOICE", help_heading = "Capture")]
    pub(crate) io_uring: Option<Permission>,
    /// What becomes of CMD if Lapwing is killed; needs ptrace, since without it CMD always runs on. `continue`
    /// makes every system call slower [default under ptrace: kill]
    #[arg(long, value_enum, value_name = "CHOICE", help_heading = "Capture")]
    pub(crate) on_tracer_death: Option<Fate>,
    /// Hash the programs that are executed: `exec.file.hashes`. ALGORITHM is sha256, sha1 or md5, or several with
    /// commas between [default: sha1,sha256]. Rules that ask for hashes need no option
    #[arg(
        long,
        value_name = "ALGORITHM",
        value_delimiter = ',',
        num_args = 0..,
        require_equals = true,
        help_heading = "Capture"
    )]
    pub(crate) hash: Option<Vec<String>>,
    #[command(flatten)]
    pub(crate) dump: DumpArgs,
    /// The command to run, with its arguments
    #[arg(trailing_var_arg = true, value_name = "CMD", help_heading = "Arguments")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    /// The best that works here
    #[default]
    Auto,
    /// eBPF: stops nothing; needs privileges
    Kernel,
    /// ptrace and seccomp: needs no privileges
    Ptrace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Permission {
    /// It works, and a `blind` event says so
    Allow,
    /// It fails with EPERM, and a `blind` event says so
    Deny,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fate {
    /// It is killed too, so that nothing runs unobserved
    Kill,
    /// It runs on, unobserved
    Continue,
}
