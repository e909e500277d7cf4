//! Rule: no drawers. A module is named after what it knows; `util` and its like collect what nobody
//! found a place for.

use super::{Language, Problem, SourceFile};

/// `common` is a drawer too, except as the crate of that name: the first folder.
const DRAWERS: [&str; 6] = ["util", "utils", "helper", "helpers", "misc", "common"];

pub(super) fn check(file: &SourceFile) -> Vec<Problem> {
    let mut problems = Vec::new();
    let inside = file.path.split_once('/').map_or(file.path.as_str(), |(_, inside)| inside);
    let names = inside.split('/').map(|part| part.split('.').next().unwrap_or(part));
    if let Some(name) = names.into_iter().find(|name| DRAWERS.contains(name)) {
        problems.push(problem(file, 0, name));
    }
    if file.language == Language::Rust {
        let inline = file.text.lines().zip(1..).filter_map(|(line, number)| Some((inline_module(line)?, number)));
        problems.extend(inline.filter(|(name, _)| DRAWERS.contains(name)).map(|(name, at)| problem(file, at, name)));
    }
    problems
}

fn problem(file: &SourceFile, line: usize, name: &str) -> Problem {
    Problem::error(&file.path, line, format!("`{name}` says nothing: name the module after what it knows"))
}

/// The name in `mod name {`, whatever its visibility.
fn inline_module(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub") || word.ends_with(')'));
    (words.next()? == "mod" && line.contains('{')).then(|| words.next())?
}

#[cfg(test)]
mod tests {
    use super::super::messages;
    use super::check;

    #[test]
    fn files_and_folders_are_named_after_what_they_know() {
        for path in ["common/src/event/mod.rs", "agent/src/utility.rs", "common/build.rs", "bpf/lib/scope.h"] {
            assert_eq!(messages(check, path, ""), [""; 0], "{path}");
        }
        for path in ["agent/src/util.rs", "agent/src/helpers/time.rs", "agent/tests/common/mod.rs", "bpf/lib/misc.h"] {
            assert_eq!(messages(check, path, "").len(), 1, "{path}");
        }
        assert_eq!(
            messages(check, "agent/src/misc.rs", ""),
            ["error: agent/src/misc.rs: `misc` says nothing: name the module after what it knows"]
        );
    }

    #[test]
    fn inline_modules_are_seen_too() {
        for text in ["mod util {", "pub mod util {", "    pub(crate) mod util {}", "pub(in crate::x) mod util {"] {
            let found = messages(check, "a/src/x.rs", &format!("//! Why.\n{text}\n"));
            assert_eq!(found, ["error: a/src/x.rs:2: `util` says nothing: name the module after what it knows"]);
        }
        for text in ["mod tests {", "use a::util;", "// a mod util"] {
            assert_eq!(messages(check, "a/src/x.rs", text), [""; 0], "{text}");
        }
    }
}
