//! Internet sockets.

use crate::cases;

cases! {
    socket {
        tcp: "socket domain_str=AF_INET type_str=SOCK_STREAM protocol_str=IP_PROTO_TCP retval=0..";
        udp6: "socket domain_str=AF_INET6 type_str=SOCK_DGRAM protocol_str=IP_PROTO_UDP retval=0..";
        netlink: "socket domain_str=AF_NETLINK type_str=SOCK_RAW protocol_str=IP_PROTO_IP retval=0..";
        denied [Root]: "
            socket domain_str=AF_INET type_str=SOCK_RAW protocol_str=IP_PROTO_ICMP retval=-1 process.uid=65534
        ";
    }
    bind {
        v4: "bind addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=0 protocol_str=IP_PROTO_TCP";
        v6: "bind addr.family_str=AF_INET6 addr.ip=::1 addr.port=0 protocol_str=IP_PROTO_UDP";
        in_use: "bind addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP retval=-98";
        denied [Root]: "
            bind addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=1 protocol_str=IP_PROTO_TCP retval=-13 \
                process.uid=65534
        ";
        bad_pointer: "bind addr.family_str=AF_INET protocol_str=IP_PROTO_TCP retval=-14 event.unresolved=true";
        short: "";
    }
    connect {
        v4: "connect addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP";
        v6: "connect addr.family_str=AF_INET6 addr.ip=::1 addr.port=? protocol_str=IP_PROTO_TCP";
        udp: "connect addr.family_str=AF_INET addr.ip=127.0.0.53 addr.port=53 protocol_str=IP_PROTO_UDP";
        unspecified: "connect protocol_str=IP_PROTO_UDP";
        refused: "
            connect addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP retval=-111
        ";
        in_progress: "
            connect addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP retval=-115
        ";
        denied: "
            connect addr.family_str=AF_INET addr.ip=127.255.255.255 addr.port=9 protocol_str=IP_PROTO_UDP retval=-13
        ";
        duplicate: "connect addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP";
    }
    accept {
        v4: "accept addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP retval=0..";
        null: "accept addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP retval=0..";
    }
    accept4 {
        v6: "accept addr.family_str=AF_INET6 addr.ip=::1 addr.port=? protocol_str=IP_PROTO_TCP retval=0..";
        null: "accept addr.family_str=AF_INET6 addr.ip=::1 addr.port=? protocol_str=IP_PROTO_TCP retval=0..";
        nobody_there: "";
    }
    setsockopt {
        success: "
            setsockopt level_str=SOL_SOCKET optname_str=SO_REUSEADDR socket_family_str=AF_INET \
                socket_type_str=SOCK_STREAM socket_protocol_str=IP_PROTO_TCP
        ";
        filter: "
            setsockopt level_str=SOL_SOCKET optname_str=SO_ATTACH_FILTER socket_family_str=AF_INET \
                socket_type_str=SOCK_DGRAM socket_protocol_str=IP_PROTO_UDP filter_len=2
        ";
        other_level: "
            setsockopt level_str=IPPROTO_IPV6 optname=26 socket_family_str=AF_INET6 socket_type_str=SOCK_DGRAM \
                socket_protocol_str=IP_PROTO_UDP
        ";
        denied [Root]: "
            setsockopt level_str=SOL_SOCKET optname_str=SO_MARK socket_family_str=AF_INET \
                socket_type_str=SOCK_STREAM socket_protocol_str=IP_PROTO_TCP retval=-1 process.uid=65534
        ";
    }
}
