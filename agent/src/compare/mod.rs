//! `lapwing compare`: whether two streams of events tell the same story.
//!
//! Both backends promise the same events and the same tree of processes, but for times. Two runs of a command
//! differ in more than that, though: in process ids, in names of temporary files, in inode numbers. What has to
//! differ is taken away by rules ([`mod@rules`]), and all the rest is compared: the events as multisets, and the
//! processes as trees.

mod lineage;
mod moment;
mod multiset;
mod nearest;
mod normal;
mod report;
mod rules;
mod stream;
mod survey;
mod tree;
mod words;

use std::path::PathBuf;

pub(crate) use report::Report;

use crate::activity::{self, ActivityError};
use crate::config::CompareConfig;
use lapwing_common::picture::{self, Picture};
use multiset::Counts;
use normal::{Common, Normal};
use report::Side;
use rules::{RULES, Rule};
use stream::{Stream, StreamError};
use survey::Survey;
use thiserror::Error;
use tree::Tree;

/// How processes are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Processes {
    /// Each by itself: the trees have to be the same.
    Tree,
    /// By the programs on the way to them: those of one place count together.
    Paths,
}

/// What is left out of every comparison, for people to read.
pub(crate) fn rules() -> String {
    RULES.iter().map(|Rule { name, does, why }| format!("{name}: {does}, because {why}.\n")).collect()
}

/// Why there is nothing to compare.
#[derive(Debug, Error)]
pub(crate) enum CompareError {
    #[error(transparent)]
    Stream(#[from] StreamError),
    #[error(transparent)]
    Dump(#[from] ActivityError),
}

/// Compares two files of events, and dumps of the same runs: names in these are by the same rules as in those.
pub(crate) fn files(
    paths: &[PathBuf; 2],
    dumps: Option<&[PathBuf; 2]>,
    config: &CompareConfig,
) -> Result<Report, CompareError> {
    let streams = [Stream::open(&paths[0])?, Stream::open(&paths[1])?];
    let surveys = [Survey::of(&streams[0])?, Survey::of(&streams[1])?];
    let common = Common::of([&surveys[0], &surveys[1]], config);
    let [left, right] = [0, 1].map(|side| Normal { own: &surveys[side], other: &surveys[1 - side], common: &common });

    let mut counts = Counts::default();
    let sums = [counts.add(0, &streams[0], &left)?, counts.add(1, &streams[1], &right)?];
    let differences = if counts.agree() {
        Vec::new()
    } else {
        nearest::pair(counts.surplus(0, &streams[0], &left)?, counts.surplus(1, &streams[1], &right)?)
    };
    let partings = match config.processes {
        Processes::Paths => Vec::new(),
        Processes::Tree => {
            let [left, right] = [0, 1].map(|side| {
                let Survey { lineage, paths, .. } = &surveys[side];
                Tree::new(lineage, paths, &sums[side])
            });
            left.partings(&right)
        }
    };
    let dumps = match dumps {
        Some([first, second]) => {
            let picture = |path, normal: &Normal<'_>| -> Result<Picture, ActivityError> {
                Ok(activity::read(path)?.picture().renamed(&|text| normal.name(text)))
            };
            Some(picture::compare(&picture(first, &left)?, &picture(second, &right)?))
        }
        None => None,
    };
    let sides = [0, 1].map(|side| Side {
        name: paths[side].display().to_string(),
        events: surveys[side].events,
        processes: surveys[side].paths.len(),
    });
    Ok(Report { sides, processes: config.processes, differences, partings, dumps })
}

#[cfg(test)]
mod tests;
