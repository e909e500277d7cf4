//! Every transition of §5.2 of the reference: the first condition that applies.

use super::*;

/// What is true of a situation, in the order in which it counts.
#[derive(Clone, Copy, Debug)]
struct Truth {
    is_young: bool,
    is_quiet: bool,
    is_late: bool,
    is_large: bool,
}

fn state(stability: Stability, truth: Truth) -> State {
    let settings = Settings::default();
    let now = 10_000 * SECOND;
    let ago = |is_so: bool, length: Duration| {
        let length = u64::try_from(length.as_nanos()).unwrap();
        Ktime(if is_so { now - length } else { now - length + 1 })
    };
    let situation = Situation {
        stability,
        last_new: ago(truth.is_quiet, settings.minimum_stable),
        started: ago(!truth.is_young, settings.workload_warmup),
        began: ago(truth.is_late, settings.unstable_time),
        size: if truth.is_large { settings.unstable_size } else { settings.unstable_size - 1 },
        now: Ktime(now),
    };
    situation.state(&settings)
}

#[test]
fn the_first_condition_that_applies_decides() {
    for bits in 0..16 {
        let is = |bit: u8| bits & (1 << bit) != 0;
        let truth = Truth { is_young: is(0), is_quiet: is(1), is_late: is(2), is_large: is(3) };
        let warm = |state| if truth.is_young { State::WorkloadWarmup } else { state };
        assert_eq!(state(Stability::Unstable, truth), State::Unstable, "{truth:?}");
        assert_eq!(state(Stability::Stable, truth), warm(State::Stable), "{truth:?}");
        let learning = match truth {
            Truth { is_quiet: true, .. } => State::Stable,
            Truth { is_late: true, .. } => State::Unstable,
            Truth { is_large: true, .. } => State::AtMaxSize,
            _ => State::AutoLearning,
        };
        assert_eq!(state(Stability::Learning, truth), warm(learning), "{truth:?}");
    }
}

#[test]
fn a_quiet_type_is_stable_whatever_the_others_are() {
    let mut scene = Scene::server(settings());
    scene.wait(50);
    // Programs and ports have been quiet for 150 s. A new file puts off files alone.
    assert_eq!(scene.exec(2, 3, "/bin/sh"), Verdict::Anomaly);
    assert_eq!(scene.profile.state(EventType::Exec), State::Stable);
    assert_eq!(scene.profile.state(EventType::Bind), State::AutoLearning);
    assert_eq!(scene.bind(2, 80), Verdict::Known);
    assert_eq!(scene.profile.state(EventType::Bind), State::Stable);
}

#[test]
fn what_is_new_puts_stability_off_until_it_is_too_late() {
    let mut scene = Scene::new(settings());
    assert_eq!(scene.exec(2, 2, "/usr/sbin/server"), Verdict::Learned);
    for file in 0..20 {
        scene.wait(49);
        assert_eq!(scene.open(2, &alloc::format!("/tmp/{file}")), Verdict::Learned);
        assert_eq!(scene.profile.state(EventType::Open), State::AutoLearning);
    }
    scene.wait(49);
    assert_eq!(scene.open(2, "/tmp/one-more"), Verdict::NotJudged);
    assert_eq!(scene.profile.state(EventType::Open), State::Unstable);
    // For good, and for every version.
    scene.wait(10_000);
    scene.tag = "2";
    assert_eq!(scene.open(2, "/tmp/0"), Verdict::NotJudged);
    assert_eq!(scene.exec(2, 2, "/usr/sbin/server"), Verdict::Known);
    // A version that comes late has its own time to learn.
    assert_eq!(scene.exec(2, 3, "/usr/bin/worker"), Verdict::Learned);
}

#[test]
fn a_tree_that_is_full_takes_nothing_and_is_not_stable_for_it() {
    let mut scene = Scene::new(settings());
    scene.exec(2, 2, "/usr/sbin/server");
    scene.open(2, "/etc/server.conf");
    scene.profile.settings.unstable_size = scene.profile.tree.size();
    let count = scene.profile.counts();
    scene.wait(99);
    assert_eq!(scene.open(2, "/etc/shadow"), Verdict::NoRoom);
    assert_eq!(scene.profile.counts(), count);
    // Its time began anew, and what is known does not do that.
    scene.wait(99);
    assert_eq!(scene.open(2, "/etc/server.conf"), Verdict::Known);
    scene.wait(1);
    assert_eq!(scene.open(2, "/etc/shadow"), Verdict::Anomaly);
}
