//! Loading every program of an object, and asking the kernel what its verifier counted.

use std::collections::BTreeMap;
use std::io;

use aya::programs::{Program, ProgramError};
use aya::{Btf, EbpfLoader};
use object::read::{Object as _, ObjectSection as _, ObjectSymbol as _};

use super::Error;
use super::table::Cost;

/// The kernel's answers that speak about the caller and not about a program: it may not (`EPERM`; the
/// verifier says `EACCES` or `EINVAL`), or there is no such call.
const UNABLE: [i32; 2] = [1, 38];

/// How many lines of the verifier's log are shown. It can have millions, and ends with the reason.
const LOG_LINES: usize = 60;

/// The cost of each program in the object of this name.
pub(super) fn costs(object: &'static str, bytes: &[u8]) -> Result<BTreeMap<String, Cost>, Error> {
    let hooks = hooks(bytes).map_err(|source| Error::Elf { object, source })?;
    let btf = Btf::from_sys_fs().map_err(|error| Error::Unable { reason: format!("no BTF of the kernel: {error}") })?;
    let mut loaded = EbpfLoader::new().btf(Some(&btf)).load(bytes).map_err(|source| match unable(&source) {
        Some(reason) => Error::Unable { reason },
        None => Error::Object { object, source },
    })?;
    let mut costs = BTreeMap::new();
    for (name, program) in loaded.programs_mut() {
        let hook = hooks.get(name).cloned().unwrap_or_default();
        let instructions = cost(name, &hook, program, &btf)?;
        costs.insert(name.to_owned(), Cost { hook, instructions });
    }
    if costs.is_empty() { Err(Error::NoPrograms { object }) } else { Ok(costs) }
}

/// An error with what caused it, on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Some of aya's errors say what their cause says, others do not.
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// The section that each function is in; of a program, it names the hook.
fn hooks(bytes: &[u8]) -> Result<BTreeMap<String, String>, object::Error> {
    let file = object::File::parse(bytes)?;
    let mut hooks = BTreeMap::new();
    for symbol in file.symbols().filter(|symbol| symbol.kind() == object::SymbolKind::Text) {
        if let Some(index) = symbol.section_index() {
            let section = file.section_by_index(index)?;
            hooks.insert(symbol.name()?.to_owned(), section.name()?.to_owned());
        }
    }
    Ok(hooks)
}

fn cost(name: &str, hook: &str, program: &mut Program, btf: &Btf) -> Result<u32, Error> {
    // What stands behind the first slash; aya keeps it to itself.
    let target = hook.split_once('/').map_or("", |(_, target)| target);
    let loaded = match program {
        Program::BtfTracePoint(program) => program.load(target, btf),
        Program::RawTracePoint(program) => program.load(),
        Program::TracePoint(program) => program.load(),
        Program::Iter(program) => program.load(target, btf),
        Program::SchedClassifier(program) => program.load(),
        Program::CgroupSkb(program) => program.load(),
        _ => return Err(Error::Kind { program: name.to_owned(), hook: hook.to_owned() }),
    };
    let count = loaded.and_then(|()| program.info());
    let count = count.map_err(|source| match (unable(&source), source) {
        (Some(reason), _) => Error::Unable { reason },
        (None, ProgramError::LoadError { io_error, verifier_log }) => {
            Error::Refused { program: name.to_owned(), source: io_error, log: end_of(&verifier_log.to_string()) }
        }
        (None, source) => Error::Program { program: name.to_owned(), source },
    })?;
    count.verified_instruction_count().ok_or_else(|| Error::NoCount { program: name.to_owned() })
}

/// Why the caller cannot load programs, if an error says that.
fn unable(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    let number = causes.find_map(|error| error.downcast_ref::<io::Error>()?.raw_os_error())?;
    UNABLE.contains(&number).then(|| chain(error))
}

fn end_of(log: &str) -> String {
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_log_the_end_is_kept() {
        let log: String = (1..=100).map(|number| format!("{number}\n")).collect();
        let end = end_of(&log);
        assert_eq!((end.lines().next(), end.lines().last(), end.lines().count()), (Some("41"), Some("100"), 60));
        assert_eq!(end_of("one\ntwo\n"), "one\ntwo");
    }

    #[test]
    fn a_refusal_of_the_caller_is_told_from_one_of_the_program() {
        let refused = |number| {
            let io_error = io::Error::from_raw_os_error(number);
            ProgramError::SyscallError(aya::sys::SyscallError { call: "bpf_prog_load", io_error })
        };
        assert!(unable(&refused(1)).is_some());
        for number in [13, 22, 7] {
            assert_eq!(unable(&refused(number)), None, "{number}");
        }
    }

    #[test]
    fn causes_are_said_once() {
        let error = ProgramError::SyscallError(aya::sys::SyscallError {
            call: "bpf_prog_load",
            io_error: io::Error::from_raw_os_error(1),
        });
        assert_eq!(chain(&error), "`bpf_prog_load` failed: Operation not permitted (os error 1)");
    }

    #[test]
    fn what_is_no_object_is_refused() {
        assert!(matches!(costs("x.o", b"text"), Err(Error::Elf { object: "x.o", .. })));
    }
}
