//! Where in the tree a process belongs.

use super::*;

#[test]
fn programs_hang_from_the_programs_that_started_them() {
    let mut story = Story::new(Options::default());
    story.exec(2, "/bin/sh", &[]).unwrap();
    // The fork between runs what its parent runs.
    story.fork(2, 3);
    story.spawn(3, 4, "/bin/ls").unwrap();
    story.spawn(2, 5, "/bin/ls").unwrap();
    story.open(5, "/etc/passwd").unwrap();
    story.open(3, "/etc/group").unwrap();
    assert_eq!(story.shown(), "/bin/sh\n  +/etc/group\n  /bin/ls\n    +/etc/passwd\n");
}

#[test]
fn arguments_make_a_node_of_their_own_if_wanted() {
    for (differentiate_args, expected) in
        [(false, "/bin/sh\n  /bin/ls -l\n"), (true, "/bin/sh\n  /bin/ls -l\n  /bin/ls -a\n")]
    {
        let mut story = Story::new(Options { differentiate_args, ..Options::default() });
        story.exec(2, "/bin/sh", &[]).unwrap();
        for (pid, argument) in [(3, "-l"), (4, "-a"), (5, "-l")] {
            story.fork(2, pid);
            story.exec(pid, "/bin/ls", &[argument]).unwrap();
        }
        assert_eq!(story.shown(), expected);
    }
}

/// `make` starts a shell, which becomes a compiler.
fn shell_to_compiler(story: &mut Story, pid: i32) {
    story.fork(2, pid);
    story.exec(pid, "/bin/sh", &[]).unwrap();
    story.exec(pid, "/bin/cc", &[]).unwrap();
}

/// `make` starts a compiler, or so it seems.
fn compiler(story: &mut Story, pid: i32) {
    story.spawn(2, pid, "/bin/cc").unwrap();
    story.open(pid, "/tmp/main.o").unwrap();
}

#[test]
fn an_exec_that_was_not_seen_makes_no_second_node_whatever_comes_first() {
    let steps: [fn(&mut Story, i32); 2] = [shell_to_compiler, compiler];
    for order in [[0, 1], [1, 0]] {
        let mut story = Story::new(Options::default());
        story.exec(2, "/bin/make", &[]).unwrap();
        for (index, pid) in order.into_iter().zip(3..) {
            steps[index](&mut story, pid);
        }
        assert_eq!(story.shown(), "/bin/make\n  /bin/sh\n    /bin/cc\n      +/tmp/main.o\n", "{order:?}");
    }
}

#[test]
fn the_observer_is_not_in_the_tree_and_a_broken_lineage_is_not_guessed() {
    let mut story = Story::new(Options::default());
    story.exec(2, "/bin/sh", &[]).unwrap();
    assert_eq!(story.shown(), "/bin/sh\n");
    assert_eq!(story.open(99, "/etc/passwd"), Err(Dropped::BrokenLineage));
}

fn cgroup(path: &str, container: &str) -> Option<Arc<Cgroup>> {
    Some(Arc::new(Cgroup { path: path.as_bytes().into(), container: container.as_bytes().into() }))
}

#[test]
fn a_container_begins_below_its_runtime() {
    let mut story = Story::new(Options { scope: Scope::Container(b"c1"[..].into()), ..Options::default() });
    story.exec(2, "/usr/bin/containerd-shim", &[]).unwrap_err();
    story.cgroup = cgroup("/x/c1", "c1");
    assert_eq!(story.spawn(2, 3, "/usr/sbin/runc"), Err(Dropped::InvalidRoot));
    story.exec(3, "/docker-entrypoint.sh", &[]).unwrap();
    story.exec(3, "/usr/sbin/nginx", &[]).unwrap();
    story.cgroup = cgroup("/x/c2", "c2");
    assert_eq!(story.spawn(2, 4, "/bin/other"), Err(Dropped::OutOfScope));
    assert_eq!(story.shown(), "/docker-entrypoint.sh\n  /usr/sbin/nginx\n");
}

#[test]
fn a_scope_may_be_a_group_or_a_process_with_its_descendants() {
    for scope in [Scope::Cgroup(b"/x"[..].into()), Scope::Tree(key(3))] {
        let mut story = Story::new(Options { scope, ..Options::default() });
        story.cgroup = cgroup("/x", "");
        let _ = story.exec(2, "/bin/sh", &[]);
        story.spawn(2, 3, "/bin/ls").unwrap();
        story.cgroup = cgroup("/y", "");
        assert_eq!(story.spawn(2, 4, "/bin/other"), Err(Dropped::OutOfScope));
        // The one and the other ran the shell first: as a program of its own, or forked.
        assert_eq!(story.shown(), "/bin/sh\n  /bin/ls\n");
    }
}

#[test]
fn what_ran_before_is_marked_as_such() {
    let mut story = Story::new(Options { scope: Scope::Observed, ..Options::default() });
    let running = Running { ppid: Pid(1), started: Timestamp(2), program: program("/bin/daemon") };
    story.cache.running(key(9), running);
    story.open(9, "/etc/passwd").unwrap();
    let node = story.tree.to_messages().remove(0);
    assert_eq!(node.generation_type, Generation::Snapshot as i32);
    assert_eq!(node.files[0].children[0].generation_type, Generation::Runtime as i32);
}

fn program(path: &str) -> Program {
    Program { file: File::at(path.as_bytes()), ..Program::default() }
}

#[test]
fn a_way_that_is_too_long_loses_its_middle() {
    let mut story = Story::new(Options::default());
    story.exec(2, "/bin/p2", &[]).unwrap();
    for pid in 3..200 {
        story.spawn(pid - 1, pid, &format!("/bin/p{pid}")).unwrap();
        story.open(pid, &"/d".repeat(200)).unwrap();
    }
    let messages = story.tree.to_messages();
    let dump = lapwing_proto::dumps::SecDump { tree: messages, ..Default::default() };
    let bytes = prost::Message::encode_to_vec(&dump);
    let limits = lapwing_proto::dumps::Limits::default();
    assert_eq!(lapwing_proto::dumps::decode_dump(&bytes, limits).unwrap(), dump);
    assert_eq!(story.tree.counts().processes, 198);
    assert!(story.tree.counts().files > 40 * 190);
    let file = {
        let mut file = &dump.tree[0].children[0].files[0];
        while let [child] = file.children.as_slice() {
            file = child;
        }
        file.file.as_ref().unwrap()
    };
    assert_eq!(file.path, "/d".repeat(200), "the path is whole all the same");
}
