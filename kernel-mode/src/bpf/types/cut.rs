//! Smaller descriptions of types, made of a large one.

use std::collections::{HashMap, HashSet};

use super::section::{Entry, HEADER_LEN, Kind, Section, flavourless, word};

/// The types of these names (without flavours), and whatever lies inside of them. Numbers of types are others than
/// before; where a pointer points to is left out, since no access of a program goes through one.
pub(super) fn layouts(kernel: &Section<'_>, names: &HashSet<&[u8]>) -> Option<Vec<u8>> {
    let mut kept = vec![false; kernel.len() + 1];
    let mut open = Vec::new();
    for (number, entry) in kernel.iter() {
        let named = matches!(entry.kind, Kind::Struct | Kind::Enum | Kind::Enum64 | Kind::Typedef | Kind::Int);
        if named && entry.name != 0 && names.contains(flavourless(kernel.name(entry))) {
            kept[number as usize] = true;
            open.push(number);
        }
    }
    while let Some(number) = open.pop() {
        let entry = kernel.get(number)?;
        for at in references(entry)? {
            let inner = at.read(entry)?;
            if inner != 0 && !std::mem::replace(kept.get_mut(inner as usize)?, true) {
                open.push(inner);
            }
        }
    }
    let mut numbers = vec![0; kept.len()];
    let mut last = 0;
    for (number, _) in kept.iter().enumerate().filter(|(_, kept)| **kept) {
        last += 1;
        numbers[number] = last;
    }
    let mut out = Writer::default();
    for (number, entry) in kernel.iter().filter(|(number, _)| kept[*number as usize]) {
        debug_assert_eq!(out.count + 1, numbers[number as usize]);
        out.put(kernel, entry, &numbers)?;
    }
    Some(out.finish())
}

/// What programs can be attached to: tracepoints and iterators, under the numbers that they have. All between
/// them are declarations of nothing.
pub(super) fn hooks(kernel: &Section<'_>) -> Option<Vec<u8>> {
    /// A declaration without a name, which nobody looks for.
    const NOTHING: [u32; 3] = [0, 7 << 24, 0];
    let mut out = Writer::default();
    for (number, entry) in kernel.iter() {
        let prefix: &[u8] = match entry.kind {
            Kind::Typedef => b"btf_trace_",
            Kind::Function => b"bpf_iter_",
            _ => continue,
        };
        if !kernel.name(entry).starts_with(prefix) {
            continue;
        }
        while out.count + 1 < number {
            out.words(&NOTHING);
        }
        let name = out.name(kernel, entry.name)?;
        out.words(&[name, entry.info, 0]);
    }
    Some(out.finish())
}

/// Where a type has the number of another.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reference {
    Value,
    Rest(usize),
}

impl Reference {
    fn read(self, entry: Entry<'_>) -> Option<u32> {
        match self {
            Self::Value => Some(entry.value),
            Self::Rest(at) => word(entry.rest, at),
        }
    }
}

/// The types that lie inside of a type; none if that is of a kind that lies in no structure.
fn references(entry: Entry<'_>) -> Option<Vec<Reference>> {
    Some(match entry.kind {
        Kind::Int | Kind::Pointer | Kind::Enum | Kind::Enum64 | Kind::Forward | Kind::Float => Vec::new(),
        Kind::Typedef | Kind::Qualifier => vec![Reference::Value],
        Kind::Array => vec![Reference::Rest(0), Reference::Rest(4)],
        Kind::Struct => (0..entry.rest.len() / 12).map(|index| Reference::Rest(index * 12 + 4)).collect(),
        Kind::Function | Kind::Other => return None,
    })
}

/// Where the offsets of names of members are.
fn member_names(entry: Entry<'_>) -> impl Iterator<Item = usize> + use<> {
    let size = match entry.kind {
        Kind::Struct | Kind::Enum64 => 12,
        Kind::Enum => 8,
        _ => usize::MAX,
    };
    (0..entry.rest.len() / size).map(move |index| index * size)
}

#[derive(Default)]
struct Writer {
    types: Vec<u8>,
    strings: Vec<u8>,
    /// By offset where they come from.
    known: HashMap<u32, u32>,
    count: u32,
}

impl Writer {
    fn put(&mut self, kernel: &Section<'_>, entry: Entry<'_>, numbers: &[u32]) -> Option<()> {
        let mut rest = entry.rest.to_vec();
        let mut value = if entry.kind == Kind::Pointer { 0 } else { entry.value };
        for at in references(entry)? {
            let number = *numbers.get(at.read(entry)? as usize)?;
            match at {
                Reference::Value => value = number,
                Reference::Rest(at) => rest.get_mut(at..at + 4)?.copy_from_slice(&number.to_ne_bytes()),
            }
        }
        for at in member_names(entry) {
            let name = self.name(kernel, word(&rest, at)?)?;
            rest.get_mut(at..at + 4)?.copy_from_slice(&name.to_ne_bytes());
        }
        let name = self.name(kernel, entry.name)?;
        self.words(&[name, entry.info, value]);
        self.types.extend(rest);
        Some(())
    }

    /// A type, or its beginning.
    fn words(&mut self, words: &[u32; 3]) {
        self.count += 1;
        self.types.extend(words.iter().flat_map(|word| word.to_ne_bytes()));
    }

    /// The offset of a string here.
    fn name(&mut self, from: &Section<'_>, offset: u32) -> Option<u32> {
        if self.strings.is_empty() {
            // The empty string is at the beginning.
            self.strings.push(0);
        }
        if offset == 0 {
            return Some(0);
        }
        if let Some(known) = self.known.get(&offset) {
            return Some(*known);
        }
        let here = u32::try_from(self.strings.len()).ok()?;
        self.strings.extend(from.string(offset));
        self.strings.push(0);
        self.known.insert(offset, here);
        Some(here)
    }

    fn finish(mut self) -> Vec<u8> {
        if self.strings.is_empty() {
            self.strings.push(0);
        }
        let len = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let (types, strings) = (len(&self.types), len(&self.strings));
        let mut out = Vec::with_capacity(HEADER_LEN + self.types.len() + self.strings.len());
        out.extend(0xeb9f_u16.to_ne_bytes());
        out.extend([1, 0]);
        // The header's length; offset and length of the types, and of the strings.
        for word in [24, 0, types, types, strings] {
            out.extend(u32::to_ne_bytes(word));
        }
        out.extend(self.types);
        out.extend(self.strings);
        out
    }
}
