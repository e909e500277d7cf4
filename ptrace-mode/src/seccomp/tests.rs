//! The compiled filter against the definition of traps, over chosen and random calls.

use lapwing_common::syscall::{Arch, Condition, Test, X32_BIT};

use super::interpreter::{Call, check, run};
use super::{Action, CompileError, FOREIGN, Trap, compile};

/// What the filter has to answer, straight from the definition.
fn expected(traps: &[Trap], arches: &[Arch], foreign: Action, call: &Call) -> u32 {
    if call.number == u32::MAX && arches.iter().any(|arch| arch.audit() == call.audit) {
        return libc::SECCOMP_RET_ALLOW;
    }
    let Some(arch) = Arch::from_audit(call.audit, call.number).filter(|arch| arches.contains(arch)) else {
        return foreign.answer();
    };
    traps
        .iter()
        .filter(|trap| trap.arch == arch && trap.number == call.number)
        .find(|trap| {
            trap.tests.is_empty() || trap.tests.iter().any(|tests| tests.iter().all(|test| test.holds(&call.args)))
        })
        .map_or(libc::SECCOMP_RET_ALLOW, |trap| trap.action.answer())
}

/// Enough randomness to find mistakes, the same on every run (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn word(&mut self) -> u32 {
        (self.next() & 0xffff_ffff).try_into().unwrap()
    }

    /// Sparse bits, small values and zeros, on which tests of flags turn.
    fn argument(&mut self) -> u64 {
        match self.below(6) {
            0 => 0,
            1 => 1 << self.below(64),
            2 => self.below(8),
            3 => self.below(8) << 32,
            4 => self.next() & self.next() & self.next(),
            _ => self.next(),
        }
    }

    fn test(&mut self) -> Test {
        let condition = match self.below(5) {
            0 => Condition::AnyBit(self.argument()),
            1 => Condition::NoBit(self.argument()),
            2 => Condition::Is(self.below(8).try_into().unwrap()),
            3 => Condition::IsNot(self.below(8).try_into().unwrap()),
            _ => Condition::Present,
        };
        Test::new(self.below(6).try_into().unwrap(), condition)
    }

    fn trap(&mut self, arch: Arch, numbers: u64) -> Trap {
        let number: u32 = self.below(numbers).try_into().unwrap();
        let alternatives = self.below(4);
        let tests = (0..alternatives)
            .map(|_| {
                let length = self.below(4);
                let tests: Vec<Test> = (0..length).map(|_| self.test()).collect();
                tests
            })
            .collect();
        let action = match self.below(4) {
            0 => Action::Errno(38),
            _ => Action::Trace(self.below(500).try_into().unwrap()),
        };
        Trap { arch, number: if arch == Arch::X32 { number | X32_BIT } else { number }, tests, action }
    }
}

/// Every listed number and its neighbours, on every architecture, with random arguments.
fn compare(random: &mut Random, traps: &[Trap], arches: &[Arch], foreign: Action) -> usize {
    let program = compile(traps, arches, foreign).unwrap();
    check(&program);
    let mut numbers: Vec<u32> = vec![0, 1, u32::MAX, 0x7fff_ffff, 0x8000_0000, 0xc000_0000, X32_BIT, X32_BIT - 1];
    for trap in traps {
        let plain = trap.number & !X32_BIT;
        numbers.extend([plain.wrapping_sub(1), plain, plain + 1]);
        numbers.extend([(plain | X32_BIT).wrapping_sub(1), plain | X32_BIT, (plain | X32_BIT) + 1]);
    }
    numbers.extend((0..50).map(|_| random.word()));
    let mut audits: Vec<u32> = Arch::ALL.iter().map(|arch| arch.audit()).collect();
    audits.extend([0, 0xc000_00f3]);
    for number in numbers {
        for audit in &audits {
            for _ in 0..8 {
                let call = Call { number, audit: *audit, args: std::array::from_fn(|_| random.argument()) };
                let answer = run(&program, &call).0;
                assert_eq!(answer, expected(traps, arches, foreign, &call), "{call:x?} with {traps:x?}");
            }
        }
    }
    program.len()
}

#[test]
fn random_traps_answer_as_defined() {
    let mut random = Random(7);
    let choices: [&[Arch]; 6] = [
        &[Arch::X86_64, Arch::X32, Arch::I386],
        &[Arch::X86_64],
        &[Arch::X32],
        &[Arch::Aarch64, Arch::Arm],
        &[Arch::I386, Arch::X86_64],
        &Arch::ALL,
    ];
    for round in 0..120 {
        let arches = choices[round % choices.len()];
        let foreign = if round % 3 == 0 { Action::Errno(38) } else { FOREIGN };
        let amount = random.below(30);
        let traps: Vec<Trap> = (0..amount)
            .map(|_| {
                let arch = arches[usize::try_from(random.below(arches.len() as u64)).unwrap()];
                random.trap(arch, 40)
            })
            .collect();
        compare(&mut random, &traps, arches, foreign);
    }
}

#[test]
fn long_filters_jump_over_stepping_stones() {
    let mut random = Random(11);
    let arches = Arch::X86_64.reachable();
    let traps: Vec<Trap> = (0..220).map(|at: usize| random.trap(arches[at % arches.len()], 450)).collect();
    let length = compare(&mut random, &traps, arches, FOREIGN);
    assert!(length > 1000, "only {length} instructions test nothing");
}

#[test]
fn only_numbers_are_looked_at_where_nothing_is_trapped() {
    // What the kernel's cache of always-allowed calls needs: no load of an argument on the way.
    const TESTS: &[Test] = &[Test::new(2, Condition::AnyBit(3))];
    let traps: Vec<Trap> = [2, 59, 257, 435]
        .map(|number| Trap { arch: Arch::X86_64, number, tests: vec![TESTS.to_vec()], action: Action::Trace(1) })
        .into();
    let program = compile(&traps, Arch::X86_64.reachable(), FOREIGN).unwrap();
    let mut without: Vec<_> = program;
    for instruction in &mut without {
        // Reading an argument becomes an instruction that the interpreter refuses.
        if instruction.code == 0x20 && instruction.k >= 16 {
            instruction.code = 0xffff;
        }
    }
    for number in (0..500).filter(|number| ![2, 59, 257, 435].contains(number)) {
        for audit in [Arch::X86_64.audit(), Arch::I386.audit()] {
            let call = Call { number, audit, args: [3; 6] };
            assert_eq!(run(&without, &call).0, libc::SECCOMP_RET_ALLOW);
        }
    }
}

#[test]
fn equal_tests_share_their_instructions() {
    const TESTS: &[Test] = &[Test::new(1, Condition::AnyBit(0o103)), Test::new(0, Condition::Present)];
    let make = |numbers: std::ops::Range<u32>| -> Vec<Trap> {
        let step = numbers.step_by(2);
        step.map(|number| Trap { arch: Arch::X86_64, number, tests: vec![TESTS.to_vec()], action: Action::Trace(1) })
            .collect()
    };
    let one = compile(&make(10..11), &[Arch::X86_64], FOREIGN).unwrap().len();
    let ten = compile(&make(10..30), &[Arch::X86_64], FOREIGN).unwrap().len();
    // Two borders a number, and nothing else.
    assert_eq!(ten - one, 18);
}

#[test]
fn impossible_traps_are_refused() {
    let trap = |arch, number, arg| {
        let tests = vec![Test::new(arg, Condition::Present)];
        Trap { arch, number, tests: vec![tests], action: Action::Trace(0) }
    };
    let refused = |trap| compile(&[trap], &[Arch::X86_64, Arch::X32], FOREIGN).unwrap_err();
    assert_eq!(refused(trap(Arch::I386, 1, 0)), CompileError::ForeignTrap { arch: Arch::I386 });
    assert_eq!(refused(trap(Arch::X32, 1, 0)), CompileError::NoSuchNumber { arch: Arch::X32, number: 1 });
    assert_eq!(
        refused(trap(Arch::X86_64, 1, 6)),
        CompileError::NoSuchArgument { arch: Arch::X86_64, number: 1, argument: 6 }
    );
    let mut random = Random(3);
    let many: Vec<Trap> = (0..3000).map(|_| random.trap(Arch::X86_64, 3000)).collect();
    assert!(matches!(compile(&many, &[Arch::X86_64], FOREIGN), Err(CompileError::TooLong { .. })));
}
