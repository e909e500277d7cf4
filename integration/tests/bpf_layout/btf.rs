//! A reader of BTF, for its structs. The format: `Documentation/bpf/btf.rst` of Linux 6.18.
//!
//! aya's own reader keeps members to itself.

use std::collections::BTreeMap;
use std::ops::Range;

use object::read::{Object as _, ObjectSection as _};

const MAGIC: u16 = 0xeb9f;
const POINTER_BITS: u64 = 64;

/// The structs of an object.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Structs(BTreeMap<String, Struct>);

/// How a struct is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Struct {
    /// In bytes.
    pub(crate) size: u64,
    /// In the order of their declaration; those of anonymous structs and unions stand in their place.
    pub(crate) members: Vec<Member>,
}

/// Where a member is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// In bits, from the beginning of the struct.
    pub(crate) offset: u64,
    /// In bits.
    pub(crate) size: u64,
}

/// Why BTF could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// The object is none, or has no section of that name.
    NoSection,
    /// It does not begin as BTF of this byte order does.
    NoBtf,
    /// It ends in the middle of something.
    Short,
    /// A kind that the format did not have when this was written.
    UnknownKind(u32),
    /// A type refers to one that is not there, or to itself.
    BadType(u32),
    /// A name is not where the type says, or no text.
    BadName(u32),
}

/// One type as it is written, what it refers to unresolved.
struct Type {
    name: u32,
    kind: Kind,
}

enum Kind {
    /// Something with its own size, in bytes: integer, enumeration, floating-point number.
    Sized(u64),
    Pointer,
    Array {
        of: u32,
        count: u64,
    },
    /// A struct or a union; each member with name, type, and what the format says of its offset.
    Composite {
        size: u64,
        is_struct: bool,
        bit_fields: bool,
        members: Vec<[u32; 3]>,
    },
    /// Another name or another qualifier of a type.
    Alias(u32),
    /// Nothing that a member can be.
    Sizeless,
}

impl Structs {
    /// Of an object file, from its section `.BTF`.
    pub(crate) fn of_object(object: &[u8]) -> Result<Self, Error> {
        let file = object::File::parse(object).ok().ok_or(Error::NoSection)?;
        let section = file.section_by_name(".BTF").ok_or(Error::NoSection)?;
        Self::parse(section.data().ok().ok_or(Error::NoSection)?)
    }

    /// Of BTF itself, little-endian.
    pub(crate) fn parse(btf: &[u8]) -> Result<Self, Error> {
        let mut header = Words(btf);
        if header.next()? & 0xffff != u32::from(MAGIC) {
            return Err(Error::NoBtf);
        }
        let [header_size, type_at, type_size, name_at, name_size] = header.take()?;
        let part = |at: u32, size: u32| -> Result<&[u8], Error> {
            let start = header_size as usize + at as usize;
            btf.get(Range { start, end: start + size as usize }).ok_or(Error::Short)
        };
        let mut words = Words(part(type_at, type_size)?);
        // Type 0 is void.
        let mut types = vec![Type { name: 0, kind: Kind::Sizeless }];
        while !words.0.is_empty() {
            types.push(Type::parse(&mut words)?);
        }
        Reader { types, names: part(name_at, name_size)? }.structs()
    }

    /// A struct by its name, without `struct`.
    pub(crate) fn get(&self, name: &str) -> Option<&Struct> {
        self.0.get(name)
    }
}

impl Type {
    fn parse(words: &mut Words<'_>) -> Result<Self, Error> {
        let [name, info, size_or_type] = words.take()?;
        let (count, number, flag) = (info & 0xffff, info >> 24 & 0x1f, info >> 31 == 1);
        let kind = match number {
            1 => {
                words.next()?;
                Kind::Sized(size_or_type.into())
            }
            2 => Kind::Pointer,
            3 => {
                let [of, _index, count] = words.take()?;
                Kind::Array { of, count: count.into() }
            }
            4 | 5 => {
                let members = (0..count).map(|_| words.take()).collect::<Result<_, _>>()?;
                Kind::Composite { size: size_or_type.into(), is_struct: number == 4, bit_fields: flag, members }
            }
            // An enumeration of 32 or 64 bits: name and value, the latter of one word or two.
            6 | 19 => {
                words.skip(count * if number == 6 { 2 } else { 3 })?;
                Kind::Sized(size_or_type.into())
            }
            // A declaration without a definition; a function.
            7 | 12 => Kind::Sizeless,
            // typedef, volatile, const, restrict, a tag of a type.
            8..=11 | 18 => Kind::Alias(size_or_type),
            // A function's prototype: name and type of each parameter.
            13 => words.skip(count * 2).map(|()| Kind::Sizeless)?,
            // A variable, and a tag of a declaration: one word.
            14 | 17 => words.skip(1).map(|()| Kind::Sizeless)?,
            // A section: type, offset and size of each variable.
            15 => words.skip(count * 3).map(|()| Kind::Sizeless)?,
            16 => Kind::Sized(size_or_type.into()),
            unknown => return Err(Error::UnknownKind(unknown)),
        };
        Ok(Self { name, kind })
    }
}

/// All types together: what one refers to may stand before or after it.
struct Reader<'a> {
    types: Vec<Type>,
    names: &'a [u8],
}

impl Reader<'_> {
    fn structs(&self) -> Result<Structs, Error> {
        let mut found = BTreeMap::new();
        for declared in &self.types {
            if let Kind::Composite { size, is_struct: true, .. } = declared.kind {
                let mut members = Vec::new();
                self.add_members(&declared.kind, 0, 0, &mut members)?;
                found.insert(self.name(declared.name)?.to_owned(), Struct { size, members });
            }
        }
        // The anonymous ones stand in those that they are members of.
        found.remove("");
        Ok(Structs(found))
    }

    fn add_members(&self, kind: &Kind, base: u64, depth: usize, found: &mut Vec<Member>) -> Result<(), Error> {
        let Kind::Composite { bit_fields, members, .. } = kind else { return Ok(()) };
        for &[name, id, place] in members {
            // With bit fields among the members, their size stands in the highest byte.
            let (offset, bits) = if *bit_fields { (place & 0x00ff_ffff, place >> 24) } else { (place, 0) };
            let offset = base + u64::from(offset);
            let name = self.name(name)?.to_owned();
            if name.is_empty() {
                // Deeper than there are types, it contains itself.
                if depth > self.types.len() {
                    return Err(Error::BadType(id));
                }
                self.add_members(self.behind_aliases(id)?, offset, depth + 1, found)?;
            } else {
                let size = if bits > 0 { bits.into() } else { self.bits(id)? };
                found.push(Member { name, offset, size });
            }
        }
        Ok(())
    }

    /// The size of a type in bits.
    fn bits(&self, id: u32) -> Result<u64, Error> {
        let (mut id, mut times) = (id, 1);
        for _ in &self.types {
            match *self.behind_aliases(id)? {
                Kind::Sized(bytes) | Kind::Composite { size: bytes, .. } => {
                    return Ok(bytes.saturating_mul(times).saturating_mul(8));
                }
                Kind::Pointer => return Ok(times.saturating_mul(POINTER_BITS)),
                Kind::Array { of, count } => (id, times) = (of, times.saturating_mul(count)),
                Kind::Alias(_) | Kind::Sizeless => break,
            }
        }
        Err(Error::BadType(id))
    }

    fn behind_aliases(&self, id: u32) -> Result<&Kind, Error> {
        let mut at = id;
        // As many steps as there are types, or it goes round.
        for _ in &self.types {
            match self.types.get(at as usize) {
                Some(Type { kind: Kind::Alias(to), .. }) => at = *to,
                Some(found) => return Ok(&found.kind),
                None => break,
            }
        }
        Err(Error::BadType(id))
    }

    fn name(&self, at: u32) -> Result<&str, Error> {
        let text = self.names.get(at as usize..).and_then(|names| names.split(|&byte| byte == 0).next());
        std::str::from_utf8(text.ok_or(Error::BadName(at))?).ok().ok_or(Error::BadName(at))
    }
}

/// What is left of a run of 32-bit numbers.
struct Words<'a>(&'a [u8]);

impl Words<'_> {
    fn next(&mut self) -> Result<u32, Error> {
        let (word, rest) = self.0.split_first_chunk().ok_or(Error::Short)?;
        self.0 = rest;
        Ok(u32::from_le_bytes(*word))
    }

    fn take<const N: usize>(&mut self) -> Result<[u32; N], Error> {
        let mut words = [0; N];
        for word in &mut words {
            *word = self.next()?;
        }
        Ok(words)
    }

    fn skip(&mut self, words: u32) -> Result<(), Error> {
        (0..words).try_for_each(|_| self.next().map(drop))
    }
}
