//! Every scenario, which is every call of the catalogue in all its variants: all fields of all events, where the tests
//! of single scenarios look at some.

use std::path::Path;

use lapwing_integration::equivalence::Program;
use lapwing_integration::need::Need;
use lapwing_integration::scenario;

use super::same;

pub(super) const NAME: &str = "scenarios";

const PROGRAM: &str = env!("CARGO_BIN_EXE_scenario");

/// Scenarios that are about a difference which the README's table has. Each has its own expectations by backend in
/// `tests/scenarios`.
const ABOUT_DIFFERENCES: [(&str, &str); 5] = [
    ("ptrace/", "a process has one tracer"),
    ("clone/untraced", "hiding from a tracer is refused, and a blind event"),
    ("clone3/untraced", "hiding from a tracer is refused, and a blind event"),
    ("io_uring_", "operations of a ring are no system calls, and a blind event says under ptrace that there is one"),
    ("mkdir/deep", "a tracer has to ask for a file by a path"),
];

#[test]
fn scenarios() {
    let names = scenario::names(PROGRAM);
    for (prefix, reason) in ABOUT_DIFFERENCES {
        assert!(names.iter().any(|name| name.starts_with(prefix)), "no scenario {prefix} any more: {reason}");
    }
    let same_for_both = |name: &&String| ABOUT_DIFFERENCES.iter().all(|(prefix, _)| !name.starts_with(prefix));
    let calls: Vec<_> = names.iter().filter(same_for_both).map(String::as_str).collect();
    // A scenario that cannot be played here fails the same way twice; whether it may is for `tests/scenarios` to say.
    let script = format!(
        "for name in {}; do mkdir -p \"$name\"; {PROGRAM} \"$name\" \"$PWD/$name\" >/dev/null 2>&1 || true; done",
        calls.join(" ")
    );
    let ground = |directory: &Path| {
        use std::os::unix::fs::PermissionsExt as _;
        // Some act as another user.
        for place in [directory, directory.parent().unwrap()] {
            std::fs::set_permissions(place, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    };
    same(&Program { name: NAME, ground, script: &script, processes: "tree" }, &[Need::Root], &[]);
}
