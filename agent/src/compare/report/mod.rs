//! What a comparison found, for people and for programs.

mod event;
mod json;
mod text;

use lapwing_common::picture::{self, Picture};

use super::Processes;
use super::nearest::Difference;
use super::tree::Parting;
use crate::cli::CompareFormat;
use crate::config::{CompareConfig, Surroundings};
use crate::output::palette::Palette;

/// Everything that was found.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) sides: [Side; 2],
    pub(crate) processes: Processes,
    /// Events that are not in both equally often.
    pub(crate) differences: Vec<Difference>,
    /// Where the trees part. With [`Processes::Paths`] they are not compared.
    pub(crate) partings: Vec<Parting>,
    /// The dumps in one, if they were compared: what is in one of them only is marked.
    pub(crate) dumps: Option<Picture>,
}

/// One of the streams.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) name: String,
    pub(crate) events: u64,
    pub(crate) processes: usize,
}

impl Report {
    /// Whether both streams tell the same.
    pub(crate) fn agrees(&self) -> bool {
        self.differences.is_empty() && self.partings.is_empty() && self.dumps_agree()
    }

    /// Whether the dumps do, if there are any.
    fn dumps_agree(&self) -> bool {
        self.dumps.as_ref().map(picture::tally).is_none_or(|tally| tally.added + tally.removed == 0)
    }

    pub(crate) fn render(&self, config: &CompareConfig, surroundings: &Surroundings) -> String {
        match config.format {
            CompareFormat::Json => json::render(self, config.limit),
            CompareFormat::Table | CompareFormat::Svg => {
                text::render(self, config.limit, &Palette::new(surroundings.stdout_colour))
            }
        }
    }
}
