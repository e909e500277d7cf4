//! Outputs that fail, block and recover.

use std::io::{Read as _, Seek as _};
use std::os::fd::OwnedFd;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe;

use super::*;

fn line(writer: &mut Writer, text: &str) {
    writer.line(|buffer| {
        buffer.extend_from_slice(text.as_bytes());
        buffer.push(b'\n');
    });
}

fn piped() -> (Writer, File) {
    let (reader, writer): (OwnedFd, OwnedFd) = pipe().unwrap();
    (Writer::new(File::from(writer)), File::from(reader))
}

#[test]
fn lines_wait_for_a_lull_or_a_full_buffer() {
    let mut file = tempfile::tempfile().unwrap();
    let mut writer = Writer::new(file.try_clone().unwrap());
    let now = Instant::now();
    assert_eq!(writer.due(now), None);
    line(&mut writer, "one");
    assert!(writer.due(now).unwrap() <= now + LULL);
    assert_eq!(file.metadata().unwrap().len(), 0);
    line(&mut writer, &"x".repeat(FULL));
    assert!(file.metadata().unwrap().len() > FULL as u64, "a full buffer is written at once");
    assert_eq!(writer.due(now), None);
    line(&mut writer, "two");
    assert!(!writer.is_overdue(now));
    assert!(writer.is_overdue(Instant::now() + PATIENCE));
    writer.finish();
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("one\nx") && text.ends_with("x\ntwo\n"));
}

#[test]
fn a_full_disk_is_reported_once_and_lines_are_counted() {
    let mut writer = Writer::new(File::options().write(true).open("/dev/full").unwrap());
    line(&mut writer, "one");
    line(&mut writer, "two");
    assert_eq!(writer.flush(), Flushed::All);
    assert_eq!(writer.take_error().unwrap().raw_os_error(), Some(libc::ENOSPC));
    line(&mut writer, "three");
    writer.finish();
    assert_eq!(writer.lost(), 3);
    assert!(!writer.is_closed(), "space may be freed");
}

#[test]
fn a_closed_pipe_ends_the_writing_but_not_the_counting() {
    let (mut writer, reader) = piped();
    drop(reader);
    line(&mut writer, "one");
    writer.finish();
    assert_eq!(writer.take_error().unwrap().kind(), io::ErrorKind::BrokenPipe);
    assert!(writer.is_closed());
    line(&mut writer, "two");
    assert_eq!(writer.lost(), 2);
    assert_eq!(writer.due(Instant::now()), None);
    assert!(writer.take_error().is_none());
}

#[test]
fn a_reader_that_does_not_read_blocks_nothing() {
    let (mut writer, mut reader) = piped();
    let mut expected = String::new();
    for number in 0..30_000 {
        let text = format!("line {number}");
        line(&mut writer, &text);
        expected.push_str(&text);
        expected.push('\n');
    }
    assert_eq!(writer.flush(), Flushed::Blocked);
    assert!(writer.stream_fd().is_some());
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    writer.finish();
    assert_eq!(writer.lost(), 0);
    drop(writer);
    assert_eq!(reading.join().unwrap(), expected);
}

#[test]
fn a_stream_that_somebody_made_non_blocking_is_waited_for() {
    let (mut writer, mut reader) = piped();
    let Target::Stream(file) = &writer.target else { panic!("a pipe is a stream") };
    fcntl(file, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let reading = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes.len()
    });
    for _ in 0..100 {
        line(&mut writer, &"y".repeat(4095));
    }
    writer.finish();
    drop(writer);
    assert_eq!(reading.join().unwrap(), 409_600);
}

#[test]
fn a_line_that_was_broken_off_is_ended_before_the_next() {
    let mut writer = Writer::new(tempfile::tempfile().unwrap());
    line(&mut writer, "one");
    line(&mut writer, "two");
    writer.done = 2;
    writer.failed(io::ErrorKind::StorageFull.into());
    assert_eq!(writer.lost(), 2);
    line(&mut writer, "three");
    assert_eq!(writer.buffer, b"\nthree\n");
    writer.failed(io::ErrorKind::StorageFull.into());
    assert_eq!(writer.lost(), 3, "the line feed that ends the torn line is no line");
    line(&mut writer, "four");
    assert_eq!(writer.buffer, b"\nfour\n");
    writer.finish();
    line(&mut writer, "five");
    assert_eq!(writer.buffer, b"five\n");
}

#[test]
fn lines_that_nobody_reads_can_be_skipped() {
    let (mut writer, mut reader) = piped();
    let text = "z".repeat(99);
    for _ in 0..1000 {
        line(&mut writer, &text);
    }
    assert_eq!(writer.flush(), Flushed::Blocked);
    writer.skip();
    line(&mut writer, "skipped");
    assert_eq!(writer.flush(), Flushed::All);
    let lost = writer.lost();
    writer.resume();
    let reading = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    });
    line(&mut writer, "last");
    writer.finish();
    drop(writer);
    let read = reading.join().unwrap();
    assert!(read.ends_with("\nlast\n"), "a line that was begun is ended");
    let whole = read.lines().filter(|line| *line == text).count();
    assert_eq!(u64::try_from(whole).unwrap() + lost, 1001);
}
