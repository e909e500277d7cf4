//! The rows. Grouped as the event reference is; within a group, a call stands beside its variants.
//!
//! Columns of numbers: x86-64, i386, AArch64, ARM (EABI); then the x32 number where it is not the
//! x86-64 one. A test compares them with another project's tables.

use super::role::Last::{Create, Follow, Keep};
use super::role::Slot::{Destination, File};
use super::role::{Layout, Role};
use super::test::{Condition, Test};
use super::{Indirection, Numbers, Product, Syscall, Yield};
use crate::event::EventType;
use Role::{
    Argv, AtFlags, CloneArgs, Data, DirFd, EffectiveId, Envp, Fd, Flags, FsId, Gid, Ignored, Image, Length, LinkText,
    Mode, Name, Path, Protocol, SavedId, Selector, SockAddr, SockAddrOut, Socket, Source, SubSelector, TargetPid,
    TargetPidfd, TargetTid, Uid,
};

/// Every system call that Lapwing turns into an event.
pub static CATALOGUE: &[Syscall] = &[
    // Programs.
    row("execve", [Some(59), Some(11), Some(221), Some(11)], Some(520), EXEC, &[Path(File, Follow), Argv, Envp])
        .produces(Product::Program),
    row(
        "execveat",
        [Some(322), Some(358), Some(281), Some(387)],
        Some(545),
        EXEC,
        &[DirFd, Path(File, Follow), Argv, Envp, AtFlags],
    )
    .produces(Product::Program),
    // Credentials.
    row("setuid", [Some(105), Some(23), Some(146), Some(23)], None, SETUID, &[Uid])
        .narrow()
        .produces(Product::Credentials),
    row("setuid32", [None, Some(213), None, Some(213)], None, SETUID, &[Uid]).produces(Product::Credentials),
    row("setreuid", [Some(113), Some(70), Some(145), Some(70)], None, SETUID, &[Uid, EffectiveId])
        .narrow()
        .produces(Product::Credentials),
    row("setreuid32", [None, Some(203), None, Some(203)], None, SETUID, &[Uid, EffectiveId])
        .produces(Product::Credentials),
    row("setresuid", [Some(117), Some(164), Some(147), Some(164)], None, SETUID, &[Uid, EffectiveId, SavedId])
        .narrow()
        .produces(Product::Credentials),
    row("setresuid32", [None, Some(208), None, Some(208)], None, SETUID, &[Uid, EffectiveId, SavedId])
        .produces(Product::Credentials),
    row("setfsuid", [Some(122), Some(138), Some(151), Some(138)], None, SETUID, &[FsId])
        .narrow()
        .produces(Product::Credentials),
    row("setfsuid32", [None, Some(215), None, Some(215)], None, SETUID, &[FsId]).produces(Product::Credentials),
    row("setgid", [Some(106), Some(46), Some(144), Some(46)], None, SETGID, &[Gid])
        .narrow()
        .produces(Product::Credentials),
    row("setgid32", [None, Some(214), None, Some(214)], None, SETGID, &[Gid]).produces(Product::Credentials),
    row("setregid", [Some(114), Some(71), Some(143), Some(71)], None, SETGID, &[Gid, EffectiveId])
        .narrow()
        .produces(Product::Credentials),
    row("setregid32", [None, Some(204), None, Some(204)], None, SETGID, &[Gid, EffectiveId])
        .produces(Product::Credentials),
    row("setresgid", [Some(119), Some(170), Some(149), Some(170)], None, SETGID, &[Gid, EffectiveId, SavedId])
        .narrow()
        .produces(Product::Credentials),
    row("setresgid32", [None, Some(210), None, Some(210)], None, SETGID, &[Gid, EffectiveId, SavedId])
        .produces(Product::Credentials),
    row("setfsgid", [Some(123), Some(139), Some(152), Some(139)], None, SETGID, &[FsId])
        .narrow()
        .produces(Product::Credentials),
    row("setfsgid32", [None, Some(216), None, Some(216)], None, SETGID, &[FsId]).produces(Product::Credentials),
    row("capset", [Some(126), Some(185), Some(91), Some(185)], None, CAPSET, &[Ignored, Data(Layout::CapData)])
        .produces(Product::Credentials),
    // What a process does to itself and to others.
    row("setrlimit", [Some(160), Some(75), Some(164), Some(75)], None, SETRLIMIT, &[Selector, Data(Layout::Rlimit)]),
    row(
        "prlimit64",
        [Some(302), Some(340), Some(261), Some(369)],
        None,
        PRLIMIT,
        &[TargetPid, Selector, Data(Layout::Rlimit64)],
    ),
    row("prctl", [Some(157), Some(172), Some(167), Some(172)], None, PRCTL, &[Selector, Name])
        .reading_when(&[Test::new(0, Condition::Is(PR_SET_NAME))]),
    row("kill", [Some(62), Some(37), Some(129), Some(37)], None, SIGNAL, &[TargetPid, Selector]),
    row("tkill", [Some(200), Some(238), Some(130), Some(238)], None, SIGNAL, &[TargetTid, Selector]),
    row("tgkill", [Some(234), Some(270), Some(131), Some(268)], None, SIGNAL, &[TargetPid, TargetTid, Selector]),
    row("rt_sigqueueinfo", [Some(129), Some(178), Some(138), Some(178)], Some(524), SIGNAL, &[TargetPid, Selector]),
    row(
        "rt_tgsigqueueinfo",
        [Some(297), Some(335), Some(240), Some(363)],
        Some(536),
        SIGNAL,
        &[TargetPid, TargetTid, Selector],
    ),
    row("pidfd_send_signal", [Some(424), Some(424), Some(424), Some(424)], None, SIGNAL, &[TargetPidfd, Selector]),
    row("ptrace", [Some(101), Some(26), Some(117), Some(26)], Some(521), PTRACE, &[Selector, TargetTid]),
    row("chdir", [Some(80), Some(12), Some(49), Some(12)], None, CHDIR, &[Path(File, Follow)]),
    row("fchdir", [Some(81), Some(133), Some(50), Some(133)], None, CHDIR, &[Fd(File)]),
    row("chroot", [Some(161), Some(61), Some(51), Some(61)], None, CHROOT, &[Path(File, Follow)]),
    row("setns", [Some(308), Some(346), Some(268), Some(375)], None, SETNS, &[Fd(File), Flags]),
    row("unshare", [Some(272), Some(310), Some(97), Some(337)], None, UNSHARE, &[Flags]),
    // Opening and creating files.
    row("open", [Some(2), Some(5), None, Some(5)], None, OPEN, &[Path(File, Follow), Flags, Mode])
        .produces(Product::File),
    row("openat", [Some(257), Some(295), Some(56), Some(322)], None, OPEN, &[DirFd, Path(File, Follow), Flags, Mode])
        .produces(Product::File),
    row(
        "openat2",
        [Some(437), Some(437), Some(437), Some(437)],
        None,
        OPEN,
        &[DirFd, Path(File, Follow), Data(Layout::OpenHow), Length],
    )
    .produces(Product::File),
    row("creat", [Some(85), Some(8), None, Some(8)], None, OPEN, &[Path(File, Follow), Mode])
        .produces(Product::File)
        .implies(O_CREAT | O_WRONLY | O_TRUNC),
    row("truncate", [Some(76), Some(92), Some(45), Some(92)], None, OPEN, &[Path(File, Follow)])
        .implies(O_WRONLY | O_TRUNC),
    row("truncate64", [None, Some(193), None, Some(193)], None, OPEN, &[Path(File, Follow)])
        .implies(O_WRONLY | O_TRUNC),
    row("ftruncate", [Some(77), Some(93), Some(46), Some(93)], None, OPEN, &[Fd(File)]).implies(O_WRONLY | O_TRUNC),
    row("ftruncate64", [None, Some(194), None, Some(194)], None, OPEN, &[Fd(File)]).implies(O_WRONLY | O_TRUNC),
    row("open_by_handle_at", [Some(304), Some(342), Some(265), Some(371)], None, OPEN, &[Ignored, Ignored, Flags])
        .produces(Product::File),
    row("memfd_create", [Some(319), Some(356), Some(279), Some(385)], None, OPEN, &[Name])
        .produces(Product::File)
        .implies(O_RDWR | O_CREAT),
    // Directories and names.
    row("mkdir", [Some(83), Some(39), None, Some(39)], None, MKDIR, &[Path(File, Create), Mode]),
    row("mkdirat", [Some(258), Some(296), Some(34), Some(323)], None, MKDIR, &[DirFd, Path(File, Create), Mode]),
    row("rmdir", [Some(84), Some(40), None, Some(40)], None, RMDIR, &[Path(File, Keep)]),
    row("unlink", [Some(87), Some(10), None, Some(10)], None, UNLINK, &[Path(File, Keep)]),
    row("unlinkat", [Some(263), Some(301), Some(35), Some(328)], None, UNLINKAT, &[DirFd, Path(File, Keep), Flags]),
    row("rename", [Some(82), Some(38), None, Some(38)], None, RENAME, &[Path(File, Keep), Path(Destination, Create)]),
    row(
        "renameat",
        [Some(264), Some(302), Some(38), Some(329)],
        None,
        RENAME,
        &[DirFd, Path(File, Keep), DirFd, Path(Destination, Create)],
    ),
    row(
        "renameat2",
        [Some(316), Some(353), Some(276), Some(382)],
        None,
        RENAME,
        &[DirFd, Path(File, Keep), DirFd, Path(Destination, Create), Flags],
    ),
    row("link", [Some(86), Some(9), None, Some(9)], None, LINK, &[Path(File, Keep), Path(Destination, Create)]),
    row(
        "linkat",
        [Some(265), Some(303), Some(37), Some(330)],
        None,
        LINK,
        &[DirFd, Path(File, Keep), DirFd, Path(Destination, Create), AtFlags],
    ),
    row("symlink", [Some(88), Some(83), None, Some(83)], None, LINK, &[LinkText, Path(Destination, Create)]),
    row(
        "symlinkat",
        [Some(266), Some(304), Some(36), Some(331)],
        None,
        LINK,
        &[LinkText, DirFd, Path(Destination, Create)],
    ),
    // Attributes.
    row("chmod", [Some(90), Some(15), None, Some(15)], None, CHMOD, &[Path(File, Follow), Mode]),
    row("fchmod", [Some(91), Some(94), Some(52), Some(94)], None, CHMOD, &[Fd(File), Mode]),
    row("fchmodat", [Some(268), Some(306), Some(53), Some(333)], None, CHMOD, &[DirFd, Path(File, Follow), Mode]),
    row(
        "fchmodat2",
        [Some(452), Some(452), Some(452), Some(452)],
        None,
        CHMOD,
        &[DirFd, Path(File, Follow), Mode, AtFlags],
    ),
    row("chown", [Some(92), Some(182), None, Some(182)], None, CHOWN, &[Path(File, Follow), Uid, Gid]).narrow(),
    row("chown32", [None, Some(212), None, Some(212)], None, CHOWN, &[Path(File, Follow), Uid, Gid]),
    row("lchown", [Some(94), Some(16), None, Some(16)], None, CHOWN, &[Path(File, Keep), Uid, Gid]).narrow(),
    row("lchown32", [None, Some(198), None, Some(198)], None, CHOWN, &[Path(File, Keep), Uid, Gid]),
    row("fchown", [Some(93), Some(95), Some(55), Some(95)], None, CHOWN, &[Fd(File), Uid, Gid]).narrow(),
    row("fchown32", [None, Some(207), None, Some(207)], None, CHOWN, &[Fd(File), Uid, Gid]),
    row(
        "fchownat",
        [Some(260), Some(298), Some(54), Some(325)],
        None,
        CHOWN,
        &[DirFd, Path(File, Follow), Uid, Gid, AtFlags],
    ),
    row("utime", [Some(132), Some(30), None, None], None, UTIMES, &[Path(File, Follow), Data(Layout::Utimbuf)]),
    row("utimes", [Some(235), Some(271), None, Some(269)], None, UTIMES, &[Path(File, Follow), Data(Layout::Timeval)]),
    row(
        "futimesat",
        [Some(261), Some(299), None, Some(326)],
        None,
        UTIMES,
        &[DirFd, Path(File, Follow), Data(Layout::Timeval)],
    ),
    row(
        "utimensat",
        [Some(280), Some(320), Some(88), Some(348)],
        None,
        UTIMES,
        &[DirFd, Path(File, Follow), Data(Layout::Timespec), AtFlags],
    ),
    row(
        "utimensat_time64",
        [None, Some(412), None, Some(412)],
        None,
        UTIMES,
        &[DirFd, Path(File, Follow), Data(Layout::Timespec64), AtFlags],
    ),
    row("setxattr", [Some(188), Some(226), Some(5), Some(226)], None, SETXATTR, &[Path(File, Follow), Name]),
    row("lsetxattr", [Some(189), Some(227), Some(6), Some(227)], None, SETXATTR, &[Path(File, Keep), Name]),
    row("fsetxattr", [Some(190), Some(228), Some(7), Some(228)], None, SETXATTR, &[Fd(File), Name]),
    row(
        "setxattrat",
        [Some(463), Some(463), Some(463), Some(463)],
        None,
        SETXATTR,
        &[DirFd, Path(File, Follow), AtFlags, Name],
    ),
    row("removexattr", [Some(197), Some(235), Some(14), Some(235)], None, REMOVEXATTR, &[Path(File, Follow), Name]),
    row("lremovexattr", [Some(198), Some(236), Some(15), Some(236)], None, REMOVEXATTR, &[Path(File, Keep), Name]),
    row("fremovexattr", [Some(199), Some(237), Some(16), Some(237)], None, REMOVEXATTR, &[Fd(File), Name]),
    row(
        "removexattrat",
        [Some(466), Some(466), Some(466), Some(466)],
        None,
        REMOVEXATTR,
        &[DirFd, Path(File, Follow), AtFlags, Name],
    ),
    // Mounts.
    row("mount", [Some(165), Some(21), Some(40), Some(21)], None, MOUNT, &[Source, Path(File, Follow), Name, Flags]),
    row(
        "move_mount",
        [Some(429), Some(429), Some(429), Some(429)],
        None,
        MOUNT,
        &[DirFd, Path(Destination, Follow), DirFd, Path(File, Follow), Flags],
    ),
    row("fsmount", [Some(432), Some(432), Some(432), Some(432)], None, MOUNT, &[Ignored, Ignored, Ignored])
        .produces(Product::File),
    row(
        "open_tree",
        [Some(428), Some(428), Some(428), Some(428)],
        None,
        OPEN_TREE,
        &[DirFd, Path(Destination, Follow), AtFlags],
    )
    .produces(Product::File),
    row(
        "open_tree_attr",
        [Some(467), Some(467), Some(467), Some(467)],
        None,
        OPEN_TREE,
        &[DirFd, Path(Destination, Follow), AtFlags, Ignored, Length],
    )
    .produces(Product::File),
    row("umount2", [Some(166), Some(52), Some(39), Some(52)], None, UMOUNT, &[Path(File, Follow), Flags]),
    row("umount", [None, Some(22), None, None], None, UMOUNT, &[Path(File, Follow)]),
    row(
        "pivot_root",
        [Some(155), Some(217), Some(41), Some(218)],
        None,
        PIVOT_ROOT,
        &[Path(File, Follow), Path(Destination, Follow)],
    ),
    row(
        "splice",
        [Some(275), Some(313), Some(76), Some(340)],
        None,
        SPLICE,
        &[Fd(File), Ignored, Fd(Destination), Ignored, Length, Flags],
    ),
    // Memory and the kernel itself.
    row("mmap", [Some(9), None, Some(222), None], None, MMAP, &[Ignored, Length, Selector, Flags, Fd(File)]),
    row("mmap2", [None, Some(192), None, Some(192)], None, MMAP, &[Ignored, Length, Selector, Flags, Fd(File)]),
    row("mprotect", [Some(10), Some(125), Some(226), Some(125)], None, MPROTECT, &[Ignored, Length, Selector]),
    row("pkey_mprotect", [Some(329), Some(380), Some(288), Some(394)], None, MPROTECT, &[Ignored, Length, Selector]),
    row("init_module", [Some(175), Some(128), Some(105), Some(128)], None, LOAD_MODULE, &[Image, Length, Name]),
    row("finit_module", [Some(313), Some(350), Some(273), Some(379)], None, LOAD_MODULE, &[Fd(File), Name, Flags]),
    row("delete_module", [Some(176), Some(129), Some(106), Some(129)], None, UNLOAD_MODULE, &[Name, Flags]),
    row("bpf", [Some(321), Some(357), Some(280), Some(386)], None, BPF, &[Selector, Data(Layout::BpfAttr), Length]),
    // Network.
    row("socket", [Some(41), Some(359), Some(198), Some(281)], None, SOCKET, &[Selector, SubSelector, Protocol])
        .produces(Product::Socket),
    row("bind", [Some(49), Some(361), Some(200), Some(282)], None, BIND, &[Socket, SockAddr, Length])
        .also(&[EADDRINUSE, EFAULT]),
    row("connect", [Some(42), Some(362), Some(203), Some(283)], None, CONNECT, &[Socket, SockAddr, Length]).also(&[
        ECONNREFUSED,
        ETIMEDOUT,
        EINPROGRESS,
    ]),
    row("accept", [Some(43), None, Some(202), Some(285)], None, ACCEPT, &[Socket, SockAddrOut, Ignored])
        .also(&[ECONNABORTED])
        .produces(Product::Socket),
    row("accept4", [Some(288), Some(364), Some(242), Some(366)], None, ACCEPT, &[Socket, SockAddrOut, Ignored, Flags])
        .also(&[ECONNABORTED])
        .produces(Product::Socket),
    row(
        "setsockopt",
        [Some(54), Some(366), Some(208), Some(294)],
        Some(541),
        SETSOCKOPT,
        &[Socket, Selector, SubSelector, Data(Layout::SockFprog), Length],
    )
    .reading_when(&[Test::new(1, Condition::Is(SOL_SOCKET)), Test::new(2, Condition::Is(SO_ATTACH_FILTER))]),
    // Ways out of sight.
    row("io_uring_setup", [Some(425), Some(425), Some(425), Some(425)], None, BLIND, &[Ignored, Ignored]),
    row("clone", [Some(56), Some(120), Some(220), Some(120)], None, UNTRACED, &[Flags]),
    row("clone3", [Some(435), Some(435), Some(435), Some(435)], None, BLIND, &[CloneArgs, Length]),
    // Calls whose arguments lie in memory.
    row("mmap_old", [None, Some(90), None, None], None, MMAP_BLOCK, &[Role::Indirect]).indirectly(Indirection::Mmap),
    row("socketcall", [None, Some(102), None, None], None, SOCKETCALL, &[Selector, Role::Indirect])
        .indirectly(Indirection::Socketcall),
];

macro_rules! yields {
    ($($name:ident = $event:ident;)*) => { $(
        const $name: &[Yield] = &[Yield { event: EventType::$event, when: &[] }];
    )* };
}

yields! {
    EXEC = Exec; SETUID = Setuid; SETGID = Setgid; CAPSET = Capset; SETRLIMIT = Setrlimit;
    SIGNAL = Signal; PTRACE = Ptrace; CHDIR = Chdir; CHROOT = Chroot; SETNS = Setns;
    UNSHARE = Unshare; OPEN = Open; MKDIR = Mkdir; RMDIR = Rmdir; UNLINK = Unlink; RENAME = Rename;
    LINK = Link; CHMOD = Chmod; CHOWN = Chown; UTIMES = Utimes; SETXATTR = Setxattr;
    REMOVEXATTR = Removexattr; MOUNT = Mount; UMOUNT = Umount; PIVOT_ROOT = PivotRoot;
    SPLICE = Splice; LOAD_MODULE = LoadModule; UNLOAD_MODULE = UnloadModule; BPF = Bpf;
    SOCKET = Socket; BIND = Bind; CONNECT = Connect; ACCEPT = Accept; SETSOCKOPT = Setsockopt;
    BLIND = Blind; MMAP_BLOCK = Mmap;
}

/// A `prlimit64` that sets nothing is a query.
const PRLIMIT: &[Yield] = &[Yield { event: EventType::Setrlimit, when: &[Test::new(2, Condition::Present)] }];

/// glibc's allocator names its mappings with `PR_SET_VMA`, once for each; nobody learns from that.
const PRCTL: &[Yield] = &[Yield { event: EventType::Prctl, when: &[Test::new(0, Condition::IsNot(PR_SET_VMA))] }];

/// `unlinkat` removes directories too.
const UNLINKAT: &[Yield] = &[
    Yield { event: EventType::Unlink, when: &[Test::new(2, Condition::NoBit(AT_REMOVEDIR))] },
    Yield { event: EventType::Rmdir, when: &[Test::new(2, Condition::AnyBit(AT_REMOVEDIR))] },
];

/// Without the flag it opens a place, as `open` with `O_PATH`.
const OPEN_TREE: &[Yield] =
    &[Yield { event: EventType::Mount, when: &[Test::new(2, Condition::AnyBit(OPEN_TREE_CLONE))] }];

/// Memory that cannot be executed is of no interest.
const MMAP: &[Yield] = &[Yield { event: EventType::Mmap, when: &[Test::new(2, Condition::AnyBit(PROT_EXEC))] }];
const MPROTECT: &[Yield] = &[Yield { event: EventType::Mprotect, when: &[Test::new(2, Condition::AnyBit(PROT_EXEC))] }];

/// `CLONE_UNTRACED` keeps a debugger from following a child. `clone3` passes it by pointer.
const UNTRACED: &[Yield] =
    &[Yield { event: EventType::Blind, when: &[Test::new(0, Condition::AnyBit(super::CLONE_UNTRACED))] }];

/// What `socketcall` multiplexes (`SYS_*` of linux/net.h).
const SOCKETCALL: &[Yield] = &[
    Yield { event: EventType::Socket, when: &[Test::new(0, Condition::Is(1))] },
    Yield { event: EventType::Bind, when: &[Test::new(0, Condition::Is(2))] },
    Yield { event: EventType::Connect, when: &[Test::new(0, Condition::Is(3))] },
    Yield { event: EventType::Accept, when: &[Test::new(0, Condition::Is(5))] },
    Yield { event: EventType::Setsockopt, when: &[Test::new(0, Condition::Is(14))] },
    Yield { event: EventType::Accept, when: &[Test::new(0, Condition::Is(18))] },
];

// Values of asm-generic headers; the four architectures agree on all of these.
const O_WRONLY: u64 = 0o1;
const O_RDWR: u64 = 0o2;
const O_CREAT: u64 = 0o100;
const O_TRUNC: u64 = 0o1000;
const AT_REMOVEDIR: u64 = 0x200;
const OPEN_TREE_CLONE: u64 = 0x1;
const PROT_EXEC: u64 = 0x4;
const PR_SET_VMA: u32 = 0x5356_4d41;
const PR_SET_NAME: u32 = 15;
const SOL_SOCKET: u32 = 1;
const SO_ATTACH_FILTER: u32 = 26;
const EFAULT: i32 = 14;
const EADDRINUSE: i32 = 98;
const ECONNABORTED: i32 = 103;
const ETIMEDOUT: i32 = 110;
const ECONNREFUSED: i32 = 111;
const EINPROGRESS: i32 = 115;

const fn row(
    name: &'static str,
    [x86_64, i386, aarch64, arm]: [Option<u32>; 4],
    x32: Option<u32>,
    yields: &'static [Yield],
    args: &'static [Role],
) -> Syscall {
    Syscall {
        name,
        numbers: Numbers { x86_64, x32, i386, aarch64, arm },
        yields,
        args,
        product: Product::Nothing,
        reported_errors: &[],
        implied_flags: 0,
        narrow_ids: false,
        read_when: &[],
        indirection: None,
    }
}

impl Syscall {
    const fn produces(self, product: Product) -> Self {
        Self { product, ..self }
    }

    const fn also(self, reported_errors: &'static [i32]) -> Self {
        Self { reported_errors, ..self }
    }

    const fn implies(self, implied_flags: u64) -> Self {
        Self { implied_flags, ..self }
    }

    const fn reading_when(self, read_when: &'static [Test]) -> Self {
        Self { read_when, ..self }
    }

    const fn narrow(self) -> Self {
        Self { narrow_ids: true, ..self }
    }

    const fn indirectly(self, indirection: Indirection) -> Self {
        Self { indirection: Some(indirection), ..self }
    }
}
