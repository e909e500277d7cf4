//! The dump of a command: its files are made before it starts, and written after it has ended.

use lapwing_common::activity::{Options, Syscalls};
use lapwing_common::ids::Timestamp;
use lapwing_ptrace::Command;

use crate::activity::{self, ActivityError, Encoding, Recorder, Target};
use crate::config::DumpConfig;
use crate::console::Console;

/// A dump in the making.
#[derive(Debug)]
pub(super) struct Dump {
    pub(super) recorder: Recorder,
    targets: Vec<(Target, Encoding)>,
    command: String,
}

impl Dump {
    pub(super) fn begin(config: DumpConfig, command: &Command) -> Result<Self, ActivityError> {
        let mut targets = Vec::new();
        for (path, encoding) in &config.files {
            targets.push((Target::create(path, config.force)?, *encoding));
        }
        let name = command.program.to_string_lossy().into_owned();
        let syscalls = if config.syscalls { Syscalls::All } else { Syscalls::OfEvents };
        let options = Options { limit: config.limit, syscalls, ..Options::default() };
        Ok(Self { recorder: Recorder::new(config.workload, options, Timestamp::now()), targets, command: name })
    }

    /// Writes every file, and says what is missing in them.
    pub(super) fn write(self, console: Console) -> Result<(), ActivityError> {
        let Self { recorder, targets, command } = self;
        let full = recorder.full();
        if full > 0 {
            console.warn(format_args!(
                "the dump is as large as it may be: {full} events are not in it; --dump-limit allows more"
            ));
        }
        let unplaced = recorder.unplaced();
        if unplaced > 0 {
            console.warn(format_args!("{unplaced} events are not in the dump: what led to them was not observed"));
        }
        let document = recorder.finish(&command, Timestamp::now());
        let counts = recorder.counts();
        for (target, encoding) in targets {
            let (programs, files) = (counts.processes, counts.files);
            console.debug(format_args!("{}: {programs} programs, {files} files", target.path().display()));
            activity::write(target, &document, encoding)?;
        }
        Ok(())
    }
}
