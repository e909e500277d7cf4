//! `lapwing`: the command line around the backends and the engine.
//!
//! Here the parts meet: [`cli`] is what was written, [`config`] what it means, [`session`] the main loop,
//! [`output`] what people and programs see of events, [`compare`] whether two runs are the same story, [`doctor`]
//! what this machine permits, [`resolve`] what only it can tell about what was observed. This file maps
//! every failure to an exit status, in one function.

#![deny(unsafe_code)]

mod cli;
mod compare;
mod config;
mod console;
mod doctor;
mod output;
mod pipeline;
mod resolve;
mod session;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};
use config::{CompareConfig, ConfigError, RunConfig, Surroundings, TraceConfig};
use console::Console;
use session::SessionError;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let console = Console::new(cli.global.log_level);
    match run(cli, console) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            let log = error.downcast_ref::<SessionError>().and_then(SessionError::log);
            match log {
                Some(log) => console.fatal(format_args!("{error:#}\n{log}")),
                None => console.fatal(format_args!("{error:#}")),
            }
            ExitCode::from(status_of(&error))
        }
    }
}

fn run(cli: Cli, console: Console) -> anyhow::Result<u8> {
    let surroundings = Surroundings::look(cli.global.color);
    match cli.command {
        Command::Run(args) => {
            if config::asks_for_help(&args.output.types) {
                return print(&config::listing());
            }
            let config = RunConfig::new(args, &surroundings)?;
            Ok(session::run(config, console)?)
        }
        Command::Trace(args) => {
            if config::asks_for_help(&args.output.types) {
                return print(&config::listing());
            }
            let config = TraceConfig::new(args, &surroundings)?;
            Ok(session::trace(config, console)?)
        }
        Command::Compare(args) => {
            if args.rules {
                return print(&compare::rules());
            }
            let config = CompareConfig::new(args)?;
            let report = compare::files(&config.files, &config)?;
            print(&report.render(&config, &surroundings))?;
            Ok(u8::from(!report.agrees()))
        }
        Command::Doctor(args) => {
            let report = doctor::examine();
            print(&report.render(args.format, &surroundings))?;
            Ok(u8::from(!report.works()))
        }
        Command::Subject(args) => {
            doctor::be_subject(args.wait);
            Ok(0)
        }
    }
}

/// The exit status for a failure of Lapwing's: 2 for wrong usage, what a shell would exit with for a command
/// that cannot be started, else 1.
fn status_of(error: &anyhow::Error) -> u8 {
    if error.is::<ConfigError>() {
        return 2;
    }
    error.downcast_ref::<SessionError>().map_or(1, SessionError::exit_code)
}

/// Writes data that was asked for. A reader that has seen enough is no failure.
fn print(text: &str) -> anyhow::Result<u8> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write to stdout"))
        }
        _ => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use lapwing_ptrace::{CommandError, StartError};

    use super::*;

    #[test]
    fn failures_have_the_statuses_of_a_shell() {
        assert_eq!(status_of(&ConfigError::NoCommand.into()), 2);
        let missing = CommandError::NotFound { program: "x".into() };
        assert_eq!(status_of(&SessionError::from(StartError::from(missing.clone())).into()), 127);
        assert_eq!(status_of(&SessionError::from(missing).into()), 127);
        let not_executable = CommandError::NotExecutable { program: "x".into(), reason: "it is a directory".into() };
        assert_eq!(status_of(&SessionError::from(not_executable).into()), 126);
        assert_eq!(status_of(&anyhow::anyhow!("anything else")), 1);
    }
}
