//! Modes, and what gets through where a type is denied.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::discard::{Approver, Approvers, FilePolicy, Mode, Passage, Refusal};
use crate::event::EventType::{self, Chmod, Link, Mprotect, Open, Rename, Setuid};

const O_WRONLY: u64 = 1;
const O_CREAT: u64 = 0o100;
const O_CLOEXEC: u64 = 0o2_000_000;

fn name(name: &str) -> Approver {
    Approver::Basename(name.as_bytes().into())
}

fn policy(mode: Mode, approvers: impl Into<Vec<Approver>>) -> FilePolicy {
    FilePolicy { mode, approvers: approvers.into() }
}

fn judge(approvers: &mut Approvers, event: EventType, name: &str, flags: u64) -> Passage {
    approvers.judge(event, [Some(name.as_bytes())], flags)
}

#[test]
fn the_modes() {
    let mut approvers = Approvers::default();
    assert!(approvers.is_default());
    assert_eq!(judge(&mut approvers, Open, "x", 0), Passage::UnlessDiscarded);
    let expected = [
        (Mode::NoFilter, Passage::Always, "no filter"),
        (Mode::Accept, Passage::UnlessDiscarded, "accept"),
        (Mode::Deny, Passage::Never, "deny"),
    ];
    for (mode, passage, word) in expected {
        approvers.set(Open, &policy(mode, [])).unwrap();
        assert_eq!(judge(&mut approvers, Open, "x", 0), passage);
        assert_eq!(judge(&mut approvers, Chmod, "x", 0), Passage::UnlessDiscarded, "another type");
        assert_eq!(approvers.is_default(), mode == Mode::Accept);
        assert_eq!(mode.name(), word);
    }
}

#[test]
fn a_basename_is_the_whole_last_component() {
    let mut approvers = Approvers::default();
    approvers.set(Open, &policy(Mode::Deny, [name("shadow")])).unwrap();
    assert_eq!(judge(&mut approvers, Open, "shadow", 0), Passage::UnlessDiscarded);
    for other in ["shadow-", "hadow", "Shadow", ""] {
        assert_eq!(judge(&mut approvers, Open, other, 0), Passage::Never, "{other}");
    }
    assert_eq!(approvers.judge(Open, [None], 0), Passage::UnlessDiscarded, "a name that is not certain");
    assert_eq!(approvers.judge(Open, [], 0), Passage::Never, "no file at all");
}

#[test]
fn a_component_may_be_anywhere() {
    let mut approvers = Approvers::default();
    let component = |name: &str| Approver::Component(name.as_bytes().into());
    let denied = policy(Mode::Deny, [name("shadow"), component(".ssh")]);
    approvers.set(Open, &denied).unwrap();
    let listed = approvers.list().into_iter().find(|(event, _)| *event == Open);
    assert_eq!(listed, Some((Open, denied)));
    for (path, passes) in [
        ("/root/.ssh/x", true),
        ("/root/.ssh", true),
        (".ssh", true),
        ("/root/.ssh/a/b/c", true),
        ("/etc/shadow", true),
        ("/shadow/etc", false),
        ("/root/.sshd/x", false),
        ("/", false),
    ] {
        assert_eq!(judge(&mut approvers, Open, path, 0) == Passage::UnlessDiscarded, passes, "{path}");
        assert_eq!(judge(&mut approvers, Chmod, path, 0), Passage::UnlessDiscarded, "another type");
    }
    assert!(!approvers.rejects_by_flags(Open, 0));
    assert_eq!(approvers.set(Open, &policy(Mode::Deny, [component("a/b")])), Err(Refusal::BadName));
    approvers.set(Open, &policy(Mode::Deny, [])).unwrap();
    assert_eq!(judge(&mut approvers, Open, "/root/.ssh/x", 0), Passage::Never);
}

#[test]
fn either_name_of_a_rename_approves_it() {
    let mut approvers = Approvers::default();
    for event in [Rename, Link] {
        approvers.set(event, &policy(Mode::Deny, [name("shadow")])).unwrap();
        let both = |names: [&'static str; 2]| names.map(|name| Some(name.as_bytes()));
        assert_eq!(approvers.judge(event, both(["x", "shadow"]), 0), Passage::UnlessDiscarded);
        assert_eq!(approvers.judge(event, both(["shadow", "x"]), 0), Passage::UnlessDiscarded);
        assert_eq!(approvers.judge(event, both(["x", "y"]), 0), Passage::Never);
    }
}

#[test]
fn any_of_the_flags_approves_and_none_has_its_own_switch() {
    let mut approvers = Approvers::default();
    approvers.set(Open, &policy(Mode::Deny, [Approver::Flags(O_WRONLY), Approver::Flags(O_CREAT)])).unwrap();
    for (flags, passage) in [
        (O_CREAT | O_CLOEXEC, Passage::UnlessDiscarded),
        (O_WRONLY, Passage::UnlessDiscarded),
        (O_CLOEXEC, Passage::Never),
        (0, Passage::Never),
    ] {
        assert_eq!(judge(&mut approvers, Open, "x", flags), passage, "{flags:#o}");
        assert_eq!(approvers.rejects_by_flags(Open, flags), passage == Passage::Never, "{flags:#o}");
    }
    approvers.set(Open, &policy(Mode::Deny, [Approver::Flags(0)])).unwrap();
    assert_eq!(judge(&mut approvers, Open, "x", 0), Passage::UnlessDiscarded);
    assert_eq!(judge(&mut approvers, Open, "x", O_CLOEXEC), Passage::Never);
}

#[test]
fn flags_alone_do_not_reject_what_a_name_may_approve() {
    let mut approvers = Approvers::default();
    approvers.set(Open, &policy(Mode::Deny, [name("shadow"), Approver::Flags(O_CREAT)])).unwrap();
    assert!(!approvers.rejects_by_flags(Open, 0));
    assert_eq!(judge(&mut approvers, Open, "x", 0), Passage::Never);
    assert_eq!(judge(&mut approvers, Open, "x", O_CREAT), Passage::UnlessDiscarded);
    assert!(!approvers.rejects_by_flags(Chmod, 0), "a type that is accepted");
}

#[test]
fn a_policy_replaces_the_one_before() {
    let mut approvers = Approvers::default();
    approvers.set(Open, &policy(Mode::Deny, [name("a"), name("b"), name("a"), Approver::Flags(O_CREAT)])).unwrap();
    approvers.set(Chmod, &policy(Mode::Deny, [name("a")])).unwrap();
    let of = |approvers: &Approvers, event| approvers.list().into_iter().find(|(found, _)| *found == event).unwrap().1;
    assert_eq!(of(&approvers, Open), policy(Mode::Deny, [name("a"), name("b"), Approver::Flags(O_CREAT)]));
    approvers.set(Open, &policy(Mode::Deny, [name("c")])).unwrap();
    assert_eq!(of(&approvers, Open), policy(Mode::Deny, [name("c")]));
    assert_eq!(of(&approvers, Chmod), policy(Mode::Deny, [name("a")]));
    assert_eq!(judge(&mut approvers, Open, "a", O_CREAT), Passage::Never);
    let types: Vec<_> = approvers.list().into_iter().map(|(event, _)| event).collect();
    assert_eq!(types.len(), 15);
    assert!(types.is_sorted());
}

#[test]
fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let mut approvers = Approvers::default();
    let deny = |approver: Approver| policy(Mode::Deny, [approver]);
    assert_eq!(approvers.set(Setuid, &policy(Mode::Deny, [])), Err(Refusal::NotFiltered(Setuid)));
    assert_eq!(approvers.set(Mprotect, &deny(Approver::Flags(1))), Err(Refusal::NoFlags(Mprotect)));
    let long = "x".repeat(256);
    for bad in ["", "a/b", "a\0b", &long] {
        assert_eq!(approvers.set(Open, &deny(name(bad))), Err(Refusal::BadName), "{bad:?}");
    }
    let names = |count: usize| (0..count).map(|number| name(&alloc::format!("n{number}"))).collect::<Vec<_>>();
    approvers.set(Open, &policy(Mode::Deny, names(4096))).unwrap();
    assert_eq!(approvers.set(Open, &policy(Mode::Accept, names(4097))), Err(Refusal::TooMany));
    assert_eq!(approvers.set(Chmod, &deny(name("other"))), Err(Refusal::TooMany));
    assert_eq!(approvers.set(Chmod, &deny(name("n5"))), Ok(()), "the same name takes no room");
    assert_eq!(approvers.mode(Open), Mode::Deny);
    assert_eq!(judge(&mut approvers, Open, "n4095", 0), Passage::UnlessDiscarded);
}

#[test]
fn what_was_let_through_and_why() {
    let mut approvers = Approvers::default();
    approvers.set(Open, &policy(Mode::Deny, [name("shadow"), Approver::Flags(O_CREAT)])).unwrap();
    for (file, flags) in [("shadow", O_CREAT), ("x", O_CREAT), ("x", 0), ("y", 0)] {
        judge(&mut approvers, Open, file, flags);
    }
    judge(&mut approvers, Chmod, "x", 0);
    let counts = approvers.statistics().sum();
    let open = counts.of(Open);
    assert_eq!((open.by_basename, open.by_flags, open.rejected), (1, 1, 2));
    assert_eq!(counts.of(Chmod), Default::default());
    approvers.statistics().take();
    assert_eq!(approvers.statistics().take().of(Open), open);
}

#[test]
fn bytes_need_not_be_text() {
    let mut approvers = Approvers::default();
    let odd: Box<[u8]> = Box::new([0xff, 0xfe]);
    approvers.set(Open, &policy(Mode::Deny, [Approver::Basename(odd)])).unwrap();
    assert_eq!(approvers.judge(Open, [Some(&[0xff, 0xfe][..])], 0), Passage::UnlessDiscarded);
}
