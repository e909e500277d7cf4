//! The verifier's log, as people see it: it can have millions of lines, and ends with the reason.

/// How many lines are shown.
const LINES: usize = 40;

/// The last lines of a log, indented to stand below the error that they belong to.
pub(super) fn end_of(log: &str) -> String {
    let lines: Vec<_> = log.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let left_out = lines.len().saturating_sub(LINES);
    let mut text = match left_out {
        0 => String::new(),
        1 => "    (1 line before)\n".to_owned(),
        _ => format!("    ({left_out} lines before)\n"),
    };
    for line in &lines[left_out..] {
        text.push_str("    ");
        text.push_str(line);
        text.push('\n');
    }
    text.pop();
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_log_is_shown_whole() {
        let log = "0: R1=ctx() R10=fp0\n1: (79) r1 = *(u64 *)(r6 +0)  \n\nR6 invalid mem access 'inv'\n";
        let shown = "    0: R1=ctx() R10=fp0\n    1: (79) r1 = *(u64 *)(r6 +0)\n    R6 invalid mem access 'inv'";
        assert_eq!(end_of(log), shown);
        assert_eq!(end_of(""), "");
    }

    #[test]
    fn of_a_long_log_the_end_is() {
        let log = |lines: usize| (1..=lines).map(|line| format!("line {line}\n")).collect::<String>();
        assert!(end_of(&log(LINES)).starts_with("    line 1\n"));
        assert!(end_of(&log(LINES + 1)).starts_with("    (1 line before)\n    line 2\n"));
        let shown = end_of(&log(1_000_000));
        assert!(shown.starts_with("    (999960 lines before)\n    line 999961\n"));
        assert!(shown.ends_with("\n    line 1000000"));
        assert_eq!(shown.lines().count(), LINES + 1);
    }
}
