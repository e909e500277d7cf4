//! Two places for the tracer, tried in turn: which of them lets the tracees get on faster.
//!
//! Where short programs come and go, what a stop costs depends on where the kernel puts each new process, on how
//! deep an idle CPU sleeps and on who else is there. None of that can be known, but it shows: the same kind of
//! work takes longer. So each place gets a few windows of stops, twice in turn, and the better median stays for a
//! while. A place that is not clearly better is not worth the risk.

use std::time::Duration;

/// Windows that count in one try of a place; the one in which the tracer moved does not.
const TRY: usize = 5;
/// Tries of each place before one is chosen.
const TURNS: usize = 2;
/// Windows for which a choice stands.
const TERM: u32 = 1024;

/// The two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// What is done unless the other has proved better.
    Usual,
    /// What is tried.
    Other,
}

#[derive(Debug)]
pub(super) struct Contest {
    side: Side,
    /// Windows of each side so far, in nanoseconds.
    taken: [Vec<u128>; 2],
    /// The next window is one in which the tracer moves.
    moving: bool,
    /// Windows for which the choice still stands; none while trying.
    term: u32,
}

impl Default for Contest {
    fn default() -> Self {
        Self { side: Side::Usual, taken: [Vec::new(), Vec::new()], moving: true, term: 0 }
    }
}

impl Contest {
    /// Takes note of a window of stops that was spent where [`Contest::side`] said, and tells for the next.
    pub(super) fn after(&mut self, window: Duration) -> Side {
        if self.term > 0 {
            self.term -= 1;
            return self.side;
        }
        if std::mem::take(&mut self.moving) {
            return self.side;
        }
        let taken = &mut self.taken[self.side as usize];
        taken.push(window.as_nanos());
        if taken.len().is_multiple_of(TRY) {
            self.turn();
        }
        self.side
    }

    fn turn(&mut self) {
        if self.taken[Side::Other as usize].len() >= TRY * TURNS {
            let [usual, other] = self.taken.each_mut().map(|windows| median(windows));
            // By a tenth at least.
            let side = if other * 10 < usual * 9 { Side::Other } else { Side::Usual };
            *self = Self { side, term: TERM, ..Self::default() };
        } else {
            self.side = if self.side == Side::Usual { Side::Other } else { Side::Usual };
            self.moving = true;
        }
    }

    /// Something disturbed: what was measured so far means nothing.
    pub(super) fn void(&mut self) {
        *self = Self::default();
    }
}

fn median(windows: &mut [u128]) -> u128 {
    windows.sort_unstable();
    windows.get(windows.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is in force after the tries, when windows take this long, and how many windows of each were needed.
    fn winner(usual: u64, other: u64) -> (Side, [usize; 2]) {
        let mut contest = Contest::default();
        let mut side = Side::Usual;
        let mut spent = [0; 2];
        while contest.term == 0 {
            spent[side as usize] += 1;
            side = contest.after(Duration::from_micros(if side == Side::Usual { usual } else { other }));
        }
        (side, spent)
    }

    #[test]
    fn the_other_place_wins_if_it_is_clearly_better() {
        let each = TURNS * (TRY + 1);
        assert_eq!(winner(300, 200), (Side::Other, [each, each]));
        assert_eq!(winner(300, 280).0, Side::Usual);
        assert_eq!(winner(200, 300).0, Side::Usual);
    }

    #[test]
    fn a_disturbed_window_decides_nothing_and_a_choice_is_made_again() {
        let mut contest = Contest::default();
        let mut side = Side::Usual;
        for window in 0.. {
            let slow = window % 7 == 3;
            side = contest.after(Duration::from_micros(if slow {
                90_000
            } else if side == Side::Other {
                100
            } else {
                200
            }));
            if contest.term > 0 {
                break;
            }
        }
        assert_eq!(side, Side::Other);
        for _ in 0..TERM {
            assert_eq!(contest.after(Duration::from_micros(1)), Side::Other);
        }
        assert_eq!(contest.term, 0);
        // The work has changed, and the other place with it.
        while contest.term == 0 {
            side = contest.after(Duration::from_micros(if side == Side::Other { 300 } else { 200 }));
        }
        assert_eq!(side, Side::Usual);
        contest.void();
        assert_eq!(contest.side, Side::Usual);
    }
}
