//! The enumerations, with checked conversions from the numbers that stand for them.

use lapwing_common::syscall::Arch;

/// A number that stands for nothing we know: the object and this side are of different makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{value} is no {what}")]
pub struct UnknownValue {
    /// What it should have been.
    pub what: &'static str,
    /// The number.
    pub value: u32,
}

macro_rules! codes {
    ($(
        $(#[$about:meta])*
        $name:ident: $number:ident, $what:literal { $($(#[$meaning:meta])* $variant:ident = $value:literal,)* }
    )*) => { $(
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr($number)]
        pub enum $name { $($(#[$meaning])* $variant = $value,)* }

        impl $name {
            /// Every one, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant),*];
        }

        impl TryFrom<$number> for $name {
            type Error = UnknownValue;

            fn try_from(value: $number) -> Result<Self, UnknownValue> {
                match value {
                    $($value => Ok(Self::$variant),)*
                    _ => Err(UnknownValue { what: $what, value: value.into() }),
                }
            }
        }

        impl From<$name> for $number {
            fn from(code: $name) -> Self {
                code as Self
            }
        }
    )* };
}

codes! {
    /// `enum lw_interface`: by which system call table a call came.
    Interface: u8, "system call interface" {
        /// The kernel's own.
        Native = 0,
        /// That of 32-bit programs.
        Compat = 1,
        /// x32; on x86-64 only.
        X32 = 2,
    }

    /// `enum lw_scope`: whom to observe.
    ScopeKind: u32, "scope" {
        /// Processes that are named, and what they start.
        Tree = 0,
        /// Everybody.
        Host = 1,
        /// The members of control groups.
        Cgroups = 2,
    }

    /// `enum lw_hierarchy`: where control groups are that are observed. But for the first, hierarchies of version 1.
    Hierarchy: u32, "hierarchy of control groups" {
        /// That of version 2.
        Unified = 0,
        /// That of `cpuset`.
        Cpuset = 1,
        /// That of `cpu`.
        Cpu = 2,
        /// That of `cpuacct`.
        Cpuacct = 3,
        /// That of `blkio`.
        Blkio = 4,
        /// That of `memory`.
        Memory = 5,
        /// That of `devices`.
        Devices = 6,
        /// That of `freezer`.
        Freezer = 7,
        /// That of `pids`.
        Pids = 8,
    }

    /// `enum lw_role`: what an argument is, and so what is captured for it.
    Role: u8, "role of an argument" {
        /// Nothing beyond its value.
        None = 0,
        /// A string that ends with NUL.
        Text = 1,
        /// Bytes.
        Data = 2,
        /// A descriptor of a file.
        Fd = 3,
        /// A path.
        Path = 4,
        /// A descriptor of a socket.
        Socket = 5,
        /// A pidfd.
        Pidfd = 6,
        /// A thread's number.
        Tid = 7,
    }

    /// `enum lw_condition`: what a test asks of an argument.
    Condition: u8, "condition of a test" {
        /// Nothing.
        Always = 0,
        /// That a bit of the value is set.
        AnyBit = 1,
        /// That no bit of the value is set.
        NoBit = 2,
        /// That the low 32 bits are the value's.
        Is = 3,
        /// That they are not.
        IsNot = 4,
        /// That it is not zero.
        Present = 5,
    }

    /// `enum lw_kind`: what a record is about.
    Kind: u8, "kind of record" {
        /// A process was made; the result is the child.
        Fork = 1,
        /// A new program begins.
        Exec = 2,
        /// A process ended; the result is its raw exit status.
        Exit = 3,
        /// A call is about to be made that may change what it names. Its [`Kind::Call`] follows, or is not
        /// reported.
        Early = 4,
        /// A call returned.
        Call = 5,
        /// An operation of an io_uring was submitted: what it names. Its [`Kind::UringEnd`] follows.
        Uring = 6,
        /// A process is observed from now on whose fork was not.
        Enter = 7,
        /// An operation of an io_uring is complete; otherwise like [`Kind::Call`].
        UringEnd = 8,
        /// Which calls a process has made since its program began, which ends.
        Made = 9,
    }

    /// `enum lw_part_kind`: what a part of a record holds.
    PartKind: u16, "kind of part" {
        /// A string, without its NUL.
        Text = 1,
        /// Bytes.
        Data = 2,
        /// A [`FileHead`](super::FileHead), then its names, then what is left of the path.
        File = 3,
        /// A [`Socket`](super::Socket).
        Socket = 4,
        /// [`Credentials`](super::Credentials).
        Credentials = 5,
        /// A process id as a `u32`.
        Target = 6,
        /// A [`Program`](super::Program).
        Program = 7,
        /// The argument vector.
        Argv = 8,
        /// The environment.
        Envp = 9,
        /// A socket address: the other end of an accepted connection.
        Peer = 10,
        /// An [`Operation`](super::Operation).
        Operation = 11,
    }

    /// `enum lw_counter`: why something was not captured. Their numbers are indexes of the map `counters`.
    Counter: u32, "counter" {
        /// A fork, exec or exit: the ring was full.
        LostLifecycle = 0,
        /// A call: the ring was full.
        LostCalls = 1,
        /// What a call names: the ring was full.
        LostEarly = 2,
        /// No buffer for this CPU.
        NoScratch = 3,
        /// A process could not be added to the tree that is watched.
        TreeFull = 4,
        /// A path was not followed to its end.
        WalksGivenUp = 5,
        /// The caller's memory could not be read.
        Unreadable = 6,
        /// Parts that did not fit into a record.
        Omitted = 7,
        /// A thread could not be remembered: signals to it will not say whose it is.
        ThreadsFull = 8,
        /// Records handed over.
        Records = 9,
        /// An operation of an io_uring could not be remembered until its completion.
        OperationsFull = 10,
        /// Which calls a process made: the map or the ring was full.
        LostMade = 11,
    }

    /// `enum lw_cell`: indexes of the map `filter_cells`.
    Cell: u32, "cell" {
        /// Whether a type is treated otherwise than without filters.
        Policies = 0,
        /// Whether something was discarded that may hold still.
        Discarders = 1,
        /// Raised to invalidate all discarders.
        Revision = 2,
        /// Which half of `filter_counts` is counted in.
        Front = 3,
        /// Whether files can be changed unseen, so that there are no discarders any more.
        Unseen = 4,
        /// Raised when a directory was moved: part of the revision of every mount.
        Moves = 5,
        /// Raised whenever something about files is invalidated.
        Changes = 6,
    }

    /// `enum lw_set`: indexes of the map `number_sets`.
    NumberSetOf: u32, "set of numbers" {
        /// Calls that somebody wants.
        Wanted = 0,
        /// Calls that are looked at before they are made.
        Early = 1,
    }

    /// `enum lw_order`: what the program `obey` is to do.
    Order: u32, "order" {
        /// Discard a file, or what is below a directory.
        Push = 1,
        /// Discard a process.
        PushPid = 2,
        /// Invalidate what is said about an inode, and what is about to be said.
        Expire = 3,
        /// Invalidate everything.
        Flush = 4,
    }

    /// `enum lw_answer`: what it did.
    Answer: u32, "answer" {
        /// What it was told.
        Done = 0,
        /// Nothing: it was invalidated a moment ago.
        Retained = 1,
        /// Nothing, but a retention began.
        Outdated = 2,
        /// Nothing: there are no discarders any more.
        Unseen = 3,
        /// Nothing: the map had no room.
        NoRoom = 4,
        /// Nothing: something has been invalidated since.
        Overtaken = 5,
    }
}

impl Interface {
    /// The interface's architecture on the machine this was built for; `None` for one that it lacks.
    #[must_use]
    pub fn arch(self) -> Option<Arch> {
        self.arch_on(Arch::NATIVE)
    }

    /// The interface's architecture under a kernel of the given one.
    pub(crate) fn arch_on(self, kernel: Arch) -> Option<Arch> {
        match (kernel, self) {
            (Arch::X86_64, Self::Compat) => Some(Arch::I386),
            (Arch::X86_64, Self::X32) => Some(Arch::X32),
            (Arch::Aarch64, Self::Compat) => Some(Arch::Arm),
            (Arch::X86_64 | Arch::Aarch64, Self::Native) => Some(kernel),
            _ => None,
        }
    }
}
