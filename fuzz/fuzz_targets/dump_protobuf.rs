//! Dumps in protobuf: what is read is written as it was read, and drawn.
#![no_main]

use lapwing_common::picture::{Picture, dot, svg};
use lapwing_proto::dumps::{Limits, decode_dump};
use libfuzzer_sys::fuzz_target;
use prost::Message as _;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits { memory: 64 << 20 };
    if let Ok(dump) = decode_dump(bytes, limits) {
        assert_eq!(decode_dump(&dump.encode_to_vec(), Limits::default()).as_ref(), Ok(&dump));
        let picture = Picture::from(&dump);
        assert_eq!(svg(&picture).matches("</svg>").count(), 1);
        let _ = dot(&picture);
    }
});
