//! What clap makes of command lines.

use clap::{CommandFactory as _, Parser as _};

use super::{Backend, Cli, Command, EventFormat, Fate, Permission, RunArgs};

fn run(line: &[&str]) -> RunArgs {
    match Cli::try_parse_from(line).map(|cli| cli.command) {
        Ok(Command::Run(args)) => args,
        other => panic!("{line:?} is {other:?}"),
    }
}

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn all_after_the_command_belongs_to_it() {
    for line in [
        ["lapwing", "run", "--quiet", "--", "ls", "--quiet", "--", "-o", "x"].as_slice(),
        &["lapwing", "run", "--quiet", "ls", "--quiet", "--", "-o", "x"],
    ] {
        let args = run(line);
        assert!(args.output.quiet);
        assert_eq!(args.output.output, None);
        assert_eq!(args.command, ["ls", "--quiet", "--", "-o", "x"], "{line:?}");
    }
    assert_eq!(run(&["lapwing", "run", "--", "--format"]).command, ["--format"]);
}

#[test]
fn types_accumulate() {
    let args = run(&["lapwing", "run", "--type", "open,exec", "-t", "connect", "--format", "json", "--", "true"]);
    assert_eq!(args.output.types, ["open", "exec", "connect"]);
    assert_eq!(args.output.format, Some(EventFormat::Json));
}

#[test]
fn a_backend_is_chosen_by_name() {
    let backend = |words: &[&str]| run(&[&["lapwing", "run"], words, &["--", "true"]].concat()).backend;
    assert_eq!(backend(&[]), Backend::Auto);
    for (name, expected) in [("auto", Backend::Auto), ("kernel", Backend::Kernel), ("ptrace", Backend::Ptrace)] {
        assert_eq!(backend(&["--backend", name]), expected);
    }
    assert!(Cli::try_parse_from(["lapwing", "run", "--backend", "ebpf", "--", "true"]).is_err());
}

#[test]
fn a_choice_that_was_made_differs_from_the_default() {
    let args = run(&["lapwing", "run", "--", "true"]);
    assert_eq!((args.io_uring, args.on_tracer_death), (None, None));
    let args = run(&["lapwing", "run", "--io-uring=allow", "--on-tracer-death=kill", "--", "true"]);
    assert_eq!((args.io_uring, args.on_tracer_death), (Some(Permission::Allow), Some(Fate::Kill)));
}

#[test]
fn an_unknown_option_is_not_taken_for_the_command() {
    assert!(Cli::try_parse_from(["lapwing", "run", "--formt", "json", "--", "true"]).is_err());
}

#[test]
fn several_processes_may_be_given_in_each_way() {
    for line in [
        ["lapwing", "trace", "--pid", "1", "2", "3"].as_slice(),
        &["lapwing", "trace", "--pid", "1,2,3"],
        &["lapwing", "trace", "--pid", "1", "--pid", "2", "-p3"],
    ] {
        match Cli::try_parse_from(line).map(|cli| cli.command) {
            Ok(Command::Trace(args)) => assert_eq!(args.pids, [1, 2, 3], "{line:?}"),
            other => panic!("{line:?} is {other:?}"),
        }
    }
}

#[test]
fn every_subcommand_has_examples_in_its_help() {
    for command in Cli::command().get_subcommands().filter(|command| !command.is_hide_set()) {
        let help = command.clone().render_long_help().to_string();
        assert!(help.contains("Examples:"), "{}", command.get_name());
        for verb in command.get_subcommands() {
            let help = verb.clone().render_long_help().to_string();
            assert!(help.contains("Examples:"), "{} {}", command.get_name(), verb.get_name());
        }
    }
}
