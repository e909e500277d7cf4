//! What a backend leaves out, as the reference's `discarders dump` writes it.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;

use lapwing_common::discard::dump::{Dump, Section};
use lapwing_common::discard::{Filters, InodeKey};

use super::{DumpDir, DumpError};

/// What a backend leaves out now, with the paths under which that is known.
pub(crate) fn listed<F: Filters>(filters: &F, paths: &HashMap<InodeKey, Box<[u8]>>) -> Result<Section, DumpError> {
    let refused = |error: F::Error| DumpError::Discarders(error.to_string());
    let listing = filters.list().map_err(refused)?;
    let (statistics, _) = filters.statistics().map_err(refused)?;
    Ok(Section::new(listing, statistics, |key| paths.get(key).cloned().unwrap_or_default()))
}

/// Writes the discarders: `discarder-dump-<digits>`.
pub(crate) fn discarders(dir: &DumpDir, dump: &Dump) -> Result<PathBuf, DumpError> {
    dir.write("discarder-dump-", "", |out| {
        let mut text = Text { out, error: None };
        let written = dump.write(&mut text);
        match (written, text.error) {
            (Ok(()), _) => Ok(()),
            (Err(_), Some(error)) => Err(error),
            (Err(error), None) => Err(io::Error::other(error)),
        }
    })
}

/// Text for what takes bytes. What went wrong there is kept: `fmt::Error` cannot say it.
struct Text<'a> {
    out: &'a mut dyn Write,
    error: Option<io::Error>,
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.out.write_all(text.as_bytes()).map_err(|error| {
            self.error = Some(error);
            fmt::Error
        })
    }
}
