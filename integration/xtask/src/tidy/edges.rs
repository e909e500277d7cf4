//! Rule: dependencies point one way. Backends never see each other, `common` sees no backend, and
//! `proto` sees nothing of ours; otherwise meaning leaks into capture, and the backends drift apart.
//!
//! Paths count, not only direct edges, and so do dependencies of tests and build scripts: a test
//! of `common` that needs a backend belongs to `integration`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Problem;
use crate::workspace::Member;

/// What each package must not reach, by package names.
const FORBIDDEN: [(&str, &[&str]); 5] = [
    ("lapwing-proto", &["lapwing-common", "lapwing-kernel", "lapwing-ptrace", "lapwing"]),
    ("lapwing-common", &["lapwing-kernel", "lapwing-ptrace", "lapwing"]),
    ("lapwing-kernel", &["lapwing-ptrace", "lapwing"]),
    ("lapwing-ptrace", &["lapwing-kernel", "lapwing"]),
    ("lapwing-measure", &["lapwing-kernel", "lapwing-ptrace", "lapwing"]),
];

/// Looks at all members' dependencies together.
pub(super) fn check(members: &[Member]) -> Vec<Problem> {
    let graph: BTreeMap<&str, &[String]> =
        members.iter().map(|member| (member.name.as_str(), member.dependencies.as_slice())).collect();
    let mut problems = Vec::new();
    for (from, forbidden) in FORBIDDEN {
        if !graph.contains_key(from) {
            problems.push(Problem::error(from, 0, "no such package: the table of forbidden edges is out of date"));
        }
        let paths = forbidden.iter().filter_map(|to| path(&graph, from, to));
        problems.extend(paths.map(|path| {
            Problem::error(
                from,
                0,
                format!("must not depend on {}, but does: {}", path[path.len() - 1], path.join(" → ")),
            )
        }));
    }
    problems
}

/// A shortest way from one package to another.
fn path<'a>(graph: &BTreeMap<&'a str, &'a [String]>, from: &'a str, to: &str) -> Option<Vec<&'a str>> {
    let mut queue = VecDeque::from([vec![from]]);
    let mut seen = BTreeSet::from([from]);
    while let Some(path) = queue.pop_front() {
        let at = path.last()?;
        if *at == to {
            return Some(path);
        }
        for next in graph.get(at).copied().unwrap_or_default() {
            if seen.insert(next) {
                queue.push_back(path.iter().copied().chain([next.as_str()]).collect());
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(edges: &[(&str, &[&str])]) -> Vec<String> {
        let members: Vec<_> = FORBIDDEN
            .iter()
            .map(|(name, _)| *name)
            .chain(["lapwing", "xtask"])
            .map(|name| Member {
                name: name.to_owned(),
                dependencies: edges
                    .iter()
                    .filter(|(from, _)| *from == name)
                    .flat_map(|(_, to)| to.iter().map(|to| (*to).to_owned()))
                    .collect(),
            })
            .collect();
        check(&members).iter().map(Problem::to_string).collect()
    }

    #[test]
    fn the_designs_own_edges_pass() {
        let edges: [(&str, &[&str]); 4] = [
            ("lapwing-common", &["lapwing-proto", "thiserror"]),
            ("lapwing-kernel", &["lapwing-common", "aya"]),
            ("lapwing-ptrace", &["lapwing-common", "nix"]),
            ("lapwing", &["lapwing-common", "lapwing-kernel", "lapwing-ptrace"]),
        ];
        assert_eq!(found(&edges), [""; 0]);
    }

    #[test]
    fn a_direct_edge_is_found() {
        assert_eq!(
            found(&[("lapwing-kernel", &["lapwing-ptrace"])]),
            ["error: lapwing-kernel: must not depend on lapwing-ptrace, but does: lapwing-kernel → lapwing-ptrace"]
        );
    }

    #[test]
    fn a_way_round_is_found_and_shown() {
        let found = found(&[("lapwing-ptrace", &["xtask"]), ("xtask", &["lapwing-kernel"])]);
        assert_eq!(
            found,
            ["error: lapwing-ptrace: must not depend on lapwing-kernel, but does: \
              lapwing-ptrace → xtask → lapwing-kernel"]
        );
    }

    #[test]
    fn a_renamed_package_does_not_escape() {
        assert_eq!(check(&[]).len(), FORBIDDEN.len());
    }

    #[test]
    fn circles_end() {
        assert_eq!(found(&[("lapwing", &["xtask"]), ("xtask", &["lapwing"])]), [""; 0]);
    }
}
