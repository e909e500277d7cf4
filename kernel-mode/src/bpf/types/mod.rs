//! The kernel's description of its types, to which programs are adapted.
//!
//! It is of some 140,000 types, and aya compares the names of all of them with that of each type that a program
//! reads: 70 ms of a CPU. So it is cut down before aya sees it, to what the object's own description names
//! ([`cut`]).

#![expect(unsafe_code, reason = "the allocator is told to give memory back, for which there is no safe function")]

mod cut;
mod section;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use aya::{Btf, BtfError, Endianness};
use object::{Object as _, ObjectSection as _};

use super::LoadError;
use section::Section;

const KERNEL: &str = "/sys/kernel/btf/vmlinux";

/// What loading programs needs of it.
pub(crate) struct Types {
    /// The types that the programs know, with what lies inside of them.
    pub(super) layouts: Btf,
    /// What programs are attached to, by the kernel's own numbers of types.
    pub(super) hooks: Btf,
}

impl Types {
    /// Of the running kernel, for an object's programs.
    pub(crate) fn of_kernel(object: &[u8]) -> Result<Self, LoadError> {
        let path = Path::new(KERNEL);
        let bytes =
            fs::read(path).map_err(|error| LoadError::Btf(BtfError::FileError { path: path.to_owned(), error }))?;
        let parse = |bytes: &[u8]| Btf::parse(bytes, Endianness::default()).map_err(LoadError::Btf);
        match Self::pieces(&bytes, object) {
            Some((layouts, hooks)) => Ok(Self { layouts: parse(&layouts)?, hooks: parse(&hooks)? }),
            // A newer form of description: aya may know it, and says so if not.
            None => Ok(Self { layouts: parse(&bytes)?, hooks: parse(&bytes)? }),
        }
    }

    fn pieces(kernel: &[u8], object: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
        let file = object::File::parse(object).ok()?;
        let own = Section::parse(file.section_by_name(".BTF")?.data().ok()?)?;
        let names: HashSet<&[u8]> = own.iter().map(|(_, entry)| section::flavourless(own.name(entry))).collect();
        let kernel = Section::parse(kernel)?;
        Some((cut::layouts(&kernel, &names)?, cut::hooks(&kernel)?))
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
