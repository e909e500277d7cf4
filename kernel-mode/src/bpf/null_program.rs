//! A BPF object that does nothing, made here: `return 0` in a section `tp_btf`.
//!
//! Whether a kernel takes a BTF tracepoint program can only be found out by loading one, and aya
//! loads programs from object files. Six numbers of ELF are less to carry than a compiled file that
//! needs clang to reproduce, or than the unsafe system call that would avoid ELF.

/// The program's name in the object.
pub(super) const NAME: &str = "null_program";

/// Section and symbol names in one table: offsets 1, 8 and 16 are used below.
const NAMES: &[u8] = b"\0tp_btf\0.symtab\0null_program\0";
const SECTION_NAME: u32 = 1;
const SYMTAB_NAME: u32 = 8;
const PROGRAM_NAME: u32 = 16;

/// `r0 = 0; exit`, each instruction eight bytes.
const CODE: [u8; 16] = [0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0];

const HEADER_LEN: u64 = 64;
const SECTION_HEADER_LEN: u16 = 64;
const SYMBOL_LEN: u64 = 24;

const CODE_AT: u64 = HEADER_LEN;
const SYMTAB_AT: u64 = CODE_AT + CODE.len() as u64;
const NAMES_AT: u64 = SYMTAB_AT + 2 * SYMBOL_LEN;
const SECTIONS_AT: u64 = NAMES_AT + NAMES.len() as u64;

/// Indices of the sections, after the empty one that ELF asks for.
const CODE_SECTION: u16 = 1;
const NAMES_SECTION: u16 = 3;
const SECTIONS: u16 = 4;

/// The object file, in this machine's byte order.
pub(super) fn object() -> Vec<u8> {
    let mut elf = Vec::new();
    file_header(&mut elf);
    elf.extend(CODE);
    symbols(&mut elf);
    elf.extend(NAMES);
    sections(&mut elf);
    elf
}

fn file_header(elf: &mut Vec<u8>) {
    const CLASS_64: u8 = 2;
    const RELOCATABLE: u16 = 1;
    const MACHINE_BPF: u16 = 247;
    let byte_order = if cfg!(target_endian = "little") { 1 } else { 2 };

    elf.extend([0x7f, b'E', b'L', b'F', CLASS_64, byte_order, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    half(elf, &[RELOCATABLE, MACHINE_BPF]);
    word(elf, &[1]); // version
    long(elf, &[0, 0, SECTIONS_AT]); // no entry, no segments
    word(elf, &[0]); // flags
    half(elf, &[64, 0, 0, SECTION_HEADER_LEN, SECTIONS, NAMES_SECTION]);
}

fn symbols(elf: &mut Vec<u8>) {
    const GLOBAL_FUNCTION: u8 = 1 << 4 | 2;

    elf.resize(elf.len() + 24, 0);
    word(elf, &[PROGRAM_NAME]);
    elf.extend([GLOBAL_FUNCTION, 0]);
    half(elf, &[CODE_SECTION]);
    long(elf, &[0, CODE.len() as u64]);
}

fn sections(elf: &mut Vec<u8>) {
    const PROGBITS: u32 = 1;
    const SYMTAB: u32 = 2;
    const STRTAB: u32 = 3;
    const ALLOCATED_EXECUTABLE: u64 = 2 | 4;

    elf.resize(elf.len() + usize::from(SECTION_HEADER_LEN), 0);
    // name, type | flags, address, offset, size | link, info | alignment, entry size
    let mut section = |[name, kind]: [u32; 2], flags: u64, at: u64, len: u64, link: [u32; 2], entry: u64| {
        word(elf, &[name, kind]);
        long(elf, &[flags, 0, at, len]);
        word(elf, &link);
        long(elf, &[8, entry]);
    };
    section([SECTION_NAME, PROGBITS], ALLOCATED_EXECUTABLE, CODE_AT, CODE.len() as u64, [0, 0], 0);
    // `info` is the index of the first global symbol.
    section([SYMTAB_NAME, SYMTAB], 0, SYMTAB_AT, 2 * SYMBOL_LEN, [NAMES_SECTION.into(), 1], SYMBOL_LEN);
    section([0, STRTAB], 0, NAMES_AT, NAMES.len() as u64, [0, 0], 0);
}

fn half(elf: &mut Vec<u8>, values: &[u16]) {
    elf.extend(values.iter().flat_map(|value| value.to_ne_bytes()));
}

fn word(elf: &mut Vec<u8>, values: &[u32]) {
    elf.extend(values.iter().flat_map(|value| value.to_ne_bytes()));
}

fn long(elf: &mut Vec<u8>, values: &[u64]) {
    elf.extend(values.iter().flat_map(|value| value.to_ne_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aya_finds_the_program_without_any_privilege() {
        let object = aya::Ebpf::load(&object()).unwrap();
        let programs: Vec<_> =
            object.programs().map(|(name, program)| (name.to_owned(), program.prog_type())).collect();
        assert_eq!(programs, [(NAME.to_owned(), aya::programs::ProgramType::Tracing)]);
    }

    #[test]
    fn name_offsets_point_at_the_names() {
        for (at, name) in [(SECTION_NAME, "tp_btf"), (SYMTAB_NAME, ".symtab"), (PROGRAM_NAME, NAME)] {
            let rest = &NAMES[usize::try_from(at).unwrap()..];
            assert_eq!(rest.split(|byte| *byte == 0).next(), Some(name.as_bytes()));
        }
    }
}
