//! What is left out when two streams are compared, and why it may be: the whole list.
//!
//! A rule takes away what has to differ between two runs of the same command even where the same backend sees
//! both. It never goes by which backend an event is from. Where a rule could hide a difference, it is made
//! narrow: what occurs in both streams stays as it is.

/// A rule. `docs/compare.md` lists them in this order, which a test checks, and so does `--rules`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    /// What is done.
    pub(crate) does: &'static str,
    /// Why it has to be.
    pub(crate) why: &'static str,
}

/// All of them. How they are applied is in [`super::normal`].
pub(crate) const RULES: [Rule; 13] = [
    Rule {
        name: "when and by whom",
        does: "`event.timestamp`, `event.origin` and every `created_at` are removed",
        why: "two runs are at two times, and by two backends",
    },
    Rule {
        name: "processes by place",
        does: "process ids become the programs on the way down from the command, as in `sh/make/gcc`; those outside \
               of the tree become `(outside)`",
        why: "the kernel hands numbers out as it comes",
    },
    Rule {
        name: "threads",
        does: "`process.tid` becomes `main` or `other`",
        why: "the kernel numbers them like processes",
    },
    Rule {
        name: "above the command",
        does: "ancestors above the command are removed, and so is its own image before its first exec, as are its \
               parent's fields",
        why: "these are Lapwing and what started it",
    },
    Rule {
        name: "changed files",
        does: "inode numbers and times of a file are removed if either stream shows it changed after the beginning of \
               the earlier run",
        why: "files that a run makes get whatever inode is free, and times are when they are made",
    },
    Rule {
        name: "files without a place",
        does: "inode numbers and times are removed on proc, pipefs, sockfs, anon_inodefs, nsfs and pidfs; the number \
               in `pipe:[N]`, `socket:[N]`, `/#N` and the like becomes `N`",
        why: "the kernel makes these inodes when they are looked up",
    },
    Rule {
        name: "times that were set",
        does: "the times of `utimes` are removed if they are of the runs",
        why: "they are the clock's",
    },
    Rule {
        name: "mounts",
        does: "`mount_id` is removed if a process of either stream mounted something or changed its mount namespace",
        why: "a mount namespace is a copy in which every mount has a new number",
    },
    Rule {
        name: "names of accounts",
        does: "names of users and groups are removed if a process of either stream changed its root or its mounts; \
               their numbers stay",
        why: "they are looked up in the process's root, which may be another one by then",
    },
    Rule {
        name: "random names",
        does: "a word (letters, digits, underscores) becomes as many question marks if it is part of the name of a \
               file that the run made, and occurs nowhere in the other stream",
        why: "names of temporary files are drawn at random",
    },
    Rule {
        name: "process ids in text",
        does: "a number within a word becomes `PID` if a process of the run had it and the word occurs nowhere in the \
               other stream; after `/proc/`, the process's place takes its place in any case",
        why: "programs name files after themselves, and pass their numbers on",
    },
    Rule {
        name: "ports",
        does: "ports from 32768 on become `(ephemeral)`; in text such a port becomes `PORT` if the run had it and the \
               word occurs nowhere in the other stream",
        why: "the kernel picks one for who does not",
    },
    Rule {
        name: "descriptors",
        does: "the descriptor that a call returned becomes `(descriptor)` in a process with threads, in its descendants, \
               and with `--processes paths` everywhere",
        why: "who shares work opens and closes as it comes, and the lowest free number depends on who was first",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_every_rule() {
        let page = include_str!("../../../docs/compare.md");
        let rows: Vec<String> =
            RULES.iter().map(|Rule { name, does, why }| format!("| {name} | {does} | {why} |")).collect();
        assert!(page.contains(&rows.join("\n")), "docs/compare.md should have\n{}", rows.join("\n"));
    }
}
