//! Reading this process and a forked child, near unmapped pages most of all.

#![allow(unsafe_code, reason = "pages are mapped and unmapped by hand")]

use std::ptr;
use std::thread;

use lapwing_common::syscall::Arch;

use super::{Memory, MemoryError, Outcome, PAGE, Request};
use crate::os::Options;
use crate::os::signal::Signal;
use crate::os::tracee::Tracee;
use crate::os::wait::Stop;
use crate::seccomp::{Action, FOREIGN, Trap, compile, install};

const PAGE_SIZE: usize = 4096;
const _: () = assert!(PAGE_SIZE as u64 == PAGE);

/// Mapped pages that an unmapped one follows.
struct Pages {
    base: *mut u8,
    len: usize,
}

impl Pages {
    fn new(count: usize) -> Self {
        // A page of the system may be larger than ours.
        // SAFETY: takes no pointers.
        let unit = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap();
        let len = (count * PAGE_SIZE).next_multiple_of(unit);
        let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping, with one page more whose access is taken away.
        let base = unsafe { libc::mmap(ptr::null_mut(), len + unit, protection, flags, -1, 0) };
        assert_ne!(base, libc::MAP_FAILED);
        // SAFETY: the last page is ours and nothing points into it. It stays reserved, so that no other
        // test's mapping comes to lie there.
        assert_eq!(unsafe { libc::mprotect(base.byte_add(len), unit, libc::PROT_NONE) }, 0);
        Self { base: base.cast(), len }
    }

    /// Puts bytes so that they end `before` bytes before the end, and returns their address.
    fn put(&self, bytes: &[u8], before: usize) -> u64 {
        assert!(bytes.len() + before <= self.len);
        // SAFETY: within the mapping by the assertion.
        let place = unsafe { self.base.add(self.len - before - bytes.len()) };
        // SAFETY: as above; the source is elsewhere.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len()) };
        place.addr() as u64
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: nothing points into it any more. The guard page stays, which is of no account.
        unsafe { libc::munmap(self.base.cast(), self.len) };
    }
}

fn own() -> Memory {
    Memory::new(std::process::id().try_into().unwrap())
}

fn string(memory: &Memory, address: u64, max: usize) -> (Vec<u8>, Outcome) {
    let mut out = b"left over".to_vec();
    let mut request = [Request::c_string(address, max, &mut out)];
    memory.read_batch(&mut request).unwrap();
    let (outcome, filled) = (request[0].outcome(), request[0].filled());
    assert_eq!(filled, out.len());
    (out, outcome)
}

#[test]
fn strings_at_page_ends() {
    let pages = Pages::new(3);
    let memory = own();
    // Up to the last byte before an unmapped page.
    assert_eq!(string(&memory, pages.put(b"/etc/passwd\0", 0), 4096), (b"/etc/passwd".to_vec(), Outcome::Complete));
    assert_eq!(string(&memory, pages.put(b"\0", 0), 4096), (Vec::new(), Outcome::Complete));
    // Without a NUL before it.
    assert_eq!(string(&memory, pages.put(b"endless", 0), 4096), (b"endless".to_vec(), Outcome::Fault));
    // Over a page end, with the NUL just before, at and after it.
    for after in [0, 1, 2, 300] {
        let text = [b'x'; 310];
        let mut bytes = text.to_vec();
        bytes.push(0);
        let address = pages.put(&bytes, PAGE_SIZE - after);
        assert_eq!(string(&memory, address, 4096), (text.to_vec(), Outcome::Complete), "{after} after the page end");
    }
    // Longer than a page, longer than the guess, and exactly as long.
    for length in [255, 256, 257, 4095, 4096, 4097, 10_000] {
        let mut bytes = vec![b'y'; length];
        bytes.push(0);
        let address = pages.put(&bytes, 17);
        bytes.pop();
        assert_eq!(string(&memory, address, 20_000), (bytes, Outcome::Complete), "length {length}");
    }
}

#[test]
fn strings_longer_than_wanted() {
    let pages = Pages::new(2);
    let memory = own();
    for (length, max, outcome) in [
        (10, 10, Outcome::Complete),
        (11, 10, Outcome::Truncated),
        (256, 256, Outcome::Complete),
        (257, 256, Outcome::Truncated),
        (5000, 4000, Outcome::Truncated),
        (1, 0, Outcome::Truncated),
        (0, 0, Outcome::Complete),
    ] {
        let mut bytes = vec![b'z'; length];
        bytes.push(0);
        let (text, found) = string(&memory, pages.put(&bytes, 5), max);
        assert_eq!((text.len(), found), (length.min(max), outcome), "{length} of at most {max}");
    }
    // A string that is cut before the fault is no fault.
    assert_eq!(string(&memory, pages.put(b"endless", 0), 6), (b"endles".to_vec(), Outcome::Truncated));
}

#[test]
fn bytes_as_far_as_they_go() {
    let pages = Pages::new(3);
    let memory = own();
    let bytes: Vec<u8> = (0..=250).cycle().take(9000).collect();
    let address = pages.put(&bytes, 0);
    let mut buffer = vec![0; 9000];
    memory.read_exact(address, &mut buffer).unwrap();
    assert_eq!(buffer, bytes);
    assert_eq!(memory.read_some(address + 8000, &mut buffer).unwrap(), 1000);
    assert_eq!(buffer[..1000], bytes[8000..]);
    let error = memory.read_exact(address + 8000, &mut buffer).unwrap_err();
    assert!(matches!(error, MemoryError::Fault { address: at, .. } if at == address + 9000), "{error}");
    for bad in [0, 8, address + 9000, u64::MAX, u64::MAX - 5, 1 << 63] {
        assert_eq!(memory.read_some(bad, &mut buffer).unwrap(), 0, "{bad:#x}");
    }
    assert_eq!(memory.read_some(address, &mut []).unwrap(), 0);
    memory.read_exact(address, &mut []).unwrap();
    // More pages than one call has vectors for.
    let many = Pages::new(200);
    let address = many.put(&[1], 200 * PAGE_SIZE - 1);
    let mut buffer = vec![7; 200 * PAGE_SIZE];
    memory.read_exact(address, &mut buffer).unwrap();
    assert!(buffer[0] == 1 && buffer[1..].iter().all(|byte| *byte == 0));
}

#[test]
fn a_bad_pointer_costs_only_itself() {
    let pages = Pages::new(2);
    let memory = own();
    let texts: Vec<String> = (0..100).map(|number| format!("string number {number}")).collect();
    let mut before = 0;
    let addresses: Vec<u64> = texts
        .iter()
        .map(|text| {
            let bytes = [text.as_bytes(), b"\0"].concat();
            let address = pages.put(&bytes, before + 7);
            before += bytes.len();
            address
        })
        .collect();
    let bad = [0, pages.put(b"no end", 0), 16, u64::MAX];
    let mut outs = vec![Vec::new(); 104];
    let mut number = [0; 8];
    let good: Vec<u64> = addresses.clone();
    let mixed: Vec<u64> = good
        .iter()
        .copied()
        .enumerate()
        .flat_map(|(at, address)| {
            let extra = (at % 25 == 3).then(|| bad[at / 25]);
            extra.into_iter().chain([address])
        })
        .collect();
    assert_eq!(mixed.len(), 104);
    let mut requests: Vec<Request<'_>> =
        mixed.iter().zip(&mut outs).map(|(address, out)| Request::c_string(*address, 4096, out)).collect();
    requests.insert(50, Request::bytes(addresses[0], &mut number));
    memory.read_batch(&mut requests).unwrap();
    assert_eq!(requests.remove(50).outcome(), Outcome::Complete);
    let outcomes: Vec<Outcome> = requests.iter().map(Request::outcome).collect();
    drop(requests);
    assert_eq!(&number, b"string n");
    let mut expected = texts.iter();
    for ((address, out), outcome) in mixed.iter().zip(&outs).zip(outcomes) {
        if bad.contains(address) {
            assert_eq!(outcome, Outcome::Fault);
        } else {
            assert_eq!((out.as_slice(), outcome), (expected.next().unwrap().as_bytes(), Outcome::Complete));
        }
    }
}

#[test]
fn a_tracee_can_be_read_and_written() {
    let pages = Pages::new(1);
    let address = pages.put(b"before\0", 100);
    let mut tracee = Tracee::seized(Options::empty(), || {
        pages.put(b"inside\0", 100);
        // SAFETY: takes no pointers.
        unsafe { libc::raise(libc::SIGUSR1) };
        let mut seen = [0; 7];
        own().read_exact(address, &mut seen).map_or(2, |()| i32::from(&seen != b"after!\0"))
    });
    tracee.expect(Stop::Signal(Signal(libc::SIGUSR1)));
    let memory = Memory::new(tracee.pid);
    assert_eq!(memory.tid(), tracee.pid);
    assert_eq!(string(&memory, address, 100).0, b"inside");
    assert_eq!(string(&own(), address, 100).0, b"before");
    memory.write(address, b"after!").unwrap();
    // Beyond what is mapped. The page that is mapped but forbidden is written, for all that.
    assert!(matches!(memory.write(8, b"null"), Err(MemoryError::Fault { address: 8, .. })));
    assert!(matches!(memory.write(u64::MAX - 2, b"wrap"), Err(MemoryError::Fault { .. })));
    let end = pages.put(b"", 0);
    memory.write(end - 2, b"over").unwrap();
    assert_eq!(memory.read_some(end - 2, &mut [0; 4]).unwrap(), 2);
    crate::os::request::cont(tracee.pid, None).unwrap();
    assert_eq!(tracee.next(), crate::os::wait::Status::Exited(0));
    assert!(memory.read_some(address, &mut [0; 4]).unwrap_err().gone());
}

#[test]
fn the_memory_file_serves_where_the_call_is_forbidden() {
    let pages = Pages::new(2);
    let address = pages.put(b"through the file\0", 0);
    // Filters are per thread, so forbidding it here forbids it to no other test.
    let refuse = |number: libc::c_long| Trap {
        arch: Arch::NATIVE,
        number: number.try_into().unwrap(),
        tests: Vec::new(),
        action: Action::Errno(libc::EPERM.try_into().unwrap()),
    };
    let traps = [refuse(libc::SYS_process_vm_readv), refuse(libc::SYS_process_vm_writev)];
    thread::spawn(move || {
        // SAFETY: takes no pointers.
        assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
        install(&compile(&traps, Arch::NATIVE.reachable(), FOREIGN).unwrap()).unwrap();
        let memory = own();
        assert_eq!(string(&memory, address, 100), (b"through the file".to_vec(), Outcome::Complete));
        assert_eq!(string(&memory, 16, 100), (Vec::new(), Outcome::Fault));
        memory.write(address, b"THROUGH").unwrap();
        assert_eq!(string(&memory, address, 100).0, b"THROUGH the file");
        assert_eq!(memory.read_some(address, &mut [0; 17]).unwrap(), 17);
        let gone = Memory::new(i32::MAX - 1);
        assert!(gone.read_some(address, &mut [0; 4]).unwrap_err().gone());
    })
    .join()
    .unwrap();
    drop(pages);
}
