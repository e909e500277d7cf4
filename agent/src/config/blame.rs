//! Where in a configuration file the value stands that is refused for what it means.
//!
//! Values are checked beside the options, which prevail over them, so that an error there knows no place. It is looked
//! for here, in the text.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::file::{FileConfig, FileError, Source};

/// The same error with its place, if what is wrong stands in the file.
pub(super) fn placed(error: ConfigError, source: &Source) -> ConfigError {
    let Some((keys, word)) = subject(&error) else { return error };
    let Ok(document) = DeTable::parse(&source.text) else { return error };
    let found = keys.iter().find_map(|key| Some((*key, span(document.get_ref(), key, &word)?)));
    let Some((key, span)) = found else { return error };
    // What options are called means nothing here, nor does help for the command line.
    let said = error.to_string();
    let said = said.lines().next().unwrap_or_default();
    let message = match said.strip_prefix("--").and_then(|said| said.split_once(' ')) {
        Some((_option, said)) => format!("{key} {said}"),
        None => said.to_owned(),
    };
    FileError::Wrong { place: source.place(span), message }.into()
}

/// The keys by which the value may be given that an error is about, and the value as it is written; any if empty.
fn subject(error: &ConfigError) -> Option<(Vec<&str>, String)> {
    use ConfigError as E;
    Some(match error {
        E::OutOfRange { key, .. } => (vec![key], String::new()),
        E::BadScope(word) => (vec!["scope"], word.clone()),
        E::BadStatsd(word) => (vec!["statsd.address"], word.clone()),
        E::NotAName(word) => (vec!["keep-env"], word.clone()),
        E::UnknownType(unknown) => (vec!["types", "tracers.reserve"], unknown.name().to_owned()),
        E::NoFormat(word) => (vec!["activity-dump.formats"], word.clone()),
        E::BadAlgorithm { name, .. } => (vec!["hash.algorithms"], name.clone()),
        E::BadCgroup(word) | E::BadWorkload(word) => (vec!["security-profiles.cgroups"], word.clone()),
        E::LongDirectory { .. } => (vec!["socket-dir"], String::new()),
        _ => return None,
    })
}

/// Where the value of a dotted key stands, or of several the one that is this word.
fn span(table: &DeTable<'_>, key: &str, word: &str) -> Option<Range<usize>> {
    let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let (_, value) = table.iter().find(|(name, _)| &**name.get_ref() == first)?;
    match (rest, value.get_ref()) {
        (Some(rest), DeValue::Table(table)) => span(table, rest, word),
        (Some(_), _) => None,
        (None, _) => within(value, word),
    }
}

fn within(value: &Spanned<DeValue<'_>>, word: &str) -> Option<Range<usize>> {
    match value.get_ref() {
        DeValue::Array(values) => values.iter().find_map(|value| within(value, word)),
        DeValue::Table(table) => table
            .iter()
            .find_map(|(name, value)| if &**name.get_ref() == word { Some(name.span()) } else { within(value, word) }),
        DeValue::String(text) if !word.is_empty() && &**text != word => None,
        _ => Some(value.span()),
    }
}

/// Whether the file is to blame: without it the options do not fail like this.
pub(super) fn is_of_file(
    error: &ConfigError,
    without_file: impl FnOnce(FileConfig) -> Result<super::AgentConfig, ConfigError>,
) -> bool {
    without_file(FileConfig::default()).err().as_ref() != Some(error)
}
