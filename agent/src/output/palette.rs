//! Colours by meaning. Without colours every style is plain, and plain styles write nothing.

use anstyle::{AnsiColor, Style};
use lapwing_common::event::Group;

/// A style for each thing that has one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Palette {
    /// What is there to be skipped: times, notes.
    pub(crate) dim: Style,
    /// What failed.
    pub(crate) bad: Style,
    /// What is as it should be.
    pub(crate) good: Style,
    /// What is not certain.
    pub(crate) doubtful: Style,
    /// Headings.
    pub(crate) heading: Style,
    process: Style,
    file: Style,
    kernel: Style,
    network: Style,
    lapwing: Style,
}

impl Palette {
    pub(crate) fn new(colour: bool) -> Self {
        if !colour {
            return Self::default();
        }
        Self {
            dim: Style::new().dimmed(),
            bad: AnsiColor::Red.on_default(),
            good: AnsiColor::Green.on_default(),
            doubtful: AnsiColor::Yellow.on_default(),
            heading: Style::new().bold(),
            process: AnsiColor::Green.on_default(),
            file: AnsiColor::Cyan.on_default(),
            kernel: AnsiColor::Magenta.on_default(),
            network: AnsiColor::Yellow.on_default(),
            lapwing: AnsiColor::Red.on_default().bold(),
        }
    }

    /// Whether there are colours.
    pub(crate) fn is_colourful(&self) -> bool {
        self.heading != Style::new()
    }

    /// The style of a group's types.
    pub(crate) fn group(&self, group: Group) -> Style {
        match group {
            Group::Process => self.process,
            Group::File => self.file,
            Group::Kernel => self.kernel,
            Group::Network => self.network,
            Group::Lapwing => self.lapwing,
        }
    }
}
