//! Fields of which events do not have what the reference says of them.

use alloc::format;

use super::{Options, PolicySource, load};
use crate::event::{Event, Origin, Quality, Unshare};
use crate::ids::{Pid, PidNs, ProcessKey, Tid, Timestamp};
use crate::process::{Cache, Credentials, Limits};

/// Whether a condition holds of a call by somebody with this login user.
fn holds(condition: &str, auid: u32) -> bool {
    let text = format!("rules:\n- id: x\n  expression: unshare.flags == 0 && {condition}\n");
    let loaded = load(&[PolicySource { name: "x.policy".into(), text }], &Options::default());
    assert!(loaded.reports.is_empty(), "{:?}", loaded.reports);
    let key = ProcessKey { pid: Pid(9), namespace: PidNs(1) };
    let mut cache = Cache::new(Limits::default());
    let process = cache.placeholder(key);
    cache.set_credentials(key, &Credentials { auid, ..Credentials::default() });
    let event = Event {
        timestamp: Timestamp(1),
        origin: Origin::Kernel,
        quality: Quality::default(),
        tid: Tid(9),
        process,
        payload: Unshare { flags: 0, retval: 0 }.into(),
        syscall: None,
    };
    let mut found = false;
    loaded.rules.evaluate(&event, &mut loaded.rules.memory(1), &mut |_| found = true);
    found
}

#[test]
fn who_did_not_log_in_has_a_number_for_that() {
    for (condition, nobody, user) in [
        ("process.auid == AUDIT_AUID_UNSET", true, false),
        ("process.auid != AUDIT_AUID_UNSET", false, true),
        ("process.auid in [0, 4294967295]", true, false),
        ("process.auid == 0", false, false),
        ("process.auid >= 1000 && process.auid != AUDIT_AUID_UNSET", false, true),
    ] {
        assert_eq!((holds(condition, u32::MAX), holds(condition, 1000)), (nobody, user), "{condition}");
    }
}
