//! Opened files.

use crate::cases;

cases! {
    open {
        absent: "";
        directory: "
            open file.path=$DIR/sub flags_str=O_RDONLY|O_DIRECTORY|O_NOFOLLOW syscall.path=$DIR/sub retval=0..
        ";
        path: "open file.path=$DIR/file flags_str=O_RDONLY|O_PATH syscall.path=$DIR/file retval=0..";
        link_itself: "
            open file.path=$DIR/hop flags_str=O_RDONLY|O_NOFOLLOW|O_PATH syscall.path=$DIR/hop retval=0..
        ";
        tmpfile: "
            open file.path=$DIR/#* file.destination.mode=0o600 flags_str=O_RDWR|O_TMPFILE \
                syscall.path=$DIR/. retval=0..
        ";
        dangling: "
            open file.path=$DIR/made file.destination.mode=0o600 flags_str=O_WRONLY|O_CREAT|O_TRUNC \
                syscall.path=$DIR/hop retval=0..
        ";
        device: "open file.path=/dev/null flags_str=O_WRONLY syscall.path=/dev/null retval=0..";
        own_status: "
            open file.path=/proc/$PID/status flags_str=O_RDONLY syscall.path=/proc/self/status retval=0..
        ";
        magic: "open file.path=$DIR/file flags_str=O_RDONLY syscall.path=/proc/self/fd/3 retval=0..";
        deleted: "open file.path=$DIR/gone flags_str=O_RDONLY syscall.path=/proc/self/fd/3 retval=0..";
        truncating: "open file.path=$DIR/file flags_str=O_WRONLY|O_TRUNC syscall.path=$DIR/file retval=0..";
        hidden [Root]: "
            open file.path=$DIR/closed/file flags_str=O_RDONLY syscall.path=$DIR/closed/file retval=-13 \
                process.uid=65534
        ";
        hidden_absent [Root]: "
            open file.path=$DIR/closed/absent flags_str=O_RDONLY syscall.path=$DIR/closed/absent retval=-13 \
                process.uid=65534
        ";
    }
    openat {
        dirfd_deleted: "open file.path=$DIR/gone flags_str=O_RDONLY syscall.path=. retval=0..";
        moved_dirfd: "open file.path=$DIR/new/file flags_str=O_RDONLY syscall.path=file retval=0..";
    }
    openat2 {
        beneath: "open file.path=$DIR/sub/file flags_str=O_RDONLY|O_CLOEXEC syscall.path=file retval=0..";
        create: "
            open file.path=$DIR/new file.destination.mode=0o640 flags_str=O_RDWR|O_CREAT|O_EXCL \
                syscall.path=$DIR/new retval=0..
        ";
        null: "";
    }
    creat {
        existing: "
            open file.path=$DIR/file file.destination.mode=0o777 flags_str=O_WRONLY|O_CREAT|O_TRUNC \
                syscall.path=$DIR/file retval=0..
        ";
    }
    ftruncate {
        success: "open file.path=$DIR/file flags_str=O_WRONLY|O_TRUNC";
        read_only: "";
        denied: "open file.path=memfd:sealed flags_str=O_WRONLY|O_TRUNC retval=-1";
    }
    memfd_create {
        success: "open file.path=memfd:lw%20memory flags_str=O_RDWR|O_CREAT syscall.path=lw%20memory retval=0..";
        slash: "open file.path=memfd:/etc/passwd flags_str=O_RDWR|O_CREAT syscall.path=/etc/passwd retval=0..";
    }
    open_by_handle_at {
        success [Root]: "
            open file.path=$DIR/one flags_str=O_RDONLY retval=0..
            open file.path=$DIR/two flags_str=O_RDONLY retval=0..
        ";
        denied [Root]: "open event.unresolved=true file.unresolved=true flags_str=O_RDONLY retval=-1 process.uid=65534";
    }
}
