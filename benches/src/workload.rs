//! What is run under each way: few long processes that open files, many short ones, and an interpreter.

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
}

impl Workload {
    pub(crate) const ALL: [Self; 3] = [Self::Files, Self::Exec, Self::Python];

    /// What the targets call it.
    pub(crate) fn letter(self) -> &'static str {
        match self {
            Self::Files => "F",
            Self::Exec => "E",
            Self::Python => "P",
        }
    }

    /// For `/bin/sh -c`.
    pub(crate) fn script(self) -> &'static str {
        match self {
            Self::Files => "find /usr/include -type f -print0 | xargs -0 cat >/dev/null",
            Self::Exec => "i=0; while [ $i -lt 500 ]; do /bin/true; i=$((i+1)); done",
            Self::Python => {
                "python3 -c 'import json,http.client,asyncio,unittest,xml.dom.minidom,sqlite3'; \
                 python3 -c 'import json,http.client,asyncio,unittest,xml.dom.minidom,sqlite3'; \
                 python3 -c 'import json,http.client,asyncio,unittest,xml.dom.minidom,sqlite3'"
            }
        }
    }
}
