//! Rule: a file holds one concept, so it stays short. Past 400 lines there is likely a second one
//! inside; past 600 there is.

use super::{Problem, SourceFile};

const WARN_OVER: usize = 400;
const FAIL_OVER: usize = 600;

pub(super) fn check(file: &SourceFile) -> Vec<Problem> {
    let lines = file.text.lines().count();
    if lines > FAIL_OVER {
        let message = format!("{lines} lines, over the limit of {FAIL_OVER}: give the second concept its own file");
        vec![Problem::error(&file.path, 0, message)]
    } else if lines > WARN_OVER {
        let message = format!("{lines} lines: past {WARN_OVER}, look for a second concept");
        vec![Problem::warning(&file.path, 0, message)]
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::messages;
    use super::check;

    #[test]
    fn both_limits_are_inclusive() {
        let found = |lines| messages(check, "a/src/x.rs", &"line\n".repeat(lines));
        assert_eq!(found(400), [""; 0]);
        assert_eq!(found(401), ["warning: a/src/x.rs: 401 lines: past 400, look for a second concept"]);
        assert_eq!(found(600).len(), 1);
        assert!(found(600)[0].starts_with("warning"));
        assert_eq!(
            found(601),
            ["error: a/src/x.rs: 601 lines, over the limit of 600: give the second concept its own file"]
        );
    }
}
