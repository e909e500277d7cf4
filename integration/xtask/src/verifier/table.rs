//! `bpf/VERIFIER.md`: a table that is read in reviews and by the next check.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// How much more than tracked a program may cost, in percent. Compilers and kernels account for less.
const MAY_GROW: u64 = 20;

/// What stands between the sentence and the rows.
const HEAD: &str = "| program | hook | instructions |\n| --- | --- | ---: |\n";

/// What was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    /// The kernel that counted, as `6.18`.
    pub(super) linux: String,
    /// By the program's name.
    pub(super) costs: BTreeMap<String, Cost>,
}

/// What is known of one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// The section, which names the kind of program and what it is for.
    pub(super) hook: String,
    /// Instructions that the verifier walked through.
    pub(super) instructions: u32,
}

/// Why a text is not such a table.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    #[error("no line names the kernel")]
    NoKernel,
    #[error("no table begins")]
    NoTable,
    #[error("`{0}` is no row")]
    Row(String),
}

/// In what the table does not stand any more, in sentences. A program that costs less is no complaint.
pub(super) fn compare(committed: &Table, counted: &Table) -> Vec<String> {
    let gone = committed.costs.keys().filter(|program| !counted.costs.contains_key(*program));
    let mut found: Vec<_> = gone.map(|program| format!("{program} is in the table, and no program")).collect();
    for (program, now) in &counted.costs {
        let Some(was) = committed.costs.get(program) else {
            found.push(format!("{program} is not in the table; it costs {} instructions", now.instructions));
            continue;
        };
        if was.hook != now.hook {
            found.push(format!("{program} is for {}, and was for {}", now.hook, was.hook));
        }
        if u64::from(now.instructions) * 100 > u64::from(was.instructions) * (100 + MAY_GROW) {
            let (now, was) = (now.instructions, was.instructions);
            found.push(format!("{program} costs {now} instructions, and cost {was}: over {MAY_GROW} % more"));
        }
    }
    if !found.is_empty() && committed.linux != counted.linux {
        found.push(format!("this is Linux {}, and the table is of {}", counted.linux, committed.linux));
    }
    found
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { linux, costs } = self;
        write!(
            f,
            "# What the programs cost the verifier\n\n\
             Instructions that the verifier of Linux {linux} walked through, all paths together, before it accepted\n\
             each program; it refuses one past a million. Written by `cargo xtask verifier`, not by hand;\n\
             `cargo xtask verifier --check` fails where a program costs over {MAY_GROW} % more than here.\n\n{HEAD}"
        )?;
        costs
            .iter()
            .try_for_each(|(program, cost)| writeln!(f, "| {program} | {} | {} |", cost.hook, cost.instructions))
    }
}

impl FromStr for Table {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (sentence, rows) = text.split_once(HEAD).ok_or(ParseError::NoTable)?;
        let (_, linux) = sentence.split_once("verifier of Linux ").ok_or(ParseError::NoKernel)?;
        let linux = linux.split_whitespace().next().ok_or(ParseError::NoKernel)?.to_owned();
        let costs = rows.lines().map(|line| row(line).ok_or_else(|| ParseError::Row(line.to_owned())));
        Ok(Self { linux, costs: costs.collect::<Result<_, _>>()? })
    }
}

fn row(line: &str) -> Option<(String, Cost)> {
    let cells: Vec<_> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
    let [program, hook, instructions] = cells[..] else { return None };
    Some((program.to_owned(), Cost { hook: hook.to_owned(), instructions: instructions.parse().ok()? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(costs: &[(&str, &str, u32)]) -> Table {
        let cost = |&(program, hook, instructions): &(&str, &str, u32)| {
            (program.to_owned(), Cost { hook: hook.to_owned(), instructions })
        };
        Table { linux: "6.18".to_owned(), costs: costs.iter().map(cost).collect() }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let table = table(&[("on_exec", "tp_btf/sched_process_exec", 102), ("on_exit", "raw_tp/sys_exit", 999_999)]);
        let text = table.to_string();
        assert!(text.ends_with(
            "| program | hook | instructions |\n\
             | --- | --- | ---: |\n\
             | on_exec | tp_btf/sched_process_exec | 102 |\n\
             | on_exit | raw_tp/sys_exit | 999999 |\n"
        ));
        assert_eq!(text.parse(), Ok(table));
    }

    #[test]
    fn what_is_no_table_is_refused() {
        let text = table(&[("on_exec", "tp_btf/sched_process_exec", 102)]).to_string();
        assert_eq!("".parse::<Table>(), Err(ParseError::NoTable));
        assert_eq!(text.replace("Linux", "GNU").parse::<Table>(), Err(ParseError::NoKernel));
        for row in ["| on_exec | 102 |", "| on_exec | tp_btf/sched_process_exec | many |", "Another sentence."] {
            let text = text.replace("| on_exec | tp_btf/sched_process_exec | 102 |", row);
            assert_eq!(text.parse::<Table>(), Err(ParseError::Row(row.to_owned())));
        }
    }

    #[test]
    fn a_program_may_grow_by_a_fifth() {
        let committed = table(&[("p", "raw_tp/x", 1000)]);
        for instructions in [1, 1000, 1200] {
            assert_eq!(compare(&committed, &table(&[("p", "raw_tp/x", instructions)])), [""; 0], "{instructions}");
        }
        assert_eq!(
            compare(&committed, &table(&[("p", "raw_tp/x", 1201)])),
            ["p costs 1201 instructions, and cost 1000: over 20 % more"]
        );
    }

    #[test]
    fn the_largest_counts_do_not_overflow() {
        let committed = table(&[("p", "raw_tp/x", u32::MAX)]);
        assert_eq!(compare(&committed, &committed), [""; 0]);
    }

    #[test]
    fn programs_come_and_go_in_the_table_too() {
        let committed = table(&[("gone", "raw_tp/x", 1), ("moved", "raw_tp/x", 1)]);
        let counted = table(&[("moved", "tp_btf/x", 1), ("new", "raw_tp/x", 7)]);
        assert_eq!(
            compare(&committed, &counted),
            [
                "gone is in the table, and no program",
                "moved is for tp_btf/x, and was for raw_tp/x",
                "new is not in the table; it costs 7 instructions",
            ]
        );
    }

    #[test]
    fn another_kernel_is_only_an_explanation() {
        let committed = table(&[("p", "raw_tp/x", 100)]);
        let on = |linux: &str, instructions| Table { linux: linux.into(), ..table(&[("p", "raw_tp/x", instructions)]) };
        assert_eq!(compare(&committed, &on("6.1", 100)), [""; 0]);
        assert_eq!(
            compare(&committed, &on("6.1", 200)).last().map(String::as_str),
            Some("this is Linux 6.1, and the table is of 6.18")
        );
    }
}
