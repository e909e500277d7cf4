//! From a command as a person names it to what `execve` takes.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use nix::errno::Errno;
use nix::unistd::AccessFlags;
use pete::ptracer::Options;
use thiserror::Error;

use super::{Inherited, Launch, ResolveError, resolve_command};
use crate::options::Command;

/// Why a command cannot be started, known before any process is made for it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CommandError {
    /// There is no such command.
    #[error("{program}: command not found")]
    NotFound {
        /// What was asked for.
        program: String,
    },
    /// The command is no program that may be executed.
    #[error("{program}: {reason}")]
    NotExecutable {
        /// What was asked for.
        program: String,
        /// Why not.
        reason: String,
    },
    /// An argument contains a NUL byte, which no program can be given.
    #[error("an argument of {program} contains a NUL byte")]
    NulByte {
        /// What was asked for.
        program: String,
    },
}

impl CommandError {
    /// What a shell would exit with for it: 127 when there is no such command, 126 when it cannot be
    /// executed, else 1.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotFound { .. } => 127,
            Self::NotExecutable { .. } => 126,
            Self::NulByte { .. } => 1,
        }
    }
}

impl Launch {
    /// The command with the environment of this process, and with the signals that it was started with; without
    /// filter and ptrace options.
    ///
    /// # Errors
    ///
    /// See [`CommandError`].
    pub fn of(command: &Command) -> Result<Self, CommandError> {
        let name = || command.program.to_string_lossy().into_owned();
        let program = find(&command.program).map_err(|error| match error {
            ResolveError::NotFound => CommandError::NotFound { program: name() },
            ResolveError::NotExecutable => CommandError::NotExecutable { program: name(), reason: error.to_string() },
        })?;
        let nul = |_| CommandError::NulByte { program: name() };
        let mut argv = vec![CString::new(command.program.as_bytes()).map_err(nul)?];
        for argument in &command.arguments {
            argv.push(CString::new(argument.as_bytes()).map_err(nul)?);
        }
        Ok(Self {
            program,
            argv,
            envp: environment(),
            filter: None,
            listening: false,
            no_new_privs: false,
            inherited: Inherited::at_start(),
            options: Options::empty(),
        })
    }
}

/// The file of a command. One that is named by its path is looked at too, so that nothing is started
/// for what cannot be executed anyway.
fn find(program: &OsStr) -> Result<CString, ResolveError> {
    let directory = std::env::current_dir().unwrap_or_default();
    let found = resolve_command(program, std::env::var_os("PATH").as_deref(), &directory)?;
    match nix::unistd::access(found.as_c_str(), AccessFlags::X_OK) {
        Err(Errno::ENOENT | Errno::ENOTDIR) => Err(ResolveError::NotFound),
        Err(Errno::EACCES) => Err(ResolveError::NotExecutable),
        _ if Path::new(OsStr::from_bytes(found.as_bytes())).is_dir() => Err(ResolveError::NotExecutable),
        _ => Ok(found),
    }
}

fn environment() -> Vec<CString> {
    std::env::vars_os()
        .filter_map(|(name, value)| {
            let mut entry = name.into_vec();
            entry.push(b'=');
            entry.extend_from_slice(value.as_bytes());
            CString::new(entry).ok()
        })
        .collect()
}
