//! Where in an event processes are, and sequences of them.

use crate::event::{Event, Payload};
use crate::process::Process;

/// Finds a process in an event.
pub(crate) type Root = fn(&Event) -> Option<&Process>;

/// A sequence of processes: the ancestors of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum List {
    /// `process.ancestors`.
    Process,
    /// `signal.target.ancestors`.
    SignalTarget,
    /// `ptrace.tracee.ancestors`.
    Tracee,
    /// `setrlimit.target.ancestors`.
    LimitTarget,
    /// `network_flow_monitor.flows`, which Lapwing does not have.
    Flows,
}

impl List {
    const ALL: [(&'static str, Self); 5] = [
        ("process.ancestors", Self::Process),
        ("signal.target.ancestors", Self::SignalTarget),
        ("ptrace.tracee.ancestors", Self::Tracee),
        ("setrlimit.target.ancestors", Self::LimitTarget),
        ("network_flow_monitor.flows", Self::Flows),
    ];

    /// The name.
    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, list)| *list == self).map_or("", |(name, _)| name)
    }

    /// The process whose ancestors they are.
    pub(crate) fn of(self, event: &Event) -> Option<&Process> {
        match self {
            Self::Process => Some(&event.process),
            Self::SignalTarget => signal_target(event),
            Self::Tracee => tracee(event),
            Self::LimitTarget => limit_target(event),
            Self::Flows => None,
        }
    }
}

/// Longer names first.
const ROOTS: [(&str, Root); 10] = [
    ("process.parent.", |event| event.process.parent()),
    ("process.", |event| Some(&event.process)),
    ("exit.", |event| matches!(event.payload, Payload::Exit(_)).then_some(&*event.process)),
    ("fork.", |event| if let Payload::Fork(fork) = &event.payload { Some(&fork.child) } else { None }),
    ("signal.target.parent.", |event| signal_target(event)?.parent()),
    ("signal.target.", signal_target),
    ("ptrace.tracee.parent.", |event| tracee(event)?.parent()),
    ("ptrace.tracee.", tracee),
    ("setrlimit.target.parent.", |event| limit_target(event)?.parent()),
    ("setrlimit.target.", limit_target),
];

fn signal_target(event: &Event) -> Option<&Process> {
    if let Payload::Signal(signal) = &event.payload { signal.target.as_deref() } else { None }
}

fn tracee(event: &Event) -> Option<&Process> {
    if let Payload::Ptrace(ptrace) = &event.payload { ptrace.tracee.as_deref() } else { None }
}

fn limit_target(event: &Event) -> Option<&Process> {
    if let Payload::Setrlimit(setrlimit) = &event.payload { setrlimit.target.as_deref() } else { None }
}

/// The process that a name begins with, and what of it.
pub(super) fn process(name: &str) -> Option<(Root, &str)> {
    ROOTS.iter().find_map(|(prefix, root)| Some((*root, name.strip_prefix(prefix)?)))
}

/// The sequence of this name.
pub(super) fn list(name: &str) -> Option<List> {
    List::ALL.iter().find(|(candidate, _)| *candidate == name).map(|(_, list)| *list)
}

/// The sequence that a name begins with, and what of an element.
pub(super) fn element(name: &str) -> Option<(List, &str)> {
    List::ALL.iter().find_map(|(prefix, list)| Some((*list, name.strip_prefix(prefix)?.strip_prefix('.')?)))
}
