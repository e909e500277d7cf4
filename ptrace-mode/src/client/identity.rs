//! Who this tracer is, as it sees that itself.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;

use lapwing_common::ids::{Pid, PidNs};
use lapwing_common::procfs::cgroup::Cgroups;
use lapwing_common::session::Identity;
use rustix::rand::{GetRandomFlags, getrandom};
use thiserror::Error;

/// Why it cannot be told.
#[derive(Debug, Error)]
pub enum IdentityError {
    /// The pid namespace is not known, so nobody could tell whose processes the tracer means.
    #[error("cannot look at /proc/self/ns/pid: {0}; mount procfs in the container")]
    Namespace(io::Error),
    /// There are no random numbers.
    #[error("cannot get random numbers: {0}")]
    Random(rustix::io::Errno),
}

/// Who this process is to an agent. `starts_command` says that it does not attach to what runs.
///
/// # Errors
///
/// When that cannot be found out.
pub fn identity(release: &str, starts_command: bool) -> Result<Identity, IdentityError> {
    let namespace = fs::metadata("/proc/self/ns/pid").map_err(IdentityError::Namespace)?.ino();
    // Without control groups there is none to be told.
    let text = fs::read("/proc/self/cgroup").unwrap_or_default();
    let container = Cgroups::default().of(&text).map(|cgroup| (*cgroup).clone()).unwrap_or_default();
    let mut session = [0; 16];
    // So few bytes come whole (getrandom(2)).
    getrandom(&mut session, GetRandomFlags::empty()).map_err(IdentityError::Random)?;
    Ok(Identity {
        release: release.to_owned(),
        namespace: PidNs(namespace),
        pid: Pid(i32::try_from(std::process::id()).unwrap_or(0)),
        container,
        starts_command,
        session,
        workload: String::new(),
    })
}
