//! `bpf/MANIFEST`: what the objects were built with and from. Text of one fact a line, so that a change
//! reads well in a review.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::tools::Tools;

/// From the root.
pub(super) const PATH: &str = "bpf/MANIFEST";

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) tools: Tools,
    /// The compiler's, without those that depend on the target or the folder.
    pub(super) flags: String,
    /// By path from the root.
    pub(super) objects: BTreeMap<String, ObjectLine>,
    /// Hashes by path from the root.
    pub(super) sources: BTreeMap<String, String>,
}

/// What is said of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ObjectLine {
    /// Lower-case hexadecimal.
    pub(super) sha256: String,
    /// The flag of its target.
    pub(super) define: String,
}

/// Why a text is no manifest.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    #[error("line {0} is none of a manifest's")]
    Line(usize),
    #[error("no line says `{0}`")]
    Absent(&'static str),
}

/// The hash of some bytes, in lower-case hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How what is there differs from what the committed manifest says, in sentences. Tools are compared apart.
pub(super) fn differences(committed: &Manifest, present: &Manifest) -> Vec<String> {
    let mut found = changes(&committed.sources, &present.sources);
    found.extend(changes(&committed.objects, &present.objects));
    if committed.flags != present.flags {
        found.push(format!("the flags are `{}`, and were `{}`", present.flags, committed.flags));
    }
    found
}

fn changes<T: PartialEq>(committed: &BTreeMap<String, T>, present: &BTreeMap<String, T>) -> Vec<String> {
    let gone = committed.keys().filter(|path| !present.contains_key(*path)).map(|path| format!("{path} is gone"));
    let other = present.iter().filter_map(|(path, value)| match committed.get(path) {
        None => Some(format!("{path} is new")),
        Some(was) if was != value => Some(format!("{path} is not what it was")),
        Some(_) => None,
    });
    gone.chain(other).collect()
}

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# What the objects were built with and from. Written by `cargo xtask bpf`, not by hand.")?;
        writeln!(f, "compiler: {}", self.tools.compiler)?;
        writeln!(f, "strip: {}", self.tools.strip)?;
        writeln!(f, "libbpf: {}", self.tools.libbpf)?;
        writeln!(f, "flags: {}", self.flags)?;
        for (path, ObjectLine { sha256, define }) in &self.objects {
            writeln!(f, "object: {sha256} {path} {define}")?;
        }
        for (path, sha256) in &self.sources {
            writeln!(f, "source: {sha256} {path}")?;
        }
        Ok(())
    }
}

impl FromStr for Manifest {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (mut compiler, mut strip, mut libbpf, mut flags) = (None, None, None, None);
        let (mut objects, mut sources) = (BTreeMap::new(), BTreeMap::new());
        for (line, number) in text.lines().zip(1..) {
            if line.starts_with('#') {
                continue;
            }
            let bad = || ParseError::Line(number);
            let (key, value) = line.split_once(": ").ok_or_else(bad)?;
            match key {
                "compiler" => compiler = Some(value.to_owned()),
                "strip" => strip = Some(value.to_owned()),
                "libbpf" => libbpf = Some(value.to_owned()),
                "flags" => flags = Some(value.to_owned()),
                "object" => {
                    let (sha256, rest) = value.split_once(' ').ok_or_else(bad)?;
                    let (path, define) = rest.rsplit_once(' ').ok_or_else(bad)?;
                    let line = ObjectLine { sha256: sha256.to_owned(), define: define.to_owned() };
                    objects.insert(path.to_owned(), line);
                }
                "source" => {
                    let (sha256, path) = value.split_once(' ').ok_or_else(bad)?;
                    sources.insert(path.to_owned(), sha256.to_owned());
                }
                _ => return Err(bad()),
            }
        }
        let tools = Tools {
            compiler: compiler.ok_or(ParseError::Absent("compiler"))?,
            strip: strip.ok_or(ParseError::Absent("strip"))?,
            libbpf: libbpf.ok_or(ParseError::Absent("libbpf"))?,
        };
        Ok(Self { tools, flags: flags.ok_or(ParseError::Absent("flags"))?, objects, sources })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let object = |sha256: &str, define: &str| ObjectLine { sha256: sha256.into(), define: define.into() };
        Manifest {
            tools: Tools { compiler: "clang version 1".into(), strip: "LLVM version 1".into(), libbpf: "1.1".into() },
            flags: "-O2 -g".into(),
            objects: [("bpf/b.o".into(), object("0b", "-DB")), ("bpf/a.o".into(), object("0a", "-DA"))].into(),
            sources: [("bpf/y.h".into(), "0y".into()), ("bpf/x with space.c".into(), "0x".into())].into(),
        }
    }

    #[test]
    fn one_fact_a_line_in_sorted_order() {
        let expected = "\
# What the objects were built with and from. Written by `cargo xtask bpf`, not by hand.
compiler: clang version 1
strip: LLVM version 1
libbpf: 1.1
flags: -O2 -g
object: 0a bpf/a.o -DA
object: 0b bpf/b.o -DB
source: 0x bpf/x with space.c
source: 0y bpf/y.h
";
        assert_eq!(manifest().to_string(), expected);
        assert_eq!(expected.parse(), Ok(manifest()));
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        let parse = |text: &str| text.parse::<Manifest>().unwrap_err();
        assert_eq!(parse(""), ParseError::Absent("compiler"));
        let text = manifest().to_string();
        assert_eq!(parse(&text.replace("flags: -O2 -g\n", "")), ParseError::Absent("flags"));
        assert_eq!(parse(&text.replace("flags:", "flag:")), ParseError::Line(5));
        assert_eq!(parse(&text.replace("0y bpf/y.h", "0y")), ParseError::Line(9));
        assert_eq!(parse(&text.replace("0a bpf/a.o -DA", "0a bpf/a.o")), ParseError::Line(6));
        assert_eq!(parse(&format!("<<<<<<< ours\n{text}")), ParseError::Line(1));
    }

    #[test]
    fn every_difference_is_named() {
        let committed = manifest();
        assert_eq!(differences(&committed, &committed), [""; 0]);

        let mut present = manifest();
        present.sources.remove("bpf/y.h");
        present.sources.insert("bpf/z.h".into(), "0z".into());
        present.sources.insert("bpf/x with space.c".into(), "changed".into());
        present.objects.get_mut("bpf/a.o").unwrap().define = "-DC".into();
        present.objects.remove("bpf/b.o");
        present.flags = "-O2".into();
        assert_eq!(
            differences(&committed, &present),
            [
                "bpf/y.h is gone",
                "bpf/x with space.c is not what it was",
                "bpf/z.h is new",
                "bpf/b.o is gone",
                "bpf/a.o is not what it was",
                "the flags are `-O2`, and were `-O2 -g`",
            ]
        );
    }

    #[test]
    fn other_tools_are_not_a_difference() {
        let mut present = manifest();
        present.tools.compiler = "clang version 2".into();
        assert_eq!(differences(&manifest(), &present), [""; 0]);
    }

    #[test]
    fn the_hash_is_the_standards() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
