//! Rule: a file opens by saying what it is for. `//!` in Rust, a comment in C, where the licence
//! line alone says nothing.

use super::{Language, Problem, SourceFile};

pub(super) fn check(file: &SourceFile) -> Vec<Problem> {
    let mut lines = file.text.lines().filter(|line| !line.contains("SPDX-License-Identifier"));
    let first = lines.find(|line| !line.trim().is_empty()).unwrap_or_default();
    let (opens, wanted) = match file.language {
        Language::Rust => (first.starts_with("//! "), "a `//!` line"),
        Language::C => (first.starts_with("/*") || first.starts_with("//"), "a comment"),
    };
    if opens {
        return Vec::new();
    }
    vec![Problem::error(
        &file.path,
        1,
        format!("open the file with {wanted} that says what it is for, and why this way"),
    )]
}

#[cfg(test)]
mod tests {
    use super::super::messages;
    use super::check;

    const RUST: &str =
        "error: a/src/x.rs:1: open the file with a `//!` line that says what it is for, and why this way";

    #[test]
    fn rust_opens_with_inner_documentation() {
        assert_eq!(messages(check, "a/src/x.rs", "//! Why.\nfn f() {}\n"), [""; 0]);
        for text in ["", "//!\n", "// Why.\n", "/// Why.\n", "use a;\n//! Why.\n"] {
            assert_eq!(messages(check, "a/src/x.rs", text), [RUST], "{text:?}");
        }
    }

    #[test]
    fn tests_and_build_scripts_are_no_exception() {
        for path in ["a/tests/x.rs", "a/build.rs", "a/benches/x.rs"] {
            assert_eq!(messages(check, path, "fn main() {}").len(), 1, "{path}");
        }
    }

    #[test]
    fn c_opens_with_a_comment_beside_the_licence() {
        assert_eq!(messages(check, "bpf/x.c", "// SPDX-License-Identifier: MIT\n/* Why. */\n"), [""; 0]);
        assert_eq!(messages(check, "bpf/x.h", "// Why.\n"), [""; 0]);
        assert_eq!(messages(check, "bpf/x.h", "// SPDX-License-Identifier: MIT\n#pragma once\n").len(), 1);
    }
}
