//! Sockets: families, types and protocols. x86 and both ARMs number them alike.

use super::bits;
use crate::schema::{FlagSet, Symbols};

/// Address families, from `linux/socket.h` of the kernel's source and address_families(7).
pub static SOCKET_FAMILIES: Symbols = Symbols {
    name: "socket families",
    names: &[
        (0, "AF_UNSPEC"),
        (1, "AF_UNIX"),
        (2, "AF_INET"),
        (3, "AF_AX25"),
        (4, "AF_IPX"),
        (5, "AF_APPLETALK"),
        (6, "AF_NETROM"),
        (7, "AF_BRIDGE"),
        (8, "AF_ATMPVC"),
        (9, "AF_X25"),
        (10, "AF_INET6"),
        (11, "AF_ROSE"),
        (12, "AF_DECnet"),
        (13, "AF_NETBEUI"),
        (14, "AF_SECURITY"),
        (15, "AF_KEY"),
        (16, "AF_NETLINK"),
        (17, "AF_PACKET"),
        (18, "AF_ASH"),
        (19, "AF_ECONET"),
        (20, "AF_ATMSVC"),
        (21, "AF_RDS"),
        (22, "AF_SNA"),
        (23, "AF_IRDA"),
        (24, "AF_PPPOX"),
        (25, "AF_WANPIPE"),
        (26, "AF_LLC"),
        (27, "AF_IB"),
        (28, "AF_MPLS"),
        (29, "AF_CAN"),
        (30, "AF_TIPC"),
        (31, "AF_BLUETOOTH"),
        (32, "AF_IUCV"),
        (33, "AF_RXRPC"),
        (34, "AF_ISDN"),
        (35, "AF_PHONET"),
        (36, "AF_IEEE802154"),
        (37, "AF_CAIF"),
        (38, "AF_ALG"),
        (39, "AF_NFC"),
        (40, "AF_VSOCK"),
        (41, "AF_KCM"),
        (42, "AF_QIPCRTR"),
        (43, "AF_SMC"),
        (44, "AF_XDP"),
        (45, "AF_MCTP"),
        // Aliases.
        (1, "AF_LOCAL"),
        (1, "AF_FILE"),
        (16, "AF_ROUTE"),
    ],
};

/// Types of sockets, from `linux/net.h` of the kernel's source and socket(2).
///
/// socket(2) takes [`SOCKET_FLAGS`] in the same argument: the type is its lowest four bits.
pub static SOCKET_TYPES: Symbols = Symbols {
    name: "socket types",
    names: &[
        (1, "SOCK_STREAM"),
        (2, "SOCK_DGRAM"),
        (3, "SOCK_RAW"),
        (4, "SOCK_RDM"),
        (5, "SOCK_SEQPACKET"),
        (6, "SOCK_DCCP"),
        (10, "SOCK_PACKET"),
    ],
};

/// Flags of accept4(2), and of socket(2) and socketpair(2) beside the type.
pub static SOCKET_FLAGS: FlagSet = FlagSet {
    name: "socket flags",
    flags: &[bits(0o4_000, "SOCK_NONBLOCK"), bits(0o2_000_000, "SOCK_CLOEXEC")],
    zero: "",
};

/// Protocols above IP, from `linux/in.h` and `linux/in6.h`.
///
/// `IP_PROTO_` instead of the headers' `IPPROTO_`, and IGP from IANA's registry, which no header has: as in
/// the rules of the reference release.
pub static L4_PROTOCOLS: Symbols = Symbols {
    name: "L4 protocols",
    names: &[
        (0, "IP_PROTO_IP"),
        (1, "IP_PROTO_ICMP"),
        (2, "IP_PROTO_IGMP"),
        (4, "IP_PROTO_IPIP"),
        (6, "IP_PROTO_TCP"),
        (8, "IP_PROTO_EGP"),
        (9, "IP_PROTO_IGP"),
        (12, "IP_PROTO_PUP"),
        (17, "IP_PROTO_UDP"),
        (22, "IP_PROTO_IDP"),
        (29, "IP_PROTO_TP"),
        (33, "IP_PROTO_DCCP"),
        (41, "IP_PROTO_IPV6"),
        (46, "IP_PROTO_RSVP"),
        (47, "IP_PROTO_GRE"),
        (50, "IP_PROTO_ESP"),
        (51, "IP_PROTO_AH"),
        (58, "IP_PROTO_ICMPV6"),
        (92, "IP_PROTO_MTP"),
        (94, "IP_PROTO_BEETPH"),
        (98, "IP_PROTO_ENCAP"),
        (103, "IP_PROTO_PIM"),
        (108, "IP_PROTO_COMP"),
        (115, "IP_PROTO_L2TP"),
        (132, "IP_PROTO_SCTP"),
        (136, "IP_PROTO_UDPLITE"),
        (137, "IP_PROTO_MPLS"),
        (143, "IP_PROTO_ETHERNET"),
        (144, "IP_PROTO_AGGFRAG"),
        (255, "IP_PROTO_RAW"),
        (256, "IP_PROTO_SMC"),
        (262, "IP_PROTO_MPTCP"),
    ],
};
