//! Which files are hashed, and how.

use std::sync::Arc;

use super::ConfigError;

/// The largest file that is read, unless something else is asked for.
const LARGEST: u64 = 64 << 20;
/// Files that are read in a second, unless something else is asked for.
const RATE: u32 = 100;

/// How files are hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HashConfig {
    /// All programs are hashed, whether a rule asks for it or not.
    pub(crate) programs: bool,
    pub(crate) algorithms: Arc<[Algorithm]>,
    /// In bytes.
    pub(crate) largest: u64,
    /// A second.
    pub(crate) rate: u32,
}

/// What makes a hash of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
}

impl Default for HashConfig {
    fn default() -> Self {
        Self { programs: false, algorithms: [Algorithm::Sha1, Algorithm::Sha256].into(), largest: LARGEST, rate: RATE }
    }
}

impl HashConfig {
    /// By a list of algorithms; `None` if no programs are to be hashed.
    pub(super) fn new(programs: Option<&[String]>) -> Result<Self, ConfigError> {
        let Some(names) = programs else { return Ok(Self::default()) };
        Ok(Self { programs: true, algorithms: algorithms("--hash", names)?, ..Self::default() })
    }
}

/// The algorithms of these names.
pub(super) fn algorithms(option: &'static str, names: &[String]) -> Result<Arc<[Algorithm]>, ConfigError> {
    let parse =
        |name: &String| Algorithm::named(name).ok_or_else(|| ConfigError::BadAlgorithm { option, name: name.clone() });
    if names.is_empty() { Ok(HashConfig::default().algorithms) } else { names.iter().map(parse).collect() }
}

impl Algorithm {
    const ALL: [Self; 3] = [Self::Md5, Self::Sha1, Self::Sha256];

    /// As it stands before each hash.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }
}
