//! Policies on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use lapwing_common::event::Origin;
use lapwing_common::rules::Feed;
use lapwing_common::rules::policy::{Loaded, Options, PolicySource, load};
use thiserror::Error;

use super::host;

/// Why there are no rules.
#[derive(Debug, Error)]
pub(crate) enum PolicyError {
    #[error("cannot read {path}: {error}")]
    Read { path: PathBuf, error: io::Error },
    #[error("{0} has no policies: their names end in .policy")]
    None(PathBuf),
    #[error("{path} is no event: {reason}; see `lapwing policy eval --help`")]
    Event { path: PathBuf, reason: String },
    #[error("no rule of {0} can be used; `lapwing policy check` tells why")]
    NoRules(PathBuf),
    #[error("cannot start a thread to read rules: {0}")]
    Thread(io::Error),
}

/// Policies that were read and not yet compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policies {
    pub(crate) path: PathBuf,
    pub(crate) sources: Vec<PolicySource>,
}

impl Policies {
    /// Reads the policies of a directory, or one.
    pub(crate) fn read(path: &Path) -> Result<Self, PolicyError> {
        let refuse = |path: &Path| {
            let path = path.to_owned();
            move |error| PolicyError::Read { path, error }
        };
        let mut files = Vec::new();
        if fs::metadata(path).map_err(refuse(path))?.is_dir() {
            for entry in fs::read_dir(path).map_err(refuse(path))? {
                let file = entry.map_err(refuse(path))?.path();
                if file.extension().is_some_and(|extension| extension == "policy") {
                    files.push(file);
                }
            }
            files.sort();
        } else {
            files.push(path.to_owned());
        }
        if files.is_empty() {
            return Err(PolicyError::None(path.to_owned()));
        }
        let mut sources = Vec::with_capacity(files.len());
        for file in files {
            let bytes = fs::read(&file).map_err(refuse(&file))?;
            let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
            // What is no UTF-8 is no YAML, which the report will say.
            sources.push(PolicySource { name, text: String::from_utf8_lossy(&bytes).into_owned() });
        }
        Ok(Self { path: path.to_owned(), sources })
    }

    /// Compiles them for this machine.
    pub(crate) fn load(&self, feed: Feed, only: Option<&str>) -> Loaded {
        let origin = match feed {
            Feed::Backend(Origin::Kernel) => "ebpf",
            Feed::Backend(Origin::Ptrace) => "ebpfless",
            _ => "",
        };
        load(&self.sources, &Options { feed, host: host::look(origin), only: only.map(Into::into) })
    }

    /// What there is to say about them, for people.
    pub(crate) fn render(&self, loaded: &Loaded) -> String {
        loaded.reports.iter().map(|report| report.render(self.text(&report.policy))).collect()
    }

    /// The text of one of them; empty if there is none of this name.
    pub(super) fn text(&self, policy: &str) -> &str {
        self.sources.iter().find(|source| source.name == policy).map_or("", |one| &one.text)
    }
}
