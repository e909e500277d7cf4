//! The agent's configuration file, as written. What it means, beside the options, is for [`super::agent`].

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use thiserror::Error;

use super::types::similar;

/// More than any configuration needs.
const LONGEST: u64 = 1 << 20;

/// What may stand in the file. Every key may be left out.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct FileConfig {
    pub(super) backend: Option<BackendName>,
    pub(super) scope: Option<OneOrMany>,
    pub(super) socket_dir: Option<PathBuf>,
    pub(super) dump_dir: Option<PathBuf>,
    pub(super) types: Option<Vec<String>>,
    pub(super) policies: Option<PathBuf>,
    pub(super) keep_env: Option<Vec<String>>,
    pub(super) rules: RulesSection,
    pub(super) control: ControlSection,
    pub(super) tracers: TracersSection,
    pub(super) statsd: StatsdSection,
    pub(super) hash: HashSection,
    pub(super) security_profiles: ProfilesSection,
    pub(super) activity_dump: DumpSection,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum BackendName {
    Auto,
    Kernel,
    None,
}

/// A string, or several.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged, expecting = "a string or an array of strings")]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct RulesSection {
    pub(super) rate: Option<u32>,
    pub(super) burst: Option<u32>,
    pub(super) filters: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct ControlSection {
    pub(super) clients: Option<u32>,
    pub(super) queue_kib: Option<u32>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct TracersSection {
    pub(super) limit: Option<u32>,
    pub(super) uids: Option<Uids>,
    pub(super) reserve: Option<Vec<String>>,
}

/// `"any"`, or several user ids.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged, expecting = "\"any\" or an array of user ids")]
pub(super) enum Uids {
    Any(Any),
    These(Vec<u32>),
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Any {
    Any,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct StatsdSection {
    pub(super) address: Option<String>,
    pub(super) interval_s: Option<u32>,
    pub(super) prefix: Option<String>,
    pub(super) tags: Option<Vec<String>>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct HashSection {
    pub(super) programs: Option<bool>,
    pub(super) algorithms: Option<Vec<String>>,
    pub(super) largest_kib: Option<u32>,
    pub(super) rate: Option<u32>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct ProfilesSection {
    pub(super) enabled: bool,
    pub(super) directory: Option<PathBuf>,
    pub(super) save_s: Option<u32>,
    pub(super) warmup_s: Option<u32>,
    pub(super) stable_s: Option<u32>,
    pub(super) unstable_s: Option<u32>,
    pub(super) unstable_kib: Option<u32>,
    pub(super) versions: Option<u32>,
    pub(super) syscalls: bool,
    /// Control groups by the workloads in them.
    pub(super) cgroups: BTreeMap<String, OneOrMany>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct DumpSection {
    pub(super) timeout_s: Option<u32>,
    pub(super) size_kib: Option<u32>,
    pub(super) rate: Option<u32>,
    pub(super) concurrent: Option<u32>,
    pub(super) per_workload: Option<u32>,
    pub(super) keep: Option<u32>,
    pub(super) formats: Option<Vec<String>>,
    pub(super) compress: Option<bool>,
    pub(super) syscalls: Option<bool>,
}

/// Every key, for suggestions; a test holds it against the structures.
const KEYS: [&str; 46] = [
    "backend",
    "scope",
    "socket-dir",
    "dump-dir",
    "types",
    "keep-env",
    "policies",
    "rules",
    "rate",
    "burst",
    "filters",
    "control",
    "clients",
    "queue-kib",
    "statsd",
    "address",
    "interval-s",
    "security-profiles",
    "enabled",
    "directory",
    "save-s",
    "warmup-s",
    "stable-s",
    "unstable-s",
    "unstable-kib",
    "versions",
    "cgroups",
    "prefix",
    "tags",
    "tracers",
    "limit",
    "uids",
    "reserve",
    "hash",
    "programs",
    "algorithms",
    "largest-kib",
    "activity-dump",
    "timeout-s",
    "size-kib",
    "concurrent",
    "per-workload",
    "keep",
    "formats",
    "compress",
    "syscalls",
];

/// The file cannot be read, or says something that means nothing.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum FileError {
    #[error("cannot read the configuration file {path}: {error}")]
    Read { path: PathBuf, error: String },
    #[error("the configuration file {path} has {length} bytes, more than any configuration: is it another file?")]
    Long { path: PathBuf, length: u64 },
    #[error("{place}: {message}; the keys and their meaning are in docs/agent.md")]
    Wrong { place: Place, message: String },
}

/// A configuration file's text.
#[derive(Debug)]
pub(super) struct Source {
    path: PathBuf,
    pub(super) text: String,
}

/// Where in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    path: PathBuf,
    line: usize,
    column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

impl Source {
    pub(super) fn read(path: &Path) -> Result<Self, FileError> {
        let unreadable = |error: io::Error| FileError::Read { path: path.into(), error: error.to_string() };
        let length = fs::metadata(path).map_err(unreadable)?.len();
        if length > LONGEST {
            return Err(FileError::Long { path: path.into(), length });
        }
        Ok(Self { path: path.into(), text: fs::read_to_string(path).map_err(unreadable)? })
    }

    /// The place of something that begins there.
    pub(super) fn place(&self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or_default();
        Place {
            path: self.path.clone(),
            line: before.matches('\n').count() + 1,
            column: before.chars().rev().take_while(|letter| *letter != '\n').count() + 1,
        }
    }

    pub(super) fn parse(&self) -> Result<FileConfig, FileError> {
        toml::from_str(&self.text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let mut message = error.message().lines().next().unwrap_or_default().to_owned();
            let word = self.text.get(span.clone()).unwrap_or_default();
            if message.starts_with("unknown field") {
                message = format!("there is no key `{word}`");
                if let Some(known) = similar(word, KEYS) {
                    message.push_str(&format!("; did you mean `{known}`?"));
                }
            }
            FileError::Wrong { place: self.place(span), message }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &Path, text: &str) -> Result<FileConfig, FileError> {
        Source { path: path.into(), text: text.to_owned() }.parse()
    }

    const WHOLE: &str = r#"
backend = "kernel"
scope = ["cgroup:/a", "cgroup:/b"]
socket-dir = "/run/lapwing"
dump-dir = "/var/tmp"
types = ["exec", "network"]
keep-env = ["PATH"]
policies = "/etc/lapwing/policies"

[rules]
rate = 5
burst = 20
filters = false

[control]
clients = 8
queue-kib = 512

[tracers]
limit = 3
uids = [1000]
reserve = ["open"]

[security-profiles]
enabled = true
directory = "/var/lib/lapwing/profiles"
save-s = 900
warmup-s = 180
stable-s = 900
unstable-s = 3600
unstable-kib = 4882
versions = 20
cgroups = { "nginx:1.25" = "/system.slice/nginx.service" }

[statsd]
address = "udp:127.0.0.1:8125"
interval-s = 10
prefix = "edge"
tags = ["env:prod"]

[hash]
programs = true
algorithms = ["sha256"]
largest-kib = 1024
rate = 10

[activity-dump]
timeout-s = 60
size-kib = 500
rate = 100
concurrent = 2
per-workload = 3
keep = 4
formats = ["json"]
compress = true
syscalls = true
"#;

    fn error(text: &str) -> String {
        parse(Path::new("agent.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn every_key_is_read() {
        let file = parse(Path::new("x"), WHOLE).unwrap();
        assert_eq!(file.backend, Some(BackendName::Kernel));
        assert_eq!(file.scope, Some(OneOrMany::Many(vec!["cgroup:/a".into(), "cgroup:/b".into()])));
        assert_eq!(file.control, ControlSection { clients: Some(8), queue_kib: Some(512) });
        assert_eq!(
            file.tracers,
            TracersSection { limit: Some(3), uids: Some(Uids::These(vec![1000])), reserve: Some(vec!["open".into()]) }
        );
        assert_eq!(file.rules, RulesSection { rate: Some(5), burst: Some(20), filters: Some(false) });
        let any = parse(Path::new("x"), "[tracers]\nuids = \"any\"").unwrap();
        assert_eq!(any.tracers.uids, Some(Uids::Any(Any::Any)));
        assert_eq!(file.dump_dir, Some("/var/tmp".into()));
        assert_eq!(file.statsd.tags, Some(vec!["env:prod".into()]));
        assert_eq!(parse(Path::new("x"), "").unwrap(), FileConfig::default());
        let keys: toml::Table = WHOLE.parse().unwrap();
        let nested = keys.values().filter_map(toml::Value::as_table).flat_map(toml::Table::keys);
        let mut all: Vec<_> = keys.keys().chain(nested).map(String::as_str).collect();
        let mut known = KEYS.to_vec();
        all.sort_unstable();
        // `rate` is of rules and of hashes.
        all.dedup();
        known.sort_unstable();
        assert_eq!(all, known);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_place_and_a_suggestion() {
        let tail = "; the keys and their meaning are in docs/agent.md";
        let message = "agent.toml:2:1: there is no key `socketdir`; did you mean `socket-dir`?";
        assert_eq!(error("scope = \"host\"\nsocketdir = \"/run\"\n"), format!("{message}{tail}"));
        let message = "agent.toml:2:3: there is no key `clientz`; did you mean `clients`?";
        assert_eq!(error("[control]\n  clientz = 3\n"), format!("{message}{tail}"));
        assert_eq!(error("quux = 3\n"), format!("agent.toml:1:1: there is no key `quux`{tail}"));
    }

    #[test]
    fn what_is_no_toml_or_of_another_type_is_refused_with_its_place() {
        assert!(error("scope = \"host\"\nbackend =\n").starts_with("agent.toml:2:10: "), "{}", error("a =\n"));
        let text = error("[control]\nclients = \"many\"\n");
        assert!(text.starts_with("agent.toml:2:11: invalid type: string \"many\", expected u32"), "{text}");
        let text = error("backend = \"ebpf\"\n");
        assert!(text.starts_with("agent.toml:1:11: unknown variant `ebpf`, expected one of"), "{text}");
        assert!(error("scope = 3\n").contains("a string or an array of strings"));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let text = Source::read(Path::new("/nonexistent/agent.toml")).unwrap_err().to_string();
        assert!(text.starts_with("cannot read the configuration file /nonexistent/agent.toml: No such file"), "{text}");
    }
}
