//! Dumps: which files in which formats, and of what.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use lapwing_proto::control::v1 as control;

use super::{ClientConfig, ConfigError, Surroundings, User};
use crate::activity::{Encoding, Workload};
use crate::cli::{DiffArgs, DiffFormat, DumpArgs, EncodeArgs, ShowArgs, StartArgs, StopArgs};

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

/// A dump to be begun by an agent.
#[derive(Debug)]
pub(crate) struct StartConfig {
    pub(crate) client: ClientConfig,
    pub(crate) request: control::StartActivityDump,
}

/// A dump to be ended by an agent.
#[derive(Debug)]
pub(crate) struct StopConfig {
    pub(crate) client: ClientConfig,
    pub(crate) request: control::StopActivityDump,
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

impl StartConfig {
    pub(crate) fn new(args: StartArgs, user: &User) -> Result<Self, ConfigError> {
        use control::start_activity_dump::Workload as Whom;
        let whom = match (args.of.container, args.of.cgroup, args.of.pid) {
            (Some(id), ..) => Whom::Container(id),
            (_, Some(path), _) => Whom::Cgroup(path),
            (.., pid) => Whom::Pid(positive(pid.unwrap_or(0))?),
        };
        let image = args.workload.as_deref().map(workload).transpose()?;
        let (image_name, image_tag) = image.map(|image| (image.name, image.tag)).unwrap_or_default();
        Ok(Self {
            client: ClientConfig::new(args.directory, user)?,
            request: control::StartActivityDump {
                workload: Some(whom),
                timeout: args.timeout.as_deref().map_or(Ok(0), seconds)?,
                limit: args.limit.as_deref().map_or(Ok(0), size)? as u64,
                formats: args.formats.iter().map(|format| format.name().to_owned()).collect(),
                compress: args.gzip,
                differentiate_args: args.differentiate_args,
                image_name,
                image_tag,
            },
        })
    }
}

impl StopConfig {
    pub(crate) fn new(args: StopArgs, user: &User) -> Result<Self, ConfigError> {
        use control::stop_activity_dump::Which;
        let which = match (args.which.name, args.which.container, args.which.cgroup, args.which.pid) {
            (Some(name), ..) => Which::Name(name),
            (_, Some(id), ..) => Which::Container(id),
            (_, _, Some(path), _) => Which::Cgroup(path),
            (.., pid) => Which::Pid(positive(pid.unwrap_or(0))?),
        };
        let request = control::StopActivityDump { which: Some(which) };
        Ok(Self { client: ClientConfig::new(args.directory, user)?, request })
    }
}

fn positive(pid: i32) -> Result<i32, ConfigError> {
    if pid > 0 { Ok(pid) } else { Err(ConfigError::BadPid(pid)) }
}

/// A time in seconds: a number, and s, m or h.
fn seconds(text: &str) -> Result<u32, ConfigError> {
    let bad = || ConfigError::BadTimeout(text.into());
    let (number, unit) = text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()));
    let each = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(bad()),
    };
    let seconds = number.parse::<u32>().ok().and_then(|number| number.checked_mul(each));
    seconds.filter(|seconds| (1..=7 * 86_400).contains(seconds)).ok_or_else(bad)
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
    fn times_have_units() {
        for (text, expected) in [("90", 90), ("90s", 90), ("10m", 600), ("2h", 7200)] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "0", "m", "1d", "-1", "200h", "99999999999h"] {
            assert!(seconds(text).is_err(), "{text}");
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
