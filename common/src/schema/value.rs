//! Values of fields.

use alloc::boxed::Box;
use core::net::IpAddr;

use crate::ids::Timestamp;
use crate::process::Convention;

/// The type of a field, as rules see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Bool,
    /// A number.
    Int,
    /// Bits that have names.
    Flags(&'static FlagSet),
    /// A number whose values have names.
    Symbol(&'static Symbols),
    /// Text or a path: bytes, mostly UTF-8.
    String,
    /// Several texts.
    Strings,
    /// A point in time.
    Time,
    /// An IP address.
    Ip,
}

impl Kind {
    /// The word for it in the event reference.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Flags(_) => "flags",
            Self::Symbol(_) => "enum",
            Self::String => "string",
            Self::Strings => "string list",
            Self::Time => "time",
            Self::Ip => "ip",
        }
    }
}

/// A value read from a record.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing: left out of output, zero or empty to rules.
    Absent,
    /// True or false.
    Bool(bool),
    /// A number.
    Int(i64),
    /// A number with the highest bit in use (addresses, inodes, masks).
    Uint(u64),
    /// Bits that have names.
    Flags(u64, &'static FlagSet),
    /// A number whose values have names.
    Symbol(i64, &'static Symbols),
    /// Text that is bytes to the kernel.
    Bytes(&'a [u8]),
    /// Text short enough to be copied.
    Short(Short),
    /// Several texts.
    Strings(&'a [Box<[u8]>]),
    /// Several texts, shown as one with spaces between.
    Joined(&'a [Box<[u8]>]),
    /// The flags or options among the arguments of a program.
    Options(&'a [Box<[u8]>], Convention),
    /// A point in time.
    Time(Timestamp),
    /// An IP address.
    Ip(IpAddr),
}

impl<'a> Value<'a> {
    /// True, or absent: for marks that are rarely set.
    #[must_use]
    pub fn mark(set: bool) -> Self {
        if set { Self::Bool(true) } else { Self::Absent }
    }

    /// Text, absent when empty.
    #[must_use]
    pub fn text(bytes: &'a [u8]) -> Self {
        if bytes.is_empty() { Self::Absent } else { Self::Bytes(bytes) }
    }
}

/// One name in a [`FlagSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The bits that decide.
    pub mask: u64,
    /// Their value when the name applies.
    pub value: u64,
    /// The name, as in the C headers.
    pub name: &'static str,
}

/// Names for the bits of a number.
#[derive(Debug, PartialEq, Eq)]
pub struct FlagSet {
    /// What it is a set of, for documentation: `open flags`.
    pub name: &'static str,
    /// The names. Of several that overlap, the one that comes first wins its bits.
    pub flags: &'static [Flag],
    /// The name of zero, when no entry claims it.
    pub zero: &'static str,
}

impl FlagSet {
    /// Calls back with each name that applies, then with the bits that have none.
    pub fn each(&self, bits: u64, mut name: impl FnMut(&'static str), rest: impl FnOnce(u64)) {
        let mut left = bits;
        let mut named = false;
        for flag in self.flags {
            let applies = bits & flag.mask == flag.value && (flag.value == 0 || left & flag.value == flag.value);
            if applies {
                name(flag.name);
                named = true;
                left &= !flag.mask;
            }
        }
        if left != 0 {
            rest(left);
        } else if !named && !self.zero.is_empty() {
            name(self.zero);
        }
    }
}

/// Names for the values of a number.
#[derive(Debug, PartialEq, Eq)]
pub struct Symbols {
    /// What it enumerates, for documentation: `signals`.
    pub name: &'static str,
    /// Each value with its name, as in the C headers.
    pub names: &'static [(i64, &'static str)],
}

impl Symbols {
    /// The name of a value.
    #[must_use]
    pub fn name_of(&self, value: i64) -> Option<&'static str> {
        self.names.iter().find(|(candidate, _)| *candidate == value).map(|(_, name)| *name)
    }
}

/// At most 16 bytes of text, by value: a command name, which the kernel limits to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Short {
    bytes: [u8; 16],
}

impl Short {
    /// The text up to its first NUL or its 16th byte.
    #[must_use]
    pub fn new(text: &[u8]) -> Self {
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(text.iter().take_while(|byte| **byte != 0)) {
            *to = *from;
        }
        Self { bytes }
    }

    /// The text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        let end = self.bytes.iter().position(|byte| *byte == 0).unwrap_or(self.bytes.len());
        &self.bytes[..end]
    }

    /// The text padded with NULs.
    #[must_use]
    pub fn to_array(self) -> [u8; 16] {
        self.bytes
    }
}
