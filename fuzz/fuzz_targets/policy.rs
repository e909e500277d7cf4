//! A policy file: whatever is in it, what cannot be used is reported and the rest works.
#![no_main]

use lapwing_common::ids::Timestamp;
use lapwing_common::rules::Sample;
use lapwing_common::rules::policy::{Options, PolicySource, load};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let source = PolicySource { name: "fuzz.policy".into(), text: text.into() };
    let loaded = load(std::slice::from_ref(&source), &Options::default());
    for report in &loaded.reports {
        assert!(!report.render(&source.text).is_empty());
    }
    assert_eq!(loaded.statuses.iter().filter(|one| one.state == "loaded").count() > 0, !loaded.rules.rules().is_empty());
    let mut memory = loaded.rules.memory(1);
    let mut sample = Sample::at(Timestamp(1));
    sample.set("open.file.path", lapwing_common::rules::SampleValue::Text((*b"/etc/passwd").into()));
    for event in ["open", "exec", "connect", "bpf"] {
        loaded.rules.evaluate_sample(event, &sample, &mut memory, &mut |_| {});
    }
});
