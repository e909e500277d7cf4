//! `cargo xtask`: what a contributor runs beside cargo's own commands.
//!
//! House rules and generated files are checked by a program of the workspace, not by a list of
//! commands in a wiki, so that they are the same on a laptop and in CI, and are tested themselves.

mod bpf;
mod docs;
mod tidy;
mod verifier;
mod workspace;

use std::env;
use std::process::ExitCode;

use workspace::Workspace;

const USAGE: &str = "\
Usage: cargo xtask <COMMAND>

Commands:
  tidy                check the house rules: headers, file sizes, names, markers, dependencies
  docs                write the generated pages under docs/
  docs --check        fail when a generated page is stale
  bpf                 build the eBPF objects and their manifest
  bpf --check         fail when they are not those of the sources
  verifier            load the programs and write bpf/VERIFIER.md, what they cost the kernel's verifier
  verifier --check    fail when one of them costs much more than it did, or is not in the table
";

/// Why a command could not do its work, or what it found.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Workspace(#[from] workspace::Error),
    #[error(transparent)]
    Tidy(#[from] tidy::Error),
    #[error(transparent)]
    Docs(#[from] docs::Error),
    #[error(transparent)]
    Bpf(#[from] bpf::Error),
    #[error(transparent)]
    Verifier(#[from] verifier::Error),
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let command: fn(&Workspace) -> Result<(), Error> = match arguments[..] {
        ["tidy"] => |workspace| Ok(tidy::run(workspace)?),
        ["docs"] => |workspace| Ok(docs::write(&workspace.root)?),
        ["docs", "--check"] => |workspace| Ok(docs::check(&workspace.root)?),
        ["bpf"] => |workspace| Ok(bpf::write(&workspace.root)?),
        ["bpf", "--check"] => |workspace| Ok(bpf::check(&workspace.root)?),
        ["verifier"] => |workspace| Ok(verifier::write(&workspace.root)?),
        ["verifier", "--check"] => |workspace| Ok(verifier::check(&workspace.root)?),
        ["help" | "--help" | "-h"] => {
            eprint!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match Workspace::load().map_err(Error::from).and_then(|workspace| command(&workspace)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}
