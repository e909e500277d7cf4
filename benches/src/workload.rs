//! What is run under each way: few long processes that open files, many short ones, an interpreter, and two kinds of
//! work that developers' machines and build servers do all day.

use clap::ValueEnum;

/// A shell script of a kind that people trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// A thousand files and more are opened, by few processes
    #[value(name = "F")]
    Files,
    /// 500 processes, one after the other
    #[value(name = "E")]
    Exec,
    /// Three times Python with some modules
    #[value(name = "P")]
    Python,
    /// A git repository is packed
    #[value(name = "G")]
    Git,
    /// A small C program is compiled, two files at a time
    #[value(name = "C")]
    Compile,
}

impl Workload {
    pub(crate) const ALL: [Self; 5] = [Self::Files, Self::Exec, Self::Python, Self::Git, Self::Compile];
    /// Those that something is promised about.
    pub(crate) const PROMISED: [Self; 3] = [Self::Files, Self::Exec, Self::Python];

    /// What the targets call it.
    pub(crate) fn letter(self) -> &'static str {
        match self {
            Self::Files => "F",
            Self::Exec => "E",
            Self::Python => "P",
            Self::Git => "G",
            Self::Compile => "C",
        }
    }

    /// For `/bin/sh -c`, with the [fixtures](crate::fixtures) where `BENCH_FIXTURES` says.
    pub(crate) fn script(self) -> &'static str {
        match self {
            Self::Files => "find /usr/include -type f -print0 | xargs -0 cat >/dev/null",
            Self::Exec => "i=0; while [ $i -lt 500 ]; do /bin/true; i=$((i+1)); done",
            Self::Python => {
                "python3 -c 'import json,http.client,asyncio,unittest,xml.dom.minidom,sqlite3'; \
                 python3 -c 'import json,http.client,asyncio,unittest,xml.dom.minidom,sqlite3'; \
                 python3 -c 'import json,http.client,asyncio,unittest,xml.dom.minidom,sqlite3'"
            }
            Self::Git => {
                "cd \"$BENCH_FIXTURES\" && rm -rf clone && cp -r repository clone && git -C clone gc --quiet --prune=now"
            }
            Self::Compile => "make --silent --always-make --jobs=2 --directory=\"$BENCH_FIXTURES/program\"",
        }
    }
}
