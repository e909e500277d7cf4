//! Made-up measurements in, tables and charts out.

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use super::*;
use crate::output::palette::Palette;

fn costs() -> Costs {
    let cell = |tool, times: [u64; 3], look| Cell {
        way: Way::made_up(tool),
        look,
        spent: times
            .map(|time| Spent {
                wall: Duration::from_millis(time),
                cpu: Duration::from_millis(time / 2),
                status: ExitStatus::from_raw(0),
            })
            .into(),
    };
    let seen = Look { events: Some(70), stops: Some(140), lost: Some(0), peak_kib: Some(4000) };
    Costs {
        command: "make <all> && x".to_owned(),
        rounds: 3,
        machine: "a machine".to_owned(),
        cells: vec![
            cell(Tool::Native, [100, 120, 200], Look::default()),
            // The machine slows down, which a difference of medians would show.
            cell(Tool::Ptrace, [150, 180, 230], seen),
        ],
        missing: vec![("bpftrace 0.17".to_owned(), "no tracefs".to_owned())],
        verdict: None,
    }
}

#[test]
fn the_table_shows_medians_and_what_was_added_in_the_same_round() {
    assert_eq!(
        costs().table(&Palette::default()),
        "\
make <all> && x
medians ± median distance of 3 runs in balanced orders, each tool's own start included; a machine

                     wall ms  × native     added ms       CPU ms  events  stops  lost  peak KiB
native          120.0 ± 20.0         –            –  60.0 ± 10.0       –      –     –         –
lapwing ptrace  180.0 ± 30.0      1.50  50.0 ± 10.0  90.0 ± 15.0      70    140     0      4000
bpftrace 0.17: does not work here: no tracefs

equivalence: not judged, since not both backends work here
"
    );
}

#[test]
fn the_chart_is_xml_with_a_bar_a_way() {
    let chart = costs().svg();
    assert_eq!(chart.matches("<rect class=\"native\"").count() + chart.matches("<rect class=\"lapwing\"").count(), 2);
    assert!(chart.contains("make &lt;all&gt; &amp;&amp; x") && chart.contains("180.0 ms · ×1.50"), "{chart}");
    assert!(chart.starts_with("<svg ") && chart.ends_with("</svg>\n"));
    assert!(chart.contains("<title>make &lt;all&gt; &amp;&amp; x</title>"), "its name is the command, whole");
    assert!(!chart.contains("NaN"));
}

#[test]
fn json_has_all_of_it() {
    let value: Value = serde_json::from_str(&costs().json()).unwrap();
    assert_eq!(value["ways"][1]["stops"], 140);
    assert!((value["ways"][1]["added_s"]["median"].as_f64().unwrap() - 0.05).abs() < 1e-9);
    assert_eq!(value["ways"][0]["added_s"], Value::Null);
    assert_eq!(value["missing"][0]["reason"], "no tracefs");
    assert_eq!(value["backends_agree"], Value::Null);
}

#[test]
fn a_command_that_is_not_there_is_an_error_with_a_shells_status() {
    let command = [OsString::from("/nonexistent/command")];
    let error = measure(&command, &CompareConfig::made_up(), Console::new(crate::cli::LogLevel::Off)).unwrap_err();
    assert_eq!(error.exit_code(), 127);
}
