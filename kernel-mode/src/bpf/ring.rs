//! Reading a BPF ring buffer.
//!
//! aya's reader would do, but maps the data twice in a row, so that records that go over the end are in one piece: then
//! every byte of a ring counts as two bytes of resident memory. Here it is mapped once, and such a record is copied.
//!
//! The layout is that of kernel/bpf/ringbuf.c (Linux 5.8): a page with the consumer's position, one with the
//! producer's, and the data. Positions only grow. A record is a header of eight bytes, whose first four are its length
//! and two flags, and its bytes, with the next one at a multiple of eight.

#![expect(unsafe_code, reason = "memory that is shared with the kernel")]

use std::ffi::c_void;
use std::fmt;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, RawFd};
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Acquire, Ordering::Release};

use aya::maps::{Map, MapData};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::param::page_size;

/// `BPF_RINGBUF_BUSY_BIT` of linux/bpf.h: still being written.
const BUSY: u32 = 1 << 31;
/// `BPF_RINGBUF_DISCARD_BIT`: given up by who began it.
const DISCARDED: u32 = 1 << 30;
/// `BPF_RINGBUF_HDR_SZ`.
const HEADER: usize = 8;
/// Room is given back in such parts of a ring, or when there is nothing more to read: whoever writes a record looks at
/// the position, and each change of it takes that from the cache of the writer's processor.
const PIECES: usize = 16;

/// A ring of records.
pub(crate) struct Ring {
    reader: Reader,
    map: MapData,
}

impl fmt::Debug for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ring").field(&self.descriptor()).finish()
    }
}

impl Ring {
    /// # Errors
    ///
    /// When the map is no ring, or cannot be mapped.
    pub(super) fn new(map: Map) -> io::Result<Self> {
        let Map::RingBuf(map) = map else { return Err(io::Error::other("it is no ring buffer")) };
        let size = map.info().map_err(io::Error::other)?.max_entries();
        let size = usize::try_from(size).map_err(io::Error::other)?;
        Ok(Self { reader: Reader::new(map.fd().as_fd(), size)?, map })
    }

    /// Hands over the records that are there, until `each` says that it is enough. Whether it never did.
    pub(crate) fn drain(&mut self, each: impl FnMut(&[u8]) -> bool) -> bool {
        self.reader.drain(each)
    }

    /// Readable when the kernel woke the reader.
    pub(crate) fn descriptor(&self) -> RawFd {
        self.map.fd().as_fd().as_raw_fd()
    }
}

/// The only reader of a ring.
#[derive(Debug)]
struct Reader {
    /// The page with the consumer's position.
    consumed: Pages,
    /// The page with the producer's position, and the data.
    produced: Pages,
    /// Bytes of a page.
    page: usize,
    /// Bytes of data: a power of two, and a multiple of a page.
    size: usize,
    /// How far the records have been read.
    at: usize,
    /// What the consumer's position is: nobody else moves it.
    told: usize,
    /// A record in one piece that is not.
    copy: Vec<u8>,
}

impl Reader {
    fn new(ring: BorrowedFd<'_>, size: usize) -> io::Result<Self> {
        let page = page_size();
        if !size.is_power_of_two() || !size.is_multiple_of(page) {
            return Err(io::Error::other("a ring buffer of an odd size"));
        }
        let consumed = Pages::map(ring, 0, page, ProtFlags::READ | ProtFlags::WRITE)?;
        let produced = Pages::map(ring, page, page + size, ProtFlags::READ)?;
        let mut reader = Self { consumed, produced, page, size, at: 0, told: 0, copy: Vec::new() };
        reader.at = reader.consumer().load(Acquire);
        reader.told = reader.at;
        Ok(reader)
    }

    fn consumer(&self) -> &AtomicUsize {
        // SAFETY: the mapping is at least a page, aligned as one, and lives as long as `self`; the kernel reads and
        // writes this word as one, too.
        unsafe { self.consumed.start.cast().as_ref() }
    }

    fn producer(&self) -> &AtomicUsize {
        // SAFETY: as above. It is only loaded from.
        unsafe { self.produced.start.cast().as_ref() }
    }

    /// Where the data has a position.
    fn data(&self, position: usize) -> NonNull<u8> {
        // SAFETY: the data begins one page into a mapping that is so much longer.
        unsafe { self.produced.start.cast().add(self.page + (position & (self.size - 1))) }
    }

    fn drain(&mut self, each: impl FnMut(&[u8]) -> bool) -> bool {
        let is_empty = self.go_through(each);
        self.give_back();
        is_empty
    }

    fn go_through(&mut self, mut each: impl FnMut(&[u8]) -> bool) -> bool {
        loop {
            let end = self.producer().load(Acquire);
            if self.at == end {
                return true;
            }
            while self.at != end {
                // SAFETY: records begin at multiples of eight, so that a header never goes over the end. The kernel writes
                // the word as one, and last.
                let header = unsafe { self.data(self.at).cast::<AtomicU32>().as_ref() }.load(Acquire);
                let length = (header & !(BUSY | DISCARDED)) as usize;
                // A length that cannot be would lead out of the mapping. It is as good as one that never comes.
                if header & BUSY != 0 || length > self.size - HEADER {
                    return true;
                }
                let go_on = header & DISCARDED != 0 || each(self.record(length));
                self.at = self.at.wrapping_add((HEADER + length).next_multiple_of(8));
                if self.at.wrapping_sub(self.told) >= self.size / PIECES {
                    self.give_back();
                }
                if !go_on {
                    return false;
                }
            }
        }
    }

    /// Tells the kernel how far the records have been read.
    fn give_back(&mut self) {
        self.consumer().store(self.at, Release);
        self.told = self.at;
    }

    /// The bytes of the record at hand. The kernel leaves them alone until the consumer's position is past them.
    fn record(&mut self, length: usize) -> &[u8] {
        let (start, beginning) = (self.at.wrapping_add(HEADER), self.data(0));
        let before_end = self.size - (start & (self.size - 1));
        let here = self.data(start);
        if length <= before_end {
            // SAFETY: within the mapping, and not written to as long as `self` is borrowed, which moves the position.
            return unsafe { std::slice::from_raw_parts(here.as_ptr(), length) };
        }
        // SAFETY: as above: what is left before the end, and the rest from the beginning on.
        let (one, other) = unsafe {
            let rest = length - before_end;
            let beginning = std::slice::from_raw_parts(beginning.as_ptr(), rest);
            (std::slice::from_raw_parts(here.as_ptr(), before_end), beginning)
        };
        self.copy.clear();
        self.copy.extend_from_slice(one);
        self.copy.extend_from_slice(other);
        &self.copy
    }
}

/// A mapping of one's own.
#[derive(Debug)]
struct Pages {
    start: NonNull<c_void>,
    length: usize,
}

// SAFETY: memory may be used from any thread; who may use it when is for `Reader`, which has it to itself.
unsafe impl Send for Pages {}

impl Pages {
    fn map(file: BorrowedFd<'_>, from: usize, length: usize, access: ProtFlags) -> io::Result<Self> {
        let offset = u64::try_from(from).map_err(io::Error::other)?;
        // SAFETY: a new mapping, where the kernel likes.
        let start = unsafe { mmap(null_mut(), length, access, MapFlags::SHARED, file, offset) }?;
        NonNull::new(start).map(|start| Self { start, length }).ok_or_else(|| io::Error::other("mapped at zero"))
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: it is ours, and nothing that borrows from it outlives it. There is nothing to do about an error.
        let _ = unsafe { munmap(self.start.as_ptr(), self.length) };
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt as _;

    use super::*;

    /// A file that is written to as the kernel writes to a ring of one page.
    struct Played {
        file: File,
        at: u64,
    }

    impl Played {
        fn new() -> Self {
            let file = tempfile::tempfile().unwrap();
            file.set_len(3 * page_size() as u64).unwrap();
            Self { file, at: 0 }
        }

        fn put(&mut self, position: u64, bytes: &[u8]) {
            let page = page_size() as u64;
            for (index, byte) in (position..).zip(bytes) {
                self.file.write_at(&[*byte], 2 * page + index % page).unwrap();
            }
        }

        /// Begins a record, and tells that it has.
        fn reserve(&mut self, bytes: &[u8], flags: u32) -> u64 {
            let (at, length) = (self.at, u32::try_from(bytes.len()).unwrap());
            self.put(at, &(length | flags).to_ne_bytes());
            self.put(at + 8, bytes);
            self.at += (8 + bytes.len() as u64).next_multiple_of(8);
            self.file.write_at(&self.at.to_ne_bytes(), page_size() as u64).unwrap();
            at
        }

        fn consumed(&self) -> u64 {
            let mut bytes = [0; 8];
            self.file.read_at(&mut bytes, 0).unwrap();
            u64::from_ne_bytes(bytes)
        }
    }

    fn drained(reader: &mut Reader) -> Vec<String> {
        let mut records = Vec::new();
        assert!(reader.drain(|record| {
            records.push(String::from_utf8(record.to_vec()).unwrap());
            true
        }));
        records
    }

    #[test]
    fn records_come_in_order_and_room_is_given_back() {
        let mut played = Played::new();
        let mut reader = Reader::new(played.file.as_fd(), page_size()).unwrap();
        assert!(drained(&mut reader).is_empty());
        played.reserve(b"one", 0);
        played.reserve(b"given up", DISCARDED);
        played.reserve(b"", 0);
        played.reserve(b"three", 0);
        assert_eq!(drained(&mut reader), ["one", "", "three"]);
        assert_eq!(played.consumed(), played.at);
    }

    #[test]
    fn what_is_being_written_holds_back_what_follows() {
        let mut played = Played::new();
        let mut reader = Reader::new(played.file.as_fd(), page_size()).unwrap();
        let begun = played.reserve(b"slow", BUSY);
        played.reserve(b"quick", 0);
        assert!(drained(&mut reader).is_empty());
        assert_eq!(played.consumed(), begun);
        played.put(begun, &4_u32.to_ne_bytes());
        assert_eq!(drained(&mut reader), ["slow", "quick"]);
    }

    #[test]
    fn records_that_go_over_the_end_are_whole() {
        let mut played = Played::new();
        let mut reader = Reader::new(played.file.as_fd(), page_size()).unwrap();
        // Of every length, so that the end comes everywhere.
        for length in 0..600 {
            let text: String = ('a'..='z').cycle().take(length).collect();
            played.reserve(text.as_bytes(), 0);
            assert_eq!(drained(&mut reader), [text]);
        }
        assert!(played.at > 40 * page_size() as u64);
    }

    #[test]
    fn a_reader_that_has_enough_goes_on_with_the_next() {
        let mut played = Played::new();
        let mut reader = Reader::new(played.file.as_fd(), page_size()).unwrap();
        played.reserve(b"one", 0);
        played.reserve(b"two", 0);
        assert!(!reader.drain(|record| record != b"one"));
        assert_eq!(drained(&mut reader), ["two"]);
        // Whoever reads after another goes on where that was.
        played.reserve(b"three", 0);
        drop(reader);
        assert_eq!(drained(&mut Reader::new(played.file.as_fd(), page_size()).unwrap()), ["three"]);
    }
}
