//! Sentences about processes.

use lapwing_common::event::File;
use lapwing_common::event::{
    Capset, Exec, Exit, ExitCause, Fork, Prctl, Ptrace, Setgid, Setns, Setrlimit, Setuid, Signal, Unshare,
};
use lapwing_common::json::flag_words;
use lapwing_common::names;
use lapwing_common::process::Image;

use super::line::Line;

/// `RLIM64_INFINITY`.
const UNLIMITED: u64 = u64::MAX;

pub(super) fn exec(line: &mut Line<'_>, event: &Exec) {
    match &event.refused {
        Some(file) => line.file(file, event.path.as_ref()),
        None => command_line(line, event.process.image()),
    }
}

/// The command line that would start the program: its whole path in place of the name it was called by. A name
/// that the path does not end in is shown too, since `busybox` and login shells go by it.
fn command_line(line: &mut Line<'_>, image: &Image) {
    let called = image.arguments.first();
    line.file(&image.file, None);
    image.arguments.tail().iter().for_each(|argument| line.quoted(argument));
    if File::at(called).name() != image.file.name() {
        let mut note = b"as ".to_vec();
        crate::output::quote::quote(&mut note, called);
        line.note(&String::from_utf8_lossy(&note));
    }
    if let Some(interpreter) = &image.interpreter {
        let mut note = b"by ".to_vec();
        crate::output::quote::quote(&mut note, &interpreter.path);
        line.note(&String::from_utf8_lossy(&note));
    }
}

pub(super) fn fork(line: &mut Line<'_>, event: &Fork) {
    line.arrow();
    line.number(event.child.key().pid);
}

pub(super) fn exit(line: &mut Line<'_>, event: &Exit) {
    match event.cause {
        ExitCause::Exited => line.number(event.code),
        ExitCause::Signaled | ExitCause::CoreDumped => {
            let number = i64::from(event.code);
            match names::SIGNALS.name_of(number) {
                Some(name) => line.alarm(&format!("killed by {name}")),
                None => line.alarm(&format!("killed by signal {number}")),
            }
            if event.cause == ExitCause::CoreDumped {
                line.note("core dumped");
            }
        }
    }
}

pub(super) fn setuid(line: &mut Line<'_>, event: &Setuid) {
    line.id("uid", event.uid, event.naming.user_of(event.uid));
    line.id("euid", event.euid, event.naming.user_of(event.euid));
    line.id("fsuid", event.fsuid, event.naming.user_of(event.fsuid));
}

pub(super) fn setgid(line: &mut Line<'_>, event: &Setgid) {
    line.id("gid", event.gid, event.naming.group_of(event.gid));
    line.id("egid", event.egid, event.naming.group_of(event.egid));
    line.id("fsgid", event.fsgid, event.naming.group_of(event.fsgid));
}

pub(super) fn capset(line: &mut Line<'_>, event: &Capset) {
    line.word(&format!("effective={}", capabilities(event.effective)));
    line.word(&format!("permitted={}", capabilities(event.permitted)));
}

fn capabilities(bits: u64) -> String {
    let all = names::CAPABILITIES.flags.iter().fold(0, |all, flag| all | flag.value);
    match bits {
        0 => "none".to_owned(),
        _ if bits & all == all => "all".to_owned(),
        _ => {
            let mut words = Vec::new();
            flag_words(bits, &names::CAPABILITIES, &mut words);
            String::from_utf8_lossy(&words).into_owned()
        }
    }
}

pub(super) fn setrlimit(line: &mut Line<'_>, event: &Setrlimit) {
    let limit = |value: u64| if value == UNLIMITED { "unlimited".to_owned() } else { value.to_string() };
    line.symbol(event.resource, &names::RLIMITS);
    line.word(&format!("soft={}", limit(event.soft)));
    line.word(&format!("hard={}", limit(event.hard)));
    if event.target.is_some() || event.target_pid.0 != 0 {
        line.word("of");
        line.process(event.target_pid.0.into(), event.target.as_deref());
    }
}

pub(super) fn prctl(line: &mut Line<'_>, event: &Prctl) {
    line.symbol(event.option, &names::PRCTL_OPTIONS);
    if let Some(name) = event.new_name {
        line.quoted(name.as_bytes());
    }
}

pub(super) fn signal(line: &mut Line<'_>, event: &Signal) {
    line.symbol(event.number, &names::SIGNALS);
    line.arrow();
    match event.pid {
        0 => line.word("own process group"),
        -1 => line.word("every process"),
        group @ ..0 => line.word(&format!("process group {}", group.unsigned_abs())),
        pid => line.process(pid, event.target.as_deref()),
    }
}

pub(super) fn ptrace(line: &mut Line<'_>, event: &Ptrace) {
    line.symbol(event.request, &names::PTRACE_REQUESTS);
    line.process(event.pid, event.tracee.as_deref());
}

pub(super) fn setns(line: &mut Line<'_>, event: &Setns) {
    line.escaped(&event.namespace);
    line.some_flags(event.flags, &names::CLONE_FLAGS);
}

pub(super) fn unshare(line: &mut Line<'_>, event: &Unshare) {
    line.flags(event.flags, &names::CLONE_FLAGS);
}
