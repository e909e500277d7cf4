//! Tests on argument values that a seccomp filter can make before anything stops.

/// A condition on one argument, taken as 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// At least one bit of the mask is set.
    AnyBit(u64),
    /// No bit of the mask is set.
    NoBit(u64),
    /// The low 32 bits equal the value.
    Is(u32),
    /// The low 32 bits differ from the value.
    IsNot(u32),
    /// Not zero: a pointer was passed.
    Present,
}

/// A condition and the argument it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Test {
    /// Index of the argument, 0 to 5.
    pub arg: u8,
    /// What must hold for it.
    pub condition: Condition,
}

impl Test {
    /// A test of one argument.
    #[must_use]
    pub const fn new(arg: u8, condition: Condition) -> Self {
        Self { arg, condition }
    }

    /// Whether the arguments pass.
    #[must_use]
    pub fn holds(&self, args: &[u64; 6]) -> bool {
        let value = args[usize::from(self.arg)];
        match self.condition {
            Condition::AnyBit(mask) => value & mask != 0,
            Condition::NoBit(mask) => value & mask == 0,
            Condition::Is(expected) => value & 0xffff_ffff == u64::from(expected),
            Condition::IsNot(excluded) => value & 0xffff_ffff != u64::from(excluded),
            Condition::Present => value != 0,
        }
    }
}
