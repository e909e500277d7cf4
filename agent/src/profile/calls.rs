//! System calls that depart from a profile, as an event.

use std::sync::Arc;

use lapwing_common::event::{Event, Quality, Syscalls};
use lapwing_common::ids::Tid;
use lapwing_common::syscall::{Arch, names};

use crate::pipeline::Made;

/// One event for all that are new at a time.
pub(crate) fn calls_event(made: &Made<'_>, departed: &[u32]) -> Event {
    let name = |number: &u32| match names::name(Arch::NATIVE, *number) {
        Some(name) => name.as_bytes().into(),
        None => number.to_string().into_bytes().into_boxed_slice(),
    };
    Event {
        timestamp: made.at,
        origin: made.origin,
        quality: Quality::default(),
        tid: Tid(made.process.key().pid.0),
        process: Arc::clone(made.process),
        syscall: None,
        payload: Syscalls { names: departed.iter().map(name).collect() }.into(),
    }
}
