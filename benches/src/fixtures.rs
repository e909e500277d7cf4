//! What workloads and services need on the disk: a git repository, a C program, policies. Made once, below the target
//! directory, always alike.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::{policies, tools};

/// Commits of the repository; each has three loose objects.
const COMMITS: usize = 150;
/// Files of the program.
const SOURCES: usize = 12;
/// Rules of the policy.
pub(crate) const RULES: usize = 300;

/// Where they are.
pub(crate) fn directory() -> anyhow::Result<PathBuf> {
    Ok(tools::target_directory()?.join("bench-fixtures"))
}

/// The folder of the policy.
pub(crate) fn policies() -> anyhow::Result<PathBuf> {
    Ok(directory()?.join("policies"))
}

/// Makes one of them in a folder of its own.
type Step = fn(&Path) -> anyhow::Result<()>;

/// Makes what is missing.
pub(crate) fn make() -> anyhow::Result<()> {
    let directory = directory()?;
    let missing = |name| !directory.join(name).join(".whole").exists();
    let steps: [(&str, Step); 3] = [("repository", repository), ("program", program), ("policies", policy)];
    for (name, step) in steps {
        if missing(name) {
            let place = directory.join(name);
            if place.exists() {
                fs::remove_dir_all(&place).with_context(|| format!("cannot remove {}", place.display()))?;
            }
            fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
            step(&place).with_context(|| format!("cannot make {}", place.display()))?;
            fs::write(place.join(".whole"), "")?;
        }
    }
    Ok(())
}

fn repository(place: &Path) -> anyhow::Result<()> {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(place).args(arguments);
        git
    };
    ensure!(git(&["init", "--quiet", "--bare"]).status()?.success(), "git init failed");
    // Fewer objects than this are not packed.
    let import = ["-c", "fastimport.unpackLimit=100000", "fast-import", "--quiet"];
    let mut import = git(&import).stdin(Stdio::piped()).spawn()?;
    let mut stream = import.stdin.take().context("no pipe")?;
    for commit in 0..COMMITS {
        let content = line(commit).repeat(40);
        write!(
            stream,
            "commit refs/heads/main\ncommitter A <a@example.org> {} +0000\ndata 1\nc\n\
             M 644 inline file-{}\ndata {}\n{content}\n",
            1_700_000_000 + commit,
            commit % 30,
            content.len(),
        )?;
    }
    drop(stream);
    ensure!(import.wait()?.success(), "git fast-import failed");
    Ok(())
}

fn line(number: usize) -> String {
    format!("commit {number} says something of its own, {}\n", number * 7919)
}

fn program(place: &Path) -> anyhow::Result<()> {
    let objects: Vec<String> = (0..SOURCES).map(|number| format!("part{number}.o")).collect();
    let objects = objects.join(" ");
    let makefile = format!("all: {objects}\n\tcc -o program {objects}\n%.o: %.c\n\tcc -O1 -c -o $@ $<\n");
    fs::write(place.join("Makefile"), makefile)?;
    for number in 0..SOURCES {
        let mut text = String::from("#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n");
        for function in 0..20 {
            let _ = writeln!(
                text,
                "int part{number}_{function}(int n, char *s) {{ int t = {function}; for (int i = 0; i < n; i++) \
                 t += s[i % 7] * i; if (t < 0) printf(\"%d %s\", t, s); return t; }}"
            );
        }
        if number == 0 {
            text.push_str("int main(int argc, char **argv) { return part0_1(argc, argv[0]) == 1; }\n");
        }
        fs::write(place.join(format!("part{number}.c")), text)?;
    }
    Ok(())
}

fn policy(place: &Path) -> anyhow::Result<()> {
    Ok(fs::write(place.join("bench.policy"), policies::text(RULES))?)
}
