//! Processes and events to test output with.

use std::sync::Arc;

use lapwing_common::event::{Event, File, Origin, Payload, Quality, Text};
use lapwing_common::ids::{Pid, PidNs, ProcessKey, Tid, Timestamp};
use lapwing_common::process::{ArgumentLimits, Arguments, Cache, Limits, Process};
use lapwing_common::record::Program;
use lapwing_common::schema::Short;

/// When the samples begin.
pub(crate) const START: Timestamp = Timestamp(1_700_000_000_000_000_000);

pub(crate) fn process(pid: i32, path: &str, arguments: &[&[u8]]) -> Arc<Process> {
    script(pid, path, arguments, None)
}

pub(crate) fn script(pid: i32, path: &str, arguments: &[&[u8]], interpreter: Option<&str>) -> Arc<Process> {
    let file = File::at(path.as_bytes());
    let program = Program {
        comm: Short::new(&file.name()[..file.name().len().min(15)]),
        file,
        interpreter: interpreter.map(|path| File::at(path.as_bytes())),
        arguments: Arguments::capture(arguments.iter().copied(), false, &ArgumentLimits::default()),
        ..Program::default()
    };
    let key = ProcessKey { pid: Pid(pid), namespace: PidNs(1) };
    Cache::new(Limits::default()).exec(key, program, START)
}

pub(crate) fn event(payload: impl Into<Payload>) -> Event {
    Event {
        timestamp: Timestamp(START.0 + 3_000_000),
        origin: Origin::Ptrace,
        quality: Quality::default(),
        tid: Tid(4711),
        process: process(4711, "/usr/bin/bash", &[b"bash"]),
        syscall: None,
        payload: payload.into(),
    }
}

pub(crate) fn file(path: &str) -> File {
    File::at(path.as_bytes())
}

pub(crate) fn text(bytes: &[u8]) -> Option<Text> {
    Some(Text { bytes: bytes.into(), truncated: false })
}
