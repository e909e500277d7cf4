//! `docs/protocol.md`: how tracers and commands talk to an agent, from the comments of the `.proto` files.
//!
//! The files are read line by line rather than through a compiler's descriptors: they are our own, of one style, and
//! what is not in that style is an error of the page's tests. What no message can say stands in [`INTRODUCTION`].

use std::fmt::Write as _;

use lapwing_common::wire::LONGEST;

const FILES: [(&str, &str); 5] = [
    ("Tracer and agent", include_str!("../../../../proto/proto/lapwing/tracer/v1/session.proto")),
    ("Observations", include_str!("../../../../proto/proto/lapwing/tracer/v1/observation.proto")),
    ("Plans and filters", include_str!("../../../../proto/proto/lapwing/tracer/v1/filters.proto")),
    ("What is left out", include_str!("../../../../proto/proto/lapwing/tracer/v1/discarders.proto")),
    ("Commands and agent", include_str!("../../../../proto/proto/lapwing/control/v1/control.proto")),
];

const INTRODUCTION: &str = "\
# The protocol of Lapwing's sockets

This page is generated from the comments in `proto/proto` (`cargo xtask docs`). It is for those who want to know what
goes over the sockets, or to write another end.

An agent has two Unix stream sockets in one directory: `tracer.sock` for `lapwing trace`, and `control.sock` for the
commands that ask the agent something. On both, each message is a frame: its length as an unsigned number of 32 bits,
little-endian, then one protobuf message of that many bytes (`ToAgent` and `ToTracer`, `FromClient` and `FromAgent`). A
frame of length 0 is a message of defaults.

## Limits

| what | at most | else |
| --- | --- | --- |
| a frame | 1 MiB | the connection is closed; checked before anything is allocated |
| an observation | LONGEST KiB | the tracer counts it as lost (`too_long`); an agent closes the connection |
| any message of a tracer's that is neither `Batch` nor `Snapshot` | 64 KiB | the connection is closed |
| arguments of a program | 4,096, and 128 KiB of them | the connection is closed |
| environment variables of a program | 256 of 256 bytes, and 256 whose values are kept, of 1 KiB | the connection is closed |

## A tracer's session

1. The tracer connects and sends `Hello`. The agent compares what it says (user, pid namespace, container) with the
   credentials of the socket's peer, and answers with `Welcome` or `Refusal`. After a refusal it closes the connection.
2. The tracer sends a `Snapshot`: the processes as they were before the first observation that is to come.
3. The tracer sends `Batch`es. Observations are numbered from 1 on in the order in which they were made, and a number
   is never used again in a session. The agent acknowledges (`Ack`) what it has processed, not what it has received. No
   more than `Welcome.window` bytes are under way without acknowledgement, but one batch always may be.
4. `Plan`, `Filtering`, `DiscardersRequest` and `HoldingsRequest` may come at any time. The tracer answers a plan with
   `Applied`, and the requests with `Discarders` and `Holdings`. A `Welcome` ends what an earlier agent had discarded.
5. At the end the tracer waits for what is under way, for at most 5 s, and sends `Goodbye`.

When the connection breaks, the tracer tries to connect again: after 50 ms, then after twice as long each time, up to
10 s, each wait shortened by up to half at random. After a refusal for a reason that only a person can change it waits
for the longest time at once. What was not acknowledged is kept, and sent again after the next `Welcome` and its
snapshot; an agent that still knows the session says up to where it has processed, so that nothing comes twice.

**What is lost.** A tracer keeps a limited number of bytes. When there is no room, what is not sent and changes no process
goes first, the oldest before the others; then what was sent and is not acknowledged; and last what tells of processes.
That is in the next snapshot instead, which then comes in the middle of a connection, too. Everything that goes is
counted by type of event and place, and `Report` says so. At any time

    generated = confirmed + waiting + lost

and to an agent, a number that does not come is a loss that a report names.

**Processes** belong to the session that told of them: when its connection ends, they go.

## Errors

Whoever breaks a rule (a frame over the limit, a message out of turn, a field with a value that cannot be) is sent
`Refusal` with the reason `PROTOCOL` if it is a tracer, and is cut. A peer that begins a frame and does not end it, or
says nothing, is cut as `SLOW`. A tracer that hears what no agent says closes the connection and tries again later.

## Compatibility

- Fields and kinds of messages may be added; both ends pass over those that they do not know. Numbers are not used again.
- Observations of a kind, or of a system call, that the agent does not know are counted, and everything else goes on.
- Types of events go by name, so that releases with different sets understand each other in what both have.
- What cannot be understood by passing over it raises the version in `Hello`. A tracer names the oldest and the newest
  that it speaks, and the agent takes the newest that both do.
";

/// The page.
pub(super) fn markdown() -> String {
    let mut page = INTRODUCTION.replace("LONGEST", &(LONGEST / 1024).to_string());
    for (title, source) in FILES {
        let _ = write!(page, "\n## {title}\n");
        document(source, &mut page);
    }
    page
}

/// Writes what a file declares, in its order.
fn document(source: &str, page: &mut String) {
    let mut comment = String::new();
    let mut in_table = false;
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("//") {
            let text = text.trim();
            comment.push_str(if text.is_empty() { "\n\n" } else { text });
            comment.push_str(if text.is_empty() { "" } else { " " });
            continue;
        }
        let said = comment.trim().replace(" \n", "\n");
        comment.clear();
        if line.starts_with("syntax") {
            let _ = write!(page, "\n{said}\n");
        } else if let Some((kind, name)) = declaration(line) {
            let _ = write!(page, "\n### {name}\n\n{said}\n");
            if !line.ends_with("{}") {
                let columns =
                    if kind == "enum" { "| value | number | meaning |" } else { "| field | number | type | meaning |" };
                let _ = write!(page, "\n{columns}\n|{}\n", " --- |".repeat(columns.matches('|').count() - 1));
                in_table = true;
            }
        } else if let Some(row) = member(line).filter(|_| in_table) {
            let _ = writeln!(page, "| {row} {said} |");
        } else if line.starts_with("oneof") && !said.is_empty() {
            comment = said;
        }
    }
}

/// What kind of thing a line declares, and its name.
fn declaration(line: &str) -> Option<(&str, &str)> {
    let (kind, rest) = line.split_once(' ')?;
    let name = rest.split([' ', '{']).next()?;
    matches!(kind, "message" | "enum").then_some((kind, name))
}

/// The first columns of a field's or a value's row.
fn member(line: &str) -> Option<String> {
    let (left, number) = line.strip_suffix(';')?.split_once(" = ")?;
    let number = number.split([' ', '[']).next().filter(|number| number.parse::<u32>().is_ok())?;
    match left.rsplit_once(' ') {
        None => Some(format!("`{left}` | {number} |")),
        Some((kind, name)) => Some(format!("`{name}` | {number} | {kind} |")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_become_headings_and_fields_rows() {
        let source = "// A file.\n//\n// More.\nsyntax = \"proto3\";\n\n// A thing.\nmessage Thing {\n  oneof what {\n    // Its\n    \
                      // name.\n    string name = 1;\n  }\n  // Many.\n  repeated bytes many = 2;\n}\n\n// None.\nmessage Empty {}\n\n\
                      // Which.\nenum Which {\n  // This.\n  WHICH_THIS = 0;\n}\n";
        let mut page = String::new();
        document(source, &mut page);
        let expected = "\nA file.\n\nMore.\n\n### Thing\n\nA thing.\n\n| field | number | type | meaning |\n| --- | --- | --- | --- |\n\
                        | `name` | 1 | string | Its name. |\n| `many` | 2 | repeated bytes | Many. |\n\n### Empty\n\nNone.\n\n\
                        ### Which\n\nWhich.\n\n| value | number | meaning |\n| --- | --- | --- |\n| `WHICH_THIS` | 0 | This. |\n";
        assert_eq!(page, expected);
    }

    #[test]
    fn everything_that_is_declared_is_on_the_page() {
        for (title, source) in FILES {
            let mut page = String::new();
            document(source, &mut page);
            let declared = source.lines().filter(|line| declaration(line.trim()).is_some()).count();
            assert_eq!(page.matches("\n### ").count(), declared, "{title}");
            let members = source.lines().filter(|line| member(line.trim()).is_some()).count();
            assert_eq!(page.lines().filter(|line| line.starts_with("| `")).count(), members, "{title}");
        }
    }
}
