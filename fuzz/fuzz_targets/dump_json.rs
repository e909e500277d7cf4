//! Dumps in JSON: what is read is the same after it was written.
#![no_main]

use lapwing_proto::dumps::{Limits, decode_dump_json, to_json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(dump) = decode_dump_json(bytes, Limits { memory: 64 << 20 }) {
        assert_eq!(decode_dump_json(&to_json(&dump), Limits::default()), Ok(dump));
    }
});
