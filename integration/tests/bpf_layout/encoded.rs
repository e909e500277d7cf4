//! BTF as bytes, written by hand: what no compiler at hand emits, or none should.

/// The numbers of the kinds, as `include/uapi/linux/btf.h` has them.
pub(crate) mod kind {
    pub(crate) const INT: u32 = 1;
    pub(crate) const POINTER: u32 = 2;
    pub(crate) const ARRAY: u32 = 3;
    pub(crate) const STRUCT: u32 = 4;
    pub(crate) const UNION: u32 = 5;
    pub(crate) const ENUM: u32 = 6;
    pub(crate) const FORWARD: u32 = 7;
    pub(crate) const TYPEDEF: u32 = 8;
    pub(crate) const CONST: u32 = 10;
    pub(crate) const FUNCTION: u32 = 12;
    pub(crate) const PROTOTYPE: u32 = 13;
    pub(crate) const VARIABLE: u32 = 14;
    pub(crate) const SECTION: u32 = 15;
    pub(crate) const FLOAT: u32 = 16;
    pub(crate) const DECLARATION_TAG: u32 = 17;
    pub(crate) const ENUM64: u32 = 19;
}

/// With members that are bit fields.
pub(crate) const BIT_FIELDS: u32 = 1 << 31;

/// BTF in the making. Types are numbered from 1 on, in the order of being added.
pub(crate) struct Encoded {
    types: Vec<u32>,
    names: Vec<u8>,
    count: u32,
}

impl Encoded {
    pub(crate) fn new() -> Self {
        Self { types: Vec::new(), names: vec![0], count: 0 }
    }

    /// Where a name stands; an empty one stands at 0.
    pub(crate) fn name(&mut self, name: &str) -> u32 {
        if name.is_empty() {
            return 0;
        }
        let at = u32::try_from(self.names.len()).expect("few names");
        self.names.extend_from_slice(name.as_bytes());
        self.names.push(0);
        at
    }

    /// A type of any kind, with the words that follow it; `count` as the format wants it, with flags.
    pub(crate) fn add(&mut self, name: &str, kind: u32, count: u32, size_or_type: u32, words: &[u32]) -> u32 {
        let name = self.name(name);
        self.types.extend([name, kind << 24 | count, size_or_type]);
        self.types.extend(words);
        self.count += 1;
        self.count
    }

    /// An integer of this many bytes.
    pub(crate) fn int(&mut self, bytes: u32) -> u32 {
        self.add("int", kind::INT, 0, bytes, &[bytes * 8])
    }

    /// A struct or union of this many bytes, by name, type and place of its members.
    pub(crate) fn composite(&mut self, name: &str, kind: u32, bytes: u32, members: &[(&str, u32, u32)]) -> u32 {
        let words: Vec<_> = members.iter().flat_map(|&(name, of, place)| [self.name(name), of, place]).collect();
        self.add(name, kind & 0x1f, u32::try_from(members.len()).expect("few") | kind & BIT_FIELDS, bytes, &words)
    }

    /// The whole, as a section has it.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let length = |bytes: usize| u32::try_from(bytes).expect("a small one");
        let (types, names) = (length(self.types.len() * 4), length(self.names.len()));
        // Magic number, version 1 and no flags; then the header's size and where the parts are behind it.
        let header = [0x0001_eb9f, 24, 0, types, types, names];
        let mut bytes: Vec<_> = header.iter().chain(&self.types).flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend_from_slice(&self.names);
        bytes
    }
}
