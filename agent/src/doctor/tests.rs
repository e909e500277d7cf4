//! Reports as a whole, on this machine.

use super::*;
use crate::output::palette::Palette;

#[test]
fn every_no_comes_with_what_to_do() {
    // The trials start this program, which is the test runner here, so their answers do not count.
    let features = features::probe();
    let checks = host::ptrace(&features).into_iter().chain(kernel::checks(&features)).chain(host::environment());
    for check in checks {
        if matches!(check.state, State::No | State::Unknown) {
            assert!(check.advice.is_some_and(|advice| !advice.is_empty()), "{} has no advice", check.name);
        }
        assert!(!check.detail.contains('\n'), "{}", check.name);
    }
}

#[test]
fn auto_picks_what_works_and_the_kernel_first() {
    assert_eq!(pick(true, true).0, Some("kernel"));
    assert_eq!(pick(true, false).0, Some("kernel"));
    assert_eq!(pick(false, true).0, Some("ptrace"));
    assert_eq!(pick(false, false).0, None);
}

#[test]
fn a_backend_works_if_it_was_seen_to_and_nothing_is_missing() {
    let features = features::probe();
    let failed = Check::no(Area::Kernel, "watch a command", "refused", "look below");
    assert!(!kernel::backend(&features, &failed).works);
    let worked = Check::yes(Area::Kernel, "watch a command", "");
    assert_eq!(kernel::backend(&features, &worked).works, features.usable().is_ok());
}

fn report() -> Report {
    Report {
        version: "1.2.3",
        system: "Linux 6.1 (x86_64)".to_owned(),
        auto: Some("ptrace"),
        reason: "it works".to_owned(),
        backends: vec![
            Backend { name: "ptrace", works: true, why: "works here".to_owned() },
            Backend { name: "kernel", works: false, why: "does not work here, for want of kernel BTF".to_owned() },
        ],
        checks: vec![
            Check::yes(Area::Ptrace, "seize a process", "and stop it"),
            Check::no(Area::Kernel, "kernel BTF", "no file", "boot another kernel"),
            Check::note(Area::Environment, "container", "none"),
        ],
    }
}

#[test]
fn a_report_is_plain_words_in_a_pipe() {
    let text = report().pretty(&Palette::new(false), false);
    assert_eq!(
        text,
        "lapwing 1.2.3 on Linux 6.1 (x86_64)\n\
         \n\
         ptrace backend: works here\n  \
           yes     seize a process              and stop it\n\
         \n\
         kernel backend (eBPF): does not work here, for want of kernel BTF\n  \
           no      kernel BTF                   no file\n          \
                   do: boot another kernel\n\
         \n\
         environment\n  \
           note    container                    none\n\
         \n\
         `--backend auto` picks ptrace: it works\n"
    );
}

#[test]
fn a_report_has_marks_on_a_terminal() {
    let text = report().pretty(&Palette::new(true), true);
    assert!(text.contains("✔") && text.contains("✘") && text.contains("\x1b["), "{text}");
}

#[test]
fn json_names_states_and_advice() {
    let text = report().render(crate::cli::ReportFormat::Json, &crate::config::Surroundings::default());
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["auto"], "ptrace");
    assert_eq!(value["checks"][1]["state"], "no");
    assert_eq!(value["checks"][1]["advice"], "boot another kernel");
    assert_eq!(value["checks"][1]["area"], "kernel");
    assert!(value["checks"][0].get("advice").is_none());
}
