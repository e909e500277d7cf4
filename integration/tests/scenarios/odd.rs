//! Strings and pointers that nobody expects.

use crate::cases;

cases! {
    open {
        not_utf8: "
            open file.path=$DIR/a��b\"\\%0a file.destination.mode=0o600 flags_str=O_WRONLY|O_CREAT \
                syscall.path=$DIR/a��b\"\\%0a retval=0..
        ";
        longest_path: "open file.path=$DIR/file flags_str=O_RDONLY syscall.path=$DIR/././* retval=0..";
        too_long_path: "";
        bad_pointer: "";
        null: "";
        empty: "";
        of_a_thread: "
            unshare flags_str=CLONE_FS|CLONE_FILES
            chdir file.path=$DIR/sub syscall.path=sub
            open file.path=$DIR/sub/file flags_str=O_RDONLY syscall.path=file retval=0..
            open file.path=$DIR/sub/file flags_str=O_RDONLY syscall.path=sub/file retval=0..
        ";
    }
    mkdir {
        deep @ptrace: "
            mkdir file.path=leaf file.unresolved=true file.destination.mode=0o700 syscall.path=leaf \
                event.unresolved=true
        ";
        deep @kernel: "
            mkdir file.path=$DIR/ddd* file.name=leaf file.destination.mode=0o700 syscall.path=leaf
        ";
    }
    prctl {
        bad_pointer: "";
    }
    connect {
        bad_descriptor: "";
        not_a_socket: "";
    }
}
