//! The nodes of the processes that were active last, found without a walk up and down.

use alloc::boxed::Box;
use alloc::sync::{Arc, Weak};

use super::process::ProcessId;
use super::size;
use crate::process::Process;

/// How many processes are kept.
const SLOTS: usize = 128;

/// A process, and its node.
type Slot = Option<(Weak<Process>, ProcessId)>;

/// Nodes by the address of the process, which its weak reference keeps from being used again.
#[derive(Debug)]
pub(super) struct Recent {
    slots: Box<[Slot; SLOTS]>,
}

impl Default for Recent {
    fn default() -> Self {
        Self { slots: Box::new([const { None }; SLOTS]) }
    }
}

impl Recent {
    pub(super) fn get(&self, process: &Arc<Process>) -> Option<ProcessId> {
        match &self.slots[slot(process)] {
            Some((known, node)) if core::ptr::eq(known.as_ptr(), Arc::as_ptr(process)) => Some(*node),
            _ => None,
        }
    }

    pub(super) fn put(&mut self, process: &Arc<Process>, node: ProcessId) {
        self.slots[slot(process)] = Some((Arc::downgrade(process), node));
    }

    /// Forgets all, since nodes went.
    pub(super) fn clear(&mut self) {
        self.slots.fill_with(|| None);
    }

    /// Bytes of heap, with the places of processes that are gone.
    pub(super) fn heap() -> usize {
        size::block(size_of::<[Slot; SLOTS]>())
    }
}

fn slot(process: &Arc<Process>) -> usize {
    // Addresses are far apart; a multiplication spreads them over the upper bits.
    let spread = (Arc::as_ptr(process).addr() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(spread >> 57).unwrap_or(0)
}
