//! What clients ask about dumps: begin one, end one, list them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lapwing_common::activity::{Options, Scope, Syscalls};
use lapwing_common::ids::{ProcessKey, Timestamp};
use lapwing_common::process::Process;
use lapwing_proto::control::v1::{
    ActivityDumps, Fault, StartActivityDump, StopActivityDump, response, start_activity_dump, stop_activity_dump,
};

use super::Recording;
use super::running::Running;
use crate::activity::{Encoding, Format, Recorder, Workload};
use crate::daemon::Agent;
use crate::dump::DumpDir;
use crate::holdings::Reading;
use crate::server::Asked;
use lapwing_common::limiter::TokenBucket;

type Answer = Result<response::What, (Fault, String)>;

/// A workload that was found.
struct Found {
    scope: Scope,
    of: String,
    /// Its name if nobody says otherwise.
    name: String,
}

/// A request that cannot be.
fn invalid<T>(why: impl Into<String>) -> Result<T, (Fault, String)> {
    Err((Fault::Invalid, why.into()))
}

impl Agent {
    pub(in crate::daemon) fn start_activity_dump(&mut self, request: StartActivityDump) -> Answer {
        let now = Instant::now();
        let found = self.find_workload(&request)?;
        let limits = &self.recordings.limits;
        if self.recordings.live.iter().any(|recording| *recording.scope() == found.scope) {
            return invalid(format!("{} is being dumped already", found.of));
        }
        if self.recordings.live.len() >= limits.concurrent {
            let most = limits.concurrent;
            return invalid(format!(
                "{most} dumps are being made, which is the most; stop one, or raise activity-dump.concurrent"
            ));
        }
        let begun = self.recordings.begun.get(&found.of).copied().unwrap_or(0);
        if begun >= limits.per_workload {
            return invalid(format!(
                "there were {begun} dumps of {} already, which is the most; see activity-dump.per-workload",
                found.of
            ));
        }
        let timeout = if request.timeout == 0 { limits.timeout } else { Duration::from_secs(request.timeout.into()) };
        if !(Duration::from_secs(1)..=Duration::from_secs(7 * 86_400)).contains(&timeout) {
            return invalid("a dump takes at most 7 days");
        }
        let size = if request.limit == 0 { limits.size } else { usize::try_from(request.limit).unwrap_or(usize::MAX) };
        if !(100 << 10..=1 << 30).contains(&size) {
            return invalid("a dump's limit of memory is from 100 KiB to 1 GiB");
        }
        let mut formats = Vec::new();
        for name in &request.formats {
            match Format::named(name) {
                Some(format) if !formats.contains(&format) => formats.push(format),
                Some(_) => {}
                None => {
                    return invalid(format!(
                        "there is no format {name:?}; there are json, protobuf, profile, dot and svg"
                    ));
                }
            }
        }
        if formats.is_empty() {
            formats.clone_from(&limits.formats);
        }
        let gzip = request.compress || (request.formats.is_empty() && limits.compress);
        let workload = if request.image_name.is_empty() {
            Workload { name: found.name, tag: "latest".into() }
        } else {
            let tag = if request.image_tag.is_empty() { "latest".into() } else { request.image_tag };
            Workload { name: request.image_name, tag }
        };
        let syscalls = if self.config.fixed.syscalls { Syscalls::All } else { Syscalls::OfEvents };
        let options = Options {
            scope: found.scope,
            differentiate_args: request.differentiate_args,
            syscalls,
            limit: size,
            ..Options::default()
        };
        // Better now than when all is to be written.
        DumpDir::open(&self.config.variable.dump_dir).map_err(|error| (Fault::Failed, error.to_string()))?;
        let began = Timestamp::now();
        let mut recorder = Recorder::new(workload.clone(), options.clone(), began).of(&found.of);
        // What runs already is what everything else descends from.
        let mut running = BTreeMap::new();
        for process in self.pipeline.processes().iter() {
            recorder.running(process);
            if options.scope.contains(process) {
                running.insert(process.key(), Arc::clone(process));
            }
        }
        let keys = running.keys().copied().collect();
        let reading = Reading::begin(keys, self.own_namespace(), self.recordings.wake());
        let ends = Timestamp(began.0.saturating_add(u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX)));
        let recordings = &mut self.recordings;
        recordings.last += 1;
        recordings.totals.begun += 1;
        recordings.begun.put(found.of.clone(), begun + 1);
        let rate = recordings.limits.rate;
        let recording = Recording {
            number: recordings.last,
            recorder,
            of: found.of,
            workload,
            options,
            encodings: formats.into_iter().map(|format| Encoding { format, gzip }).collect(),
            began,
            ends: (now + timeout, ends),
            bucket: TokenBucket::new(rate, rate),
            limited: 0,
            parts: 0,
            ending: None,
            running: reading.map(|reading| Running::new(running, reading)),
        };
        let message = recording.message();
        recordings.live.push(recording);
        Ok(response::What::ActivityDumps(ActivityDumps { dumps: vec![message] }))
    }

    /// Ends a dump. `None` if the answer follows when it is written.
    pub(in crate::daemon) fn stop_activity_dump(&mut self, asked: Asked, request: &StopActivityDump) -> Option<Answer> {
        use stop_activity_dump::Which;
        let Some(which) = &request.which else { return Some(invalid("name a dump, or the workload that it is of")) };
        let named = |name: &str, prefix: &str, recording: &Recording| {
            recording
                .of
                .strip_prefix(prefix)
                .is_some_and(|known| known == name || (prefix == CONTAINER && known.starts_with(name)))
        };
        let is_it = |recording: &Recording| match which {
            Which::Name(name) => recording.recorder.name() == name,
            Which::Container(id) => !id.is_empty() && named(id, CONTAINER, recording),
            Which::Cgroup(path) => named(path, CGROUP, recording),
            Which::Pid(pid) => named(&pid.to_string(), PROCESS, recording),
        };
        let reads_calls = self.reads_calls();
        let Some(recording) = self.recordings.live.iter_mut().find(|recording| is_it(recording)) else {
            return Some(invalid("no such dump is being made; `lapwing activity-dump list` names those that are"));
        };
        if recording.ending.is_some() {
            return Some(invalid("that dump is being written already"));
        }
        recording.end(Instant::now(), reads_calls, Some(asked));
        if reads_calls && let Some(capture) = &mut self.capture {
            capture.read_calls();
        }
        None
    }

    pub(in crate::daemon) fn list_activity_dumps(&self) -> Answer {
        let dumps = self.recordings.live.iter().map(Recording::message).collect();
        Ok(response::What::ActivityDumps(ActivityDumps { dumps }))
    }

    fn find_workload(&self, request: &StartActivityDump) -> Result<Found, (Fault, String)> {
        use start_activity_dump::Workload;
        let processes = || self.pipeline.processes().iter();
        match &request.workload {
            Some(Workload::Container(id)) if !id.is_empty() => {
                let is_it = |process: &&Arc<Process>| process.container_id().starts_with(id.as_bytes());
                let mut ids: Vec<&[u8]> = processes().filter(is_it).map(|process| process.container_id()).collect();
                ids.sort_unstable();
                ids.dedup();
                match ids.as_slice() {
                    [whole] => {
                        let text = String::from_utf8_lossy(whole).into_owned();
                        let name = text.chars().take(12).collect();
                        Ok(Found { scope: Scope::Container((*whole).into()), of: format!("{CONTAINER}{text}"), name })
                    }
                    [] => invalid(format!("no process is known in a container whose id begins with {id:?}")),
                    _ => invalid(format!("there are {} containers whose ids begin with {id:?}", ids.len())),
                }
            }
            Some(Workload::Cgroup(path)) if path.starts_with('/') => {
                let path = path.strip_prefix("/sys/fs/cgroup").filter(|rest| rest.starts_with('/')).unwrap_or(path);
                let is_it =
                    |process: &Arc<Process>| process.cgroup().is_some_and(|group| *group.path == *path.as_bytes());
                if !processes().any(is_it) {
                    return invalid(format!("no process is known in the control group {path}"));
                }
                let name = path.rsplit('/').find(|name| !name.is_empty()).unwrap_or("root").to_owned();
                Ok(Found { scope: Scope::Cgroup(path.as_bytes().into()), of: format!("{CGROUP}{path}"), name })
            }
            Some(Workload::Pid(pid)) => {
                let mut found: Vec<_> = processes().filter(|process| process.key().pid.0 == *pid).collect();
                // The agent's own namespace is the one that a number is meant in, where it observes itself.
                found.sort_by_key(|process| Some(process.key().namespace) != self.own_namespace());
                match found.as_slice() {
                    [] => invalid(format!("process {pid} is not known")),
                    [one, rest @ ..] if rest.is_empty() || Some(one.key().namespace) == self.own_namespace() => {
                        let name = String::from_utf8_lossy(one.image().file.name()).into_owned();
                        let key: ProcessKey = one.key();
                        Ok(Found { scope: Scope::Tree(key), of: format!("{PROCESS}{pid}"), name })
                    }
                    _ => invalid(format!("several containers have a process {pid}; name the container")),
                }
            }
            _ => invalid("name a workload: a container, a control group by its path from /, or a process"),
        }
    }
}

const CONTAINER: &str = "container ";
const CGROUP: &str = "cgroup ";
const PROCESS: &str = "process ";
