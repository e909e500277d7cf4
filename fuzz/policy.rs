//! Policies of rules that the fuzzer has made up, and an event for them.

use lapwing_common::ids::Timestamp;
use lapwing_common::rules::policy::{Loaded, Options, PolicySource, load};
use lapwing_common::rules::{Feed, Sample, SampleValue};

/// Rules `rule_0`, `rule_1` and so on, loaded.
pub fn of(rules: &[&str]) -> (Loaded, PolicySource) {
    let mut text = String::from("{\"rules\":[");
    for (place, rule) in rules.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        text.push_str(&format!("{comma}{{\"id\":\"rule_{place}\",\"expression\":\"{}\"}}", escaped(rule)));
    }
    text.push_str("]}");
    let source = PolicySource { name: "fuzz.policy".into(), text };
    let options = Options { feed: Feed::Everything, ..Options::default() };
    (load(std::slice::from_ref(&source), &options), source)
}

/// The rules that match an opening of `/etc/passwd`.
pub fn matches(loaded: &Loaded) -> Vec<String> {
    let text = |text: &str| SampleValue::Text(text.as_bytes().into());
    let texts = |texts: &[&str]| SampleValue::Texts(texts.iter().map(|text| text.as_bytes().into()).collect());
    let mut sample = Sample::at(Timestamp(1_700_000_000_000_000_000));
    for (field, value) in [
        ("open.file.path", text("/etc/passwd")),
        ("open.file.name", text("passwd")),
        ("open.flags", SampleValue::Int(0o101)),
        ("open.retval", SampleValue::Int(3)),
        ("process.comm", text("cat")),
        ("process.uid", SampleValue::Int(0)),
        ("process.argv", texts(&["-n", "--x=y", "/etc/passwd"])),
        ("process.is_thread", SampleValue::Bool(false)),
        ("process.ancestors.comm", texts(&["sh", "init"])),
        ("process.ancestors.uid", SampleValue::Ints(vec![1, 0])),
    ] {
        sample.set(field, value);
    }
    let mut found = Vec::new();
    loaded.rules.evaluate_sample("open", &sample, &mut loaded.rules.memory(1), &mut |matched| {
        found.push(matched.rule.id.clone());
    });
    found
}

/// For a double-quoted string of YAML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            ' '..='~' => out.push(character),
            other => out.push_str(&format!("\\U{:08x}", u32::from(other))),
        }
    }
    out
}
