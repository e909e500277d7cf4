//! Profiles: what is read becomes a living tree, whose messages make the same tree again.
#![no_main]

use lapwing_common::activity::{ActivityTree, Options};
use lapwing_proto::dumps::{Limits, decode_profile};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(profile) = decode_profile(bytes, Limits { memory: 64 << 20 }) {
        let once = ActivityTree::from_messages(Options::default(), profile.tree).to_messages();
        let twice = ActivityTree::from_messages(Options::default(), once.clone()).to_messages();
        assert_eq!(once, twice);
    }
});
