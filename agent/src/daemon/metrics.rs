//! The agent's counts as metrics, which are made of its status, so that all three say the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lapwing_proto::control::v1::{RuleCount, Stages, Status};

/// Something measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Metric {
    /// Words with dots between, as statsd has them.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// One sentence.
    pub(crate) help: &'static str,
    /// Each with its value.
    pub(crate) labels: Vec<(&'static str, String)>,
    pub(crate) value: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only grows.
    Counter,
    /// Grows and shrinks.
    Gauge,
}

/// The name of a stage, and how many events came to it.
type Stage = (&'static str, fn(&Stages) -> u64);

const STAGES: [Stage; 5] = [
    ("unasked", |stages| stages.unasked.unwrap_or(0)),
    ("rejected", |stages| stages.rejected),
    ("discarded", |stages| stages.discarded),
    ("evaluated", |stages| stages.evaluated),
    ("matched", |stages| stages.matched),
];

/// All metrics, those of one name together.
pub(crate) fn of(status: &Status) -> Vec<Metric> {
    let mut metrics = List::default();
    let backend = status.backend.clone().unwrap_or_default();
    let (release, name) = (status.release.clone(), backend.name);
    metrics.gauge("info", "What runs.", &[("version", release), ("backend", name)], 1);
    metrics.gauge("uptime_seconds", "Time since the agent began.", &[], status.uptime / 1_000_000_000);
    let observes = u64::from(backend.ended.is_empty() && !backend.scope.is_empty());
    metrics.gauge("observing", "1 if the agent's own backend observes.", &[], observes);
    for event in &status.events {
        metrics.counter("events", "Events, by type.", &[("type", event.r#type.clone())], event.count);
    }
    for event in status.events.iter().filter(|event| event.failed > 0) {
        let labels = [("type", event.r#type.clone())];
        metrics.counter("events.failed", "Events of calls that failed, by type.", &labels, event.failed);
    }
    for loss in &status.losses {
        let labels = [("place", loss.place.clone()), ("reason", loss.name.clone())];
        metrics.counter("lost", "What was lost, by place and reason.", &labels, loss.count);
    }
    for cache in &status.caches {
        metrics.gauge("cache.size", "What is remembered.", &[("cache", cache.name.clone())], cache.entries);
    }
    for cache in &status.caches {
        metrics.gauge("cache.limit", "What can be remembered at most.", &[("cache", cache.name.clone())], cache.limit);
    }
    metrics.gauge("tracers", "Tracers that are connected.", &[], u64::try_from(status.tracers.len()).unwrap_or(0));
    if let Some(clients) = &status.clients {
        metrics.gauge("clients", "Connections to the control socket.", &[], clients.connected);
        metrics.gauge("clients.streams", "Streams of events.", &[], clients.streams);
        metrics.counter("clients.accepted", "Connections to the control socket so far.", &[], clients.accepted);
        for refused in &clients.refused {
            let labels = [("reason", refused.name.clone())];
            metrics.counter("clients.refused", "Connections refused or cut, by reason.", &labels, refused.value);
        }
    }
    if let Some(memory) = &status.memory {
        metrics.gauge("memory.resident_bytes", "Memory that is resident.", &[], memory.resident);
        metrics.gauge("memory.anonymous_bytes", "Of that, the agent's own.", &[], memory.anonymous);
    }
    if let Some(configuration) = &status.configuration {
        metrics.counter("config.reloads", "Readings of the configuration after the first.", &[], configuration.reloads);
        let failed = u64::from(!configuration.error.is_empty());
        metrics.gauge("config.error", "1 if the last reading failed.", &[], failed);
    }
    if let Some(rules) = &status.rules {
        let size = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let wrong = rules.written.iter().filter(|rule| rule.state == "error").count();
        metrics.gauge("rules.loaded", "Rules at work.", &[], size(rules.working.len()));
        metrics.gauge("rules.wrong", "Rules that cannot be used.", &[], size(wrong));
        metrics.counter("rules.loads", "How often rules were put to work.", &[], rules.loads);
        let failed = u64::from(!rules.error.is_empty());
        metrics.gauge("rules.error", "1 if the policies could not be read when that was last tried.", &[], failed);
        let of = |rule: &RuleCount| [("rule_id", rule.id.clone())];
        let matched = || rules.working.iter().filter(|rule| rule.matches > 0);
        for rule in matched() {
            metrics.counter("rules.matches", "Events that matched, by rule.", &of(rule), rule.matches);
        }
        for rule in matched() {
            metrics.counter("rules.rate_limiter.allow", "Matches that were told, by rule.", &of(rule), rule.told);
        }
        for rule in matched() {
            metrics.counter("rules.rate_limiter.drop", "Matches over the rate, by rule.", &of(rule), rule.limited);
        }
    }
    for (stage, of) in STAGES {
        let mut sums = BTreeMap::<_, u64>::new();
        for (filters, stages) in status.filters.iter().flat_map(|one| one.stages.iter().map(move |each| (one, each))) {
            *sums.entry((&*filters.backend, &*stages.r#type)).or_default() += of(stages);
        }
        for ((backend, event), count) in sums.into_iter().filter(|(_, count)| *count > 0) {
            let labels = [("stage", stage.to_owned()), ("backend", backend.to_owned()), ("type", event.to_owned())];
            metrics.counter("rules.stages", "Where events end that rules are about, by stage.", &labels, count);
        }
    }
    for counter in &status.counters {
        metrics.counter(&counter.name, "See docs/agent.md.", &[], counter.value);
    }
    metrics.0
}

#[derive(Default)]
struct List(Vec<Metric>);

impl List {
    fn counter(&mut self, name: &str, help: &'static str, labels: &[(&'static str, String)], value: u64) {
        self.0.push(Metric { name: name.to_owned(), kind: Kind::Counter, help, labels: labels.to_vec(), value });
    }

    fn gauge(&mut self, name: &str, help: &'static str, labels: &[(&'static str, String)], value: u64) {
        self.0.push(Metric { name: name.to_owned(), kind: Kind::Gauge, help, labels: labels.to_vec(), value });
    }
}

/// The text that Prometheus reads (exposition format 0.0.4).
pub(crate) fn exposition(metrics: &[Metric], prefix: &str) -> String {
    let mut text = String::new();
    let mut last = "";
    for metric in metrics {
        let (suffix, kind) = match metric.kind {
            Kind::Counter => ("_total", "counter"),
            Kind::Gauge => ("", "gauge"),
        };
        let name = format!("{prefix}_{}{suffix}", metric.name).replace(|letter: char| !is_in_name(letter), "_");
        // Writing to a `String` cannot fail.
        if metric.name != last {
            let _ = write!(text, "# HELP {name} {}\n# TYPE {name} {kind}\n", metric.help);
            last = &metric.name;
        }
        text.push_str(&name);
        for (index, (label, value)) in metric.labels.iter().enumerate() {
            let value = value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
            let _ = write!(text, "{}{label}=\"{value}\"", if index == 0 { '{' } else { ',' });
        }
        if !metric.labels.is_empty() {
            text.push('}');
        }
        let _ = writeln!(text, " {}", metric.value);
    }
    text
}

fn is_in_name(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

#[cfg(test)]
mod tests {
    use lapwing_proto::control::v1::{Filters, Loss, TypeCount};

    use super::*;

    fn metric(name: &str, kind: Kind, labels: &[(&'static str, String)], value: u64) -> Metric {
        Metric { name: name.to_owned(), kind, help: "Help.", labels: labels.to_vec(), value }
    }

    #[test]
    fn prometheus_reads_names_labels_and_kinds() {
        let metrics = [
            metric("events", Kind::Counter, &[("type", "open".to_owned())], 3),
            metric("events", Kind::Counter, &[("type", "a\"b\\c\nd".to_owned()), ("x", "y".to_owned())], 4),
            metric("cache.size", Kind::Gauge, &[], 5),
        ];
        let expected = "\
# HELP lapwing_events_total Help.
# TYPE lapwing_events_total counter
lapwing_events_total{type=\"open\"} 3
lapwing_events_total{type=\"a\\\"b\\\\c\\nd\",x=\"y\"} 4
# HELP lapwing_cache_size Help.
# TYPE lapwing_cache_size gauge
lapwing_cache_size 5
";
        assert_eq!(exposition(&metrics, "lapwing"), expected);
    }

    #[test]
    fn what_the_status_says_the_metrics_say() {
        let event = |name: &str, count, failed| TypeCount { r#type: name.to_owned(), count, failed };
        let loss =
            Loss { place: "kernel".to_owned(), name: "lost_open_events".to_owned(), count: 9, ..Loss::default() };
        let opens = Stages { r#type: "open".to_owned(), rejected: 7, evaluated: 1, ..Stages::default() };
        let of_tracer = || Filters { backend: "ptrace".to_owned(), stages: vec![opens.clone()], ..Filters::default() };
        let status = Status {
            events: vec![event("open", 5, 2), event("exec", 1, 0)],
            losses: vec![loss],
            filters: vec![of_tracer(), of_tracer()],
            ..Status::default()
        };
        let text = exposition(&of(&status), "lapwing");
        for line in [
            "lapwing_events_total{type=\"open\"} 5\nlapwing_events_total{type=\"exec\"} 1\n",
            "lapwing_events_failed_total{type=\"open\"} 2\n",
            "lapwing_lost_total{place=\"kernel\",reason=\"lost_open_events\"} 9\n",
            "lapwing_tracers 0\n",
            "lapwing_rules_stages_total{stage=\"rejected\",backend=\"ptrace\",type=\"open\"} 14\n",
        ] {
            assert!(text.contains(line), "{text}");
        }
        let mut headers: Vec<_> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
        let all = headers.len();
        headers.dedup();
        headers.sort_unstable();
        headers.dedup();
        assert_eq!(headers.len(), all, "those of one name are together");
    }
}
