//! The text of one rule: whatever it is, it is a rule or an error with a place in the text, and no crash.
#![no_main]

#[path = "../policy.rs"]
mod policy;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let text = &format!("open.file.path != \"\" && ({text}\n)");
    let (loaded, source) = policy::of(&[text]);
    for report in &loaded.reports {
        assert!(!report.render(&source.text).is_empty());
    }
    // What can be used means something: it is asked, and backends are told about it.
    policy::matches(&loaded);
    for approval in loaded.rules.approvals() {
        assert!(approval.open.len() <= 1);
    }
});
