//! Whether texts are looked up by their ends, or gone through for pieces of them.
//!
//! To look up an end costs next to nothing, and to go through a text some nanoseconds for each of its bytes. That is worth
//! it where many rules ask for the same end, which then leads to all of them, or for none.

use alloc::boxed::Box;

use hashbrown::{HashMap, HashSet};

use super::keys::{Key, SHORTEST_PIECE};
use crate::rules::program::FieldRef;

/// So many rules make it worth to go through a text.
const MANY: usize = 4;

/// Which keys go by pieces.
#[derive(Debug)]
pub(super) struct Choice {
    /// Ends that many rules ask for: of a field, at its beginning or not.
    shared: HashSet<(FieldRef, bool, Box<[u8]>)>,
    /// Fields whose texts are gone through.
    fields: HashSet<FieldRef>,
}

/// Rules that have something, counted in their order.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    last: Option<u32>,
    rules: usize,
}

impl Tally {
    fn count(&mut self, rule: u32) {
        if self.last.replace(rule) != Some(rule) {
            self.rules += 1;
        }
    }
}

impl Choice {
    /// By all keys of all rules, which come in their order.
    pub(super) fn new<'a>(all: impl Iterator<Item = (u32, &'a Key)> + Clone) -> Self {
        let mut ends: HashMap<(FieldRef, bool, &[u8]), Tally> = HashMap::new();
        for (rule, key) in all.clone() {
            if let Some((field, is_first, end, _)) = end(key) {
                ends.entry((field, is_first, end)).or_default().count(rule);
            }
        }
        let many = ends.into_iter().filter(|(_, tally)| tally.rules > MANY);
        let shared = many.map(|((field, is_first, end), _)| (field, is_first, end.into())).collect();
        let mut choice = Self { shared, fields: HashSet::new() };
        let mut fields: HashMap<FieldRef, Tally> = HashMap::new();
        for (rule, key) in all {
            match key {
                Key::Piece(field, _) => fields.entry(*field).or_default().count(rule),
                Key::Prefix(field, ..) | Key::Suffix(field, ..) if choice.says_little(key) => {
                    fields.entry(*field).or_default().count(rule);
                }
                _ => {}
            }
        }
        choice.fields = fields.into_iter().filter(|(_, tally)| tally.rules >= MANY).map(|(field, _)| field).collect();
        choice
    }

    /// Whether texts of a field are gone through for pieces.
    pub(super) fn goes_through(&self, field: FieldRef) -> bool {
        self.fields.contains(&field)
    }

    /// Whether a key goes by its piece.
    pub(super) fn goes_by_piece(&self, key: &Key) -> bool {
        match key {
            Key::Piece(field, _) => self.goes_through(*field),
            Key::Prefix(field, ..) | Key::Suffix(field, ..) => self.goes_through(*field) && self.says_little(key),
            Key::Text(..) | Key::Number(..) => false,
        }
    }

    /// Whether its end is that of many rules, and its piece says more.
    fn says_little(&self, key: &Key) -> bool {
        end(key).is_some_and(|(field, is_first, end, piece)| {
            piece.len() >= SHORTEST_PIECE
                && memchr::memmem::find(end, piece).is_none()
                && self.shared.contains(&(field, is_first, Box::from(end)))
        })
    }
}

/// The field of a key that is an end, whether that is the beginning, the end, and the piece.
fn end(key: &Key) -> Option<(FieldRef, bool, &[u8], &[u8])> {
    match key {
        Key::Prefix(field, end, piece) => Some((*field, true, end, piece)),
        Key::Suffix(field, end, piece) => Some((*field, false, end, piece)),
        _ => None,
    }
}
