//! `lapwing`: the command line around the backends and the engine.
//!
//! Here the parts meet: [`cli`] is what was written, [`config`] what it means, [`session`] the main loop of `run`
//! and `trace`, [`daemon`] the agent with its [`server`] and [`client`] the commands that ask it, [`pipeline`] what
//! becomes of observations, [`output`] what people and programs see of events, [`compare`] whether two runs are the
//! same story, [`cost`] what watching a command costs, [`doctor`] what this machine permits, [`resolve`] what only it can tell about what was observed. This
//! file maps every failure to an exit status, in one function.

#![deny(unsafe_code)]

mod activity;
mod cli;
mod client;
mod compare;
mod config;
mod console;
mod cost;
mod daemon;
mod doctor;
mod dump;
mod holdings;
mod install;
mod output;
mod pipeline;
mod policy;
mod profile;
mod resolve;
mod server;
mod session;

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

use activity::Encoding;
use cli::{
    ActivityDump, Cli, Command, DiffArgs, DirectoryArgs, DiscardersArgs, DiscardersVerb, GraphFormat,
    NetworkNamespaceArgs, NetworkNamespaceVerb, PolicyCommand, ProcessCacheArgs, ProcessCacheVerb, ReportFormat,
    SecurityProfile,
};
use client::Client;
use config::{
    ClientConfig, CompareConfig, Compared, ConfigError, DiffConfig, EncodeConfig, EventsConfig, RunConfig, ShowConfig,
    StartConfig, StopConfig, Surroundings, TraceConfig, User,
};
use console::Console;
use cost::CostError;
use daemon::DaemonError;
use lapwing_common::ids::Timestamp;
use lapwing_proto::control::v1::{ProcessDumpFormat, Reloaded};
use policy::Outcome;
use session::SessionError;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let console = Console::new(cli.global.log_level);
    match run(cli, console) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            let log = error.downcast_ref::<SessionError>().and_then(SessionError::log);
            match log {
                Some(log) => console.fatal(format_args!("{}\n{log}", told(&error))),
                None => console.fatal(format_args!("{}", told(&error))),
            }
            ExitCode::from(status_of(&error))
        }
    }
}

/// An error with its causes, each told once: some errors tell theirs in their own words.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
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
            let config = TraceConfig::new(args, &User::look(), &surroundings)?;
            Ok(session::trace(config, console)?)
        }
        Command::Compare(args) => {
            if args.rules {
                return print(&compare::rules());
            }
            let config = CompareConfig::new(args)?;
            match &config.what {
                Compared::Files { events, dumps } => {
                    let report = compare::files(events, dumps.as_ref(), &config)?;
                    write(&report.render(&config, &surroundings), &config)?;
                    Ok(u8::from(!report.agrees()))
                }
                Compared::Command(command) => {
                    let costs = cost::measure(command, &config, console)?;
                    write(&costs.render(&config, &surroundings), &config)
                }
            }
        }
        Command::Agent(args) => {
            if config::asks_for_help(&args.types) {
                return print(&config::listing());
            }
            daemon::run(args, console)?;
            Ok(0)
        }
        Command::Events(args) => {
            if config::asks_for_help(&args.types) {
                return print(&config::listing());
            }
            client::follow(EventsConfig::new(args, &User::look(), &surroundings)?, console)?;
            Ok(0)
        }
        Command::Status(args) => {
            let status = connect(args.directory)?.status()?;
            print(&match args.format {
                ReportFormat::Json => client::render_json(&status),
                ReportFormat::Pretty => client::render(&status, surroundings.stdout_colour),
            })
        }
        Command::SelfTest(args) => {
            let report = client::self_test(&ClientConfig::new(args.directory, &User::look())?)?;
            print(&match args.format {
                ReportFormat::Json => report.json(),
                ReportFormat::Pretty => report.pretty(),
            })?;
            Ok(u8::from(!report.passed()))
        }
        Command::Metrics(args) => print(&connect(args.directory)?.metrics()?),
        Command::Reload(args) => {
            let Reloaded { deferred, rules } = connect(args.directory)?.reload()?;
            if let Some(rules) = rules {
                let problems = client::rules::problems(&rules);
                if !problems.is_empty() {
                    console.warn(format_args!("some rules are not what they seem:\n{problems}"));
                }
            }
            if !deferred.is_empty() {
                let keys = deferred.join(", ");
                console.warn(format_args!("a change of {keys} takes effect when the agent is started the next time"));
            }
            Ok(0)
        }
        Command::ActivityDump(command) => match command {
            ActivityDump::Start(args) => {
                let StartConfig { client, request } = StartConfig::new(args, &User::look())?;
                let dump = Client::connect(&client)?.start_activity_dump(request)?;
                print(&lines(vec![dump.name]))
            }
            ActivityDump::Stop(args) => {
                let StopConfig { client, request } = StopConfig::new(args, &User::look())?;
                print(&lines(Client::connect(&client)?.stop_activity_dump(request)?))
            }
            ActivityDump::List(args) => {
                let dumps = connect(args.directory)?.list_activity_dumps()?;
                print(&match args.format {
                    ReportFormat::Json => client::list_json(&dumps),
                    ReportFormat::Pretty => client::list(&dumps, Timestamp::now()),
                })
            }
            ActivityDump::Encode(args) => print(&activity::encode(&EncodeConfig::new(args)?)?),
            ActivityDump::Show(args) => print(&activity::show(&ShowConfig::new(args, &surroundings)?)?),
            ActivityDump::Diff(args) => diff(args, &surroundings),
        },
        Command::SecurityProfile(command) => match command {
            SecurityProfile::List(args) => {
                let profiles = connect(args.directory)?.profiles(args.ended)?;
                print(&match args.format {
                    ReportFormat::Json => client::profiles_json(&profiles),
                    ReportFormat::Pretty => client::profiles(&profiles),
                })
            }
            SecurityProfile::Save(args) => print(&lines(connect(args.directory)?.save_profile(args.name)?)),
            SecurityProfile::Show(args) => print(&profile::show(&ShowConfig::new(args, &surroundings)?)?),
            SecurityProfile::Diff(args) => diff(args, &surroundings),
            SecurityProfile::Export(args) => {
                Encoding::of(&args.input).map_err(ConfigError::from)?;
                print(&profile::export(&args)?)
            }
        },
        Command::ProcessCache(ProcessCacheArgs { what: ProcessCacheVerb::Dump(args) }) => {
            let format = match args.format {
                GraphFormat::Dot => ProcessDumpFormat::Dot,
                GraphFormat::Json => ProcessDumpFormat::Json,
            };
            print(&lines(connect(args.directory)?.dump_processes(format, args.with_args)?))
        }
        Command::NetworkNamespace(NetworkNamespaceArgs { what: NetworkNamespaceVerb::Dump(args) }) => {
            print(&lines(connect(args.directory)?.dump_namespaces(args.snapshot_interfaces)?))
        }
        Command::Discarders(DiscardersArgs { what: DiscardersVerb::Dump(args) }) => {
            print(&lines(connect(args.directory)?.dump_discarders()?))
        }
        Command::Policy(args) => {
            let outcome = match args.command {
                PolicyCommand::Check(args) => match &args.policies {
                    Some(path) => policy::check(path, &args, &surroundings)?,
                    None => policy::check_loaded(&mut connect(args.directory.clone())?, &args, &surroundings)?,
                },
                PolicyCommand::Eval(args) => policy::eval(&args, &surroundings)?,
                PolicyCommand::Reload(args) => {
                    let rules = connect(args.directory)?.reload_policies()?.rules.unwrap_or_default();
                    let text = match args.format {
                        ReportFormat::Pretty => {
                            format!("{}{}\n", client::rules::problems(&rules), client::rules::in_short(&rules))
                        }
                        ReportFormat::Json => {
                            format!("{:#}\n", client::rules::to_json(&rules, client::time(rules.since).into()))
                        }
                    };
                    Outcome { text, status: u8::from(client::rules::has_errors(&rules)) }
                }
            };
            print(&outcome.text)?;
            Ok(outcome.status)
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
        Command::Install(args) => {
            install::install(&args.directory)?;
            Ok(0)
        }
        Command::Actor(args) => {
            client::act(&args.directory, args.wait)?;
            Ok(0)
        }
    }
}

/// What differs between two dumps or profiles.
fn diff(args: DiffArgs, surroundings: &Surroundings) -> anyhow::Result<u8> {
    let config = DiffConfig::new(args, surroundings)?;
    let (text, differs) = activity::diff(&config)?;
    print(&text)?;
    Ok(u8::from(differs && config.exit_code))
}

/// The agent that serves a directory.
fn connect(directory: DirectoryArgs) -> anyhow::Result<Client> {
    Ok(Client::connect(&ClientConfig::new(directory, &User::look())?)?)
}

/// Each on a line of its own.
fn lines(names: Vec<String>) -> String {
    names.into_iter().map(|name| name + "\n").collect()
}

/// The exit status for a failure of Lapwing's: 2 for wrong usage, what a shell would exit with for a command
/// that cannot be started, else 1.
fn status_of(error: &anyhow::Error) -> u8 {
    if error.is::<ConfigError>() || matches!(error.downcast_ref(), Some(DaemonError::Config(_))) {
        return 2;
    }
    if let Some(error) = error.downcast_ref::<CostError>() {
        return error.exit_code();
    }
    error.downcast_ref::<SessionError>().map_or(1, SessionError::exit_code)
}

/// Writes a result to where it was asked for.
fn write(text: &str, config: &CompareConfig) -> anyhow::Result<u8> {
    let Some(file) = &config.output else { return print(text) };
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(0)
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
