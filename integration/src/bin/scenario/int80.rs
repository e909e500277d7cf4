//! System calls of 32-bit programs, made by a 64-bit one: `int 0x80` with pointers of 32 bits.

#![allow(unsafe_code, reason = "this program exists to make raw system calls")]

use std::arch::asm;

use crate::raw::{NULL, ok, sys};

/// Memory below 4 GiB that is filled piece by piece.
#[derive(Debug)]
pub(crate) struct Low {
    start: i64,
    used: i64,
}

impl Low {
    pub(crate) fn new() -> Self {
        const MAP_32BIT: i32 = 0x40;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | MAP_32BIT;
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        Self { start: ok(sys!(libc::SYS_mmap, NULL, 65536, protection, flags, -1, 0)), used: 0 }
    }

    /// Puts bytes there and returns their address.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> u32 {
        let address = self.start + self.used;
        self.used = (self.used + i64::try_from(bytes.len()).unwrap_or(0) + 15) & !15;
        assert!(self.used < 65536, "full");
        let to = std::ptr::with_exposed_provenance_mut::<u8>(usize::try_from(address).unwrap_or(0));
        // SAFETY: the bytes lie within the mapping, which is writable and ours alone.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        u32::try_from(address).unwrap_or(0)
    }

    /// Puts a text with its NUL there.
    pub(crate) fn text(&mut self, text: &str) -> u32 {
        self.put(&[text.as_bytes(), &[0]].concat())
    }

    /// Puts words there.
    pub(crate) fn words(&mut self, words: &[u32]) -> u32 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.put(&bytes)
    }
}

/// Makes a call by the 32-bit interface.
pub(crate) fn int80(number: u32, args: &[u32]) -> i64 {
    let mut six = [0_u64; 6];
    six.iter_mut().zip(args).for_each(|(wide, arg)| *wide = u64::from(*arg));
    let mut result = u64::from(number);
    // SAFETY: by the calling convention of arch/x86/entry/entry_64_compat.S; rbx and rbp may not be
    // named as operands, so they are exchanged around the call. Memory that the call writes to is `Low`.
    unsafe {
        asm!(
            "push rbp", "push rbx",
            "mov rbx, r12", "mov rbp, r13",
            "int 0x80",
            "pop rbx", "pop rbp",
            inlateout("rax") result,
            in("r12") six[0], in("rcx") six[1], in("rdx") six[2], in("rsi") six[3], in("rdi") six[4], in("r13") six[5],
            lateout("r8") _, lateout("r9") _, lateout("r10") _, lateout("r11") _
        );
    }
    let low = u32::try_from(result & 0xffff_ffff).unwrap_or(0);
    i64::from(low.cast_signed())
}
