//! Both backends find the same of which no rule need hear.

use std::fs;
use std::path::Path;

use lapwing_common::event::EventType;
use lapwing_integration::equivalence::{Program, check_discarders};
use lapwing_integration::harness::Backend;

/// Files that a rule is about, beside others, and files far from them.
fn ground(directory: &Path) {
    for (place, names) in [("kept", ["secret", "other", "once"]), ("deep/er", ["one", "two", "three"])] {
        fs::create_dir_all(directory.join(place)).unwrap();
        for name in names {
            fs::write(directory.join(place).join(name), name).unwrap();
        }
    }
}

/// Each file in a row, so that what else is used does not matter.
const USES: &str = "
    for name in secret other; do cat kept/$name kept/$name kept/$name; done > read
    cat kept/once > read
    for name in one two three; do cat deep/er/$name deep/er/$name; chmod 600 deep/er/$name; done > read
    chmod 640 kept/secret kept/other; chmod 600 kept/secret kept/other
    mkdir deep/er/new; rmdir deep/er/new; rm deep/er/three
";

fn policy(ground: &Path) -> String {
    // No component is written out, so that approvers leave everything to discarders.
    let kept = ground.join("kept").display().to_string();
    let kept = format!("/{}*", kept.trim_start_matches('/').replace('/', "*/"));
    format!(
        "rules:\n  - id: secret_read\n    expression: open.file.path =~ \"{kept}/s*\"\n  \
         - id: secret_changed\n    expression: chmod.file.path =~ \"{kept}/s*\" && chmod.file.destination.mode == 0777\n"
    )
}

#[test]
fn of_files_beside_and_far_from_one_that_a_rule_is_about() {
    let program = Program { name: "uses", ground, script: USES, processes: "tree" };
    if !Backend::Kernel.is_available() {
        return;
    }
    let found = check_discarders(&program, policy).unwrap_or_else(|problems| panic!("{problems}"));
    let mask = |events: &[EventType]| events.iter().map(|event| 1_u64 << (*event as u8 - 1)).sum::<u64>();
    let both = mask(&[EventType::Open, EventType::Chmod]);
    assert_eq!(found.directories.get("deep"), Some(&both), "{found:#?}");
    assert_eq!(found.files.get("kept/other"), Some(&both), "{found:#?}");
    // What a rule is about, where that lies, and what was used only once.
    for name in ["kept/secret", "kept/once", "kept", ""] {
        assert!(!found.files.contains_key(name) && !found.directories.contains_key(name), "{name}: {found:#?}");
    }
    assert!(!found.directories.contains_key("/tmp"), "{found:#?}");
}
