//! A classic BPF machine with the instructions and the checks of the kernel's seccomp, for tests: what
//! a compiled filter answers, and that the kernel would take it.

use libc::sock_filter;

/// `struct seccomp_data`, by parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) number: u32,
    pub(super) audit: u32,
    pub(super) args: [u64; 6],
}

impl Call {
    fn word(&self, offset: u32) -> u32 {
        let mut bytes = [0_u8; 64];
        bytes[0..4].copy_from_slice(&self.number.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.audit.to_le_bytes());
        // The instruction pointer, which no filter of ours looks at.
        bytes[8..16].fill(0xee);
        for (index, argument) in self.args.iter().enumerate() {
            bytes[16 + 8 * index..][..8].copy_from_slice(&argument.to_le_bytes());
        }
        let at = usize::try_from(offset).unwrap();
        assert!(at.is_multiple_of(4) && at < 64, "load from {at}");
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
    }
}

/// The filter's answer, and how many instructions it took.
pub(super) fn run(program: &[sock_filter], call: &Call) -> (u32, usize) {
    let (mut accumulator, mut at, mut steps) = (0, 0_usize, 0);
    loop {
        let sock_filter { code, jt, jf, k } = program[at];
        at += 1;
        steps += 1;
        let choose = |condition: bool| usize::from(if condition { jt } else { jf });
        match code {
            0x20 => accumulator = call.word(k),
            0x06 => return (k, steps),
            0x05 => at += usize::try_from(k).unwrap(),
            0x15 => at += choose(accumulator == k),
            0x35 => at += choose(accumulator >= k),
            0x45 => at += choose(accumulator & k != 0),
            other => panic!("instruction {other:#x} is not one the compiler writes"),
        }
    }
}

/// The checks of `bpf_check_classic` and `seccomp_check_filter`.
pub(super) fn check(program: &[sock_filter]) {
    assert!((1..=4096).contains(&program.len()));
    for (at, instruction) in program.iter().enumerate() {
        let targets: &[usize] = match instruction.code {
            0x05 => &[usize::try_from(instruction.k).unwrap()],
            0x15 | 0x35 | 0x45 => &[usize::from(instruction.jt), usize::from(instruction.jf)],
            _ => &[],
        };
        assert!(targets.iter().all(|skip| at + 1 + skip < program.len()), "jump out of the program at {at}");
    }
    assert_eq!(program[program.len() - 1].code, 0x06);
}
