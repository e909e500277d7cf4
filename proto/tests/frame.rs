//! The frame codec against every way a stream can be cut, and against peers that lie.
//!
//! prost implements `Message` for `Vec<u8>` (a message with one bytes field) and `u64`, so no
//! schema is needed here.

use lapwing_proto::frame::{DecodeError, Decoder, EncodeError, HEADER_LEN, MAX_LEN, encode};
use prost::bytes::{BufMut, BytesMut};

/// What one bytes field costs beside a payload of nearly 1 MiB: a tag and a three-byte length.
const OVERHEAD: usize = 4;

/// Small and empty messages, and one that is longer than its neighbours.
fn messages() -> Vec<Vec<u8>> {
    vec![b"one".to_vec(), Vec::new(), vec![0xff; 40], Vec::new(), b"last".to_vec()]
}

fn stream(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        encode(message, &mut bytes).expect("small messages fit");
    }
    bytes
}

/// Feeds the pieces one by one and collects what comes out.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, Decoder) {
    let (mut decoder, mut out) = (Decoder::new(), Vec::new());
    for mut piece in pieces {
        while let Some(message) = decoder.next::<Vec<u8>>(&mut piece).expect("well-formed frames") {
            out.push(message);
        }
        assert!(piece.is_empty(), "`None` promises that the input is used up");
    }
    (out, decoder)
}

#[test]
fn every_pair_of_split_points_gives_the_same_messages() {
    let bytes = stream(&messages());
    for first in 0..=bytes.len() {
        for second in first..=bytes.len() {
            let (out, decoder) = decode([&bytes[..first], &bytes[first..second], &bytes[second..]]);
            assert_eq!(out, messages(), "cut at {first} and {second}");
            assert_eq!(decoder.finish(), Ok(()));
        }
    }
}

#[test]
fn every_piece_size_gives_the_same_messages() {
    let bytes = stream(&messages());
    for size in 1..=bytes.len() {
        assert_eq!(decode(bytes.chunks(size)).0, messages(), "pieces of {size}");
    }
}

#[test]
fn the_header_is_little_endian_and_excludes_itself() {
    let mut bytes = Vec::new();
    encode(&vec![7u8; 300], &mut bytes).unwrap();
    assert_eq!(bytes[..HEADER_LEN], [0x2f, 0x01, 0, 0]);
    assert_eq!(bytes.len(), HEADER_LEN + 0x12f);
}

#[test]
fn a_zero_length_frame_is_the_default_message() {
    assert_eq!(decode([[0; HEADER_LEN].as_slice()]).0, [Vec::<u8>::new()]);
    assert_eq!(Decoder::new().next::<u64>(&mut [0; HEADER_LEN].as_slice()), Ok(Some(0)));
}

#[test]
fn the_limit_itself_passes_and_one_more_does_not() {
    let largest = vec![1u8; MAX_LEN - OVERHEAD];
    let mut bytes = Vec::new();
    encode(&largest, &mut bytes).unwrap();
    assert_eq!(bytes.len(), HEADER_LEN + MAX_LEN);
    assert_eq!(decode([bytes.as_slice()]).0, std::slice::from_ref(&largest));
    assert_eq!(decode(bytes.chunks(4096)).0, [largest]);

    let mut out = b"before".to_vec();
    let refused = encode(&vec![1u8; MAX_LEN - OVERHEAD + 1], &mut out);
    assert_eq!(refused, Err(EncodeError::TooLong { len: MAX_LEN + 1 }));
    assert_eq!(out, b"before", "a refused message leaves nothing behind");
}

#[test]
fn an_announced_length_over_the_limit_is_refused_for_good() {
    for len in [u32::try_from(MAX_LEN).unwrap() + 1, u32::MAX] {
        let mut decoder = Decoder::new();
        let header = len.to_le_bytes();
        for mut piece in [&header[..3], &header[3..], &[], stream(&messages()).as_slice()] {
            let got = decoder.next::<Vec<u8>>(&mut piece);
            assert!(matches!(got, Ok(None) | Err(DecodeError::TooLong { .. })));
        }
        assert_eq!(decoder.next::<Vec<u8>>(&mut [].as_slice()), Err(DecodeError::TooLong { len, limit: MAX_LEN }));
    }
}

#[test]
fn a_lower_limit_holds_and_a_higher_one_does_not() {
    let stream = stream(&[vec![1u8; 100]]);
    let message = stream.len() - HEADER_LEN;
    let read = |limit| Decoder::with_limit(limit).next::<Vec<u8>>(&mut stream.as_slice()).map(|read| read.is_some());
    assert_eq!(read(message), Ok(true));
    let len = u32::try_from(message).unwrap();
    assert_eq!(read(message - 1), Err(DecodeError::TooLong { len, limit: message - 1 }));
    let header = (u32::try_from(MAX_LEN).unwrap() + 1).to_le_bytes();
    let endless = Decoder::with_limit(usize::MAX).next::<Vec<u8>>(&mut header.as_slice());
    assert!(matches!(endless, Err(DecodeError::TooLong { limit: MAX_LEN, .. })));
}

#[test]
fn a_decoder_knows_whether_it_waits_for_the_rest_of_a_frame() {
    let bytes = stream(&[b"one".to_vec()]);
    let mut decoder = Decoder::new();
    assert!(!decoder.is_inside_frame());
    assert_eq!(decoder.next::<Vec<u8>>(&mut &bytes[..1]), Ok(None));
    assert!(decoder.is_inside_frame());
    assert_eq!(decoder.next::<Vec<u8>>(&mut &bytes[1..]), Ok(Some(b"one".to_vec())));
    assert!(!decoder.is_inside_frame());
}

#[test]
fn a_malformed_message_costs_one_frame_only() {
    let mut bytes = vec![2, 0, 0, 0, 0xff, 0xff];
    encode(&b"next".to_vec(), &mut bytes).unwrap();
    for cut in 0..=bytes.len() {
        let (mut decoder, mut malformed, mut out) = (Decoder::new(), 0, Vec::new());
        for mut piece in [&bytes[..cut], &bytes[cut..]] {
            loop {
                match decoder.next::<Vec<u8>>(&mut piece) {
                    Ok(Some(message)) => out.push(message),
                    Ok(None) => break,
                    Err(DecodeError::Malformed { len: 2, .. }) => malformed += 1,
                    Err(other) => panic!("cut at {cut}: {other}"),
                }
            }
        }
        assert_eq!((malformed, out), (1, vec![b"next".to_vec()]), "cut at {cut}");
    }
}

#[test]
fn a_stream_may_end_only_between_frames() {
    let bytes = stream(&[b"one".to_vec()]);
    for end in 1..bytes.len() {
        let (out, decoder) = decode([&bytes[..end]]);
        assert!(out.is_empty());
        assert_eq!(decoder.finish(), Err(DecodeError::Truncated { received: end }));
    }
}

/// A generator with a fixed seed: the same garbage on every run.
#[test]
fn garbage_never_panics_and_always_makes_progress() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..2000 {
        let mut decoder = Decoder::new();
        // Lengths small enough that many frames complete.
        let garbage: Vec<u8> =
            (0..64).map(|at| if at % 8 < 4 { u8::from(at % 8 == 0) * 4 } else { random().to_le_bytes()[0] }).collect();
        let cut = usize::try_from(random() % 64).unwrap();
        for mut piece in [&garbage[..cut], &garbage[cut..]] {
            for _ in 0..=piece.len() + 1 {
                match decoder.next::<Vec<u8>>(&mut piece) {
                    Ok(None) | Err(DecodeError::TooLong { .. }) => break,
                    Ok(Some(_)) | Err(_) => {}
                }
            }
            assert!(piece.is_empty());
        }
    }
}

#[test]
fn an_output_of_fixed_size_is_left_alone_when_too_small() {
    let mut room = [0u8; 8];
    let mut out = room.as_mut_slice();
    assert_eq!(encode(&b"four".to_vec(), &mut out), Err(EncodeError::NoRoom { needed: 10, room: 8 }));
    assert_eq!(out.remaining_mut(), 8);

    let mut growing = BytesMut::new();
    encode(&b"four".to_vec(), &mut growing).unwrap();
    assert_eq!(decode([&growing[..]]).0, [b"four".to_vec()]);
}
