//! A connection to a peer that the test plays.

use std::os::unix::net::UnixStream as Far;

use lapwing_proto::control::v1::Cancel;

use super::*;

const LIMIT: usize = 64;

fn connection() -> (Connection, Far) {
    let (near, far) = Far::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    (Connection::new(UnixStream::from_std(near), LIMIT), far)
}

/// The numbers of the messages that came.
fn received(connection: &mut Connection) -> Result<Vec<u64>, Cut> {
    let mut ids = Vec::new();
    connection.on_readable();
    connection.receive(Instant::now(), &mut |cancel: Cancel| {
        ids.push(cancel.id);
        Ok(())
    })?;
    Ok(ids)
}

fn framed(id: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(&Cancel { id }, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_message_that_comes_in_pieces_has_a_deadline_until_it_is_whole() {
    let (mut connection, mut far) = connection();
    let bytes = [framed(7), framed(8)].concat();
    let (first, second) = bytes.split_at(framed(7).len() + 1);
    assert_eq!((received(&mut connection), connection.deadline()), (Ok(vec![]), None));
    far.write_all(first).unwrap();
    assert_eq!(received(&mut connection), Ok(vec![7]));
    let deadline = connection.deadline().unwrap();
    far.write_all(&second[..1]).unwrap();
    assert_eq!(received(&mut connection), Ok(vec![]));
    assert_eq!(connection.deadline(), Some(deadline), "one more byte buys no time");
    far.write_all(&second[1..]).unwrap();
    assert_eq!((received(&mut connection), connection.deadline()), (Ok(vec![8]), None));
}

#[test]
fn what_is_no_message_is_refused() {
    let (mut connection, mut far) = connection();
    far.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let cut = received(&mut connection).unwrap_err();
    assert_eq!(cut.reason, Reason::Malformed);
    assert!(cut.message.contains("announces 542393671 bytes, over the limit of 64"), "{}", cut.message);
}

#[test]
fn the_end_of_the_peer_is_noticed_after_its_last_message() {
    let (mut connection, mut far) = connection();
    far.write_all(&framed(7)).unwrap();
    drop(far);
    assert_eq!(received(&mut connection), Ok(vec![7]));
    assert!(connection.is_closed() && !connection.is_behind());
}

#[test]
fn a_peer_that_does_not_listen_is_not_listened_to() {
    let (mut connection, mut far) = connection();
    far.write_all(&framed(7)).unwrap();
    while connection.backlog() <= BACKLOG {
        connection.send(&Cancel { id: u64::MAX });
    }
    assert!(connection.stuck().is_some());
    assert_eq!(received(&mut connection), Ok(vec![]), "it waits");
    let mut chunk = vec![0; 1 << 20];
    while connection.backlog() > 0 {
        let count = far.read(&mut chunk).unwrap();
        assert!(count > 0);
        connection.flush();
    }
    assert_eq!(connection.stuck(), None);
    assert_eq!(received(&mut connection), Ok(vec![7]));
}

#[test]
fn one_peer_with_much_to_say_leaves_a_turn_to_the_others() {
    let (mut connection, mut far) = connection();
    far.set_nonblocking(true).unwrap();
    let bytes = framed(7).repeat(TURN);
    // As much as the socket holds.
    let sent = far.write(&bytes).unwrap();
    assert!(sent > 2 * TURN, "{sent}");
    let first = received(&mut connection).unwrap().len();
    assert!(first * framed(7).len() < sent && connection.is_behind());
    while connection.is_behind() {
        received(&mut connection).unwrap();
    }
}
