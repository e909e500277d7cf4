//! Ways out of sight. A flag that hides from tracers hides from nobody else.

use crate::cases;

cases! {
    io_uring_setup {
        allowed @kernel [IoUring]: "";
        allowed @ptrace [IoUring]: "blind cause_str=io_uring refused=false retval=0..";
        refused @ptrace [IoUring] ("--io-uring", "deny"): "blind cause_str=io_uring refused=true retval=-1";
        invalid [IoUring]: "";
    }
    clone {
        untraced @ptrace: "
            blind cause_str=clone_untraced refused=true
            fork pid=$child
            chdir file.path=/ syscall.path=/ process.pid=$child
            exit cause_str=EXITED code=4 process.pid=$child
        ";
        untraced @kernel: "
            fork pid=$child
            chdir file.path=/ syscall.path=/ process.pid=$child
            exit cause_str=EXITED code=4 process.pid=$child
        ";
    }
    clone3 {
        untraced @ptrace: "
            blind cause_str=clone_untraced refused=true
            fork pid=$child
            chdir file.path=/ syscall.path=/ process.pid=$child
            exit cause_str=EXITED code=4 process.pid=$child
        ";
        untraced @kernel: "
            fork pid=$child
            chdir file.path=/ syscall.path=/ process.pid=$child
            exit cause_str=EXITED code=4 process.pid=$child
        ";
    }
}
