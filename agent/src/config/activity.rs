//! Dumps: which files in which formats, and of what.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{ConfigError, Surroundings};
use crate::activity::{Encoding, Workload};
use crate::cli::{DiffArgs, DiffFormat, DumpArgs, EncodeArgs, ShowArgs};

/// Memory that a command's dump may take, if nobody says otherwise.
const LIMIT: usize = 64 << 20;
/// A tree of no nodes takes some of it.
const LEAST: usize = 100 << 10;

/// A dump to be made of a command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct DumpConfig {
    pub(crate) files: Vec<(PathBuf, Encoding)>,
    /// Bytes of memory.
    pub(crate) limit: usize,
    pub(crate) workload: Workload,
    /// All system calls, not only those that make events.
    pub(crate) syscalls: bool,
    pub(crate) force: bool,
}

/// A dump to be written in other forms.
#[derive(Debug)]
pub(crate) struct EncodeConfig {
    pub(crate) input: PathBuf,
    pub(crate) outputs: Vec<(PathBuf, Encoding)>,
    pub(crate) workload: Option<Workload>,
    pub(crate) force: bool,
}

/// A dump to be shown.
#[derive(Debug)]
pub(crate) struct ShowConfig {
    pub(crate) input: PathBuf,
    pub(crate) colour: bool,
}

/// Two dumps to be compared.
#[derive(Debug)]
pub(crate) struct DiffConfig {
    pub(crate) first: PathBuf,
    pub(crate) second: PathBuf,
    pub(crate) view: View,
    pub(crate) all: bool,
    pub(crate) exit_code: bool,
    pub(crate) colour: bool,
}

/// How a difference is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    Tree,
    Json,
    Dot,
    Svg,
}

impl DumpConfig {
    /// `None` if no dump is wanted. A workload without a name has that of its program.
    pub(super) fn new(args: DumpArgs, program: &OsStr) -> Result<Option<Self>, ConfigError> {
        if args.dump.is_empty() {
            return Ok(None);
        }
        let workload = match &args.workload {
            Some(text) => workload(text)?,
            None => {
                let name = Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned();
                Workload { name, tag: "latest".into() }
            }
        };
        let limit = args.dump_limit.as_deref().map_or(Ok(LIMIT), size)?;
        let mut files: Vec<(PathBuf, Encoding)> = Vec::new();
        for path in args.dump {
            if files.iter().any(|(known, _)| *known == path) {
                return Err(ConfigError::SameDump(path.display().to_string()));
            }
            let encoding = Encoding::of(&path)?;
            files.push((path, encoding));
        }
        Ok(Some(Self { files, limit, workload, syscalls: args.syscalls, force: args.force }))
    }
}

impl EncodeConfig {
    pub(crate) fn new(args: EncodeArgs) -> Result<Self, ConfigError> {
        Encoding::of(&args.input)?;
        let encode = |path: PathBuf| Encoding::of(&path).map(|encoding| (path, encoding));
        Ok(Self {
            input: args.input,
            outputs: args.outputs.into_iter().map(encode).collect::<Result<_, _>>()?,
            workload: args.workload.as_deref().map(workload).transpose()?,
            force: args.force,
        })
    }
}

impl ShowConfig {
    pub(crate) fn new(args: ShowArgs, surroundings: &Surroundings) -> Result<Self, ConfigError> {
        Encoding::of(&args.input)?;
        Ok(Self { input: args.input, colour: surroundings.stdout_colour })
    }
}

impl DiffConfig {
    pub(crate) fn new(args: DiffArgs, surroundings: &Surroundings) -> Result<Self, ConfigError> {
        Encoding::of(&args.first)?;
        Encoding::of(&args.second)?;
        let view = match args.format {
            DiffFormat::Tree => View::Tree,
            DiffFormat::Json => View::Json,
            DiffFormat::Dot => View::Dot,
            DiffFormat::Svg => View::Svg,
        };
        let DiffArgs { first, second, all, exit_code, .. } = args;
        Ok(Self { first, second, view, all, exit_code, colour: surroundings.stdout_colour })
    }
}

pub(super) fn workload(text: &str) -> Result<Workload, ConfigError> {
    text.parse().map_err(|_bad| ConfigError::BadWorkload(text.into()))
}

/// A size in bytes: a number, and k, M or G for powers of 1024.
fn size(text: &str) -> Result<usize, ConfigError> {
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let shift = match unit {
        "" => 0,
        "k" | "K" => 10,
        "m" | "M" => 20,
        "g" | "G" => 30,
        _ => return Err(ConfigError::BadSize(text.into())),
    };
    let bytes = number.parse::<usize>().ok().and_then(|number| number.checked_mul(1 << shift));
    bytes.filter(|bytes| *bytes >= LEAST).ok_or_else(|| ConfigError::BadSize(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::Format;

    fn dump(files: &[&str]) -> DumpArgs {
        DumpArgs { dump: files.iter().map(PathBuf::from).collect(), ..DumpArgs::default() }
    }

    #[test]
    fn a_formats_name_ends_the_files() {
        let config =
            DumpConfig::new(dump(&["a.json", "b.x.profile.gz"]), OsStr::new("/usr/sbin/nginx")).unwrap().unwrap();
        let encodings: Vec<_> = config.files.iter().map(|(_, encoding)| (encoding.format, encoding.gzip)).collect();
        assert_eq!(encodings, [(Format::Json, false), (Format::Profile, true)]);
        assert_eq!(config.workload.to_string(), "nginx:latest");
        assert_eq!(DumpConfig::new(dump(&[]), OsStr::new("ls")).unwrap(), None);
        for name in ["x", "x.yaml", "x.gz", ".json"] {
            let error = DumpConfig::new(dump(&[name]), OsStr::new("ls")).unwrap_err().to_string();
            assert!(error.contains(".protobuf"), "{error}");
        }
        let error = DumpConfig::new(dump(&["a.json", "a.json"]), OsStr::new("ls")).unwrap_err();
        assert_eq!(error.to_string(), "--dump a.json: the same file twice");
    }

    #[test]
    fn workloads_are_images() {
        for (text, expected) in [
            ("nginx", Some(("nginx", "latest"))),
            ("nginx:1.25", Some(("nginx", "1.25"))),
            ("registry:5000/nginx", Some(("registry:5000/nginx", "latest"))),
            ("registry:5000/nginx:1", Some(("registry:5000/nginx", "1"))),
            (":1", None),
            ("nginx:", None),
        ] {
            let parsed = workload(text).ok();
            assert_eq!(parsed.as_ref().map(|found| (found.name.as_str(), found.tag.as_str())), expected, "{text}");
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, expected) in
            [("500k", Some(500 << 10)), ("64M", Some(64 << 20)), ("1G", Some(1 << 30)), ("204800", Some(204_800))]
        {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
        for text in ["", "M", "1T", "-1", "5", "99999999999999999999G"] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
