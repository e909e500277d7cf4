//! Rule: every dependency of the workspace says in one line above it why it is there. A dependency
//! is code we answer for; who cannot say why it is there does not need it.

use super::Problem;

/// The manifest that lists them.
pub(super) const PATH: &str = "Cargo.toml";

const SECTION: &str = "[workspace.dependencies]";

/// Looks at lines rather than at parsed TOML, because comments are what it is about.
pub(super) fn check(manifest: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let (mut inside, mut explained) = (false, false);
    for (line, number) in manifest.lines().zip(1..) {
        if line.starts_with('[') {
            inside = line.trim_end() == SECTION;
        } else if inside
            && let Some(name) = entry(line)
            && !explained
        {
            let message = format!("say in one `#` line above `{name}` why the workspace depends on it");
            problems.push(Problem::error(PATH, number, message));
        }
        explained = line.starts_with('#');
    }
    problems
}

/// The name in `name = …`, unless it is one of our own crates.
fn entry(line: &str) -> Option<&str> {
    let (name, value) = line.split_once('=')?;
    let is_entry = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    (is_entry && !value.contains("path =")).then(|| name.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_dependency_needs_a_line_of_its_own() {
        let manifest = "\
[workspace]
members = []

[workspace.dependencies]
ours = { path = \"ours\", default-features = false }

# Why a.
a = \"1\"
b = \"1\"
# Why c, which is long.
c = { version = \"1\", features = [
    \"x\",
] }
# A comment of something else.

d.version = \"1\"

[profile.dev]
debug = true
";
        let found: Vec<_> = check(manifest).iter().map(Problem::to_string).collect();
        assert_eq!(
            found,
            [
                "error: Cargo.toml:9: say in one `#` line above `b` why the workspace depends on it",
                "error: Cargo.toml:16: say in one `#` line above `d.version` why the workspace depends on it",
            ]
        );
    }
}
