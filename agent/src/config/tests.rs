//! What command lines mean, and which mean nothing.

use std::ffi::OsString;
use std::path::PathBuf;

use lapwing_common::event::EventType;

use super::*;
use crate::cli::{Backend, EventFormat, Fate, OutputArgs, Permission, TraceArgs, When};

const PIPE: Surroundings = Surroundings {
    stdout_is_terminal: false,
    stderr_is_terminal: false,
    stdout_colour: false,
    stderr_colour: false,
    always_colour: false,
    own_pid: 77,
};
const TERMINAL: Surroundings = Surroundings {
    stdout_is_terminal: true,
    stderr_is_terminal: true,
    stdout_colour: true,
    stderr_colour: true,
    ..PIPE
};

fn run(output: OutputArgs) -> RunArgs {
    RunArgs { output, command: vec!["ls".into(), "-l".into()], ..RunArgs::default() }
}

fn error(args: RunArgs) -> String {
    RunConfig::new(args, &PIPE).unwrap_err().to_string()
}

fn output(args: OutputArgs, surroundings: &Surroundings) -> OutputConfig {
    RunConfig::new(run(args), surroundings).unwrap().output
}

#[test]
fn the_command_is_program_and_arguments() {
    let config = RunConfig::new(run(OutputArgs::default()), &PIPE).unwrap();
    assert_eq!(config.command.program, "ls");
    assert_eq!(config.command.arguments, ["-l"]);
}

#[test]
fn errors_say_what_to_do() {
    assert_eq!(error(RunArgs::default()), "no command to run: give one after `--`, as in `lapwing run -- ls -l`");
    assert_eq!(
        error(RunArgs { backend: Backend::Kernel, io_uring: Some(Permission::Deny), ..run(OutputArgs::default()) }),
        "--io-uring deny: the kernel backend cannot do that; use `--backend ptrace`, or leave it to `auto`"
    );
    let names = Some(vec![OsString::from("A"), OsString::from("B=1")]);
    let mut args = run(OutputArgs::default());
    args.capture.keep_env = names;
    assert_eq!(error(args), "--keep-env B=1: a variable is named without `=` and value");
}

#[test]
fn an_option_that_one_backend_follows_is_never_ignored_by_the_other() {
    let choice = |backend, io_uring, on_tracer_death| {
        let args = RunArgs { backend, io_uring, on_tracer_death, ..run(OutputArgs::default()) };
        RunConfig::new(args, &PIPE).map(|config| config.backend)
    };
    let only_ptrace = |choice| matches!(choice, Ok(Choice::Ptrace { .. }));
    for io_uring in [None, Some(Permission::Allow)] {
        assert_eq!(choice(Backend::Auto, io_uring, None), Ok(Choice::Auto));
        assert_eq!(choice(Backend::Kernel, io_uring, None), Ok(Choice::Kernel));
        assert!(only_ptrace(choice(Backend::Ptrace, io_uring, None)));
    }
    for (io_uring, fate, option) in [
        (Some(Permission::Deny), None, "--io-uring deny"),
        (None, Some(Fate::Kill), "--on-tracer-death kill"),
        (Some(Permission::Allow), Some(Fate::Continue), "--on-tracer-death continue"),
    ] {
        assert!(only_ptrace(choice(Backend::Auto, io_uring, fate)), "{option}");
        assert!(only_ptrace(choice(Backend::Ptrace, io_uring, fate)), "{option}");
        assert_eq!(choice(Backend::Kernel, io_uring, fate), Err(ConfigError::NotByKernel { option }));
    }
}

#[test]
fn what_is_asked_of_the_tracer_reaches_it() {
    let capture = |io_uring, on_tracer_death| {
        let args = RunArgs { io_uring, on_tracer_death, ..run(OutputArgs::default()) };
        let capture = RunConfig::new(args, &PIPE).unwrap().capture;
        (capture.plan.io_uring, capture.on_tracer_death)
    };
    assert_eq!(capture(None, None), (IoUring::Allow, OnTracerDeath::Kill));
    assert_eq!(capture(Some(Permission::Deny), Some(Fate::Continue)), (IoUring::Deny, OnTracerDeath::Continue));
}

#[test]
fn bad_pids_are_refused_and_repeated_ones_merged() {
    let trace = |pids: &[i32]| {
        TraceConfig::new(TraceArgs { pids: pids.to_vec(), ..TraceArgs::default() }, &User::default(), &PIPE)
    };
    assert_eq!(trace(&[]).unwrap_err(), ConfigError::NobodyToTrace);
    assert_eq!(trace(&[3, 0]).unwrap_err(), ConfigError::BadPid(0));
    assert_eq!(trace(&[-3]).unwrap_err(), ConfigError::BadPid(-3));
    assert_eq!(trace(&[3, 77]).unwrap_err(), ConfigError::OwnPid(77));
    assert!(matches!(trace(&[3, 4, 3]).unwrap().whom, Whom::Pids(pids) if pids == [3, 4]));
}

#[test]
fn types_and_groups_can_be_mixed() {
    let events = |names: &[&str]| types::parse(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(events(&[]).unwrap(), EventSet::ALL);
    assert_eq!(events(&["open", "exec"]).unwrap(), EventSet::NONE.with(EventType::Open).with(EventType::Exec));
    let network = events(&["network", "exec"]).unwrap();
    assert!(network.contains(EventType::Connect) && network.contains(EventType::Exec));
    assert!(!network.contains(EventType::Open));
    assert!(events(&["kernel"]).unwrap().contains(EventType::LoadModule));
}

#[test]
fn an_unknown_type_is_answered_with_the_likely_one_and_all_others() {
    let message = error(run(OutputArgs { types: vec!["conect".to_owned()], ..OutputArgs::default() }));
    let (first, rest) = message.split_once('\n').unwrap();
    assert_eq!(first, "--type conect: there is no such type of event; did you mean `connect`?");
    for event in EventType::ALL {
        assert!(rest.split_whitespace().any(|word| word == event.name()), "{event} is missing");
    }
    assert!(rest.lines().all(|line| line.len() <= 100), "{rest}");
    let far = error(run(OutputArgs { types: vec!["qqqq".to_owned()], ..OutputArgs::default() }));
    assert!(far.starts_with("--type qqqq: there is no such type of event\n"));
}

#[test]
fn the_format_follows_the_extension_unless_one_is_given() {
    let format = |file: &str, format| {
        output(OutputArgs { output: Some(PathBuf::from(file)), format, ..OutputArgs::default() }, &PIPE).format
    };
    assert_eq!(format("x.json", None), Format::Json);
    assert_eq!(format("/tmp/x.jsonl", None), Format::Json);
    assert_eq!(format("x.log", None), Format::Pretty);
    assert_eq!(format("json", None), Format::Pretty);
    assert_eq!(format("x.json", Some(EventFormat::Pretty)), Format::Pretty);
}

#[test]
fn a_summary_does_not_end_up_in_a_stream_of_json() {
    let summary = |format, file: Option<&str>, summary, surroundings| {
        output(OutputArgs { format, output: file.map(PathBuf::from), summary, ..OutputArgs::default() }, surroundings)
            .summary
    };
    let json = Some(EventFormat::Json);
    assert!(summary(None, None, When::Auto, &PIPE));
    assert!(summary(None, None, When::Auto, &TERMINAL));
    assert!(summary(json, None, When::Auto, &TERMINAL));
    assert!(!summary(json, None, When::Auto, &PIPE));
    assert!(summary(json, None, When::Always, &PIPE));
    assert!(!summary(None, Some("x.log"), When::Auto, &PIPE));
    assert!(summary(None, Some("x.log"), When::Auto, &TERMINAL));
    assert!(!summary(None, None, When::Never, &TERMINAL));
}

#[test]
fn quiet_means_nothing_on_stderr() {
    let quiet = |file: Option<&str>| {
        let file = file.map(PathBuf::from);
        output(OutputArgs { quiet: true, summary: When::Always, output: file, ..OutputArgs::default() }, &TERMINAL)
    };
    assert_eq!(quiet(None).destination, Destination::Nowhere);
    assert_eq!(quiet(Some("x")).destination, Destination::File("x".into()));
    assert!(!quiet(None).summary && !quiet(Some("x")).summary);
    // `trace` has standard output to itself.
    let args = TraceArgs {
        pids: vec![1],
        output: OutputArgs { quiet: true, ..OutputArgs::default() },
        ..TraceArgs::default()
    };
    assert_eq!(TraceConfig::new(args, &User::default(), &PIPE).unwrap().output.destination, Destination::Stdout);
}

#[test]
fn colours_suit_the_destination() {
    let colour = |file: Option<&str>, surroundings| {
        output(OutputArgs { output: file.map(PathBuf::from), ..OutputArgs::default() }, surroundings).colour
    };
    assert!(colour(None, &TERMINAL));
    assert!(!colour(None, &PIPE));
    assert!(!colour(Some("x"), &TERMINAL));
    assert!(colour(Some("x"), &Surroundings { always_colour: true, ..PIPE }));
}
