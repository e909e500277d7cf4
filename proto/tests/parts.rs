//! Messages read in parts are those that the schema describes, and what is none is told.

use lapwing_proto::parts::{Envelope, Field, Fields, Kind, NoFields, Parts};
use lapwing_proto::tracer::v1::{self as proto, to_agent::Message};
use prost::Message as _;

fn batch() -> proto::Batch {
    let exit = proto::observation::What::Exit(proto::Exit { cause: 1, code: 300 });
    let observation = proto::Observation { timestamp: 5, pid: 7, tid: -7, what: Some(exit) };
    proto::Batch { first: 300, observations: vec![observation, proto::Observation::default()] }
}

#[test]
fn parts_and_messages_are_the_same_bytes() {
    let encoded: Vec<_> = batch().observations.iter().map(|one| one.encode_to_vec().into()).collect();
    let parts = Parts { first: 300, observations: encoded.clone(), end: false };
    assert_eq!(parts.encode_to_vec(), batch().encode_to_vec());
    let snapshot = proto::Snapshot { begin: true, processes: batch().observations, end: true };
    assert_eq!(Parts { first: 1, observations: encoded, end: true }.encode_to_vec(), snapshot.encode_to_vec());
    let envelope = Envelope { message: Some(Kind::Third(parts.encode_to_vec())) };
    assert_eq!(envelope.encode_to_vec(), proto::ToAgent { message: Some(Message::Batch(batch())) }.encode_to_vec());
}

#[test]
fn fields_are_walked_from_any_of_them() {
    let message = batch().encode_to_vec();
    let mut fields = Fields::new(&message, 0);
    assert_eq!(fields.next_field(), Ok(Some(Field::Number { tag: 1, value: 300 })));
    let second = fields.offset();
    let first = batch().observations[0].encode_to_vec();
    for mut fields in [fields, Fields::new(&message, second)] {
        assert_eq!(fields.next_field(), Ok(Some(Field::Bytes { tag: 2, bytes: &first })));
        assert_eq!(fields.next_field(), Ok(Some(Field::Bytes { tag: 2, bytes: &[] })));
        assert_eq!(fields.next_field(), Ok(None));
    }
    // A timestamp is of fixed width, and passed over.
    let mut fields = Fields::new(&first, 0);
    assert_eq!(fields.next_field(), Ok(Some(Field::Number { tag: 2, value: 7 })));
}

#[test]
fn what_is_cut_or_no_field_is_told() {
    let message = batch().encode_to_vec();
    let ends: Vec<_> = {
        let mut fields = Fields::new(&message, 0);
        std::iter::once(0).chain(std::iter::from_fn(|| fields.next_field().unwrap().map(|_| fields.offset()))).collect()
    };
    for end in 0..message.len() {
        let mut fields = Fields::new(&message[..end], 0);
        let last = std::iter::from_fn(|| fields.next_field().transpose()).last();
        assert_eq!(last == Some(Err(NoFields)), !ends.contains(&end), "cut at {end}");
    }
    assert_eq!(Fields::new(&[0xff; 20], 0).next_field(), Err(NoFields));
    assert_eq!(
        Fields::new(&[2 << 3 | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], 0).next_field(),
        Err(NoFields)
    );
    assert_eq!(Fields::new(&[1], 9).next_field(), Ok(None));
}
