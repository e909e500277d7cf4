//! Forgetting versions, and what was long ago.

use super::*;

/// Version 1 runs a shell that opens a and b; version 2 the same shell, b, and another program.
fn two_versions() -> Story {
    let mut story = Story::new(Options::default());
    story.tag = "1";
    story.exec(2, "/bin/sh", &[]).unwrap();
    story.open(2, "/srv/a").unwrap();
    story.open(2, "/srv/b").unwrap();
    story.spawn(2, 3, "/bin/old").unwrap();
    let event = story.binding(2, 2, 80, 0);
    story.insert(&event).unwrap();
    story.tag = "2";
    story.open(2, "/srv/b").unwrap();
    story.spawn(2, 4, "/bin/new").unwrap();
    story
}

#[test]
fn a_version_takes_along_what_only_it_did() {
    let mut story = two_versions();
    let tag = story.tree.known_tag("1").unwrap();
    story.tree.evict_tag(tag);
    assert_eq!(story.shown(), "/bin/sh\n  +/srv/b\n  /bin/new\n");
    let seen = story.tree.to_messages().remove(0).node_base.unwrap().seen;
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["2"]);
    // The tree works on.
    story.open(2, "/srv/a").unwrap();
    story.spawn(4, 5, "/bin/old").unwrap();
    assert_eq!(story.shown(), "/bin/sh\n  +/srv/a\n  +/srv/b\n  /bin/new\n    /bin/old\n");
}

#[test]
fn what_was_long_ago_goes_unless_it_runs_or_leads_to_what_stays() {
    let mut story = two_versions();
    let long_ago = Timestamp(story.now - SECOND);
    story.tree.evict_before(long_ago, |path| path == b"/bin/old");
    assert_eq!(story.shown(), "/bin/sh\n  /bin/old\n  /bin/new\n");
    story.tree.evict_before(Timestamp(u64::MAX), |_| false);
    assert_eq!(story.shown(), "");
}
