//! What is kept of arguments, and what of each.

use alloc::vec;
use alloc::vec::Vec;

use crate::process::{ArgumentLimits, Arguments};

fn capture(values: &[&[u8]], limits: ArgumentLimits) -> Arguments {
    Arguments::capture(values.iter().copied(), false, &limits)
}

fn all(arguments: &Arguments) -> Vec<&[u8]> {
    arguments.all().iter().map(|value| &**value).collect()
}

#[test]
fn first_and_tail() {
    let arguments = capture(&[b"ls", b"-l", b""], ArgumentLimits::default());
    assert_eq!(arguments.first(), b"ls");
    assert_eq!(arguments.tail(), [Vec::from(*b"-l").into(), Vec::new().into_boxed_slice()]);
    assert_eq!((arguments.len(), arguments.truncated), (3, false));
    let none = capture(&[], ArgumentLimits::default());
    assert_eq!((none.first(), none.tail().len(), none.is_empty()), (&b""[..], 0, true));
}

#[test]
fn a_source_that_was_cut_is_said_to_be() {
    assert!(Arguments::capture([&b"ls"[..]], true, &ArgumentLimits::default()).truncated);
}

#[test]
fn too_many() {
    let limits = ArgumentLimits { count: 2, ..ArgumentLimits::default() };
    assert!(!capture(&[b"a", b"b"], limits).truncated);
    let cut = capture(&[b"a", b"b", b"c"], limits);
    assert_eq!((all(&cut), cut.truncated), (vec![&b"a"[..], b"b"], true));
}

#[test]
fn too_long() {
    let limits = ArgumentLimits { each: 8, ..ArgumentLimits::default() };
    let cut = capture(&[b"12345678", b"123456789", b"ok"], limits);
    assert_eq!((all(&cut), cut.truncated), (vec![&b"12345678"[..], b"12345...", b"ok"], true));
    let limits = ArgumentLimits { each: 2, ..limits };
    assert_eq!(all(&capture(&[b"abc"], limits)), [b".."]);
}

#[test]
fn too_much() {
    let limits = ArgumentLimits { total: 10, ..ArgumentLimits::default() };
    let cut = capture(&[b"1234", b"1234567", b"x", b"y"], limits);
    assert_eq!((all(&cut), cut.truncated), (vec![&b"1234"[..], b"123..."], true));
    assert!(!capture(&[b"1234", b"123456", b""], limits).truncated);
    assert!(capture(&[b"1234", b"123456", b"", b"x"], limits).truncated);
}

#[test]
fn default_limits() {
    let long = [b'x'; 5000];
    let arguments = capture(&[&long[..]; 300], ArgumentLimits::default());
    assert_eq!(arguments.first().len(), 1024);
    assert_eq!(arguments.len(), 32);
    let short = capture(&[&b"x"[..]; 300], ArgumentLimits::default());
    assert_eq!((short.len(), short.truncated), (256, true));
}

#[test]
fn secrets_are_masked_before_values_are_cut() {
    let limits = ArgumentLimits { each: 24, ..ArgumentLimits::default() };
    let long = b"https://user:aVeryLongPasswordIndeed@host/";
    assert_eq!(all(&capture(&[b"curl", long], limits))[1], b"https://user:********...");
    assert_eq!(
        all(&capture(&[b"--password=a", b"--password=b"], limits)),
        [&b"--password=a"[..], b"--password=********"]
    );
    // The name that a program is called by announces nothing.
    assert_eq!(all(&capture(&[b"--password", b"x"], limits))[1], b"x");
}
