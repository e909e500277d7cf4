//! The form in which types are described (BTF), as far as it takes to walk through it: `linux/btf.h` and
//! Documentation/bpf/btf.rst of Linux 6.18.

/// A description as it lies in memory.
pub(super) struct Section<'a> {
    types: &'a [u8],
    strings: &'a [u8],
    /// Where each type begins; the first has the number 1.
    begins: Vec<usize>,
}

/// One type.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) kind: Kind,
    /// Offset of the name among the strings; 0 for none.
    pub(super) name: u32,
    pub(super) info: u32,
    /// Its size, or the type that it refers to.
    pub(super) value: u32,
    /// What follows, by kind.
    pub(super) rest: &'a [u8],
}

/// `BTF_KIND_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Pointer,
    Array,
    /// Or a union.
    Struct,
    Enum,
    Enum64,
    Typedef,
    /// `const`, `volatile`, `restrict`, or a tag of a type.
    Qualifier,
    Function,
    Forward,
    Float,
    /// What no structure contains: variables, sections, prototypes, tags of declarations.
    Other,
}

const MAGIC: u16 = 0xeb9f;
pub(super) const HEADER_LEN: usize = 24;
const WORD: usize = 4;

impl Kind {
    /// The kind and how many bytes follow each of its `vlen` members, and the type itself.
    fn of(info: u32) -> Option<(Self, usize, usize)> {
        Some(match info >> 24 & 0x1f {
            1 => (Self::Int, 0, 4),
            2 => (Self::Pointer, 0, 0),
            3 => (Self::Array, 0, 12),
            4 | 5 => (Self::Struct, 12, 0),
            6 => (Self::Enum, 8, 0),
            7 => (Self::Forward, 0, 0),
            8 => (Self::Typedef, 0, 0),
            9..=11 | 18 => (Self::Qualifier, 0, 0),
            12 => (Self::Function, 0, 0),
            13 => (Self::Other, 8, 0),
            14 | 17 => (Self::Other, 0, 4),
            15 => (Self::Other, 12, 0),
            16 => (Self::Float, 0, 0),
            19 => (Self::Enum64, 12, 0),
            _ => return None,
        })
    }
}

impl<'a> Section<'a> {
    /// None if it is in a form that is not known here.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let magic = u16::from_ne_bytes(bytes.get(..2)?.try_into().ok()?);
        let header_len = word(bytes, 4)?;
        let part = |offset: usize, len: usize| {
            let from = (header_len as usize).checked_add(word(bytes, offset)? as usize)?;
            bytes.get(from..from.checked_add(word(bytes, len)? as usize)?)
        };
        if magic != MAGIC || *bytes.get(2)? != 1 {
            return None;
        }
        let (types, strings) = (part(8, 12)?, part(16, 20)?);
        let (mut begins, mut at) = (Vec::with_capacity(types.len() / 24), 0);
        while at < types.len() {
            begins.push(at);
            at += 3 * WORD + rest_len(word(types, at + WORD)?)?;
        }
        (at == types.len()).then_some(Self { types, strings, begins })
    }

    /// The type of a number; 0 is none.
    pub(super) fn get(&self, number: u32) -> Option<Entry<'a>> {
        let at = *self.begins.get(number.checked_sub(1)? as usize)?;
        let info = word(self.types, at + WORD)?;
        let from = at + 3 * WORD;
        Some(Entry {
            kind: Kind::of(info)?.0,
            name: word(self.types, at)?,
            info,
            value: word(self.types, at + 2 * WORD)?,
            rest: self.types.get(from..from + rest_len(info)?)?,
        })
    }

    /// All types with their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, Entry<'a>)> {
        (1..).map_while(|number| Some((number, self.get(number)?)))
    }

    /// How many types there are.
    pub(super) fn len(&self) -> usize {
        self.begins.len()
    }

    /// A string; empty for an offset that is none.
    pub(super) fn string(&self, offset: u32) -> &'a [u8] {
        let rest = self.strings.get(offset as usize..).unwrap_or_default();
        rest.split(|byte| *byte == 0).next().unwrap_or_default()
    }

    /// The name of a type; empty if it has none.
    pub(super) fn name(&self, entry: Entry<'_>) -> &'a [u8] {
        self.string(entry.name)
    }
}

/// A name without the flavour that tells variants of a type apart: what begins with three underscores.
pub(super) fn flavourless(name: &[u8]) -> &[u8] {
    name.windows(3).position(|window| window == b"___").map_or(name, |end| &name[..end])
}

fn rest_len(info: u32) -> Option<usize> {
    let (_, each, once) = Kind::of(info)?;
    Some((info & 0xffff) as usize * each + once)
}

pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + WORD)?.try_into().ok()?))
}
