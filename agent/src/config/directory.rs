//! Where an agent's sockets are.

use std::path::{Path, PathBuf};

use super::ConfigError;

/// Where root's agent serves.
const SYSTEM: &str = "/run/lapwing";
/// The directory in `$XDG_RUNTIME_DIR`.
const NAME: &str = "lapwing";
/// The longest path of a socket: `sun_path` has 108 bytes, the last of them zero (unix(7)).
const LONGEST: usize = 107 - "/control.sock".len();

/// The user's surroundings that the directory depends on.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    /// Effective user id 0.
    pub(crate) is_root: bool,
    /// `$XDG_RUNTIME_DIR`.
    pub(crate) runtime: Option<PathBuf>,
}

impl User {
    pub(crate) fn look() -> Self {
        Self {
            is_root: rustix::process::geteuid().is_root(),
            runtime: std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute()),
        }
    }
}

/// The directory that an agent makes and serves.
pub(crate) fn of_agent(given: Option<PathBuf>, user: &User) -> Result<PathBuf, ConfigError> {
    let directory = match (given, user.is_root, &user.runtime) {
        (Some(given), ..) => given,
        (None, true, _) => SYSTEM.into(),
        (None, false, Some(runtime)) => runtime.join(NAME),
        (None, false, None) => return Err(ConfigError::NoDirectory),
    };
    checked(directory)
}

/// The directory in which a command looks for an agent: the user's own before the system's, if there is one.
pub(crate) fn of_client(given: Option<PathBuf>, user: &User) -> Result<PathBuf, ConfigError> {
    let own = user.runtime.as_ref().filter(|_| !user.is_root).map(|runtime| runtime.join(NAME));
    checked(given.unwrap_or_else(|| own.filter(|own| own.exists()).unwrap_or_else(|| SYSTEM.into())))
}

fn checked(directory: PathBuf) -> Result<PathBuf, ConfigError> {
    let too_long = directory.as_os_str().len() > LONGEST;
    if too_long { Err(ConfigError::LongDirectory { directory, limit: LONGEST }) } else { Ok(directory) }
}

/// The socket for commands in such a directory.
pub(crate) fn control_socket(directory: &Path) -> PathBuf {
    directory.join("control.sock")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_serves_the_system_and_a_user_himself() {
        let root = User { is_root: true, runtime: Some("/run/user/0".into()) };
        let user = User { is_root: false, runtime: Some("/run/user/7".into()) };
        let nobody = User::default();
        assert_eq!(of_agent(None, &root), Ok("/run/lapwing".into()));
        assert_eq!(of_agent(None, &user), Ok("/run/user/7/lapwing".into()));
        assert_eq!(of_agent(None, &nobody), Err(ConfigError::NoDirectory));
        assert_eq!(of_agent(Some("x".into()), &nobody), Ok("x".into()));
        // Neither has an agent of his own.
        assert_eq!(of_client(None, &root), Ok("/run/lapwing".into()));
        assert_eq!(of_client(None, &user), Ok("/run/lapwing".into()));
    }

    #[test]
    fn the_users_own_agent_is_asked_first() {
        let runtime = tempfile::tempdir().unwrap();
        let own = runtime.path().join("lapwing");
        std::fs::create_dir(&own).unwrap();
        let user = User { is_root: false, runtime: Some(runtime.path().into()) };
        assert_eq!(of_client(None, &user), Ok(own));
        assert_eq!(of_client(None, &User { is_root: true, ..user }), Ok("/run/lapwing".into()));
    }

    #[test]
    fn a_directory_whose_socket_could_not_be_bound_is_refused() {
        let fits = PathBuf::from("/".repeat(LONGEST));
        assert_eq!(control_socket(&fits.join("x")).as_os_str().len() - 1, 107);
        assert_eq!(of_agent(Some(fits.clone()), &User::default()), Ok(fits));
        let too_long = of_agent(Some("d".repeat(LONGEST + 1).into()), &User::default());
        assert!(matches!(too_long, Err(ConfigError::LongDirectory { limit: LONGEST, .. })));
    }
}
