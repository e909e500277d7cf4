//! From the C sources to a stripped object, so that the same sources and tools give the same bytes in any
//! folder and under any environment.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Error;
use super::target::Target;
use super::tools::{self, CLANG, STRIP};

/// The one file that includes all others.
pub(super) const UNITY: &str = "bpf/lapwing.bpf.c";

/// For every target. `-mcpu=v3` is understood from Linux 5.1 on. libbpf's `BPF_PROG` gives each program a
/// context argument, used or not.
pub(super) const FLAGS: &[&str] = &[
    "-O2",
    "-g",
    "-target",
    "bpf",
    "-mcpu=v3",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wimplicit-fallthrough",
    "-Wno-unused-parameter",
    "-Ibpf",
    "-Ibpf/include",
];

/// By these the surroundings would add headers.
const ENVIRONMENT: [&str; 3] = ["CPATH", "C_INCLUDE_PATH", "CCC_OVERRIDE_OPTIONS"];

/// Compiles and strips the object of one target, in `folder`, from the sources under the real path `root`.
pub(super) fn object(root: &Path, target: &Target, folder: &Path) -> Result<Vec<u8>, Error> {
    let (compiled, stripped) = (folder.join("compiled.o"), folder.join("stripped.o"));

    let mut clang = Command::new(CLANG);
    clang.args(FLAGS).arg(target.define).arg(format!("-ffile-prefix-map={}=.", root.display()));
    clang.args(["-c", UNITY, "-o"]).arg(&compiled);
    // PWD is where clang believes to be, links and all.
    clang.current_dir(root).env("PWD", root);
    for name in ENVIRONMENT {
        clang.env_remove(name);
    }
    run(CLANG, &mut clang, target)?;
    // -g takes away DWARF, which is most of the size; BTF stays.
    run(STRIP, Command::new(STRIP).arg("-g").arg(&compiled).arg("-o").arg(&stripped), target)?;
    fs::read(&stripped).map_err(|source| Error::Read { path: stripped, source })
}

fn run(program: &'static str, command: &mut Command, target: &Target) -> Result<(), Error> {
    let output = tools::run(program, command)?;
    if output.status.success() {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    Err(Error::Failed { program, object: target.object, output })
}
