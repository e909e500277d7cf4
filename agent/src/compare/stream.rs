//! A file of events, one JSON object a line, read as often as needed.
//!
//! A stream is gone through twice, since what an event means depends on later ones (a process is named by what it
//! executes in the end), and once more to show what differs. So events are never all in memory: what is kept of
//! one is a digest.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::Value;
use thiserror::Error;

/// Why a file of events cannot be read.
#[derive(Debug, Error)]
pub(crate) enum StreamError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    /// A line is no event.
    #[error("{}, line {line}: {error}; events are written by `lapwing run -o FILE.jsonl`", path.display())]
    Line { path: PathBuf, line: u64, error: serde_json::Error },
    /// It has no events at all.
    #[error("{}: no events in it", path.display())]
    Empty { path: PathBuf },
    /// It can be read once only.
    #[error("{}: not a regular file; events are gone through more than once", path.display())]
    NotRegular { path: PathBuf },
}

/// An open file of events.
#[derive(Debug)]
pub(super) struct Stream {
    path: PathBuf,
    file: File,
}

impl Stream {
    pub(super) fn open(path: &Path) -> Result<Self, StreamError> {
        let failed = |error| StreamError::Read { path: path.to_owned(), error };
        let file = File::open(path).map_err(failed)?;
        if !file.metadata().map_err(failed)?.is_file() {
            return Err(StreamError::NotRegular { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), file })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Shows every event in turn.
    pub(super) fn each(&self, mut show: impl FnMut(Value)) -> Result<(), StreamError> {
        let mut reader = BufReader::with_capacity(1 << 16, &self.file);
        reader.seek(SeekFrom::Start(0)).map_err(|error| self.failed(error))?;
        let (mut line, mut number) = (Vec::new(), 0);
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line).map_err(|error| self.failed(error))?;
            if length == 0 {
                break;
            }
            number += 1;
            if !line.trim_ascii().is_empty() {
                let event = serde_json::from_slice(&line).map_err(|error| StreamError::Line {
                    path: self.path.clone(),
                    line: number,
                    error,
                })?;
                show(event);
            }
        }
        Ok(())
    }

    fn failed(&self, error: io::Error) -> StreamError {
        StreamError::Read { path: self.path.clone(), error }
    }
}
