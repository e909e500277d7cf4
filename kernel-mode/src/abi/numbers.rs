//! Sets of numbers of calls, which programs look into before anything else.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{NUMBERS, SET_BYTES, layout};

/// `struct lw_number_set`: numbers of calls, whatever the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct NumberSet {
    /// A bit each, the lowest first.
    pub bits: [u8; SET_BYTES],
}

layout!(NumberSet as "lw_number_set", 128 { bits at 0 });

impl NumberSet {
    /// None.
    pub const EMPTY: Self = Self { bits: [0; SET_BYTES] };

    /// Adds a number. One for which there are no descriptors is added as the one that programs take it for.
    pub fn insert(&mut self, number: u32) {
        let number = number % NUMBERS;
        self.bits[number as usize / 8] |= 1 << (number % 8);
    }
}
