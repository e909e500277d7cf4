//! Streams whose client is played by the absence of one.

use lapwing_common::event::Unlink;

use super::*;
use crate::output::sample::{START, event, file};

const ASKED: Asked = Asked { client: Token(20), id: 1 };

fn unlink(path: &str) -> Event {
    event(Unlink { file: file(path), flags: 0, path: None, retval: 0 })
}

fn streams(queue: usize, request: EventsRequest) -> Streams {
    let mut streams = Streams::new(queue);
    streams.open(ASKED, request, START).unwrap();
    streams
}

fn queued(streams: &Streams) -> String {
    String::from_utf8(streams.streams[0].queue.clone()).unwrap()
}

#[test]
fn a_filter_is_by_type_process_and_container() {
    let lines = |request: EventsRequest| {
        let mut streams = streams(1 << 20, request);
        streams.tell(&unlink("/a"), None);
        streams.counts().queued
    };
    assert_eq!(lines(EventsRequest::default()), 1);
    assert_eq!(lines(EventsRequest { types: vec!["file".into()], ..EventsRequest::default() }), 1);
    assert_eq!(lines(EventsRequest { types: vec!["exec".into()], ..EventsRequest::default() }), 0);
    assert_eq!(lines(EventsRequest { pids: vec![1, 4711], ..EventsRequest::default() }), 1);
    assert_eq!(lines(EventsRequest { pids: vec![1], ..EventsRequest::default() }), 0);
    // The sample is in none.
    assert_eq!(lines(EventsRequest { containers: vec!["3f".into()], ..EventsRequest::default() }), 0);
}

#[test]
fn a_type_that_there_is_not_is_refused() {
    let mut streams = Streams::new(1 << 20);
    let request = EventsRequest { types: vec!["opem".into()], ..EventsRequest::default() };
    assert!(streams.open(ASKED, request, START).unwrap_err().to_string().contains("did you mean `open`?"));
    assert_eq!(streams.len(), 0);
}

#[test]
fn lines_are_json_or_for_reading() {
    let mut json = streams(1 << 20, EventsRequest::default());
    json.tell(&unlink("/a"), None);
    assert!(queued(&json).starts_with("{\"type\":\"unlink\""), "{}", queued(&json));
    let format = EventFormat::Pretty.into();
    let mut pretty = streams(1 << 20, EventsRequest { format, ..EventsRequest::default() });
    pretty.tell(&unlink("/a"), None);
    assert_eq!(queued(&pretty), "    0.003     4711  bash             unlink         /a\n");
}

#[test]
fn what_comes_while_the_queue_is_full_is_counted() {
    let mut streams = streams(1000, EventsRequest::default());
    for _ in 0..100 {
        streams.tell(&unlink("/a"), None);
    }
    let kept = u64::try_from(queued(&streams).lines().count()).unwrap();
    let (stream, counts) = (&streams.streams[0], streams.counts());
    assert!(kept > 0 && stream.queue.len() >= 1000 && stream.queue.len() < 2000, "{}", stream.queue.len());
    assert_eq!((counts.queued, counts.dropped, stream.dropped), (kept, 100 - kept, 100 - kept));
}

#[test]
fn a_rate_holds() {
    let mut streams = streams(1 << 20, EventsRequest { rate: 7, ..EventsRequest::default() });
    for _ in 0..100 {
        streams.tell(&unlink("/a"), None);
    }
    assert_eq!((streams.counts().queued, streams.counts().limited, streams.counts().dropped), (7, 93, 0));
}

#[test]
fn chunks_are_whole_lines() {
    let mut streams = streams(10 << 20, EventsRequest::default());
    for number in 0..1500 {
        streams.tell(&unlink(&format!("/{number}")), None);
    }
    let whole = queued(&streams);
    let stream = &mut streams.streams[0];
    let mut chunks = Vec::new();
    while !stream.queue.is_empty() {
        chunks.push(stream.next_chunk());
    }
    assert!(chunks.len() > 2);
    assert!(chunks.iter().all(|chunk| chunk.len() <= CHUNK && chunk.ends_with(b"\n")));
    assert_eq!(chunks.concat(), whole.as_bytes());
    stream.queue = [vec![b'x'; 2 * CHUNK], b"\nshort\n".to_vec()].concat();
    assert_eq!(stream.next_chunk().len(), 2 * CHUNK + 1, "a line that is longer is not cut");
}

#[test]
fn a_stream_has_news_once_and_then_when_something_happens() {
    let mut streams = streams(1 << 20, EventsRequest::default());
    let stream = &mut streams.streams[0];
    assert!(stream.has_news(), "that it has begun");
    stream.told = Some((0, 0));
    assert!(!stream.has_news());
    stream.dropped += 1;
    assert!(stream.has_news());
}

#[test]
fn streams_end_one_by_one_or_with_their_client() {
    let mut streams = streams(1 << 20, EventsRequest::default());
    let second = Asked { id: 2, ..ASKED };
    streams.open(second, EventsRequest::default(), START).unwrap();
    assert!(streams.has(second) && streams.close(second) && !streams.close(second));
    streams.forget(Token(21));
    assert_eq!(streams.len(), 1);
    streams.forget(ASKED.client);
    assert_eq!(streams.len(), 0);
}
