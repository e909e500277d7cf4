//! Executable memory, and data moved through pipes.

use crate::cases;

cases! {
    mmap {
        anonymous: "mmap protection_str=PROT_READ|PROT_EXEC flags_str=MAP_PRIVATE|MAP_ANONYMOUS";
        anonymous_with_fd: "mmap protection_str=PROT_READ|PROT_EXEC flags_str=MAP_PRIVATE|MAP_ANONYMOUS";
        file: "mmap file.path=$DIR/file protection_str=PROT_READ|PROT_EXEC flags_str=MAP_PRIVATE";
        readable: "";
        denied: "mmap file.path=$DIR/file protection_str=PROT_READ|PROT_EXEC flags_str=MAP_PRIVATE retval=-13";
    }
    mprotect {
        success: "mprotect req_protection_str=PROT_READ|PROT_EXEC";
        readable: "";
        denied: "mprotect req_protection_str=PROT_WRITE|PROT_EXEC retval=-13";
    }
    pkey_mprotect {
        success: "mprotect req_protection_str=PROT_EXEC";
        denied: "mprotect req_protection_str=PROT_WRITE|PROT_EXEC retval=-13";
    }
    splice {
        from_file: "splice file.path=$DIR/file flags_str=SPLICE_F_MOVE retval=3";
        to_file: "splice file.path=$DIR/new retval=4";
        two_pipes: "splice file.path=$DIR/one flags_str=SPLICE_F_NONBLOCK retval=4";
        fifo_to_file: "splice file.path=$DIR/new flags_str=SPLICE_F_GIFT retval=4";
        again: "";
    }
}
