//! How the agent is: everything that it knows of itself, in one message.

use std::fs;

use lapwing_common::engine::EventSet;
use lapwing_common::event::{EventType, Origin};
use lapwing_common::process;
use lapwing_proto::control::v1::{
    Backend, Cache, Clients, Configuration, Counter, Filters, Loss, Memory, Status, TypeCount,
};

use super::Agent;
use crate::pipeline;
use crate::policy::Sink;
use crate::resolve::netns::Namespaces;
use crate::server::TracerServer;

impl Agent {
    pub(super) fn status(&self) -> Status {
        let (began, started) = self.began;
        Status {
            release: env!("CARGO_PKG_VERSION").to_owned(),
            pid: i32::try_from(std::process::id()).unwrap_or(0),
            started: started.0,
            uptime: u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX),
            socket_dir: self.config.fixed.directory.to_string_lossy().into_owned(),
            backend: Some(self.backend()),
            events: self
                .counts
                .each()
                .map(|(event, count)| TypeCount {
                    r#type: event.name().to_owned(),
                    count: count.all,
                    failed: count.failed,
                })
                .collect(),
            losses: self.losses(),
            caches: self.caches(),
            tracers: self.tracers.iter().flat_map(TracerServer::each).collect(),
            clients: Some(self.clients()),
            memory: Some(memory(&fs::read_to_string("/proc/self/status").unwrap_or_default())),
            configuration: Some(Configuration {
                file: self.config.file.as_ref().map(|file| file.to_string_lossy().into_owned()).unwrap_or_default(),
                reloads: self.reloads.count,
                error: self.reloads.error.clone().unwrap_or_default(),
            }),
            counters: self.counters(),
            rules: self.rules.report(self.config.variable.policies.as_deref(), &self.reading.error),
            filters: self.filters(),
        }
    }

    fn backend(&self) -> Backend {
        let Some(capture) = &self.capture else { return Backend::default() };
        Backend {
            name: capture.name.to_owned(),
            asked: capture.asked.to_owned(),
            why: capture.why.clone(),
            scope: if capture.name == "none" { String::new() } else { self.config.fixed.scope.to_string() },
            ended: capture.ended.clone().unwrap_or_default(),
            types: match self.demand(Origin::Kernel).events {
                EventSet::ALL => Vec::new(),
                some => {
                    let some = EventType::ALL.into_iter().filter(|event| some.contains(*event));
                    some.map(|event| event.name().to_owned()).collect()
                }
            },
        }
    }

    /// What is not captured for the sake of rules.
    fn filters(&self) -> Vec<Filters> {
        if !self.rules.is_open() {
            return Vec::new();
        }
        let filters = self.capture.as_ref().and_then(super::Capture::filters);
        let counters = self.capture.as_ref().map(super::Capture::counters).unwrap_or_default();
        let own = filters.map(|filters| self.rules.stages(&Sink::Kernel(filters), &counters));
        own.into_iter().chain(self.tracers.iter().flat_map(TracerServer::filters)).collect()
    }

    fn losses(&self) -> Vec<Loss> {
        let of = |place: &'static str| {
            move |loss: pipeline::Loss| Loss {
                place: place.to_owned(),
                name: loss.name.to_owned(),
                what: loss.what.into_owned(),
                count: loss.count,
            }
        };
        let backend = self.capture.as_ref().map(super::Capture::counters).unwrap_or_default();
        let name = self.capture.as_ref().map_or("none", |capture| capture.name);
        let streams = self.streams.counts();
        let to_clients = [
            ("dropped", "events that clients were too slow to read", streams.dropped),
            ("limited", "events over the rate that clients asked for", streams.limited),
        ];
        let rules = [
            ("limited", "matches over the rate at which their rules are told of", self.rules.limited()),
            ("variables", "processes or containers whose variables gave way to others'", self.rules.evicted()),
        ];
        let rules = rules.into_iter().map(|(name, what, count)| ("rules", name, what, count));
        let statsd = self.statsd.as_ref().map_or(0, super::Sender::failed);
        let clients = to_clients.into_iter().map(|(name, what, count)| ("clients", name, what, count));
        let statsd = [("statsd", "unsent", "messages to statsd that could not be sent", statsd)];
        let totals = self.tracers.as_ref().map(TracerServer::totals).unwrap_or_default();
        let tracers = [
            ("lost", "observations that tracers report lost", totals.lost),
            ("unintelligible", "observations of newer tracers that this agent cannot read", totals.unintelligible),
            (
                "container_claims",
                "claims of tracers to other containers than their own, not believed",
                totals.container_claims,
            ),
        ];
        let tracers = tracers.into_iter().map(|(name, what, count)| ("tracers", name, what, count));
        let dumps = self.recordings.totals();
        let dumps = [
            ("limited", "events of dumps over the rate", dumps.limited),
            ("full", "events of dumps that had no room", dumps.full),
            ("unread", "files that programs had open when a dump began, beyond what is looked at", dumps.unread),
            ("failed", "dumps that could not be written", dumps.failed),
        ];
        let dumps = dumps.into_iter().map(|(name, what, count)| ("activity_dumps", name, what, count));
        let others =
            clients.chain(statsd).chain(tracers).chain(dumps).chain(rules).map(|(place, name, what, count)| Loss {
                place: place.to_owned(),
                name: name.to_owned(),
                what: what.to_owned(),
                count,
            });
        pipeline::of_backend(&backend)
            .map(of(name))
            .chain(pipeline::of_cache(&self.pipeline.processes().counters()).map(of("process_cache")))
            .chain(others)
            .filter(|loss| loss.count > 0)
            .collect()
    }

    fn caches(&self) -> Vec<Cache> {
        let processes = self.pipeline.processes();
        let size = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let processes = Cache {
            name: "processes".to_owned(),
            entries: size(processes.len()),
            limit: size(processes.limits().processes),
        };
        let namespaces = self.dumps.namespaces().map(|namespaces| Cache {
            name: "netns".to_owned(),
            entries: size(namespaces.len()),
            limit: size(Namespaces::MOST.get()),
        });
        let (entries, limit) = self.recordings.count();
        let recordings = Cache { name: "activity_dumps".to_owned(), entries: size(entries), limit: size(limit) };
        std::iter::once(processes).chain(namespaces).chain([recordings]).collect()
    }

    fn clients(&self) -> Clients {
        let Some(control) = &self.control else { return Clients::default() };
        let size = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Clients {
            connected: size(control.connected()),
            streams: size(self.streams.len()),
            accepted: control.accepted(),
            refused: control.cuts().each().map(|(name, value)| counter(name, value)).collect(),
        }
    }

    /// What is counted and is no loss.
    fn counters(&self) -> Vec<Counter> {
        let process::Counters {
            hits,
            misses,
            placeholders,
            forks,
            execs,
            exits,
            snapshot,
            reused_pids,
            late,
            from_kernel,
            from_procfs,
            lost_execs,
            lost_exits,
            reparented,
            arguments_truncated,
            environments_truncated,
            ..
        } = self.pipeline.processes().counters();
        let cache = [
            ("process_cache.hits", hits),
            ("process_cache.misses", misses),
            ("process_cache.placeholders", placeholders),
            ("process_cache.forks", forks),
            ("process_cache.execs", execs),
            ("process_cache.exits", exits),
            ("process_cache.snapshot", snapshot),
            ("process_cache.reused_pids", reused_pids),
            ("process_cache.late", late),
            ("process_cache.from_kernel", from_kernel),
            ("process_cache.from_procfs", from_procfs),
            ("process_cache.lost_execs", lost_execs),
            ("process_cache.lost_exits", lost_exits),
            ("process_cache.reparented", reparented),
            ("process_cache.args.truncated", arguments_truncated),
            ("process_cache.envs.truncated", environments_truncated),
        ]
        .map(|(name, value)| counter(name, value));
        let backend = self.capture.as_ref().map(super::Capture::counters).unwrap_or_default();
        // What is lost and what is left out have places of their own.
        let kept = |name: &str| !name.starts_with("lost_") && !name.starts_with("unasked_") && name != "unreadable";
        let backend = backend.into_iter().filter(|(name, _)| kept(name));
        let backend = backend.map(|(name, value)| counter(&format!("backend.{name}"), value));
        let sent = counter("clients.events", self.streams.counts().queued);
        let observations = counter("observations", self.pipeline.seen());
        let dumps = self.recordings.totals();
        let dumps = [
            ("activity_dumps.begun", dumps.begun),
            ("activity_dumps.written", dumps.written),
            ("activity_dumps.parts", dumps.parts),
            ("activity_dumps.empty", dumps.empty),
            ("rules.suppressed", self.rules.suppressed()),
        ]
        .map(|(name, value)| counter(name, value));
        let totals = self.tracers.as_ref().map(TracerServer::totals).unwrap_or_default();
        let tracers =
            [counter("tracers.accepted", totals.accepted), counter("tracers.observations", totals.observations)];
        let unmet = counter("tracers.unmet_plans", self.tracers.as_ref().map_or(0, TracerServer::unmet));
        let refused = self.tracers.iter().flat_map(|tracers| tracers.refusals().each());
        let refused = refused.map(|(name, count)| counter(&format!("tracers.refused.{name}"), count));
        [observations, sent]
            .into_iter()
            .chain(cache)
            .chain(backend)
            .chain(dumps)
            .chain(tracers)
            .chain([unmet])
            .chain(refused)
            .collect()
    }
}

fn counter(name: &str, value: u64) -> Counter {
    Counter { name: name.to_owned(), value }
}

/// Memory by the text of `/proc/self/status`, in which sizes are in KiB (proc_pid_status(5)).
fn memory(status: &str) -> Memory {
    let of = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) << 10
    };
    Memory { resident: of("VmRSS"), anonymous: of("RssAnon"), peak: of("VmHWM") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_what_the_kernel_says() {
        let status = "Name:\tlapwing\nVmHWM:\t   25000 kB\nVmRSS:\t   20480 kB\nRssAnon:\t    4096 kB\nThreads:\t1\n";
        let expected = Memory { resident: 20 << 20, anonymous: 4 << 20, peak: 25_000 << 10 };
        assert_eq!(memory(status), expected);
        assert_eq!(memory(""), Memory::default());
    }
}
