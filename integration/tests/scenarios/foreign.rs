//! Calls by the 32-bit and x32 interfaces.

use crate::cases;

cases! {
    i386_open {
        success [Ia32]: "open file.path=$DIR/file flags_str=O_RDWR syscall.path=file retval=0..";
        denied [Root, Ia32]: "
            open file.path=$DIR/file flags_str=O_RDONLY syscall.path=file retval=-13 process.uid=65534
        ";
    }
    i386_openat {
        dirfd [Ia32]: "open file.path=$DIR/sub/file flags_str=O_RDONLY syscall.path=file retval=0..";
    }
    i386_openat2 {
        success [Ia32]: "open file.path=$DIR/file flags_str=O_WRONLY syscall.path=file retval=0..";
    }
    i386_truncate64 {
        success [Ia32]: "open file.path=$DIR/file flags_str=O_WRONLY|O_TRUNC syscall.path=file";
    }
    i386_ftruncate64 {
        success [Ia32]: "open file.path=$DIR/file flags_str=O_WRONLY|O_TRUNC";
    }
    i386_mkdir {
        success [Ia32]: "mkdir file.path=$DIR/file file.destination.mode=0o711 syscall.path=file";
    }
    i386_unlink {
        success [Ia32]: "unlink file.path=$DIR/file syscall.path=file";
    }
    i386_rename {
        success [Ia32]: "
            rename file.path=$DIR/file file.destination.path=$DIR/new syscall.path=file syscall.destination.path=new
        ";
    }
    i386_symlink {
        success [Ia32]: "
            link file.path=$DIR/text file.destination.path=$DIR/file symbolic=true syscall.path=text \
                syscall.destination.path=file
        ";
    }
    i386_chmod {
        success [Ia32]: "chmod file.path=$DIR/file file.destination.mode=0o640 syscall.path=file";
    }
    i386_chown {
        narrow [Root, Ia32]: "
            chown file.path=$DIR/file file.destination.uid=7 file.destination.gid=-1 syscall.path=file
        ";
    }
    i386_chown32 {
        success [Root, Ia32]: "
            chown file.path=$DIR/file file.destination.uid=65543 file.destination.gid=-1 syscall.path=file
        ";
    }
    i386_lchown32 {
        success [Root, Ia32]: "
            chown file.path=$DIR/file file.destination.uid=1 file.destination.gid=2 syscall.path=file
        ";
    }
    i386_fchown32 {
        success [Root, Ia32]: "chown file.path=$DIR/file file.destination.uid=1 file.destination.gid=2";
    }
    i386_setuid {
        narrow [Root, Ia32]: "
            setuid uid=65534 euid=65534 fsuid=65534
            chdir file.path=$DIR syscall.path=. process.uid=65534
        ";
    }
    i386_setuid32 {
        denied [Root, Ia32]: "setuid uid=0 euid=-1 fsuid=-1 retval=-1 process.uid=65534";
    }
    i386_setreuid32 {
        success [Root, Ia32]: "setuid uid=0 euid=1000 fsuid=1000";
    }
    i386_setresuid32 {
        success [Root, Ia32]: "setuid uid=1 euid=2 fsuid=2";
    }
    i386_setfsuid32 {
        success [Root, Ia32]: "setuid uid=0 euid=0 fsuid=1000";
    }
    i386_setgid32 {
        success [Root, Ia32]: "setgid gid=1000 egid=1000 fsgid=1000";
    }
    i386_setregid32 {
        success [Root, Ia32]: "setgid gid=1000 egid=0 fsgid=0";
    }
    i386_setresgid32 {
        success [Root, Ia32]: "setgid gid=1 egid=2 fsgid=2";
    }
    i386_setfsgid32 {
        success [Root, Ia32]: "setgid gid=0 egid=0 fsgid=1000";
    }
    i386_setrlimit {
        success [Ia32]: "
            setrlimit resource_str=RLIMIT_CPU rlim_cur=100 rlim_max=18446744073709551615 pid=$PID target.pid=$PID
        ";
    }
    i386_prlimit64 {
        success [Ia32]: "
            setrlimit resource_str=RLIMIT_CPU rlim_cur=100 rlim_max=4294967496 pid=$PID target.pid=$PID
        ";
    }
    i386_utime {
        success [Ia32]: "
            utimes file.path=$DIR/file access_time=1970-01-01T00:00:01.000000000Z \
                modification_time=1970-01-01T00:00:02.000000000Z syscall.path=file
        ";
    }
    i386_utimes {
        success [Ia32]: "
            utimes file.path=$DIR/file access_time=1970-01-01T00:00:01.500000000Z \
                modification_time=1970-01-01T00:00:02.000000000Z syscall.path=file
        ";
    }
    i386_utimensat {
        success [Ia32]: "utimes file.path=$DIR/file access_time=1970-01-01T00:00:01.000000005Z syscall.path=file";
    }
    i386_utimensat_time64 {
        success [Ia32]: "utimes file.path=$DIR/file access_time=2106-02-07T06:28:16.000000005Z syscall.path=file";
    }
    i386_umount {
        denied [Root, Ia32]: "umount mountpoint.path=$DIR/sub syscall.path=sub retval=-1 process.uid=65534";
    }
    i386_kill {
        success [Ia32]: "signal type=0 pid=$PID target.pid=$PID";
    }
    i386_prctl {
        name [Ia32]: "prctl option_str=PR_SET_NAME new_name=32-bit";
    }
    i386_mmap2 {
        success [Ia32]: "mmap protection_str=PROT_READ|PROT_EXEC flags_str=MAP_PRIVATE|MAP_ANONYMOUS";
        readable [Ia32]: "";
    }
    i386_mmap_old {
        success [Ia32]: "mmap file.path=$DIR/file protection_str=PROT_READ|PROT_EXEC flags_str=MAP_PRIVATE";
        readable [Ia32]: "";
    }
    i386_mprotect {
        success [Ia32]: "mprotect req_protection_str=PROT_READ|PROT_EXEC";
    }
    i386_socketcall {
        all [Ia32]: "
            socket domain_str=AF_INET type_str=SOCK_STREAM protocol_str=IP_PROTO_IP retval=0..
            bind addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=0 protocol_str=IP_PROTO_TCP
            socket domain_str=AF_INET type_str=SOCK_STREAM protocol_str=IP_PROTO_TCP retval=0..
            connect addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP
            accept addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP retval=0..
            socket domain_str=AF_INET type_str=SOCK_STREAM protocol_str=IP_PROTO_TCP retval=0..
            connect addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP
            accept addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=? protocol_str=IP_PROTO_TCP retval=0..
            setsockopt level_str=SOL_SOCKET optname_str=SO_REUSEADDR socket_family_str=AF_INET \
                socket_type_str=SOCK_STREAM socket_protocol_str=IP_PROTO_TCP
        ";
    }
    i386_connect {
        direct [Ia32]: "
            socket domain_str=AF_INET type_str=SOCK_DGRAM protocol_str=IP_PROTO_IP retval=0..
            connect addr.family_str=AF_INET addr.ip=127.0.0.1 addr.port=0 protocol_str=IP_PROTO_UDP
        ";
    }
    i386_setsockopt {
        filter [Ia32]: "
            setsockopt level_str=SOL_SOCKET optname_str=SO_ATTACH_FILTER socket_family_str=AF_INET \
                socket_type_str=SOCK_DGRAM socket_protocol_str=IP_PROTO_UDP filter_len=3
        ";
    }
    i386_execve {
        success [Ia32]: "
            fork pid=$child
            exec comm=file argv0=file file.path=$DIR/file argv=[] syscall.path=file process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        after_refusal [Ia32]: "
            fork pid=$child
            exec file.path=$DIR/text syscall.path=$DIR/text retval=-13 process.pid=$child
            exec file.path=$DIR/file syscall.path=file process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        denied [Ia32]: "exec file.path=$DIR/file syscall.path=file retval=-13";
    }
    x32_open {
        success [X32]: "open file.path=$DIR/file flags_str=O_RDONLY syscall.path=$DIR/file retval=0..";
    }
}
