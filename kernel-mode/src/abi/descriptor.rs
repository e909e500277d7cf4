//! The syscall table: what the programs do about a call.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{ERRORS, TESTS, layout};

/// In [`Argument::at_flags`] and [`Descriptor::selector`]: no argument does.
pub const NO_ARGUMENT: u8 = 0xff;

/// `struct lw_argument`: what is captured for an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Argument {
    /// A [`Role`](super::Role).
    pub role: u8,
    /// Which of the event's files it names: 0 for the file acted on, 1 for the second one.
    pub slot: u8,
    /// [`ArgumentFlags`](super::ArgumentFlags): how it is to be read.
    pub flags: u8,
    /// Which argument has `AT_*` flags about this path; [`NO_ARGUMENT`] for none.
    pub at_flags: u8,
    /// Bytes to read at most.
    pub size: u16,
    /// Of an operation: a [`Place`](lapwing_common::syscall::Place), where the request has it.
    pub place: u8,
    /// Zero.
    pub padding: u8,
}

layout!(Argument as "lw_argument", 8 {
    role at 0, slot at 1, flags at 2, at_flags at 3, size at 4, place at 6, padding at 7,
});

/// `struct lw_test`: a test on an argument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Test {
    /// A [`Condition`](super::Condition).
    pub condition: u8,
    /// Index of the argument, 0 to 5.
    pub arg: u8,
    /// Zero.
    pub padding: [u8; 6],
    /// What it is compared with.
    pub value: u64,
}

layout!(Test as "lw_test", 16 { condition at 0, arg at 1, padding at 2, value at 8 });

/// `struct lw_descriptor`: an entry of the syscall table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Descriptor {
    /// [`CallFlags`](super::CallFlags): whether and how the call is captured.
    pub flags: u32,
    /// Index of the row in the catalogue.
    pub row: u16,
    /// For [`CallFlags::INDIRECT`](super::CallFlags::INDIRECT): the first descriptor to go on with.
    pub redirect: u16,
    /// Which argument is added to `redirect`; [`NO_ARGUMENT`] for none.
    pub selector: u8,
    /// Which argument points to the real ones.
    pub pointer: u8,
    /// How many arguments of four bytes each there are behind the pointer that led here.
    pub words: u8,
    /// How many of `tests` there are. The call is of interest if one of them holds, or there is none.
    pub tests_count: u8,
    /// How many of `reads` there are. Strings and structures are there to be read only if all hold.
    pub reads_count: u8,
    /// Number of the type of event that it becomes, if filters or discarders have to know; else 0.
    pub r#type: u8,
    /// Another one, which it becomes if `first_when` holds; 0 for none.
    pub first_type: u8,
    /// Which argument has the flags that an approver looks at, or points to them; [`NO_ARGUMENT`] for none.
    pub flags_arg: u8,
    /// Error numbers that are reported besides `EPERM` and `EACCES`; 0 ends the list.
    pub errors: [u16; ERRORS],
    /// The arguments.
    pub args: [Argument; 6],
    /// Tests of which one must hold.
    pub tests: [Test; TESTS],
    /// Tests of which all must hold.
    pub reads: [Test; 2],
    /// When it becomes `first_type`.
    pub first_when: Test,
    /// Flags that the call implies.
    pub implied_flags: u32,
    /// For [`CallFlags::UPHEAVAL`](super::CallFlags::UPHEAVAL): only if one of these flags is set; 0 for always.
    pub upheaval: u32,
    /// Of an operation: a [`Place`](lapwing_common::syscall::Place), which fixed file its result goes to.
    pub result_slot: u8,
    /// Zero.
    pub padding: [u8; 7],
}

layout!(Descriptor as "lw_descriptor", 232 {
    flags at 0, row at 4, redirect at 6, selector at 8, pointer at 9, words at 10, tests_count at 11,
    reads_count at 12, r#type at 13, first_type at 14, flags_arg at 15, errors at 16, args at 24, tests at 72,
    reads at 168, first_when at 200, implied_flags at 216, upheaval at 220, result_slot at 224, padding at 225,
});
