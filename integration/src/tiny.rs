//! Static programs of a few instructions: they make the calls that a test wants and no other.
//!
//! Built as bytes rather than by a linker, so that no tool chain is needed and a test can have as many
//! as it likes, each printing what it was told to.

/// Where the one segment is loaded.
const BASE: u32 = 0x40_0000;
const HEADER_64: u32 = 64 + 56;
const HEADER_32: u32 = 52 + 32;

/// A 64-bit program that writes a text to its standard output and exits with a status.
#[must_use]
pub fn prints(text: &str, status: u8) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(0).to_le_bytes();
    let mut code = vec![0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0, 0x48, 0x8d, 0x35]; // mov eax, 1; mov edi, 1; lea rsi, [rip + …]
    code.extend(19_u32.to_le_bytes()); // … the text, behind what follows
    code.push(0xba); // mov edx, length
    code.extend(length);
    code.extend([0x0f, 0x05]); // syscall
    code.extend([0xb8, 60, 0, 0, 0, 0xbf, status, 0, 0, 0]); // mov eax, 60; mov edi, status
    code.extend([0x0f, 0x05]); // syscall
    code.extend(text.as_bytes());
    elf64(&code)
}

/// A 64-bit program that exits with a status.
#[must_use]
pub fn exits(status: u8) -> Vec<u8> {
    elf64(&[0xb8, 60, 0, 0, 0, 0xbf, status, 0, 0, 0, 0x0f, 0x05])
}

/// A 32-bit program that exits with a status.
#[must_use]
pub fn exits_32(status: u8) -> Vec<u8> {
    elf32(&[0xb8, 1, 0, 0, 0, 0xbb, status, 0, 0, 0, 0xcd, 0x80]) // mov eax, 1; mov ebx, status; int 0x80
}

/// `Elf64_Ehdr` and one `Elf64_Phdr` (elf.h) before the code.
fn elf64(code: &[u8]) -> Vec<u8> {
    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    halves(&mut file, &[2, 62]); // ET_EXEC, EM_X86_64
    words(&mut file, &[1]);
    longs(&mut file, &[BASE + HEADER_64, 64, 0]); // entry, program headers, no sections
    words(&mut file, &[0]);
    halves(&mut file, &[64, 56, 1, 64, 0, 0]);
    words(&mut file, &[1, 5]); // PT_LOAD, R+X
    let size = HEADER_64 + u32::try_from(code.len()).unwrap_or(0);
    longs(&mut file, &[0, BASE, BASE, size, size, 0x1000]);
    file.extend(code);
    file
}

/// `Elf32_Ehdr` and one `Elf32_Phdr` (elf.h) before the code.
fn elf32(code: &[u8]) -> Vec<u8> {
    let mut file = vec![0x7f, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    halves(&mut file, &[2, 3]); // ET_EXEC, EM_386
    words(&mut file, &[1, BASE + HEADER_32, 52, 0, 0]);
    halves(&mut file, &[52, 32, 1, 40, 0, 0]);
    let size = HEADER_32 + u32::try_from(code.len()).unwrap_or(0);
    words(&mut file, &[1, 0, BASE, BASE, size, size, 5, 0x1000]);
    file.extend(code);
    file
}

fn halves(file: &mut Vec<u8>, values: &[u16]) {
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn words(file: &mut Vec<u8>, values: &[u32]) {
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
}

fn longs(file: &mut Vec<u8>, values: &[u32]) {
    file.extend(values.iter().flat_map(|value| u64::from(*value).to_le_bytes()));
}
