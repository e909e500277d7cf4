//! Which system calls were made: a bit for each number of an interface.
//!
//! What a process does again and again is said once, so that following every call of it costs no event for each.

use alloc::vec::Vec;
use core::fmt;

use super::{Arch, X32_BIT, names};

/// Numbers below this have a bit. The kernel's are below 500; those of ARM that are far above (`set_tls`) have none.
pub const NUMBERS: u32 = 1024;

const WORDS: usize = NUMBERS as usize / 64;

/// System calls of one interface.
#[derive(Clone, PartialEq, Eq)]
pub struct CallSet {
    arch: Arch,
    words: [u64; WORDS],
}

impl fmt::Debug for CallSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.arch.name())?;
        f.debug_set().entries(self.numbers()).finish()
    }
}

impl CallSet {
    /// No calls.
    #[must_use]
    pub fn new(arch: Arch) -> Self {
        Self { arch, words: [0; WORDS] }
    }

    /// The calls whose bits are set, 64 to a word, the lowest first.
    #[must_use]
    pub fn from_words(arch: Arch, words: [u64; WORDS]) -> Self {
        Self { arch, words }
    }

    /// The interface by which they were made.
    #[must_use]
    pub fn arch(&self) -> Arch {
        self.arch
    }

    /// Adds a call by its number, with or without [`X32_BIT`]. Whether it was not in it; `false` for a number from
    /// [`NUMBERS`] on, which is not kept.
    pub fn insert(&mut self, number: u32) -> bool {
        let number = number & !X32_BIT;
        let Some(word) = usize::try_from(number / 64).ok().and_then(|at| self.words.get_mut(at)) else { return false };
        let bit = 1 << (number % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Whether a call is in it, by its number with or without [`X32_BIT`].
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        let number = number & !X32_BIT;
        let word = usize::try_from(number / 64).ok().and_then(|at| self.words.get(at));
        word.is_some_and(|word| word & 1 << (number % 64) != 0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words == [0; WORDS]
    }

    /// The numbers, lowest first, without [`X32_BIT`].
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        (0..NUMBERS).filter(|number| self.contains(*number))
    }

    /// The calls as the machine's own interface numbers them, lowest first. A call that it does not have is the one
    /// that does the same there (`mmap2` is `mmap`), and is left out if there is none.
    #[must_use]
    pub fn native(&self) -> Vec<u32> {
        if self.arch == Arch::NATIVE {
            return self.numbers().collect();
        }
        let mut numbers: Vec<u32> = self.numbers().filter_map(|number| names::native(self.arch, number)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_new_once_and_numbers_without_a_bit_never() {
        let mut set = CallSet::new(Arch::X32);
        assert!(set.is_empty());
        assert!(set.insert(257 | X32_BIT) && !set.insert(257) && set.insert(0) && set.insert(NUMBERS - 1));
        assert!(!set.insert(NUMBERS) && !set.contains(NUMBERS));
        assert_eq!(set.numbers().collect::<Vec<_>>(), [0, 257, NUMBERS - 1]);
        assert!(set.contains(257) && !set.contains(256) && !set.is_empty());
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    fn calls_of_32_bit_programs_are_the_machines_own() {
        let mut set = CallSet::new(Arch::I386);
        // exit, getuid32, fstatat64, clock_gettime64; socketcall and olduname have no equivalent.
        for number in [1, 199, 300, 403, 102, 109] {
            set.insert(number);
        }
        assert_eq!(set.native(), [60, 102, 228, 262]);
        let mut set = CallSet::new(Arch::X32);
        // execve of x32, and read, which it shares.
        set.insert(520 | X32_BIT);
        set.insert(X32_BIT);
        assert_eq!(set.native(), [0, 59]);
    }
}
