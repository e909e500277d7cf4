//! Nodes side by side, in pieces.
//!
//! One vector would double as it grows, so that a tree near its limit would suddenly take twice what it may, and copy
//! all nodes for one event. Pieces grow by a piece.

use alloc::vec::Vec;

use super::size;

/// Values by number. `PIECE` of them are allocated at a time.
#[derive(Debug)]
pub(super) struct Arena<T, const PIECE: usize> {
    pieces: Vec<Vec<Option<T>>>,
    /// Places whose value was removed.
    free: Vec<u32>,
    len: usize,
}

impl<T, const PIECE: usize> Default for Arena<T, PIECE> {
    fn default() -> Self {
        Self { pieces: Vec::new(), free: Vec::new(), len: 0 }
    }
}

impl<T, const PIECE: usize> Arena<T, PIECE> {
    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a value and tells its number. The caller keeps to fewer than 2³² of them: each takes memory, of which the
    /// tree has a limit.
    pub(super) fn insert(&mut self, value: T) -> u32 {
        self.len += 1;
        if let Some(at) = self.free.pop() {
            let (piece, place) = split::<PIECE>(at);
            self.pieces[piece][place] = Some(value);
            return at;
        }
        if self.pieces.last().is_none_or(|piece| piece.len() == PIECE) {
            self.pieces.push(Vec::with_capacity(PIECE));
        }
        let piece = self.pieces.len() - 1;
        self.pieces[piece].push(Some(value));
        let at = piece * PIECE + self.pieces[piece].len() - 1;
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// The value of a number, unless it was removed.
    pub(super) fn get(&self, at: u32) -> Option<&T> {
        let (piece, place) = split::<PIECE>(at);
        self.pieces.get(piece)?.get(place)?.as_ref()
    }

    /// As [`Self::get`], to change it.
    pub(super) fn get_mut(&mut self, at: u32) -> Option<&mut T> {
        let (piece, place) = split::<PIECE>(at);
        self.pieces.get_mut(piece)?.get_mut(place)?.as_mut()
    }

    /// Takes a value out.
    pub(super) fn remove(&mut self, at: u32) -> Option<T> {
        let (piece, place) = split::<PIECE>(at);
        let value = self.pieces.get_mut(piece)?.get_mut(place)?.take()?;
        self.len -= 1;
        self.free.push(at);
        Some(value)
    }

    /// Every value with its number, in the order of numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let places = self.pieces.iter().flatten().zip(0..);
        places.filter_map(|(value, at)| Some((at, value.as_ref()?)))
    }

    /// Bytes of heap that the places take; what values hold beyond themselves is not among them.
    pub(super) fn heap(&self) -> usize {
        self.pieces.len() * size::block(PIECE * size_of::<Option<T>>())
            + size::vec(&self.pieces)
            + size::vec(&self.free)
    }

    /// By how much [`Self::heap`] grows with this many more values, at most.
    pub(super) fn growth(&self, more: usize) -> usize {
        let room = self.pieces.last().map_or(0, |piece| PIECE - piece.len()) + self.free.len();
        let pieces = more.saturating_sub(room).div_ceil(PIECE);
        pieces * size::block(PIECE * size_of::<Option<T>>()) + if pieces > 0 { size::doubling(&self.pieces) } else { 0 }
    }
}

fn split<const PIECE: usize>(at: u32) -> (usize, usize) {
    let at = at as usize;
    (at / PIECE, at % PIECE)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn places_are_used_again_and_numbers_stay() {
        let mut arena = Arena::<u64, 4>::default();
        let numbers: Vec<u32> = (0..10).map(|value| arena.insert(value)).collect();
        assert_eq!(numbers, (0..10).collect::<Vec<_>>());
        assert_eq!(arena.remove(3), Some(3));
        assert_eq!(arena.remove(3), None);
        assert_eq!(arena.get(3), None);
        assert_eq!(arena.insert(33), 3);
        assert_eq!(arena.get(3), Some(&33));
        assert_eq!(arena.len(), 10);
        assert_eq!(arena.get(1000), None);
        assert_eq!(arena.iter().map(|(_, value)| *value).sum::<u64>(), 45 - 3 + 33);
    }

    #[test]
    fn growth_is_told_before() {
        let mut arena = Arena::<u64, 4>::default();
        for value in 0..100 {
            let promised = arena.heap() + arena.growth(1);
            arena.insert(value);
            assert!(arena.heap() <= promised, "at {value}");
        }
        assert_eq!(arena.growth(0), 0);
    }
}
