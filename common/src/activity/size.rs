//! What things take on the heap.
//!
//! An allocator hands out blocks of certain sizes with a word of its own before each (glibc's: 16 bytes apart, 32 at
//! least). Counting only what was asked for would understate a tree of small strings by half.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use smallvec::{Array, SmallVec};

/// A block of this many bytes; none for none.
pub(super) const fn block(bytes: usize) -> usize {
    if bytes == 0 {
        return 0;
    }
    let whole = (bytes + 8).next_multiple_of(16);
    if whole < 32 { 32 } else { whole }
}

/// What a vector allocated for its elements.
pub(super) fn vec<T>(vec: &Vec<T>) -> usize {
    block(vec.capacity() * size_of::<T>())
}

/// What a vector may grow by when one element is added.
pub(super) fn doubling<T>(vec: &Vec<T>) -> usize {
    if vec.len() < vec.capacity() { 0 } else { block(vec.capacity().max(4) * 2 * size_of::<T>()) }
}

/// What a small vector allocated, which is nothing while it is small.
pub(super) fn small<A: Array>(vec: &SmallVec<A>) -> usize {
    if vec.spilled() { block(vec.capacity() * size_of::<A::Item>()) } else { 0 }
}

/// Strings of bytes in a vector.
pub(super) fn strings(strings: &[Box<[u8]>]) -> usize {
    block(size_of_val(strings)) + strings.iter().map(|string| block(string.len())).sum::<usize>()
}

/// Text.
pub(super) fn text(text: &String) -> usize {
    block(text.capacity())
}
