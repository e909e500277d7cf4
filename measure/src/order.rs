//! In which order ways take their turns.
//!
//! A machine drifts: clocks rise and fall, caches fill. So every way runs in every round, and over the rounds
//! every way takes every place equally often and follows every other equally often (a Williams design, which a
//! plain rotation is not: there, each way would always have the same predecessor).

/// The order of a round, as indices. It repeats after [`period`] rounds.
#[must_use]
pub fn order(ways: usize, round: usize) -> Vec<usize> {
    let mut first: Vec<usize> = (0..ways).map(|place| zigzag(ways, place)).collect();
    // With an odd number half of the neighbourhoods come up only when read backwards.
    if ways % 2 == 1 && (round / ways) % 2 == 1 {
        first.reverse();
    }
    first.iter().map(|way| (way + round) % ways).collect()
}

/// After how many rounds the places and the neighbours are balanced.
#[must_use]
pub fn period(ways: usize) -> usize {
    if ways.is_multiple_of(2) { ways } else { 2 * ways }
}

/// 0, 1, n−1, 2, n−2, …: all differences between neighbours differ.
fn zigzag(ways: usize, place: usize) -> usize {
    if place % 2 == 1 { place / 2 + 1 } else { (ways - place / 2) % ways }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn places_and_neighbours_are_balanced_over_a_period() {
        for ways in 1..9 {
            let mut places = BTreeMap::<_, usize>::new();
            let mut neighbours = BTreeMap::<_, usize>::new();
            for round in 0..period(ways) {
                let order = order(ways, round);
                for (place, way) in order.iter().enumerate() {
                    *places.entry((*way, place)).or_default() += 1;
                }
                for pair in order.windows(2) {
                    *neighbours.entry((pair[0], pair[1])).or_default() += 1;
                }
            }
            let each = period(ways) / ways;
            assert_eq!(places.len(), ways * ways);
            assert!(places.values().all(|count| *count == each), "{ways}: {places:?}");
            assert_eq!(neighbours.len(), ways * (ways - 1));
            assert!(neighbours.values().all(|count| *count == each), "{ways}: {neighbours:?}");
        }
    }
}
