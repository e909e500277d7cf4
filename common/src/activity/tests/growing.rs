//! The size, and its limit.

use super::*;

#[test]
fn a_tree_refuses_what_would_take_it_past_its_limit() {
    let mut story = Story::new(Options { limit: 100 << 10, ..Options::default() });
    story.tag = "1";
    story.exec(2, "/bin/sh", &[]).unwrap();
    let (mut files, mut full) = (0, false);
    for number in 0..2000 {
        match story.open(2, &format!("/srv/some/where/file-number-{number}")) {
            Ok(_) => files += 1,
            Err(Dropped::Full) => full = true,
            Err(other) => panic!("{other}"),
        }
        assert!(story.tree.size() <= 100 << 10, "{}", story.tree.size());
    }
    assert!(full && files > 100, "{files}");
    // What is there is still marked, and nothing was half done.
    assert_eq!(story.open(2, "/srv/some/where/file-number-0"), Ok(Novelty::default()));
    assert_eq!(story.shown().lines().count(), 1 + files);
    // Neither programs nor ports.
    for pid in 3..200 {
        let path = format!("/bin/program-{pid}");
        let _ = story.spawn(2, pid, &path);
        let event = story.binding(2, 2, u16::try_from(pid).unwrap(), 0);
        let _ = story.insert(&event);
        assert!(story.tree.size() <= 100 << 10);
    }
}

#[test]
fn the_size_is_what_is_there() {
    let mut story = Story::new(Options::default());
    let empty = story.tree.size();
    story.tag = "1";
    story.exec(2, "/bin/sh", &[]).unwrap();
    for number in 0..50 {
        story.open(2, &format!("/srv/{number}/a-name-that-is-too-long-to-be-kept-in-its-node")).unwrap();
        let event = story.binding(2, 2, number, 0);
        story.insert(&event).unwrap();
    }
    let full = story.tree.size();
    let tag = story.tree.known_tag("1").unwrap();
    let other = story.tree.tag("2").unwrap();
    story.tree.tag_all(other, Timestamp(9));
    assert!(story.tree.size() > full);
    story.tree.evict_tag(other);
    story.tree.evict_tag(tag);
    assert!(story.tree.is_empty());
    assert_eq!(story.tree.counts(), NodeCounts::default());
    assert_eq!(story.tree.heap, 0, "every byte that was counted in is counted out");
    assert!(story.tree.size() >= empty);
}
