//! Many workloads: their profiles, what is told of them, and rules.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::*;

fn profile(name: &str) -> Profile {
    Profile::new(Selector::of(name), settings(), Options::default(), Ktime(0))
}

#[test]
fn a_profile_outlives_its_workload_for_a_while() {
    let mut profiles = Profiles::new(2, 3);
    let start = |profiles: &mut Profiles, name: &str| profiles.start(&Selector::of(name), || profile(name));
    assert_eq!(start(&mut profiles, "a"), Added::New);
    assert_eq!(start(&mut profiles, "a"), Added::Known);
    assert!(profiles.end(&Selector::of("a")).is_none(), "another one runs");
    assert_eq!(profiles.end(&Selector::of("a")).map(|profile| profile.selector().to_string()), Some("a:*".into()));
    assert!(profiles.end(&Selector::of("a")).is_none());
    assert!(profiles.get_mut(&Selector::of("a")).is_none());
    for name in ["b", "c"] {
        assert_eq!(start(&mut profiles, name), Added::New);
        profiles.end(&Selector::of(name));
    }
    let cached: Vec<_> = profiles.cached().map(|profile| profile.selector().image_name.clone()).collect();
    assert_eq!((cached.as_slice(), profiles.evicted()), (&["c".into(), "b".into()][..], 1));
    assert_eq!(start(&mut profiles, "b"), Added::Known);
    assert_eq!((start(&mut profiles, "d"), start(&mut profiles, "e")), (Added::New, Added::New));
    assert_eq!(start(&mut profiles, "f"), Added::Refused);
    assert_eq!((profiles.refused(), profiles.running().count()), (1, 3));
    assert!(profiles.replace(&Selector::of("d"), profile("d")) && !profiles.replace(&Selector::of("z"), profile("z")));
}

#[test]
fn each_workload_has_its_own_limit() {
    let settings = Settings { anomalies: 2, limited_workloads: 2, ..settings() };
    let mut limiter = Limiter::new(&settings);
    let mut told = |workload, second| limiter.allows(workload, Ktime(second * SECOND));
    assert_eq!([told(1, 0), told(1, 1), told(1, 2), told(2, 2)], [true, true, false, true]);
    assert_eq!([told(1, 59), told(1, 60)], [false, true]);
    // The third takes the place of the one asked for longest ago.
    assert_eq!([told(3, 60), told(2, 60)], [true, true]);
    assert_eq!(limiter.refused(), 2);
}

#[test]
fn rules_are_suppressed_where_they_allow_it_and_the_event_is_normal() {
    let tags = |keys: &[&str]| -> BTreeMap<_, _> { keys.iter().map(|key| ((*key).into(), "true".into())).collect() };
    let (allowed, drift) = (tags(&["allow_autosuppression"]), tags(&["allow_autosuppression", "workload_drift_only"]));
    let standing = |verdict, state| Standing { verdict, state, is_recorded: false };
    let known = standing(Some(Verdict::Known), Some(State::Stable));
    let departs = standing(Some(Verdict::Anomaly), Some(State::Stable));
    let learned = standing(Some(Verdict::Learned), Some(State::AutoLearning));
    let unknown = standing(None, None);
    let recorded = Standing { is_recorded: true, ..unknown };
    for (name, standing, expected) in [
        ("known", known, [false, true, true]),
        ("departs", departs, [false, false, false]),
        ("learned", learned, [false, false, true]),
        ("without a profile", unknown, [false, false, false]),
        ("recorded", recorded, [false, true, true]),
    ] {
        let suppressed = [&tags(&["workload_drift_only"]), &allowed, &drift]
            .map(|tags| is_suppressed(tags, EventType::Exec, standing));
        assert_eq!(suppressed, expected, "{name}");
        assert!(!is_suppressed(&drift, EventType::Open, standing), "{name}: files settle late");
    }
    let refuses: BTreeMap<_, _> = [("allow_autosuppression".into(), "false".into())].into();
    assert!(!is_suppressed(&refuses, EventType::Exec, known));
}

#[test]
fn selectors_match_by_name_and_tag() {
    let of = |name: &str, tag: &str| Selector { image_name: name.into(), image_tag: tag.into() };
    for (one, other, expected) in [
        (of("web", "1"), of("web", "1"), true),
        (of("web", "1"), of("web", "2"), false),
        (of("web", "*"), of("web", "2"), true),
        (of("web", "1"), of("db", "1"), false),
        (of("web", "*"), of("db", "*"), false),
    ] {
        assert_eq!((one.matches(&other), other.matches(&one)), (expected, expected), "{one} {other}");
    }
    assert!(of("web", "1").is_whole() && !of("web", "").is_whole() && !of("", "1").is_whole());
}
