//! Which process a number stands for, and which of its programs: how a fork or an exec that was lost is noticed.
//!
//! An entry and an observation of its process have the same mark. Where the observation's is a later one, something
//! was not told. Nothing is concluded from a mark that is not known.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Process;

/// What tells processes of the same number apart, and the programs of one process. Compared, never shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When the process began: in any unit fine enough for processes of the same number, modulo 2³². 0 if not known.
    pub began: u32,
    /// How many programs it and those it descends from have run, modulo 2¹⁶.
    pub programs: u16,
}

impl Mark {
    /// The mark of the same process before it ran the program that it runs.
    #[must_use]
    pub fn before_exec(self) -> Self {
        Self { programs: self.programs.wrapping_sub(1), ..self }
    }
}

/// How an observation's mark compares with the entry's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// As far as is known, it is the same process with the same program.
    Same,
    /// The observation is late: of an earlier program or process.
    Earlier,
    /// The process runs another program, which nobody told of.
    LaterProgram,
    /// The number stands for another process, which nobody told of.
    LaterProcess,
}

/// The mark of an entry: `began`, `programs`, and a bit that says that the latter is known. Everybody who holds the
/// entry sees it.
#[derive(Debug, Default)]
pub(super) struct Cell(AtomicU64);

const KNOWN: u64 = 1;

impl Process {
    /// Which process it is and which of its programs it runs, if a backend has told both.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        self.mark.get().filter(|mark| mark.began != 0)
    }

    /// Somebody told which process it is, and nobody did before.
    pub(crate) fn learn(&self, mark: Option<Mark>) {
        mark.into_iter().for_each(|mark| self.mark.adopt(mark));
    }

    /// It was forked by a process with this mark.
    pub(crate) fn inherit(&self, parent: Option<Mark>) {
        parent.into_iter().for_each(|mark| self.mark.inherit(mark));
    }

    /// It runs the program of this mark.
    pub(crate) fn runs(&self, mark: Option<Mark>) {
        mark.into_iter().for_each(|mark| self.mark.set(mark));
    }
}

impl Cell {
    pub(super) fn set(&self, mark: Mark) {
        self.0.store(u64::from(mark.began) << 32 | u64::from(mark.programs) << 16 | KNOWN, Relaxed);
    }

    /// Of a process that runs its parent's program: the rest is learned of its first observation.
    pub(super) fn inherit(&self, parent: Mark) {
        self.set(Mark { began: 0, ..parent });
    }

    /// Takes the mark if none is known.
    pub(super) fn adopt(&self, mark: Mark) {
        if self.0.load(Relaxed) == 0 {
            self.set(mark);
        }
    }

    /// As far as it is known.
    pub(super) fn get(&self) -> Option<Mark> {
        let bits = self.0.load(Relaxed);
        let [_, _, low, high, a, b, c, d] = bits.to_le_bytes();
        let (began, programs) = (u32::from_le_bytes([a, b, c, d]), u16::from_le_bytes([low, high]));
        (bits != 0).then_some(Mark { began, programs })
    }

    pub(super) fn copy(&self) -> Self {
        Self(AtomicU64::new(self.0.load(Relaxed)))
    }

    /// Compares, and learns what is not known.
    #[inline]
    pub(super) fn compare(&self, mark: Mark) -> Relation {
        let Some(Mark { began, programs }) = self.get() else {
            self.set(mark);
            return Relation::Same;
        };
        if began != 0 && mark.began != 0 && began != mark.began {
            let is_later = mark.began.wrapping_sub(began).cast_signed() > 0;
            return if is_later { Relation::LaterProcess } else { Relation::Earlier };
        }
        match mark.programs.wrapping_sub(programs).cast_signed() {
            0 if began == 0 => self.set(mark),
            0 => {}
            1.. => return Relation::LaterProgram,
            _ => return Relation::Earlier,
        }
        Relation::Same
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(began: u32, programs: u16) -> Mark {
        Mark { began, programs }
    }

    #[test]
    fn what_is_not_known_is_learned() {
        let cell = Cell::default();
        assert_eq!(cell.compare(mark(7, 3)), Relation::Same);
        assert_eq!(cell.compare(mark(7, 4)), Relation::LaterProgram);
        cell.adopt(mark(9, 9));
        assert_eq!(cell.compare(mark(7, 3)), Relation::Same);
        let child = Cell::default();
        child.inherit(mark(7, 3));
        assert_eq!(child.compare(mark(8, 4)), Relation::LaterProgram);
        assert_eq!((child.compare(mark(8, 3)), child.compare(mark(9, 3))), (Relation::Same, Relation::LaterProcess));
    }

    #[test]
    fn later_and_earlier_across_the_end_of_the_numbers() {
        let cell = Cell::default();
        cell.set(mark(u32::MAX, u16::MAX));
        assert_eq!(cell.compare(mark(u32::MAX, 0)), Relation::LaterProgram);
        assert_eq!(cell.compare(mark(u32::MAX, u16::MAX - 1)), Relation::Earlier);
        assert_eq!(cell.compare(mark(1, u16::MAX)), Relation::LaterProcess);
        assert_eq!(cell.compare(mark(u32::MAX - 1, u16::MAX)), Relation::Earlier);
        assert_eq!(cell.compare(mark(0, u16::MAX)), Relation::Same, "nobody told when it began");
        assert_eq!(mark(5, 0).before_exec(), mark(5, u16::MAX));
    }
}
