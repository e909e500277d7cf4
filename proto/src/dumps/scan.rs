//! What bytes would unfold to, found out without unfolding them.
//!
//! An empty message is two bytes in a file and some hundred in memory, so a file's length says little about what
//! reading it takes. These scans keep nothing, and stop where a limit is passed.

use super::DecodeError;

/// A message type: its size in memory, and which of its fields are messages, by their place in `SHAPES`.
struct Shape {
    size: usize,
    members: &'static [(u32, usize)],
}

/// An entry of a map, key and value and its share of the map's nodes.
const MAP_ENTRY: usize = 128;
/// What any other field takes at most beside its bytes: a string in a list.
const FIELD: usize = 32;
/// A growing list is copied to a larger place, which is twice as large.
const GROWTH: usize = 2;

include!(concat!(env!("OUT_DIR"), "/dump_shapes.rs"));

/// Checks that a message of protobuf nests no deeper and unfolds to no more than is allowed.
pub(super) fn protobuf(bytes: &[u8], root: usize, depth: usize, memory: usize) -> Result<(), DecodeError> {
    let mut room = memory;
    message(bytes, &SHAPES[root], depth, &mut room, memory)
}

fn message(mut bytes: &[u8], shape: &Shape, depth: usize, room: &mut usize, memory: usize) -> Result<(), DecodeError> {
    let below = depth.checked_sub(1).ok_or(DecodeError::TooDeep)?;
    take(room, GROWTH * shape.size, memory)?;
    while !bytes.is_empty() {
        let key = varint(&mut bytes)?;
        let number = u32::try_from(key >> 3).ok().ok_or(DecodeError::Malformed("a field's number is too large"))?;
        take(room, GROWTH * FIELD, memory)?;
        let length = match key & 7 {
            0 => {
                varint(&mut bytes)?;
                continue;
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes)?).ok().ok_or(DecodeError::Truncated)?,
            5 => 4,
            _ => return Err(DecodeError::Malformed("a field is of a kind that does not exist")),
        };
        let (field, rest) = bytes.split_at_checked(length).ok_or(DecodeError::Truncated)?;
        bytes = rest;
        match shape.members.iter().find(|(known, _)| *known == number) {
            Some((_, member)) if key & 7 == 2 => message(field, &SHAPES[*member], below, room, memory)?,
            // At worst a packed list of numbers, each a byte in the file and four in memory.
            _ => take(room, GROWTH * size_of::<u32>() * length, memory)?,
        }
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Result<u64, DecodeError> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(DecodeError::Truncated)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if *byte < 0x80 {
            return Ok(value);
        }
    }
    Err(DecodeError::Malformed("a number is longer than 64 bits"))
}

/// Checks the same of JSON. Whether it *is* JSON is left to its parser.
pub(super) fn json(bytes: &[u8], depth: usize, memory: usize) -> Result<(), DecodeError> {
    // Every object may be the largest of messages.
    let largest = SHAPES.iter().map(|shape| shape.size).max().unwrap_or(0);
    let (mut level, mut room) = (0_usize, memory);
    let (mut in_string, mut escaped) = (false, false);
    take(&mut room, bytes.len(), memory)?;
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                level += 1;
                if level > depth {
                    return Err(DecodeError::TooDeep);
                }
                take(&mut room, GROWTH * if *byte == b'{' { largest } else { FIELD }, memory)?;
            }
            b'}' | b']' => level = level.saturating_sub(1),
            b',' => take(&mut room, GROWTH * FIELD, memory)?,
            _ => {}
        }
    }
    Ok(())
}

fn take(room: &mut usize, size: usize, memory: usize) -> Result<(), DecodeError> {
    *room = room.checked_sub(size).ok_or(DecodeError::TooLarge { limit: memory })?;
    Ok(())
}
