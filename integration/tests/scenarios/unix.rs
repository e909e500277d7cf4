//! Unix sockets.

use crate::cases;

cases! {
    bind {
        unix: "bind addr.family_str=AF_UNIX addr.path=socket protocol_str=IP_PROTO_IP";
        abstract_name: "bind addr.family_str=AF_UNIX addr.path=@$DIR* protocol_str=IP_PROTO_IP";
        autobind: "bind addr.family_str=AF_UNIX protocol_str=IP_PROTO_IP";
        unix_denied [Root]: "
            bind addr.family_str=AF_UNIX addr.path=sub/socket protocol_str=IP_PROTO_IP retval=-13 process.uid=65534
        ";
        unix_in_use: "bind addr.family_str=AF_UNIX addr.path=file protocol_str=IP_PROTO_IP retval=-98";
    }
    connect {
        unix: "connect addr.family_str=AF_UNIX addr.path=socket protocol_str=IP_PROTO_IP";
        abstract_name: "connect addr.family_str=AF_UNIX addr.path=@$DIR* protocol_str=IP_PROTO_IP";
        unix_denied [Root]: "
            connect addr.family_str=AF_UNIX addr.path=socket protocol_str=IP_PROTO_IP retval=-13 process.uid=65534
        ";
        unix_refused: "connect addr.family_str=AF_UNIX addr.path=socket protocol_str=IP_PROTO_IP retval=-111";
    }
    accept {
        unix: "accept addr.family_str=AF_UNIX addr.path=peer protocol_str=IP_PROTO_IP retval=0..";
    }
    accept4 {
        unix_unnamed: "accept addr.family_str=AF_UNIX protocol_str=IP_PROTO_IP retval=0..";
    }
}
