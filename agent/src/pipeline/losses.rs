//! What was lost on the way of events, by place: the same names and words at the end of `run` and in the agent's
//! status.

use std::borrow::Cow;

use lapwing_common::backend::Counters;
use lapwing_common::process;

/// Something that was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    /// A name for programs that does not change.
    pub(crate) name: &'static str,
    /// How much.
    pub(crate) count: u64,
    /// Of what, in words.
    pub(crate) what: Cow<'static, str>,
}

/// What a backend lost, zeros included.
pub(crate) fn of_backend(counters: &Counters) -> impl Iterator<Item = Loss> {
    counters.iter().filter_map(|(name, count)| {
        let what = match *name {
            "unreadable" => "reads of a process's memory that failed".into(),
            "foreign_calls" => "system calls through an interface that Lapwing has no table for".into(),
            "untraceable" => "running descendants that Lapwing may not trace".into(),
            "refused_requests" => "tracing requests that the kernel refused".into(),
            "internal_errors" => "defects of Lapwing; what came after was not observed".into(),
            name => name.strip_prefix("lost_")?.replace('_', " ").into(),
        };
        Some(Loss { name, count: *count, what })
    })
}

/// What the process cache lost, zeros included.
pub(crate) fn of_cache(cache: &process::Counters) -> impl Iterator<Item = Loss> {
    let broken = cache.missing_parents + cache.wrong_parents + cache.incomplete_lineages;
    [
        ("evicted", cache.evicted, "processes forgotten for want of room"),
        ("not_found", cache.not_found, "processes of which nothing but the number is known"),
        ("limited", cache.limited, "lookups in /proc put off, since there were too many"),
        ("outlived", cache.outlived, "processes that had ended before they were looked up, their numbers used again"),
        ("path_errors", cache.path_errors, "processes whose program was looked up and not found"),
        ("too_deep", cache.too_deep, "lookups of ancestors given up, since there were too many"),
        ("broken_lineage", broken, "events of processes whose ancestors are not all known"),
    ]
    .map(|(name, count, what)| Loss { name, count, what: what.into() })
    .into_iter()
}
