//! What the agent is to do: options over configuration file over defaults, validated.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lapwing_common::engine::EventSet;
use lapwing_common::event::EventType;
use lapwing_common::process::Keep;

use super::blame;
use super::directory::{self, User};
use super::file::{BackendName, DumpSection, FileConfig, HashSection, OneOrMany, Source, Uids};
use super::hash::{self, HashConfig};
use super::profiles::ProfilesConfig;
use super::{ConfigError, types};
use crate::activity::Format;
use crate::cli::{AgentArgs, AgentBackend};

/// An agent and how it serves.
#[derive(Clone, Debug)]
pub(crate) struct AgentConfig {
    /// Where the configuration was read from, and is read again.
    pub(crate) file: Option<PathBuf>,
    /// What cannot change while the agent runs.
    pub(crate) fixed: Fixed,
    /// What a new reading changes at once.
    pub(crate) variable: Variable,
}

/// What cannot change while the agent runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fixed {
    pub(crate) backend: AgentBackend,
    pub(crate) scope: Scope,
    pub(crate) directory: PathBuf,
    /// Which system calls programs make is recorded, too.
    pub(crate) syscalls: bool,
    pub(crate) keep: Keep,
    /// Profiles of workloads, if there are to be any.
    pub(crate) profiles: Option<ProfilesConfig>,
    pub(crate) hash: HashConfig,
    /// Backends leave out what no rule could match.
    pub(crate) filters: bool,
}

impl Fixed {
    /// Whether profiles judge system calls.
    pub(crate) fn judges_calls(&self) -> bool {
        self.profiles.as_ref().is_some_and(|profiles| profiles.settings.types.contains(EventType::Syscalls))
    }

    /// Whether it is to be known which system calls programs make.
    pub(crate) fn follows_calls(&self) -> bool {
        self.syscalls || self.judges_calls()
    }
}

/// What a new reading changes at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// Connections to the control socket at a time.
    pub(crate) clients: usize,
    /// Bytes of events that may wait for a client.
    pub(crate) queue: usize,
    pub(crate) tracers: TracerLimits,
    pub(crate) statsd: Option<Statsd>,
    /// What holds for activity dumps.
    pub(crate) dumps: DumpLimits,
    /// Where dumps are written.
    pub(crate) dump_dir: PathBuf,
    /// Types of events to capture, whether a rule is about them or not; what rules are about, and all without rules,
    /// if none are named.
    pub(crate) types: Option<EventSet>,
    /// Where the rules are.
    pub(crate) policies: Option<PathBuf>,
    /// How often a rule's matches are told.
    pub(crate) rate: Option<Rate>,
}

/// How often a rule's matches are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    /// In the long run.
    pub(crate) per_second: u32,
    /// At once.
    pub(crate) burst: u32,
}

/// Which tracers may connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TracerLimits {
    /// So many at a time.
    pub(crate) tracers: usize,
    /// Of these users, root and the agent's own besides.
    pub(crate) users: Users,
    /// Types of events that they shall be able to report later, though nobody wants them when they begin.
    pub(crate) reserve: EventSet,
}

/// What holds for the agent's activity dumps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DumpLimits {
    /// How long one takes if nobody says otherwise.
    pub(crate) timeout: Duration,
    /// Bytes of memory after which a part is written, likewise.
    pub(crate) size: usize,
    /// Events a second that one takes in; lineage does not count.
    pub(crate) rate: u32,
    /// How many are made at a time.
    pub(crate) concurrent: usize,
    /// How many are made of a workload while the agent lives.
    pub(crate) per_workload: u32,
    /// How many are kept in the directory.
    pub(crate) keep: usize,
    pub(crate) formats: Vec<Format>,
    pub(crate) compress: bool,
}

impl Default for DumpLimits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(900),
            size: 1750 << 10,
            rate: 500,
            concurrent: 5,
            per_workload: 25,
            keep: 100,
            formats: vec![Format::Profile],
            compress: false,
        }
    }
}

/// Users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Users {
    Any,
    These(Vec<u32>),
}

impl Users {
    pub(crate) fn include(&self, uid: u32) -> bool {
        match self {
            Self::Any => true,
            Self::These(users) => users.contains(&uid),
        }
    }

    pub(crate) fn are_none(&self) -> bool {
        matches!(self, Self::These(users) if users.is_empty())
    }
}

/// Where statistics go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statsd {
    pub(crate) address: StatsdAddress,
    pub(crate) interval: Duration,
    /// What all names begin with.
    pub(crate) prefix: String,
    /// `key:value`, on every line.
    pub(crate) tags: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StatsdAddress {
    Udp(SocketAddr),
    Unix(PathBuf),
}

/// Whom the kernel backend observes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Host,
    /// Control groups with all below them, by their directories.
    Cgroups(Vec<PathBuf>),
    Tree(i32),
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host => f.write_str("host"),
            Self::Cgroups(paths) => {
                let mut first = true;
                paths.iter().try_for_each(|path| {
                    let comma = if std::mem::take(&mut first) { "" } else { "," };
                    write!(f, "{comma}cgroup:{}", path.display())
                })
            }
            Self::Tree(pid) => write!(f, "tree:{pid}"),
        }
    }
}

impl AgentConfig {
    /// Reads the file that is named, if one is.
    pub(crate) fn new(args: &AgentArgs, user: &User) -> Result<Self, ConfigError> {
        let Some(path) = &args.config else { return Self::of(args, FileConfig::default(), user) };
        let source = Source::read(path)?;
        Self::of(args, source.parse()?, user).map_err(|error| {
            if blame::is_of_file(&error, |none| Self::of(args, none, user)) {
                blame::placed(error, &source)
            } else {
                error
            }
        })
    }

    fn of(args: &AgentArgs, file: FileConfig, user: &User) -> Result<Self, ConfigError> {
        let backend = args.backend.or(file.backend.map(|name| match name {
            BackendName::Auto => AgentBackend::Auto,
            BackendName::Kernel => AgentBackend::Kernel,
            BackendName::None => AgentBackend::None,
        }));
        let scope = match (&*args.scope, file.scope) {
            ([], None) => Scope::Host,
            ([], Some(OneOrMany::One(one))) => parse_scope(&[one])?,
            ([], Some(OneOrMany::Many(many))) => parse_scope(&many)?,
            (given, _) => parse_scope(given)?,
        };
        let type_names = if args.types.is_empty() { file.types.unwrap_or_default() } else { args.types.clone() };
        let profiles = ProfilesConfig::new(file.security_profiles)?;
        let file_names = file.keep_env.map(|names| names.into_iter().map(Into::into).collect());
        let statsd = match args.statsd.as_ref().or(file.statsd.address.as_ref()) {
            None => None,
            Some(address) => Some(Statsd {
                address: parse_address(address)?,
                interval: seconds("statsd.interval-s", file.statsd.interval_s.unwrap_or(20))?,
                prefix: file.statsd.prefix.unwrap_or_else(|| "lapwing".to_owned()),
                tags: file.statsd.tags.unwrap_or_default(),
            }),
        };
        Ok(Self {
            file: args.config.clone(),
            fixed: Fixed {
                backend: backend.unwrap_or_default(),
                scope,
                directory: directory::of_agent(args.directory.socket_dir.clone().or(file.socket_dir), user)?,
                syscalls: file.activity_dump.syscalls.unwrap_or(false),
                keep: super::keep(args.keep_env.clone().or(file_names))?,
                hash: hash_config(file.hash)?,
                filters: !args.no_filters && file.rules.filters.unwrap_or(true),
                profiles,
            },
            variable: Variable {
                clients: within("control.clients", file.control.clients.unwrap_or(64), 1..=1024)?,
                queue: within("control.queue-kib", file.control.queue_kib.unwrap_or(1024), 64..=262_144)? << 10,
                tracers: TracerLimits {
                    tracers: within("tracers.limit", file.tracers.limit.unwrap_or(256), 0..=4096)?,
                    users: match (&args.tracer_uids, file.tracers.uids) {
                        (Some(given), _) => parse_users(given)?,
                        (None, None) => Users::These(Vec::new()),
                        (None, Some(Uids::Any(_))) => Users::Any,
                        (None, Some(Uids::These(uids))) => Users::These(uids),
                    },
                    reserve: match file.tracers.reserve.as_deref() {
                        None | Some([]) => EventSet::NONE,
                        Some(names) => types::parse(names)?,
                    },
                },
                statsd,
                dumps: dump_limits(file.activity_dump)?,
                dump_dir: dump_dir(args.dump_dir.clone().or(file.dump_dir)),
                types: if type_names.is_empty() { None } else { Some(types::parse(&type_names)?) },
                policies: args.policies.clone().or(file.policies),
                rate: match file.rules.rate.unwrap_or(10) {
                    0 => None,
                    per_second => Some(Rate { per_second, burst: file.rules.burst.unwrap_or(40).max(1) }),
                },
            },
        })
    }
}

impl Fixed {
    /// What is different in another reading, by the names of keys.
    pub(crate) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let Self { backend, scope, directory, keep, hash, profiles, syscalls, filters } = self;
        [
            ("backend", *backend != other.backend),
            ("scope", *scope != other.scope),
            ("socket-dir", *directory != other.directory),
            ("activity-dump.syscalls", *syscalls != other.syscalls),
            ("keep-env", *keep != other.keep),
            ("hash", *hash != other.hash),
            ("rules.filters", *filters != other.filters),
            ("security-profiles", *profiles != other.profiles),
        ]
        .into_iter()
        .filter_map(|(name, differs)| differs.then_some(name))
        .collect()
    }
}

/// Whole, since those who are told a dump's name are elsewhere.
fn dump_dir(given: Option<PathBuf>) -> PathBuf {
    let given = given.unwrap_or_else(|| PathBuf::from("/tmp"));
    std::path::absolute(&given).unwrap_or(given)
}

fn parse_scope(words: &[String]) -> Result<Scope, ConfigError> {
    let bad = |word: &String| ConfigError::BadScope(word.clone());
    let mut cgroups = Vec::new();
    for word in words {
        match word.split_once(':') {
            None if word == "host" && words.len() == 1 => return Ok(Scope::Host),
            Some(("tree", pid)) if words.len() == 1 => {
                return pid.parse().ok().filter(|pid| *pid > 0).map(Scope::Tree).ok_or_else(|| bad(word));
            }
            Some(("cgroup", path)) if path.starts_with('/') => cgroups.push(group(Path::new(path))),
            _ => return Err(bad(word)),
        }
    }
    if cgroups.is_empty() { Ok(Scope::Host) } else { Ok(Scope::Cgroups(cgroups)) }
}

/// The directory of a control group, which may be given with the usual mount point or without.
fn group(path: &Path) -> PathBuf {
    let mount = Path::new("/sys/fs/cgroup");
    mount.join(path.strip_prefix(mount).or_else(|_| path.strip_prefix("/")).unwrap_or(path))
}

fn dump_limits(section: DumpSection) -> Result<DumpLimits, ConfigError> {
    let usual = DumpLimits::default();
    let number = |key, value: Option<u32>, range, usual| value.map_or(Ok(usual), |value| within(key, value, range));
    let rate = section.rate.map(|rate| within("activity-dump.rate", rate, 1..=1_000_000).map(|_| rate)).transpose()?;
    let each = section.per_workload.map(|each| within("activity-dump.per-workload", each, 1..=100_000).map(|_| each));
    let format = |name: &String| Format::named(name).ok_or_else(|| ConfigError::NoFormat(name.clone()));
    let formats = section.formats.map(|names| names.iter().map(format).collect::<Result<Vec<_>, _>>()).transpose()?;
    Ok(DumpLimits {
        timeout: section.timeout_s.map_or(Ok(usual.timeout), |value| seconds("activity-dump.timeout-s", value))?,
        size: number("activity-dump.size-kib", section.size_kib, 100..=1 << 20, usual.size >> 10)? << 10,
        rate: rate.unwrap_or(usual.rate),
        concurrent: number("activity-dump.concurrent", section.concurrent, 0..=100, usual.concurrent)?,
        per_workload: each.transpose()?.unwrap_or(usual.per_workload),
        keep: number("activity-dump.keep", section.keep, 1..=100_000, usual.keep)?,
        formats: formats.filter(|formats| !formats.is_empty()).unwrap_or(usual.formats),
        compress: section.compress.unwrap_or(usual.compress),
    })
}

fn hash_config(section: HashSection) -> Result<HashConfig, ConfigError> {
    let usual = HashConfig::default();
    let largest = section.largest_kib.map(|kib| within("hash.largest-kib", kib, 1..=4 << 20)).transpose()?;
    let rate = section.rate.map(|rate| within("hash.rate", rate, 1..=10_000).map(|_| rate)).transpose()?;
    Ok(HashConfig {
        programs: section.programs.unwrap_or(usual.programs),
        algorithms: hash::algorithms("hash.algorithms", &section.algorithms.unwrap_or_default())?,
        largest: largest.map_or(usual.largest, |kib| (kib as u64) << 10),
        rate: rate.unwrap_or(usual.rate),
    })
}

fn parse_users(words: &[String]) -> Result<Users, ConfigError> {
    if words == ["any"] {
        return Ok(Users::Any);
    }
    let uid =
        |word: &String| word.parse().map_err(|_no_number: std::num::ParseIntError| ConfigError::BadUser(word.clone()));
    words.iter().map(uid).collect::<Result<_, _>>().map(Users::These)
}

fn parse_address(text: &str) -> Result<StatsdAddress, ConfigError> {
    let bad = || ConfigError::BadStatsd(text.to_owned());
    match text.split_once(':') {
        // A name is not looked up: an agent that starts early would hang on it.
        Some(("udp", address)) => address
            .replace("localhost:", "127.0.0.1:")
            .parse()
            .map(StatsdAddress::Udp)
            .map_err(|_unparsable: std::net::AddrParseError| bad()),
        Some(("unix", path)) if path.starts_with('/') && path.len() < 108 => Ok(StatsdAddress::Unix(path.into())),
        _ => Err(bad()),
    }
}

fn seconds(key: &'static str, value: u32) -> Result<Duration, ConfigError> {
    within(key, value, 1..=86_400).map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(1)))
}

pub(super) fn within(
    key: &'static str,
    value: u32,
    range: std::ops::RangeInclusive<u32>,
) -> Result<usize, ConfigError> {
    let (least, most) = (*range.start(), *range.end());
    let refused = ConfigError::OutOfRange { key, value, least, most };
    usize::try_from(value).ok().filter(|_| range.contains(&value)).ok_or(refused)
}

#[cfg(test)]
mod tests;
