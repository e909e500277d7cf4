//! What a file holds, by the end of its name.

use std::fmt;
use std::path::Path;

use clap::ValueEnum;

/// A form of a dump. What is said of each stands in the help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Datadog's SecDump as JSON
    Json,
    /// The same in protobuf
    Protobuf,
    /// Datadog's SecurityProfile
    Profile,
    /// A graph for Graphviz
    Dot,
    /// A drawing
    Svg,
}

/// A form, packed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) format: Format,
    pub(crate) gzip: bool,
}

/// The end of a name that says nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name}: its name has to end in .json, .protobuf, .profile, .dot or .svg, which says what it holds; .gz may follow"
)]
pub(crate) struct UnknownFormat {
    name: String,
}

impl Format {
    /// The format of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::value_variants().iter().copied().find(|format| format.name() == name)
    }

    /// The end of names, and how options and agents call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Protobuf => "protobuf",
            Self::Profile => "profile",
            Self::Dot => "dot",
            Self::Svg => "svg",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Encoding {
    /// What a file of this name holds.
    pub(crate) fn of(path: &Path) -> Result<Self, UnknownFormat> {
        let gzip = path.extension().is_some_and(|extension| extension == "gz");
        let inner = if gzip { path.file_stem().map(Path::new).unwrap_or(path) } else { path };
        let extension = inner.extension().unwrap_or_default();
        let format = extension.to_str().and_then(Format::named);
        let unknown = || UnknownFormat { name: path.display().to_string() };
        format.map(|format| Self { format, gzip }).ok_or_else(unknown)
    }
}
