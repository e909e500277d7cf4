//! Names for numbers, as in the C headers.

use alloc::boxed::Box;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::field::UNSET_AUID;
use crate::names;
use crate::schema::{FlagSet, Symbols};
use crate::syscall::Arch;

/// All constants of the language.
#[derive(Debug)]
pub(crate) struct Constants {
    by_name: HashMap<&'static str, i64>,
}

/// Constants of fields that Lapwing does not observe, so that rules with them can be read. From
/// `linux/mm.h`, `linux/if_ether.h`, `linux/pipe_fs_i.h` and IANA's registries of DNS parameters.
const OTHERS: &[(&str, i64)] = &[
    ("VM_NONE", 0),
    ("VM_READ", 1),
    ("VM_WRITE", 2),
    ("VM_EXEC", 4),
    ("VM_SHARED", 8),
    ("VM_MAYREAD", 0x10),
    ("VM_MAYWRITE", 0x20),
    ("VM_MAYEXEC", 0x40),
    ("VM_MAYSHARE", 0x80),
    ("VM_GROWSDOWN", 0x100),
    ("ETH_P_IP", 0x0800),
    ("ETH_P_ARP", 0x0806),
    ("ETH_P_IPV6", 0x86DD),
    ("PIPE_BUF_FLAG_LRU", 1),
    ("PIPE_BUF_FLAG_ATOMIC", 2),
    ("PIPE_BUF_FLAG_GIFT", 4),
    ("PIPE_BUF_FLAG_PACKET", 8),
    ("PIPE_BUF_FLAG_CAN_MERGE", 16),
    ("PIPE_BUF_FLAG_WHOLE", 32),
    ("PIPE_BUF_FLAG_LOSS", 64),
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("SRV", 33),
    ("ANY", 255),
    ("CLASS_INET", 1),
    ("CLASS_CHAOS", 3),
    ("NOERROR", 0),
    ("FORMERR", 1),
    ("SERVFAIL", 2),
    ("NXDOMAIN", 3),
    ("NOTIMP", 4),
    ("REFUSED", 5),
];

impl Constants {
    pub(crate) fn new() -> Self {
        let mut by_name = HashMap::new();
        let symbols: [&Symbols; 14] = [
            &names::BPF_COMMANDS,
            &names::BPF_MAP_TYPES,
            &names::BPF_PROGRAM_TYPES,
            &names::BPF_ATTACH_TYPES,
            &names::EXIT_CAUSES,
            &names::PRCTL_OPTIONS,
            names::ptrace_requests(Arch::NATIVE),
            &names::RLIMITS,
            &names::SIGNALS,
            &names::SOCKET_FAMILIES,
            &names::SOCKET_TYPES,
            &names::L4_PROTOCOLS,
            &names::SOCKOPT_LEVELS,
            &names::SOCKET_OPTIONS,
        ];
        let flags: [&FlagSet; 13] = [
            names::open_flags(Arch::NATIVE),
            &names::FILE_MODE,
            &names::UNLINK_FLAGS,
            &names::RENAME_FLAGS,
            &names::CLONE_FLAGS,
            &names::CAPABILITIES,
            &names::PROTECTION,
            &names::MMAP_FLAGS,
            &names::MODULE_FLAGS,
            &names::MOUNT_FLAGS,
            &names::UMOUNT_FLAGS,
            &names::SPLICE_FLAGS,
            &names::SOCKET_FLAGS,
        ];
        by_name.extend(OTHERS.iter().copied());
        by_name.insert("AUDIT_AUID_UNSET", UNSET_AUID.into());
        by_name.extend(symbols.iter().flat_map(|table| table.names).map(|(value, name)| (*name, *value)));
        for set in flags {
            by_name.extend(set.flags.iter().map(|flag| (flag.name, flag.value.cast_signed())));
            if !set.zero.is_empty() {
                by_name.insert(set.zero, 0);
            }
        }
        // As in the reference: what a failed call returns, so negative.
        by_name.extend(names::ERRNOS.names.iter().map(|(value, name)| (*name, -value)));
        Self { by_name }
    }

    pub(crate) fn get(&self, name: &str) -> Option<i64> {
        self.by_name.get(name).copied()
    }

    /// All names, in order.
    pub(crate) fn names(&self) -> Box<[&'static str]> {
        let mut names: Vec<_> = self.by_name.keys().copied().collect();
        names.sort_unstable();
        names.into()
    }
}
