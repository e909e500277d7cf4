//! What became of events at each stage, as a table and as JSON.

use std::fmt::Write as _;

use lapwing_proto::control::v1::{Filters, Stages};
use serde_json::{Value, json};

use super::palette::Palette;

/// One table: a line for each type, those of which there were most first, and one for all with the share of each stage.
/// `of` says whose events they are.
pub(crate) fn table(filters: &Filters, of: &str, palette: &Palette) -> String {
    let mut page = String::new();
    let style = palette.heading;
    // Writing to a `String` cannot fail, here and below.
    let _ = writeln!(
        page,
        "{}    unasked   rejected  discarded  evaluated    matched  {of}{}",
        style.render(),
        style.render_reset()
    );
    let mut each = filters.stages.clone();
    each.sort_by_key(|one| std::cmp::Reverse(seen(one)));
    let all = sum(&filters.stages);
    for one in each.iter().chain([&all]) {
        let unasked = one.unasked.map_or_else(|| "-".to_owned(), |count| count.to_string());
        let Stages { rejected, discarded, evaluated, matched, r#type, .. } = one;
        let _ =
            writeln!(page, "{unasked:>11} {rejected:>10} {discarded:>10} {evaluated:>10} {matched:>10}  {}", r#type);
    }
    let share = |count: u64| {
        let permille = (count.saturating_mul(1000) + seen(&all) / 2) / seen(&all).max(1);
        format!("{}.{} %", permille / 10, permille % 10)
    };
    let unasked = all.unasked.map_or_else(|| "-".to_owned(), share);
    let [rejected, discarded, evaluated, matched] =
        [all.rejected, all.discarded, all.evaluated, all.matched].map(share);
    let _ = writeln!(page, "{unasked:>11} {rejected:>10} {discarded:>10} {evaluated:>10} {matched:>10}");
    if filters.discarders > 0 {
        let what = if filters.discarders == 1 { "discarder was" } else { "discarders were" };
        let _ = writeln!(page, "             {} {what} added", filters.discarders);
    }
    if !filters.refused.is_empty() {
        let _ = writeln!(page, "             no more discarders: {}", filters.refused);
    }
    if let (Some(answered), Some(stopped)) = (filters.answered, filters.stopped) {
        let _ = writeln!(page, "             {answered} calls waited for an answer, and {stopped} of them stopped");
    }
    page
}

/// The same for programs.
pub(crate) fn to_json(filters: &Filters) -> Value {
    let all = sum(&filters.stages);
    json!({
        "backend": filters.backend,
        "pid": filters.pid,
        "pid_namespace": filters.pid_namespace,
        "unasked": all.unasked,
        "rejected": filters.rejected,
        "approved": filters.approved,
        "discarded": filters.discarded,
        "discarders": filters.discarders,
        "evaluated": filters.evaluated,
        "matched": all.matched,
        "refused": filters.refused,
        "answered": filters.answered,
        "stopped": filters.stopped,
        "stages": filters.stages.iter().map(|one| json!({
            "type": one.r#type,
            "unasked": one.unasked,
            "rejected": one.rejected,
            "approved": one.approved,
            "discarded": one.discarded,
            "evaluated": one.evaluated,
            "matched": one.matched,
        })).collect::<Vec<_>>(),
    })
}

/// Events and calls that came to any stage.
fn seen(stages: &Stages) -> u64 {
    stages.unasked.unwrap_or(0) + stages.rejected + stages.discarded + stages.evaluated
}

fn sum(each: &[Stages]) -> Stages {
    let counted = each.iter().any(|one| one.unasked.is_some());
    Stages {
        r#type: "all".to_owned(),
        unasked: counted.then(|| each.iter().filter_map(|one| one.unasked).sum()),
        rejected: each.iter().map(|one| one.rejected).sum(),
        approved: each.iter().map(|one| one.approved).sum(),
        discarded: each.iter().map(|one| one.discarded).sum(),
        evaluated: each.iter().map(|one| one.evaluated).sum(),
        matched: each.iter().map(|one| one.matched).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages(name: &str, unasked: Option<u64>, [rejected, discarded, evaluated, matched]: [u64; 4]) -> Stages {
        Stages { r#type: name.to_owned(), unasked, rejected, approved: 0, discarded, evaluated, matched }
    }

    #[test]
    fn the_most_frequent_type_comes_first_and_shares_last() {
        let each = vec![stages("exec", Some(0), [0, 0, 3, 1]), stages("open", Some(600), [9000, 300, 97, 0])];
        let filters = Filters { discarders: 7, refused: "why".to_owned(), stages: each, ..Filters::default() };
        assert_eq!(
            table(&filters, "kernel", &Palette::new(false)),
            "    unasked   rejected  discarded  evaluated    matched  kernel
        600       9000        300         97          0  open
          0          0          0          3          1  exec
        600       9000        300        100          1  all
      6.0 %     90.0 %      3.0 %      1.0 %      0.0 %
             7 discarders were added
             no more discarders: why
"
        );
    }

    #[test]
    fn what_nobody_counts_is_not_called_nothing() {
        let each = vec![stages("open", None, [1, 0, 1, 0])];
        let filters = Filters { stages: each, answered: Some(5), stopped: Some(2), ..Filters::default() };
        let text = table(&filters, "ptrace", &Palette::new(false));
        assert!(text.contains("          -          1          0          1          0  open\n"), "{text}");
        assert!(text.contains("          -     50.0 %      0.0 %     50.0 %      0.0 %\n"), "{text}");
        assert!(text.ends_with("5 calls waited for an answer, and 2 of them stopped\n"), "{text}");
        assert_eq!(to_json(&filters)["unasked"], Value::Null);
        assert!(table(&Filters::default(), "ptrace", &Palette::new(false)).contains("0.0 %"));
    }
}
