//! Operations of an io_uring. The kernel backend sees them as the calls that they stand for; ptrace said that it
//! does not when the ring was set up, before the first mark, and says nothing more.

use io_uring::opcode;
use lapwing_common::syscall::OPERATIONS;

use crate::cases;

#[test]
fn numbers_agree_with_another_projects() {
    for (name, number) in [
        ("nop", opcode::Nop::CODE),
        ("accept", opcode::Accept::CODE),
        ("connect", opcode::Connect::CODE),
        ("openat", opcode::OpenAt::CODE),
        ("openat2", opcode::OpenAt2::CODE),
        ("splice", opcode::Splice::CODE),
        ("renameat", opcode::RenameAt::CODE),
        ("unlinkat", opcode::UnlinkAt::CODE),
        ("mkdirat", opcode::MkDirAt::CODE),
        ("symlinkat", opcode::SymlinkAt::CODE),
        ("linkat", opcode::LinkAt::CODE),
        ("fsetxattr", opcode::FSetXattr::CODE),
        ("setxattr", opcode::SetXattr::CODE),
        ("socket", opcode::Socket::CODE),
        ("uring_cmd", opcode::UringCmd16::CODE),
        ("ftruncate", opcode::Ftruncate::CODE),
        ("bind", opcode::Bind::CODE),
        ("pipe", opcode::Pipe::CODE),
    ] {
        assert_eq!(OPERATIONS[usize::from(number)].name, name);
    }
}

cases! {
    io_uring_openat {
        success @kernel [IoUring]: "
            open file.path=$DIR/file file.inode=? flags_str=O_RDONLY|O_CLOEXEC syscall.path=file retval=0..
        ";
        success @ptrace [IoUring]: "";
        create @kernel [IoUring]: "
            open file.path=$DIR/new file.inode=? flags_str=O_WRONLY|O_CREAT file.destination.mode=0o640 \
                syscall.path=new retval=0..
        ";
        create @ptrace [IoUring]: "";
        dirfd @kernel [IoUring]: "open file.path=$DIR/sub/file flags_str=O_RDWR syscall.path=hop retval=0..";
        dirfd @ptrace [IoUring]: "";
        absent [IoUring]: "";
        denied @kernel [IoUring, Root]: "
            open file.path=$DIR/file file.inode=? flags_str=O_RDONLY syscall.path=file retval=-13 process.uid=65534
        ";
        denied @ptrace [IoUring, Root]: "";
        fixed @kernel [IoUring]: "
            open file.path=$DIR/file file.inode=? flags_str=O_RDONLY syscall.path=file retval=0
        ";
        fixed @ptrace [IoUring]: "";
        worker @kernel [IoUring]: "open file.path=$DIR/file flags_str=O_RDONLY syscall.path=file retval=0..";
        worker @ptrace [IoUring]: "";
        quiet @kernel [IoUring]: "
            open file.path=$DIR/file flags_str=O_RDONLY syscall.path=file event.unresolved=true retval=0
        ";
        quiet @ptrace [IoUring]: "";
        linked @kernel [IoUring]: "
            mkdir file.path=$DIR/sub file.destination.mode=0o700 syscall.path=sub
            open file.path=$DIR/sub/new flags_str=O_RDWR|O_CREAT file.destination.mode=0o640 syscall.path=sub/new \
                retval=0..
        ";
        linked @ptrace [IoUring]: "";
        polled @kernel [IoUring]: "open file.path=$DIR/file flags_str=O_RDONLY syscall.path=file retval=0..";
        polled @ptrace [IoUring]: "";
    }
    io_uring_openat2 {
        success @kernel [IoUring]: "
            open file.path=$DIR/file flags_str=O_WRONLY|O_APPEND syscall.path=file retval=0..
        ";
        success @ptrace [IoUring]: "";
    }
    io_uring_unlinkat {
        success @kernel [IoUring]: "unlink file.path=$DIR/file file.inode=? flags=0 syscall.path=file";
        success @ptrace [IoUring]: "";
        directory @kernel [IoUring]: "rmdir file.path=$DIR/sub file.inode=? syscall.path=sub";
        directory @ptrace [IoUring]: "";
        denied @kernel [IoUring, Root]: "
            unlink file.path=$DIR/file flags=0 syscall.path=file retval=-13 process.uid=65534
        ";
        denied @ptrace [IoUring, Root]: "";
    }
    io_uring_renameat {
        success @kernel [IoUring]: "
            rename file.path=$DIR/old file.inode=? file.destination.path=$DIR/sub/new file.destination.inode=? \
                flags_str=RENAME_NOREPLACE syscall.path=old syscall.destination.path=new
        ";
        success @ptrace [IoUring]: "";
    }
    io_uring_mkdirat {
        success @kernel [IoUring]: "
            mkdir file.path=$DIR/sub file.inode=? file.destination.mode=0o750 syscall.path=sub/
        ";
        success @ptrace [IoUring]: "";
    }
    io_uring_symlinkat {
        success @kernel [IoUring]: "
            link file.path=$DIR/other file.destination.path=$DIR/sub/new file.destination.inode=? symbolic=true \
                syscall.path=../other syscall.destination.path=new
        ";
        success @ptrace [IoUring]: "";
    }
    io_uring_linkat {
        success @kernel [IoUring]: "
            link file.path=$DIR/file file.inode=? file.destination.path=$DIR/linked file.destination.inode=? \
                symbolic=false syscall.path=file syscall.destination.path=linked
        ";
        success @ptrace [IoUring]: "";
    }
    io_uring_setxattr {
        success @kernel [IoUring, Root]: "
            setxattr file.path=$DIR/file file.inode=? file.destination.namespace=trusted \
                file.destination.name=trusted.lw syscall.path=$DIR/file
        ";
        success @ptrace [IoUring, Root]: "";
    }
    io_uring_fsetxattr {
        success @kernel [IoUring, Root]: "
            setxattr file.path=$DIR/file file.destination.namespace=trusted file.destination.name=trusted.lw
        ";
        success @ptrace [IoUring, Root]: "";
    }
    io_uring_ftruncate {
        success @kernel [IoUring]: "open file.path=$DIR/file flags_str=O_WRONLY|O_TRUNC";
        success @ptrace [IoUring]: "";
        fixed @kernel [IoUring]: "open file.path=$DIR/file flags_str=O_WRONLY|O_TRUNC";
        fixed @ptrace [IoUring]: "";
    }
    io_uring_splice {
        success @kernel [IoUring]: "splice file.path=$DIR/file retval=3";
        success @ptrace [IoUring]: "";
    }
    io_uring_socket {
        success @kernel [IoUring]: "
            socket domain_str=AF_INET type_str=SOCK_DGRAM protocol_str=IP_PROTO_IP retval=0..
        ";
        success @ptrace [IoUring]: "";
    }
    io_uring_bind {
        success @kernel [IoUring]: "
            bind addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=0 protocol_str=IP_PROTO_TCP
        ";
        success @ptrace [IoUring]: "";
    }
    io_uring_connect {
        success @kernel [IoUring]: "
            connect addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP
        ";
        success @ptrace [IoUring]: "";
        refused @kernel [IoUring]: "
            connect addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=1 protocol_str=IP_PROTO_TCP retval=-111
        ";
        refused @ptrace [IoUring]: "";
    }
    io_uring_accept {
        success @kernel [IoUring]: "
            accept addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP retval=0..
        ";
        success @ptrace [IoUring]: "";
        fixed @kernel [IoUring]: "
            accept addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP retval=0..
        ";
        fixed @ptrace [IoUring]: "";
        many @kernel [IoUring]: "
            accept addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP retval=0..
            accept addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP retval=0..
        ";
        many @ptrace [IoUring]: "";
    }
    io_uring_uring_cmd {
        setsockopt @kernel [IoUring]: "blind cause_str=io_uring refused=false retval=0";
        setsockopt @ptrace [IoUring]: "";
    }
    io_uring_overflow {
        open @kernel [IoUring]: "blind cause_str=io_uring refused=false retval=0";
        open @ptrace [IoUring]: "";
    }
}
