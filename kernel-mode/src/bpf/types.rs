//! The kernel's description of its types, to which programs are adapted.

#![expect(unsafe_code, reason = "the allocator is told to give memory back, for which there is no safe function")]

use aya::Btf;

use super::LoadError;

/// Read and taken apart, it is some 20 MiB, needed for milliseconds.
pub(crate) struct Types(pub(super) Btf);

impl Types {
    pub(crate) fn of_kernel() -> Result<Self, LoadError> {
        Btf::from_sys_fs().map(Self).map_err(LoadError::Btf)
    }

    /// No more programs will be loaded. What was freed goes back to the kernel: the allocator would keep most of
    /// it for as long as the process lives.
    pub(crate) fn release(self) {
        drop(self);
        #[cfg(target_env = "gnu")]
        // SAFETY: takes no pointers, and touches nothing but free memory, under the allocator's own lock.
        unsafe {
            libc::malloc_trim(0);
        }
    }
}
