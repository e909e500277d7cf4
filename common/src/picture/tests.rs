//! Pictures of a small dump, and of what differs from it.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use lapwing_proto::dumps::{
    BindNode, DnsInfo, DnsNode, FileActivityNode, FileInfo, Metadata, OpenNode, ProcessActivityNode, ProcessInfo,
    SecDump, SocketNode, SyscallNode,
};

use super::*;

fn file(path: &str, flags: u32) -> FileActivityNode {
    let leaf = |name: &str| FileActivityNode {
        name: name.into(),
        file: Some(FileInfo { path: path.into(), basename: name.into(), ..FileInfo::default() }),
        open: Some(OpenNode { flags, ..OpenNode::default() }),
        generation_type: 1,
        ..FileActivityNode::default()
    };
    let mut names: Vec<&str> = path.split('/').skip(1).collect();
    let last = leaf(names.pop().unwrap());
    names.into_iter().rev().fold(last, |below, name| FileActivityNode {
        name: name.into(),
        children: vec![below],
        ..FileActivityNode::default()
    })
}

fn program(path: &str, args: &[&str], children: Vec<ProcessActivityNode>) -> ProcessActivityNode {
    let process = ProcessInfo {
        file: Some(FileInfo { path: path.into(), ..FileInfo::default() }),
        args: args.iter().map(|&argument| argument.into()).collect(),
        argv0: path.rsplit('/').next().unwrap().into(),
        ..ProcessInfo::default()
    };
    ProcessActivityNode { process: Some(process), children, generation_type: 1, ..ProcessActivityNode::default() }
}

fn dump(tree: Vec<ProcessActivityNode>) -> Picture {
    let metadata = Some(Metadata { name: "d<1>".into(), ..Metadata::default() });
    Picture::from(&SecDump { metadata, tags: vec!["host:\"h\"".into()], tree, ..SecDump::default() })
}

/// A shell with files, a port, a name and calls, and `cat` below it.
fn usual() -> Picture {
    let mut shell = program("/bin/sh", &["-c", "cat </etc/passwd | \"x\""], vec![program("/bin/cat", &["a"], vec![])]);
    shell.files = vec![file("/etc/passwd", 0), file("/tmp/out", 0o1101)];
    let bind = BindNode { port: 80, ip: "::".into(), protocol: 6, ..BindNode::default() };
    shell.sockets = vec![SocketNode { family: "AF_INET6".into(), bind: vec![bind] }];
    let ask = |kind| DnsInfo { name: "example.org".into(), r#type: kind, ..DnsInfo::default() };
    shell.dns_names = vec![DnsNode { requests: vec![ask(1), ask(28)], ..DnsNode::default() }];
    shell.syscall_nodes = vec![SyscallNode { syscall: 99_999, ..SyscallNode::default() }];
    dump(vec![shell])
}

/// The same, but that it opens another file, binds no port, and runs `ls` rather than `cat`.
fn other() -> Picture {
    let mut shell = program("/bin/sh", &["-c", "ls"], vec![program("/bin/ls", &[], vec![])]);
    shell.files = vec![file("/etc/passwd", 0), file("/etc/shadow", 0), file("/tmp/out", 0o1101)];
    let ask = |kind| DnsInfo { name: "example.org".into(), r#type: kind, ..DnsInfo::default() };
    shell.dns_names = vec![DnsNode { requests: vec![ask(1), ask(28)], ..DnsNode::default() }];
    shell.syscall_nodes = vec![SyscallNode { syscall: 99_999, ..SyscallNode::default() }];
    dump(vec![shell])
}

#[test]
fn a_picture_has_what_people_look_for() {
    let picture = usual();
    let shell = &picture.programs[0];
    assert_eq!(shell.command, "/bin/sh -c cat </etc/passwd | \"x\"");
    let shown: Vec<String> = shell
        .groups
        .iter()
        .flat_map(|group| {
            group.items.iter().map(move |item| {
                format!(
                    "{} {}{}{}",
                    group.category.name(),
                    group.label,
                    item.text,
                    if item.is_strong { "!" } else { "" }
                )
            })
        })
        .collect();
    assert_eq!(
        shown,
        [
            "file /etc/passwd",
            "file /tmp/out!",
            "bind AF_INET6[::]:80 TCP!",
            "dns example.org (A, AAAA)",
            "syscall 99999"
        ]
    );
}

#[test]
fn long_commands_are_cut_and_busybox_goes_by_its_name() {
    let long = dump(vec![program("/bin/cc", &["é".repeat(200).as_str()], vec![])]);
    let command = &long.programs[0].command;
    assert_eq!((command.chars().count(), command.ends_with('…')), (101, true));
    let busybox = dump(vec![program("/bin/busybox", &["-l"], vec![])]);
    assert_eq!(busybox.programs[0].command, "busybox -l");
}

#[test]
fn a_difference_names_what_came_and_what_went() {
    let compared = compare(&usual(), &other());
    let lines: Vec<String> = changes(&compared)
        .iter()
        .map(|change| {
            let sign = if change.mark == Mark::Added { '+' } else { '-' };
            let kind = change.category.map_or("program", Category::name);
            format!("{sign} {kind} {} by {}", change.value, change.lineage.join(" > "))
        })
        .collect();
    assert_eq!(
        lines,
        [
            "+ file /etc/shadow by /bin/sh",
            "- bind [::]:80 TCP by /bin/sh",
            "- program /bin/cat by /bin/sh",
            "+ program /bin/ls by /bin/sh",
        ]
    );
    assert_eq!(tally(&compared), Tally { added: 2, removed: 2, same: 5 });
    let same = compare(&usual(), &usual());
    assert!(changes(&same).is_empty());
}

#[test]
fn runs_of_a_program_with_other_arguments_are_one() {
    let twice = |one: &str, other: &str| {
        dump(vec![program(
            "/bin/sh",
            &[],
            vec![program("/bin/ls", &[one], vec![]), program("/bin/ls", &[other], vec![])],
        )])
    };
    assert!(changes(&compare(&twice("a", "b"), &twice("c", "d"))).is_empty());
}

#[test]
fn dot_is_what_it_was() {
    insta::assert_snapshot!(dot(&compare(&usual(), &other())));
}

#[test]
fn svg_is_what_it_was() {
    insta::assert_snapshot!(svg(&compare(&usual(), &other())));
}

#[test]
fn nothing_a_workload_names_ends_a_drawing() {
    let nasty = "</svg>\"'&\u{1}\n]]>|{}\\";
    let picture = dump(vec![program(nasty, &[nasty], vec![])]);
    let svg = svg(&picture);
    assert_eq!(svg.matches("</svg>").count(), 1);
    assert!(!svg.contains('\u{1}'));
    let dot = dot(&picture);
    assert!(!dot.contains("</svg>"), "{dot}");
}
