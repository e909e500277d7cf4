//! The workspace as cargo sees it: where it is, and which member depends on which.
//!
//! `cargo metadata --no-deps` answers without a network and without a lock file, and its JSON is
//! stable; parsing the manifests here would get inheritance and renames wrong.

use std::path::PathBuf;
use std::process::Command;
use std::{env, io};

use serde_json::Value;

/// Why the workspace could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("cannot run `cargo metadata`: {0}")]
    Run(#[source] io::Error),
    #[error("`cargo metadata` failed:\n{0}")]
    Failed(String),
    #[error("`cargo metadata` wrote something that is not JSON: {0}")]
    Json(#[source] serde_json::Error),
    #[error("`cargo metadata` wrote no {0}")]
    Absent(&'static str),
}

/// The workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Its root folder.
    pub(crate) root: PathBuf,
    /// Its packages.
    pub(crate) members: Vec<Member>,
}

/// A package of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    /// The package's name.
    pub(crate) name: String,
    /// The packages it names as dependencies of any kind, by their own names.
    pub(crate) dependencies: Vec<String>,
}

impl Workspace {
    /// Asks cargo, from the folder this runs in.
    pub(crate) fn load() -> Result<Self, Error> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .output()
            .map_err(Error::Run)?;
        if !output.status.success() {
            return Err(Error::Failed(String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Self::from_metadata(&serde_json::from_slice(&output.stdout).map_err(Error::Json)?)
    }

    fn from_metadata(metadata: &Value) -> Result<Self, Error> {
        let root = metadata["workspace_root"].as_str().ok_or(Error::Absent("workspace_root"))?.into();
        let packages = metadata["packages"].as_array().ok_or(Error::Absent("packages"))?;
        let members = packages.iter().map(Member::from_metadata).collect::<Result<_, _>>()?;
        Ok(Self { root, members })
    }
}

impl Member {
    fn from_metadata(package: &Value) -> Result<Self, Error> {
        let name = |value: &Value| value["name"].as_str().map(str::to_owned).ok_or(Error::Absent("name"));
        let dependencies = package["dependencies"].as_array().ok_or(Error::Absent("dependencies"))?;
        Ok(Self { name: name(package)?, dependencies: dependencies.iter().map(name).collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_reduced_to_names() {
        let metadata = r#"{"workspace_root": "/w", "packages": [
            {"name": "a", "dependencies": [{"name": "b", "kind": null, "rename": "c"}, {"name": "d", "kind": "dev"}]}
        ]}"#;
        let workspace = Workspace::from_metadata(&serde_json::from_str(metadata).unwrap()).unwrap();
        assert_eq!(workspace.root, PathBuf::from("/w"));
        let dependencies = vec!["b".to_owned(), "d".to_owned()];
        assert_eq!(workspace.members, [Member { name: "a".to_owned(), dependencies }]);
    }

    #[test]
    fn an_unexpected_shape_is_an_error() {
        for metadata in ["{}", r#"{"workspace_root": "/w", "packages": [{}]}"#] {
            assert!(Workspace::from_metadata(&serde_json::from_str(metadata).unwrap()).is_err(), "{metadata}");
        }
    }

    #[test]
    fn this_workspace_has_this_package() {
        let workspace = Workspace::load().unwrap();
        assert!(workspace.root.join("Cargo.toml").is_file());
        assert!(workspace.members.iter().any(|member| member.name == "xtask"));
    }
}
