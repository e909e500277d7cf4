//! The graph: a blue node a namespace, below it a green one a device.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Namespace;
use crate::graph;
use crate::ids::Timestamp;
use crate::json::rfc3339_at;

const BLUE: &str = "#8fbbff";
const GREEN: &str = "#77bf77";
const PALE_BLUE: &str = "#edf3ff";
const WHITE: &str = "white";

/// Appends the namespaces as a graph of this date; the local time is `offset` seconds ahead of UTC.
pub fn write_dot(namespaces: &[Namespace], date: Timestamp, offset: i32, out: &mut Vec<u8>) {
    let mut text = Vec::new();
    rfc3339_at(&mut text, date, offset);
    let date = String::from_utf8_lossy(text.get(..19).unwrap_or_default()).replace('T', " ");
    line(out, "digraph {");
    line(out, &format!("  label=\"Network Namespace Dump ({date})\";"));
    line(out, "  labelloc=\"t\"; fontsize=75; fontname=\"arial\"; ranksep=2;");
    line(out, "  node [shape=record, penwidth=3, fontname=\"arial\", style=filled];");
    for namespace in namespaces {
        let (id, handle) = (namespace.id, namespace.handle);
        let fill = if namespace.lonely_until.is_some() { PALE_BLUE } else { WHITE };
        let label = format!("{id} [fd:{handle}][handle:{}]", namespace.path);
        node(out, &format!("ns{id}"), label.as_bytes(), BLUE, fill, 60);
        for device in namespace.devices.iter().flatten() {
            let label = [&device.name[..], format!(" [{}]", device.index).as_bytes()].concat();
            let name = format!("ns{id}_{}", device.index);
            node(out, &name, &label, GREEN, WHITE, 50);
            line(out, &format!("  ns{id} -> {name} [arrowhead=none, penwidth=3, color=\"{BLUE}\"];"));
        }
    }
    line(out, "}");
}

fn node(out: &mut Vec<u8>, name: &str, label: &[u8], colour: &str, fill: &str, size: u8) {
    out.extend_from_slice(format!("  {name} [label=\"").as_bytes());
    graph::record(out, label);
    line(out, &format!("\", color=\"{colour}\", fillcolor=\"{fill}\", fontsize={size}];"));
}

fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}
