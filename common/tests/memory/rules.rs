//! Rules that do not match allocate nothing.

use std::sync::{Arc, PoisonError};

use lapwing_common::event::{Event, Exec, File};
use lapwing_common::ids::{Pid, PidNs, ProcessKey, Timestamp};
use lapwing_common::process::{ArgumentLimits, Arguments, Cache, Limits};
use lapwing_common::record::Program;
use lapwing_common::rules::policy::{Options, PolicySource, Rules, load};

use super::{ALONE, TIMES, event, open};

#[test]
fn nothing_is_allocated_for_an_event_that_no_rule_matches() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let text = include_str!("../../../policies/lapwing.policy");
    let source = PolicySource { name: "lapwing.policy".into(), text: text.into() };
    let rules = load(&[source], &Options::default()).rules;
    let key = ProcessKey { pid: Pid(1), namespace: PidNs(1) };
    let arguments = ["cc", "-O2", "-Wall", "-o", "build/main.o", "src/main.c"].map(str::as_bytes);
    let process = Cache::new(Limits::default()).exec(
        key,
        Program {
            file: File::at(&b"/usr/bin/cc"[..]),
            arguments: Arguments::capture(arguments, false, &ArgumentLimits::default()),
            ..Program::default()
        },
        Timestamp(5),
    );
    let exec = Exec { process: Arc::clone(&process), refused: None, path: None, retval: 0 };
    let innocent = [
        event(&process, "execve", exec),
        event(&process, "openat", open("/usr/include/stdio.h")),
        event(&process, "openat", open("/home/user/.cache/cc/entry")),
    ];
    let shadow = event(&process, "openat", open("/etc/shadow"));
    let mut memory = rules.memory(1);
    let mut matches = |rules: &Rules, event: &Event| {
        let mut found = Vec::new();
        rules.evaluate(event, &mut memory, &mut |matched| found.push(matched.rule.id.clone()));
        found
    };
    // Regular expressions build their tables as they are first used, and the counter does count.
    for event in &innocent {
        assert_eq!(matches(&rules, event), [""; 0]);
    }
    let before = TIMES.get();
    assert_eq!(matches(&rules, &shadow), ["shadow_read"]);
    assert_ne!(TIMES.get(), before);
    for event in &innocent {
        let before = TIMES.get();
        assert!(matches(&rules, event).is_empty());
        assert_eq!(TIMES.get(), before, "{:?}", event.payload);
    }
}
