//! What a file holds, by the end of its name.

use std::fmt;
use std::path::Path;

/// A form of a dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Protobuf,
    Profile,
    Dot,
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

const FORMATS: [Format; 5] = [Format::Json, Format::Protobuf, Format::Profile, Format::Dot, Format::Svg];

impl Format {
    /// The format of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        FORMATS.into_iter().find(|format| format.name() == name)
    }

    /// The end of names.
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
        let format = FORMATS.into_iter().find(|format| extension == format.name());
        let unknown = || UnknownFormat { name: path.display().to_string() };
        format.map(|format| Self { format, gzip }).ok_or_else(unknown)
    }
}
