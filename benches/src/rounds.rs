//! How many rounds a measurement takes: until what is judged is known well enough, within limits.
//!
//! Every way takes part in the first rounds. Then come blocks of more, for those ways alone whose values are still too
//! uncertain, beside what they are compared with. A block is a whole design, so that its orders balance. Whether
//! another one follows depends on errors only, against thresholds that have nothing to do with where a target lies or
//! how close a value is to it: stopping favours neither verdict.

use std::time::{Duration, Instant};

use lapwing_measure::order;

/// How many rounds there may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounds {
    /// Of every way.
    pub(crate) least: u16,
    /// Of those whose values are not known well enough.
    pub(crate) most: u16,
    /// No block begins after this long.
    pub(crate) patience: Duration,
}

impl Rounds {
    /// For a reader: how the number of rounds comes about. `enough` is the threshold, in words.
    pub(crate) fn method(self, enough: &str) -> String {
        format!(
            "Each way is run {} times. Where the standard error of a value that is judged is not below {enough} by then, \
             its way is run again, with what it is compared with, in whole designs of their own, until it is, for at most \
             {} rounds in all and {} s for each of the workloads. That depends on errors alone, never on how close a \
             value is to its target.",
            self.least,
            self.most.max(self.least),
            self.patience.as_secs(),
        )
    }
}

/// The rounds of one workload.
#[derive(Debug)]
pub(crate) struct Turns {
    rounds: Rounds,
    begun: Instant,
    /// Who takes part in the block.
    taking: Vec<usize>,
    /// Rounds of the block, and how many of them have begun.
    block: usize,
    at: usize,
    begun_rounds: usize,
}

impl Turns {
    pub(crate) fn begin(rounds: Rounds, ways: usize) -> Self {
        let block = usize::from(rounds.least);
        Self { rounds, begun: Instant::now(), taking: (0..ways).collect(), block, at: 0, begun_rounds: 0 }
    }

    /// The next round: who takes part in which order. `is_open` says whose values are not known well enough; it is asked
    /// between blocks, and who is left out once does not come back. `bases` are what others are compared with.
    pub(crate) fn next(&mut self, bases: &[usize], is_open: impl Fn(usize) -> bool) -> Option<Vec<usize>> {
        if self.at == self.block {
            if !self.taking.iter().any(|way| !bases.contains(way) && is_open(*way)) {
                return None;
            }
            self.taking.retain(|way| bases.contains(way) || is_open(*way));
            self.block = order::period(self.taking.len());
            self.at = 0;
            let is_too_much = self.begun_rounds + self.block > usize::from(self.rounds.most);
            if is_too_much || self.begun.elapsed() >= self.rounds.patience {
                return None;
            }
        }
        let order = order::order(self.taking.len(), self.at);
        self.at += 1;
        self.begun_rounds += 1;
        Some(order.into_iter().map(|index| self.taking[index]).collect())
    }

    /// Rounds that have begun.
    pub(crate) fn count(&self) -> usize {
        self.begun_rounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(least: u16, most: u16) -> Rounds {
        Rounds { least, most, patience: Duration::from_hours(1) }
    }

    /// Who took part in each round.
    fn taken(mut turns: Turns, is_open: impl Fn(usize, usize) -> bool) -> Vec<Vec<usize>> {
        let mut all = Vec::new();
        while let Some(mut order) = turns.next(&[0], |way| is_open(way, all.len())) {
            order.sort_unstable();
            all.push(order);
        }
        assert_eq!(turns.count(), all.len());
        all
    }

    #[test]
    fn what_is_known_well_enough_is_not_measured_again() {
        let all = taken(Turns::begin(rounds(3, 100), 4), |_, _| false);
        assert_eq!(all, vec![vec![0, 1, 2, 3]; 3]);
    }

    #[test]
    fn whole_designs_follow_for_what_is_open_beside_its_base() {
        let all = taken(Turns::begin(rounds(3, 100), 4), |way, made| (way == 2 && made < 6) || (way == 1 && made < 4));
        // One design of three ways takes six rounds.
        assert_eq!(all[3..], vec![vec![0, 1, 2]; 6]);
        let all = taken(Turns::begin(rounds(3, 100), 4), |way, made| way == 2 && made < 6);
        assert_eq!(all[3..], [[0, 2], [0, 2], [0, 2], [0, 2]]);
    }

    #[test]
    fn there_is_an_end_to_it() {
        assert_eq!(taken(Turns::begin(rounds(3, 8), 2), |_, _| true).len(), 7);
        assert_eq!(taken(Turns::begin(rounds(3, 1), 2), |_, _| true).len(), 3);
        let impatient = Rounds { patience: Duration::ZERO, ..rounds(3, 100) };
        assert_eq!(taken(Turns::begin(impatient, 2), |_, _| true).len(), 3);
    }

    #[test]
    fn who_is_left_out_does_not_come_back() {
        let all = taken(Turns::begin(rounds(3, 9), 3), |way, made| way == 1 || (way == 2 && made > 3));
        assert_eq!(all[3..], vec![vec![0, 1]; 6]);
    }
}
