//! The compiler, its strip and libbpf's headers. What they write depends on their versions, so the compiler
//! is named with its version, as Debian 12's package is, and the manifest records what each says of itself.

use std::io;
use std::process::{Command, Output};

use super::Error;

/// The compiler, of the Debian package of the same name.
pub(super) const CLANG: &str = "clang-14";

/// Of the Debian package `llvm-14`.
pub(super) const STRIP: &str = "llvm-strip-14";

/// What each tool says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tools {
    pub(super) compiler: String,
    pub(super) strip: String,
    pub(super) libbpf: String,
}

impl Tools {
    /// Asks those that are installed.
    pub(super) fn installed() -> Result<Self, Error> {
        Ok(Self { compiler: version(CLANG)?, strip: version(STRIP)?, libbpf: libbpf()? })
    }

    /// How `installed` differs from these, in sentences.
    pub(super) fn differences(&self, installed: &Self) -> Vec<String> {
        let tools = [
            ("compiler", &self.compiler, &installed.compiler),
            ("strip", &self.strip, &installed.strip),
            ("libbpf", &self.libbpf, &installed.libbpf),
        ];
        let different = tools.into_iter().filter(|(_, recorded, installed)| recorded != installed);
        different
            .map(|(tool, recorded, installed)| {
                format!("{tool} is \"{installed}\", and the objects were built with \"{recorded}\"")
            })
            .collect()
    }
}

/// Runs a tool to its end; one that is absent has an error of its own.
pub(super) fn run(program: &'static str, command: &mut Command) -> Result<Output, Error> {
    command.output().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => Error::NoTool { program },
        _ => Error::Run { program, source },
    })
}

fn version(program: &'static str) -> Result<String, Error> {
    let output = run(program, Command::new(program).arg("--version"))?;
    version_line(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| Error::NoVersion { program, arguments: "--version".to_owned() })
}

/// The line that names the version; llvm's tools have others above and below.
fn version_line(text: &str) -> Option<String> {
    text.lines().map(str::trim).find(|line| line.contains(" version ")).map(str::to_owned)
}

/// The version of the headers that the compiler finds, by asking the compiler: there may be two.
fn libbpf() -> Result<String, Error> {
    let arguments = "-target bpf -E -dM -include bpf/libbpf_version.h -x c /dev/null";
    let output = run(CLANG, Command::new(CLANG).args(arguments.split(' ')))?;
    if !output.status.success() {
        return Err(Error::NoHeaders);
    }
    header_version(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| Error::NoVersion { program: CLANG, arguments: arguments.to_owned() })
}

fn header_version(definitions: &str) -> Option<String> {
    let value = |name: &str| {
        definitions.lines().find_map(|line| line.strip_prefix("#define ")?.strip_prefix(name)?.strip_prefix(' '))
    };
    Some(format!("{}.{}", value("LIBBPF_MAJOR_VERSION")?, value("LIBBPF_MINOR_VERSION")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_among_other_lines() {
        let strip = "llvm-strip, compatible with GNU strip\nDebian LLVM version 14.0.6\n  Optimized build.\n";
        assert_eq!(version_line(strip).as_deref(), Some("Debian LLVM version 14.0.6"));
        let clang = "Debian clang version 14.0.6\nTarget: x86_64-pc-linux-gnu\n";
        assert_eq!(version_line(clang).as_deref(), Some("Debian clang version 14.0.6"));
        assert_eq!(version_line("usage: clang\n"), None);
    }

    #[test]
    fn the_headers_say_their_version_in_two_definitions() {
        let definitions =
            "#define __LIBBPF_VERSION_H \n#define LIBBPF_MAJOR_VERSION 1\n#define LIBBPF_MINOR_VERSION 12\n";
        assert_eq!(header_version(definitions).as_deref(), Some("1.12"));
        assert_eq!(header_version("#define LIBBPF_MAJOR_VERSION 1\n"), None);
    }

    #[test]
    fn each_other_tool_is_named_with_both_versions() {
        let recorded = Tools { compiler: "clang 1".into(), strip: "strip 1".into(), libbpf: "1.1".into() };
        assert_eq!(recorded.differences(&recorded), [""; 0]);
        let installed = Tools { compiler: "clang 2".into(), libbpf: "1.2".into(), ..recorded.clone() };
        assert_eq!(
            recorded.differences(&installed),
            [
                "compiler is \"clang 2\", and the objects were built with \"clang 1\"",
                "libbpf is \"1.2\", and the objects were built with \"1.1\"",
            ]
        );
    }

    #[test]
    fn an_absent_tool_names_the_script_that_installs_it() {
        let error = run(CLANG, &mut Command::new("/nowhere/clang")).unwrap_err();
        assert!(error.to_string().contains("scripts/setup-tests"), "{error}");
    }
}
