//! Policies to measure with: as many rules as are asked for, none of which matches what is measured.

use std::fmt::Write as _;

/// Rules as policies have them: two of three about opened files, by lists of paths, globs, flags and the program;
/// the others about programs, by name, arguments and ancestors.
pub(crate) fn text(rules: usize) -> String {
    let mut text = String::from("version: 1.0.0\nrules:\n");
    for number in 0..rules {
        let many = |count, form: &dyn Fn(usize) -> String| (0..count).map(form).collect::<Vec<_>>().join(", ");
        let expression = match number % 6 {
            0 => format!(
                "open.file.path in [{}]",
                many(30, &|each| format!("\"/etc/service-{number}/part-{each}.conf\""))
            ),
            1 => format!(
                "open.file.path in [{}] && open.flags & (O_WRONLY|O_RDWR|O_CREAT) > 0",
                many(20, &|each| format!("~\"/var/lib/app-{number}/{each}/**\""))
            ),
            2 => format!(
                "open.file.name in [{}] && process.file.path not in [\"/usr/bin/tool-{number}\", ~\"/opt/{number}/*\"]",
                many(20, &|each| format!("\"secret-{number}-{each}.key\""))
            ),
            3 => format!(
                "open.file.path =~ \"/home/*/.config-{number}/*\" && process.ancestors.file.name == \"server-{number}\""
            ),
            4 => format!(
                "exec.file.name in [{}] && process.parent.file.name in [\"nginx-{number}\", \"httpd-{number}\"]",
                many(30, &|each| format!("\"tool-{number}-{each}\""))
            ),
            _ => format!("exec.args =~ \"*--option-{number}*\" && exec.file.path =~ \"/usr/*/program-{number}-*\""),
        };
        // Single quotes, which YAML takes as they are.
        let _ = writeln!(text, "  - id: rule_{number}\n    expression: '{expression}'");
    }
    text
}
