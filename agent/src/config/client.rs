//! What the commands that ask something of an agent are to do.

use std::path::PathBuf;

use lapwing_proto::control::v1 as control;

use super::directory::{self, User};
use super::{ConfigError, Surroundings, types};
use crate::cli::{DirectoryArgs, EventFormat, EventsArgs};

/// Which agent is asked.
#[derive(Debug)]
pub(crate) struct ClientConfig {
    pub(crate) directory: PathBuf,
}

/// Events to follow.
#[derive(Debug)]
pub(crate) struct EventsConfig {
    pub(crate) client: ClientConfig,
    pub(crate) request: control::EventsRequest,
}

impl ClientConfig {
    pub(crate) fn new(args: DirectoryArgs, user: &User) -> Result<Self, ConfigError> {
        Ok(Self { directory: directory::of_client(args.socket_dir, user)? })
    }
}

impl EventsConfig {
    pub(crate) fn new(args: EventsArgs, user: &User, surroundings: &Surroundings) -> Result<Self, ConfigError> {
        if let Some(pid) = args.pids.iter().find(|pid| **pid <= 0) {
            return Err(ConfigError::BadPid(*pid));
        }
        // Here too, so that a mistake is a wrong usage and not a refusal.
        types::parse(&args.types)?;
        let (format, colour) = match args.format {
            EventFormat::Json => (control::EventFormat::Json, false),
            EventFormat::Pretty => (control::EventFormat::Pretty, surroundings.stdout_colour),
        };
        Ok(Self {
            client: ClientConfig::new(args.directory, user)?,
            request: control::EventsRequest {
                types: args.types,
                pids: args.pids,
                containers: args.containers,
                format: format.into(),
                colour,
                rate: args.rate.unwrap_or(0),
                anomalies: args.anomalies,
                rules: args.rules,
                matches: args.matches,
            },
        })
    }
}
