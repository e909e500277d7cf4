//! Trees through messages and back.

use super::*;

fn sample() -> Story {
    let mut story = Story::new(Options::default());
    story.tag = "1.25";
    story.exec(2, "/bin/sh", &[]).unwrap();
    story.exec(2, "/usr/sbin/nginx", &["-g", "daemon off;"]).unwrap();
    story.open(2, "/etc/nginx/nginx.conf").unwrap();
    story.open(2, "pipe:[3]").unwrap();
    for port in [443, 80] {
        let event = story.binding(2, 2, port, 0);
        story.insert(&event).unwrap();
    }
    story.spawn(2, 3, "/bin/busybox").unwrap();
    story
}

#[test]
fn writing_a_restored_tree_loses_nothing() {
    let story = sample();
    let messages = story.tree.to_messages();
    let restored = ActivityTree::from_messages(Options::default(), messages.clone());
    assert_eq!(restored.to_messages(), messages);
    assert_eq!(restored.counts(), story.tree.counts());
    assert!(restored.size() > story.tree.size() / 2);
}

#[test]
fn a_restored_tree_knows_what_happened_and_what_did_not() {
    let mut story = sample();
    let messages = story.tree.to_messages();
    story.tree = ActivityTree::from_messages(Options::default(), messages);
    for path in ["/etc/nginx/nginx.conf", "pipe:[4]"] {
        assert_eq!(story.open(2, path), Ok(Novelty::default()), "{path}");
    }
    let event = story.binding(2, 2, 80, 0);
    assert_eq!(story.insert(&event), Ok(Novelty::default()));
    let event = story.binding(2, 2, 81, 0);
    assert_eq!(story.tree.contains(&event, None), Ok(false));
    story.fork(2, 4);
    assert!(!story.exec(4, "/bin/busybox", &[]).unwrap().any());
    story.fork(2, 5);
    assert!(story.exec(5, "/bin/dash", &[]).unwrap().process);
}

#[test]
fn messages_of_others_need_not_be_in_order() {
    use lapwing_proto::dumps::{BindNode, SocketNode, SyscallNode};
    let bind = |port| BindNode { port, ip: "not an address".into(), ..BindNode::default() };
    let node = ProcessActivityNode {
        sockets: vec![SocketNode { family: "AF_VSOCK".into(), bind: vec![bind(9), bind(8), bind(9)] }],
        syscall_nodes: [3, 1, 3].map(|syscall| SyscallNode { syscall, ..SyscallNode::default() }).into(),
        ..ProcessActivityNode::default()
    };
    let tree = ActivityTree::from_messages(Options::default(), vec![node]);
    let written = tree.to_messages().remove(0);
    assert_eq!(written.sockets[0].bind.iter().map(|bind| bind.port).collect::<Vec<_>>(), [8, 9]);
    assert_eq!(written.sockets[0].bind[0].ip, "not an address");
    assert_eq!(written.syscall_nodes.iter().map(|node| node.syscall).collect::<Vec<_>>(), [1, 3]);
}
