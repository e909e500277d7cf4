//! How a status looks.

use lapwing_proto::control::v1::{Backend, Cache, Configuration, Filters, Loss, Memory, Stages, Tracer, TypeCount};

use super::*;

fn sample() -> Status {
    let event = |name: &str, count, failed| TypeCount { r#type: name.to_owned(), count, failed };
    Status {
        release: "0.1.0".to_owned(),
        pid: 77,
        started: 1_700_000_000_000_000_000,
        uptime: 3_725_000_000_000,
        socket_dir: "/run/lapwing".to_owned(),
        backend: Some(Backend {
            name: "kernel".to_owned(),
            asked: "auto".to_owned(),
            why: "it works here".to_owned(),
            scope: "host".to_owned(),
            ended: String::new(),
            types: vec!["exec".to_owned(), "open".to_owned()],
        }),
        events: vec![event("exec", 3, 0), event("open", 500, 20)],
        losses: vec![Loss {
            place: "process_cache".to_owned(),
            name: "evicted".to_owned(),
            what: "processes forgotten for want of room".to_owned(),
            count: 9,
        }],
        caches: vec![Cache { name: "processes".to_owned(), entries: 120, limit: 65_536 }],
        tracers: vec![Tracer {
            pid: 4711,
            uid: 1000,
            pid_namespace: 4_026_532_000,
            observations: 12,
            ..Tracer::default()
        }],
        clients: Some(Clients {
            connected: 2,
            streams: 1,
            accepted: 40,
            refused: vec![Counter { name: "not_permitted".to_owned(), value: 3 }],
        }),
        memory: Some(Memory { resident: 20 << 20, anonymous: 5 << 20, peak: 30 << 20 }),
        configuration: Some(Configuration { file: "/etc/agent.toml".to_owned(), reloads: 2, error: "x".to_owned() }),
        counters: vec![Counter { name: "observations".to_owned(), value: 600 }],
        rules: None,
        filters: vec![
            Filters {
                backend: "kernel".to_owned(),
                rejected: 12,
                approved: 3,
                discarded: 40_000,
                discarders: 7,
                evaluated: 99,
                refused: "a workload can change files unseen".to_owned(),
                stages: vec![Stages {
                    r#type: "open".to_owned(),
                    unasked: Some(8),
                    rejected: 12,
                    approved: 3,
                    discarded: 40_000,
                    evaluated: 99,
                    matched: 2,
                }],
                ..Filters::default()
            },
            Filters {
                backend: "ptrace".to_owned(),
                pid: 4711,
                discarded: 5,
                discarders: 1,
                stages: vec![Stages { r#type: "chmod".to_owned(), discarded: 5, ..Stages::default() }],
                ..Filters::default()
            },
        ],
    }
}

#[test]
fn people_see_tables() {
    assert_eq!(
        render(&sample(), false),
        "\
Lapwing 0.1.0, process 77, up 1 h 2 min
  observes       host
  backend        kernel: it works here
  captures       exec open
  sockets        /run/lapwing
  configuration  /etc/agent.toml, read again 2 times
  not reloaded   x
  memory         20.0 MiB resident, 5.0 MiB of it its own
  processes      120 of at most 65536
  clients        2 connected, 40 so far, 1 following events

tracers      pid      uid  pid namespace  observations      lost  container
            4711     1000     4026532000            12         0  -

    unasked   rejected  discarded  evaluated    matched  kernel
          8         12      40000         99          2  open
          8         12      40000         99          2  all
      0.0 %      0.0 %     99.7 %      0.2 %      0.0 %
             7 discarders were added
             no more discarders: a workload can change files unseen

    unasked   rejected  discarded  evaluated    matched  tracer 4711
          -          0          5          0          0  chmod
          -          0          5          0          0  all
          -      0.0 %    100.0 %      0.0 %      0.0 %
             1 discarder was added

     events    failed  type
        500        20  open
          3            exec

    clients  refused or cut
          3  not permitted

       lost  where            what
          9  process cache    processes forgotten for want of room
"
    );
}

#[test]
fn an_agent_without_a_backend_says_so() {
    let backend = Backend { name: "none".to_owned(), why: "as asked for".to_owned(), ..Backend::default() };
    let text = render(&Status { backend: Some(backend), ..Status::default() }, false);
    assert!(text.contains("  observes       nothing itself\n  backend        none: as asked for\n"), "{text}");
    assert!(text.ends_with("\nlost: nothing\n"));
    let mut ended = sample();
    if let Some(backend) = &mut ended.backend {
        backend.ended = "all processes of its scope have ended".to_owned();
    }
    let expected = "  observes       nothing any more: all processes of its scope have ended (was host)\n";
    assert!(render(&ended, false).contains(expected));
}

#[test]
fn programs_see_everything() {
    let report: Value = serde_json::from_str(&render_json(&sample())).unwrap();
    assert_eq!(report["started"], "2023-11-14T22:13:20.000000000Z");
    assert_eq!(report["uptime_seconds"], 3725);
    assert_eq!(report["events"][1], json!({ "type": "open", "count": 500, "failed": 20 }));
    assert_eq!(report["losses"][0]["name"], "evicted");
    assert_eq!(report["clients"]["refused"], json!({ "not_permitted": 3 }));
    assert_eq!(report["counters"]["observations"], 600);
    assert_eq!(report["filters"][0]["discarded"], 40_000);
    assert_eq!(report["filters"][1]["pid"], 4711);
    assert_eq!(report["tracers"][0]["pid_namespace"], 4_026_532_000_u64);
    assert_eq!(report["memory"]["peak_bytes"], 30 << 20);
}

#[test]
fn times_have_the_two_largest_units() {
    let second = 1_000_000_000;
    let shown = [59, 61, 3_660, 90_000].map(|seconds| duration(seconds * second));
    assert_eq!(shown, ["59 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
}
