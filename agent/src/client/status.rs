//! `lapwing status`: the agent's status, for people and for programs.

use std::fmt::Write as _;

use lapwing_common::ids::Timestamp;
use lapwing_common::json;
use lapwing_proto::control::v1::{Clients, Counter, Status};
use serde_json::{Value, json};

use super::rules;
use crate::output::palette::Palette;
use crate::output::stages;

/// As one JSON object.
pub(crate) fn render_json(status: &Status) -> String {
    let backend = status.backend.clone().unwrap_or_default();
    let clients = status.clients.clone().unwrap_or_default();
    let memory = status.memory.unwrap_or_default();
    let configuration = status.configuration.clone().unwrap_or_default();
    let counters = |counters: &[Counter]| -> Value {
        counters.iter().map(|counter| (counter.name.clone(), Value::from(counter.value))).collect()
    };
    let report = json!({
        "version": status.release,
        "pid": status.pid,
        "started": time(status.started),
        "uptime_seconds": status.uptime / 1_000_000_000,
        "socket_dir": status.socket_dir,
        "backend": {
            "name": backend.name,
            "asked": backend.asked,
            "why": backend.why,
            "scope": backend.scope,
            "ended": backend.ended,
            "types": backend.types,
        },
        "events": status.events.iter().map(|event| {
            json!({ "type": event.r#type, "count": event.count, "failed": event.failed })
        }).collect::<Vec<_>>(),
        "losses": status.losses.iter().map(|loss| {
            json!({ "place": loss.place, "name": loss.name, "what": loss.what, "count": loss.count })
        }).collect::<Vec<_>>(),
        "caches": status.caches.iter().map(|cache| {
            json!({ "name": cache.name, "entries": cache.entries, "limit": cache.limit })
        }).collect::<Vec<_>>(),
        "tracers": status.tracers.iter().map(|tracer| json!({
            "pid": tracer.pid,
            "uid": tracer.uid,
            "pid_namespace": tracer.pid_namespace,
            "container": tracer.container,
            "version": tracer.release,
            "since": time(tracer.since),
            "observations": tracer.observations,
            "lost": tracer.lost,
            "missing": tracer.missing,
        })).collect::<Vec<_>>(),
        "clients": {
            "connected": clients.connected,
            "streams": clients.streams,
            "accepted": clients.accepted,
            "refused": counters(&clients.refused),
        },
        "memory": {
            "resident_bytes": memory.resident,
            "anonymous_bytes": memory.anonymous,
            "peak_bytes": memory.peak,
        },
        "configuration": {
            "file": configuration.file,
            "reloads": configuration.reloads,
            "error": configuration.error,
        },
        "counters": counters(&status.counters),
        "filters": status.filters.iter().map(stages::to_json).collect::<Vec<_>>(),
        "rules": status.rules.as_ref().map(|found| rules::to_json(found, json!(time(found.since)))),
    });
    format!("{report:#}\n")
}

/// As tables.
pub(crate) fn render(status: &Status, colour: bool) -> String {
    let palette = Palette::new(colour);
    let mut page = String::new();
    let heading = |page: &mut String, title: &str| {
        let style = palette.heading;
        let _ = writeln!(page, "\n{}{title}{}", style.render(), style.render_reset());
    };
    // Writing to a `String` cannot fail, here and below.
    let _ = writeln!(page, "Lapwing {}, process {}, up {}", status.release, status.pid, duration(status.uptime));
    let backend = status.backend.clone().unwrap_or_default();
    let observes = match (&*backend.scope, &*backend.ended) {
        ("", _) => "nothing itself".to_owned(),
        (scope, "") => scope.to_owned(),
        (scope, ended) => format!("nothing any more: {ended} (was {scope})"),
    };
    row(&mut page, "observes", &observes);
    row(&mut page, "backend", &format!("{}: {}", backend.name, backend.why));
    if !backend.types.is_empty() {
        row(&mut page, "captures", &backend.types.join(" "));
    }
    row(&mut page, "sockets", &status.socket_dir);
    if let Some(configuration) = &status.configuration {
        if !configuration.file.is_empty() {
            let times = configuration.reloads;
            let again = if times == 0 { String::new() } else { format!(", read again {times} times") };
            row(&mut page, "configuration", &format!("{}{again}", configuration.file));
        }
        if !configuration.error.is_empty() {
            row(&mut page, "not reloaded", &configuration.error);
        }
    }
    if let Some(found) = &status.rules {
        row(&mut page, "rules", &rules::in_short(found));
        if !found.error.is_empty() {
            row(&mut page, if found.loads == 0 { "not loaded" } else { "not reloaded" }, &found.error);
        }
        if !found.approved.is_empty() {
            row(&mut page, "by name only", &found.approved.join(" "));
        }
    }
    if let Some(memory) = &status.memory {
        let text = format!("{} resident, {} of it its own", mebibytes(memory.resident), mebibytes(memory.anonymous));
        row(&mut page, "memory", &text);
    }
    for cache in &status.caches {
        row(&mut page, &cache.name, &format!("{} of at most {}", cache.entries, cache.limit));
    }
    if let Some(clients) = &status.clients {
        let Clients { connected, streams, accepted, .. } = clients;
        let text = format!("{connected} connected, {accepted} so far, {streams} following events");
        row(&mut page, "clients", &text);
    }
    if !status.tracers.is_empty() {
        heading(&mut page, "tracers      pid      uid  pid namespace  observations      lost  container");
        for tracer in &status.tracers {
            let _ = writeln!(
                page,
                "        {:>8} {:>8} {:>14} {:>13} {:>9}  {}",
                tracer.pid,
                tracer.uid,
                tracer.pid_namespace,
                tracer.observations,
                tracer.lost,
                if tracer.container.is_empty() { "-" } else { &tracer.container }
            );
            if !tracer.missing.is_empty() {
                let _ = writeln!(page, "           cannot report {}", tracer.missing.join(" "));
            }
        }
    }
    for filters in &status.filters {
        let of = match (&*filters.backend, filters.pid) {
            (backend, 0) => backend.to_owned(),
            (_, pid) => format!("tracer {pid}"),
        };
        page.push('\n');
        page.push_str(&stages::table(filters, &of, &palette));
    }
    if !status.events.is_empty() {
        let mut events = status.events.clone();
        events.sort_by_key(|event| std::cmp::Reverse(event.count));
        heading(&mut page, "     events    failed  type");
        for event in events {
            let failed = if event.failed == 0 { String::new() } else { event.failed.to_string() };
            let _ = writeln!(page, "{:>11} {failed:>9}  {}", event.count, event.r#type);
        }
    }
    let mut matched: Vec<_> = status.rules.iter().flat_map(|rules| &rules.working).collect();
    matched.retain(|rule| rule.matches > 0);
    if !matched.is_empty() {
        matched.sort_by_key(|rule| std::cmp::Reverse(rule.matches));
        heading(&mut page, "    matches   limited  rule");
        for rule in matched {
            let limited = if rule.limited == 0 { String::new() } else { rule.limited.to_string() };
            let _ = writeln!(page, "{:>11} {limited:>9}  {}", rule.matches, rule.id);
        }
    }
    if let Some(problems) = status.rules.as_ref().map(rules::problems).filter(|problems| !problems.is_empty()) {
        heading(&mut page, "policies");
        page.push_str(&problems);
    }
    let refused = status.clients.iter().flat_map(|clients| &clients.refused);
    let refused: Vec<_> = refused.map(|counter| (counter.value, counter.name.replace('_', " "))).collect();
    if !refused.is_empty() {
        heading(&mut page, "    clients  refused or cut");
        for (count, why) in &refused {
            let _ = writeln!(page, "{count:>11}  {why}");
        }
    }
    if status.losses.is_empty() {
        heading(&mut page, "lost: nothing");
    } else {
        heading(&mut page, "       lost  where            what");
        for loss in &status.losses {
            let _ = writeln!(page, "{:>11}  {:<15}  {}", loss.count, loss.place.replace('_', " "), loss.what);
        }
    }
    page
}

fn row(page: &mut String, name: &str, value: &str) {
    let _ = writeln!(page, "  {name:<14} {value}");
}

fn mebibytes(bytes: u64) -> String {
    let tenths = bytes * 10 / (1 << 20);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

/// The two largest units.
fn duration(nanoseconds: u64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// RFC 3339, as in events.
pub(crate) fn time(nanoseconds: u64) -> String {
    let mut text = Vec::new();
    json::rfc3339(&mut text, Timestamp(nanoseconds));
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests;
