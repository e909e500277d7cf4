//! Whether a tracer is where it says it is.
//!
//! A tracer names the pid namespace in which it numbers processes, and its container. Both decide whose processes
//! its events are taken for, so both are compared with what the kernel says of the process at the other end of the
//! socket. Where the agent cannot see that process, being in a container beside it, there is nothing to compare with:
//! then a tracer is believed, but never that it is where the agent is.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use lapwing_common::ids::PidNs;
use lapwing_common::procfs::cgroup;
use lapwing_common::procfs::container;
use lapwing_common::record::Cgroup;
use lapwing_common::session::Greeting;
use lapwing_proto::tracer::v1::RefusalReason;

use super::Peer;

/// What the kernel says of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Its pid namespace; `None` if it may not be known.
    namespace: Option<PidNs>,
    /// Its control group; `None` as before.
    cgroup: Option<Cgroup>,
}

impl Facts {
    /// Of the process at the other end; nothing if the agent's pid namespace does not have it.
    pub(super) fn of(peer: Peer, procfs: &Path) -> Self {
        if peer.pid == 0 {
            return Self::default();
        }
        let process = procfs.join(peer.pid.to_string());
        let text = fs::read(process.join("cgroup")).ok();
        let path = text.as_deref().and_then(cgroup::choose);
        Self {
            namespace: fs::metadata(process.join("ns/pid")).ok().map(|found| PidNs(found.ino())),
            cgroup: path.map(|path| Cgroup { path: path.into(), container: container::id(path).into() }),
        }
    }

    /// Where the tracer is: what is known, or else what it says. Or why it cannot be where it says.
    pub(super) fn check(
        &self,
        greeting: &Greeting,
        own: Option<PidNs>,
    ) -> Result<Arc<Cgroup>, (RefusalReason, String)> {
        let claimed = greeting.namespace;
        match self.namespace {
            Some(namespace) if namespace != claimed => {
                let text = format!("the tracer says that it is in pid namespace {claimed}, and is in {namespace}");
                return Err((RefusalReason::Namespace, text));
            }
            None if own == Some(claimed) => {
                let text = "the tracer says that it is in the agent's own pid namespace, where it is not to be seen";
                return Err((RefusalReason::Namespace, text.to_owned()));
            }
            _ => {}
        }
        let said = &greeting.container.container;
        match &self.cgroup {
            Some(known) if !said.is_empty() && known.container != *said && !is_outside(&known.path) => {
                let name = String::from_utf8_lossy;
                let place = if known.container.is_empty() { "none".into() } else { name(&known.container) };
                let text = format!("the tracer says that it is in container {}, and is in {place}", name(said));
                Err((RefusalReason::Container, text))
            }
            Some(known) if !known.container.is_empty() => Ok(Arc::new(known.clone())),
            _ => Ok(Arc::new(greeting.container.clone())),
        }
    }
}

/// Whether the path leads out of the agent's cgroup namespace, so that it does not tell all (cgroup_namespaces(7)).
fn is_outside(path: &[u8]) -> bool {
    path.starts_with(b"/..")
}

#[cfg(test)]
mod tests {
    use lapwing_common::ids::Pid;

    use super::*;

    const OWN: Option<PidNs> = Some(PidNs(1));
    const A: &[u8; 64] = &[b'a'; 64];
    const B: &[u8; 64] = &[b'b'; 64];

    fn greeting(namespace: u64, container: &[u8]) -> Greeting {
        Greeting {
            protocol: 2,
            release: String::new(),
            namespace: PidNs(namespace),
            pid: Pid(7),
            container: Cgroup { path: Box::default(), container: container.into() },
            starts_command: true,
            workload: String::new(),
            session: [0; 16],
            same_catalogue: true,
            acknowledged: 0,
        }
    }

    fn facts(namespace: u64, path: &str) -> Facts {
        let path = path.as_bytes();
        let cgroup = Cgroup { path: path.into(), container: container::id(path).into() };
        Facts { namespace: Some(PidNs(namespace)), cgroup: Some(cgroup) }
    }

    fn checked(facts: &Facts, greeting: &Greeting) -> Result<Box<[u8]>, RefusalReason> {
        facts.check(greeting, OWN).map(|cgroup| cgroup.container.clone()).map_err(|(reason, _)| reason)
    }

    #[test]
    fn a_tracer_is_in_the_namespace_of_its_process_or_refused() {
        assert_eq!(checked(&facts(5, "/"), &greeting(5, b"")), Ok(Box::default()));
        assert_eq!(checked(&facts(5, "/"), &greeting(6, b"")), Err(RefusalReason::Namespace));
        assert_eq!(checked(&facts(1, "/"), &greeting(1, b"")), Ok(Box::default()));
    }

    #[test]
    fn a_tracer_out_of_sight_is_believed_unless_it_says_that_it_is_here() {
        assert_eq!(checked(&Facts::default(), &greeting(6, A)), Ok((*A).into()));
        assert_eq!(checked(&Facts::default(), &greeting(1, b"")), Err(RefusalReason::Namespace));
    }

    #[test]
    fn a_tracer_is_in_the_container_of_its_process_or_refused() {
        let docker = |id: &[u8]| format!("/docker/{}", String::from_utf8_lossy(id));
        assert_eq!(checked(&facts(5, &docker(A)), &greeting(5, A)), Ok((*A).into()));
        // It cannot see its own id.
        assert_eq!(checked(&facts(5, &docker(A)), &greeting(5, b"")), Ok((*A).into()));
        assert_eq!(checked(&facts(5, &docker(A)), &greeting(5, B)), Err(RefusalReason::Container));
        assert_eq!(checked(&facts(5, "/user.slice"), &greeting(5, B)), Err(RefusalReason::Container));
        // The agent cannot see it.
        assert_eq!(checked(&facts(5, "/../x"), &greeting(5, B)), Ok((*B).into()));
    }

    #[test]
    fn the_kernels_word_is_read_from_proc() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let own = Facts::of(Peer { pid, uid: 0 }, Path::new("/proc"));
        assert_eq!(own.namespace, fs::metadata("/proc/self/ns/pid").ok().map(|found| PidNs(found.ino())));
        assert_eq!(Facts::of(Peer { pid: 0, uid: 0 }, Path::new("/proc")), Facts::default());
        assert_eq!(Facts::of(Peer { pid: i32::MAX, uid: 0 }, Path::new("/proc")), Facts::default());
    }
}
