//! What is learned, and what departs.

use super::*;
use crate::activity::Dropped;

#[test]
fn a_departure_is_told_once_a_minute_and_that_of_its_program_stands_for_all() {
    let mut scene = Scene::server(settings());
    assert_eq!(scene.exec(2, 2, "/usr/sbin/server"), Verdict::Known);
    assert_eq!(scene.open(2, "/etc/server.conf"), Verdict::Known);
    assert_eq!(scene.open(2, "/etc/shadow"), Verdict::Anomaly);
    assert_eq!(scene.open(2, "/etc/shadow"), Verdict::Repeated);
    assert_eq!(scene.bind(2, 80), Verdict::Known);
    assert_eq!(scene.bind(2, 4444), Verdict::Anomaly);
    assert_eq!(scene.exec(2, 3, "/bin/sh"), Verdict::Anomaly);
    assert_eq!(scene.open(3, "/etc/server.conf"), Verdict::OfUnknownProgram);
    assert_eq!(scene.bind(3, 80), Verdict::OfUnknownProgram);
    assert_eq!(scene.exec(2, 4, "/bin/sh"), Verdict::Repeated);
    // Below another program it is another departure.
    assert_eq!(scene.exec(4, 5, "/usr/sbin/server"), Verdict::Anomaly);
    scene.wait(60);
    assert_eq!(scene.open(2, "/etc/shadow"), Verdict::Anomaly);
    let Tally { anomalies, repeated, of_unknown_programs, .. } = scene.profile.tally();
    assert_eq!((anomalies, repeated, of_unknown_programs), (5, 2, 2));
}

#[test]
fn nothing_of_a_departure_is_learned() {
    let mut scene = Scene::server(settings());
    let count = scene.profile.counts();
    scene.exec(2, 3, "/bin/sh");
    scene.open(3, "/etc/passwd");
    scene.open(2, "/etc/shadow");
    assert_eq!(scene.profile.counts(), count);
}

#[test]
fn a_young_workload_teaches_even_a_stable_profile() {
    let mut scene = Scene::server(Settings { workload_warmup: Duration::from_secs(30), ..settings() });
    assert_eq!(scene.open(2, "/etc/shadow"), Verdict::Anomaly);
    // Another container of the image.
    scene.started = Ktime(scene.now);
    assert_eq!(scene.open(2, "/etc/new.conf"), Verdict::Anomaly, "learned, but new while the type was stable");
    assert_eq!(scene.open(2, "/etc/new.conf"), Verdict::Known);
    let messages = scene.profile.tree().to_messages();
    let etc = &messages[0].files[0];
    let of = |name: &str| etc.children.iter().find(|file| file.name == name).map(|file| file.generation_type);
    assert_eq!((of("server.conf"), of("new.conf"), of("shadow")), (Some(4), Some(4), None));
    scene.wait(30);
    assert_eq!(scene.open(2, "/etc/newer.conf"), Verdict::Anomaly);
    assert_eq!(scene.open(2, "/etc/newer.conf"), Verdict::Repeated);
}

#[test]
fn a_new_version_learns_but_what_no_version_did_is_told() {
    let mut scene = Scene::server(settings());
    // A look at each type makes the first version stable.
    scene.exec(2, 2, "/usr/sbin/server");
    scene.open(2, "/etc/server.conf");
    scene.tag = "2";
    assert_eq!(scene.exec(2, 2, "/usr/sbin/server"), Verdict::Known);
    assert_eq!(scene.open(2, "/etc/server.conf"), Verdict::Known);
    assert_eq!(scene.open(2, "/etc/second.conf"), Verdict::Anomaly);
    assert_eq!(scene.open(2, "/etc/second.conf"), Verdict::Known, "it was learned");
    // Ports are not known to be stable in any version.
    assert_eq!(scene.bind(2, 8080), Verdict::Learned);
    // The first version still must not.
    scene.tag = "1";
    assert_eq!(scene.open(2, "/etc/second.conf"), Verdict::Repeated);
    scene.wait(60);
    assert_eq!(scene.open(2, "/etc/second.conf"), Verdict::Anomaly);
    // Without a version, whatever any did is normal.
    scene.profile.settle(Ktime(scene.now));
    scene.tag = "";
    assert_eq!(scene.open(2, "/etc/second.conf"), Verdict::Known);
}

#[test]
fn the_version_last_seen_longest_ago_gives_way_with_what_only_it_did() {
    let mut scene = Scene::new(Settings { max_image_tags: 2, ..settings() });
    for (tag, file) in [("1", "/a"), ("2", "/b"), ("1", "/a"), ("3", "/c")] {
        scene.tag = tag;
        scene.wait(1);
        scene.exec(2, 2, "/usr/sbin/server");
        scene.open(2, file);
    }
    assert_eq!(names(&scene.profile), ["1", "3"]);
    let messages = scene.profile.tree().to_messages();
    let files: alloc::vec::Vec<_> = messages[0].files.iter().map(|file| &*file.name).collect();
    assert_eq!(files, ["a", "c"]);
}

#[test]
fn a_program_whose_start_was_not_learned_is_added_only_while_programs_are() {
    let mut scene = Scene::new(settings());
    let _unseen = scene.exec_unseen(2, 2, "/usr/sbin/server");
    assert_eq!(scene.open(2, "/etc/server.conf"), Verdict::Learned);
    // Programs become stable, files do not.
    scene.wait(99);
    assert_eq!(scene.open(2, "/etc/other.conf"), Verdict::Learned);
    scene.wait(1);
    assert_eq!(scene.exec(2, 2, "/usr/sbin/server"), Verdict::Known);
    assert_eq!(scene.profile.state(EventType::Exec), State::Stable);
    let _unseen = scene.exec_unseen(2, 3, "/bin/late");
    assert_eq!(scene.open(3, "/etc/late.conf"), Verdict::OfUnknownProgram);
    assert_eq!(scene.open(2, "/etc/third.conf"), Verdict::Learned);
}

#[test]
fn what_failed_or_is_not_judged_departs_from_nothing() {
    let mut scene = Scene::server(settings());
    scene.profile.settings.types = [EventType::Bind].into_iter().collect();
    let refused = scene.story.binding(2, 2, 4444, -13);
    assert_eq!(scene.observe(&refused), Verdict::Dropped(Dropped::Failed));
    assert_eq!(scene.open(2, "/etc/shadow"), Verdict::NotJudged);
    assert_eq!(scene.bind(2, 4444), Verdict::Anomaly);
}

#[test]
fn a_profile_that_was_settled_judges_at_once() {
    let mut scene = Scene::new(Settings { unstable_time: Duration::ZERO, ..settings() });
    scene.profile.settle(Ktime(0));
    scene.tag = ANY_TAG;
    assert_eq!(scene.exec(2, 2, "/usr/sbin/server"), Verdict::Anomaly);
    assert_eq!(scene.profile.state(EventType::Open), State::Stable);
    assert_eq!(scene.profile.lineage(&scene.story.opening(2, "/x", 0)), [b"/usr/sbin/server"]);
}
