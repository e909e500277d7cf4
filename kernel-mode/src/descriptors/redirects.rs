//! Calls whose arguments lie in memory: they lead on to descriptors behind those of the interfaces.
//!
//! These are the descriptors of the calls that are meant, as they are on the 32-bit interface, and say
//! besides how many arguments there are to read.

use lapwing_common::backend::FilterPlan;
use lapwing_common::syscall::{Arch, CATALOGUE, Indirection, Redirect};

use super::{Limit, Unsupported};
use crate::abi::{Descriptor, INTERFACES, NO_ARGUMENT, NUMBERS, REDIRECTS};

/// Where they begin; `socketcall`'s numbers are added to it.
#[expect(clippy::cast_possible_truncation, reason = "3072")]
pub(super) const SOCKETCALL: u16 = (INTERFACES * NUMBERS) as u16;
/// What the old `mmap` leads to: the last.
#[expect(clippy::cast_possible_truncation, reason = "3103")]
pub(super) const MMAP: u16 = SOCKETCALL + REDIRECTS as u16 - 1;

/// Says in a descriptor where its arguments lie and where to go on.
pub(super) fn point(indirection: Indirection, descriptor: &mut Descriptor) {
    let (selector, pointer, redirect) = match indirection {
        Indirection::Socketcall => (0, 1, SOCKETCALL),
        Indirection::Mmap => (NO_ARGUMENT, 0, MMAP),
    };
    *descriptor = Descriptor { selector, pointer, redirect, ..*descriptor };
}

/// The descriptors that an indirect call leads to.
pub(super) fn targets(
    indirection: Indirection,
    arch: Arch,
    plan: &FilterPlan,
) -> Result<Vec<(u32, Descriptor)>, Unsupported> {
    let (base, selectors) = match indirection {
        // The last place is not socketcall's, whose numbers end at 20.
        Indirection::Socketcall => (SOCKETCALL, 0..REDIRECTS - 1),
        Indirection::Mmap => (MMAP, 0..1),
    };
    let mut targets = Vec::new();
    for selector in selectors {
        let Some(Redirect { row, count, .. }) = indirection.resolve(&[selector.into(), 0, 0, 0, 0, 0]) else {
            continue;
        };
        let unsupported = Unsupported { row: row.name, limit: Limit::Redirect };
        let index = CATALOGUE.iter().position(|candidate| candidate.name == row.name).ok_or(unsupported)?;
        let words = u8::try_from(count).ok().filter(|words| *words <= 6).ok_or(unsupported)?;
        if let Some(descriptor) = super::descriptor(index, row, arch, plan)? {
            targets.push((u32::from(base) + selector, Descriptor { words, ..descriptor }));
        }
    }
    Ok(targets)
}
