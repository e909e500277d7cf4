//! Processes that come, go and change themselves.

use crate::cases;

cases! {
    fork {
        success: "
            fork pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        nested: "
            fork pid=$child
            fork pid=$grandchild process.pid=$child
            exit cause_str=EXITED code=4 process.pid=$grandchild
            exit cause_str=EXITED code=3 process.pid=$child
        ";
    }
    vfork {
        success: "
            fork pid=$child
            exit cause_str=EXITED code=5 process.pid=$child
        ";
    }
    clone {
        success: "
            fork pid=$child
            exit cause_str=EXITED code=1 process.pid=$child
        ";
        no_signal: "
            fork pid=$child
            exit cause_str=EXITED code=2 process.pid=$child
        ";
        thread: "";
        sibling: "
            fork pid=$child
            fork pid=$sibling
            exit cause_str=EXITED code=4 process.pid=$sibling
            exit cause_str=EXITED code=3 process.pid=$child
        ";
    }
    clone3 {
        success: "
            fork pid=$child
            exit cause_str=EXITED code=6 process.pid=$child
        ";
        sibling: "
            fork pid=$child
            fork pid=$sibling
            exit cause_str=EXITED code=4 process.pid=$sibling
            exit cause_str=EXITED code=3 process.pid=$child
        ";
    }
    exit {
        code: "
            fork pid=$child
            exit cause_str=EXITED code=255 process.pid=$child
        ";
        signal: "
            fork pid=$child
            signal type_str=SIGTERM pid=$child target.pid=$child process.pid=$child
            exit cause_str=SIGNALED code=15 process.pid=$child
        ";
        real_time_signal: "
            fork pid=$child
            signal type_str=SIGRTMIN+8 pid=$child target.pid=$child process.pid=$child
            exit cause_str=SIGNALED code=40 process.pid=$child
        ";
        core [CoreFile]: "
            fork pid=$child
            signal type_str=SIGQUIT pid=$child target.pid=$child process.pid=$child
            exit cause_str=COREDUMPED code=3 process.pid=$child
        ";
        by_a_thread: "
            fork pid=$child
            exit cause_str=EXITED code=9 process.pid=$child
        ";
        leader_first: "
            fork pid=$child
            exit cause_str=EXITED code=8 process.pid=$child
        ";
    }
    setrlimit {
        success: "setrlimit resource_str=RLIMIT_NOFILE rlim_cur=100 rlim_max=200 pid=$PID target.pid=$PID";
        denied [Root]: "
            setrlimit resource_str=RLIMIT_NOFILE rlim_cur=100 rlim_max=200 pid=$PID target.pid=$PID retval=-1 \
                process.uid=65534
        ";
    }
    prlimit64 {
        success: "
            setrlimit resource_str=RLIMIT_CPU rlim_cur=7 rlim_max=18446744073709551615 pid=$PID target.pid=$PID
        ";
        query: "";
        other: "
            fork pid=$child
            setrlimit resource_str=RLIMIT_NOFILE rlim_cur=50 rlim_max=60 pid=$child target.pid=$child
            signal type_str=SIGKILL pid=$child target.pid=$child
            exit cause_str=SIGNALED code=9 process.pid=$child
        ";
        denied [Root]: "
            setrlimit resource_str=RLIMIT_NOFILE rlim_cur=50 rlim_max=60 pid=$target target.pid=$target retval=-1 \
                process.uid=65534
        ";
    }
    prctl {
        name: "prctl option_str=PR_SET_NAME new_name=sixteen%20letters is_name_truncated=true";
        comm_after: "
            prctl option_str=PR_SET_NAME new_name=renamed
            chdir file.path=$DIR syscall.path=. process.comm=renamed
        ";
        name_of_a_thread: "
            prctl option_str=PR_SET_NAME new_name=thread
            chdir file.path=$DIR syscall.path=. process.comm=lw-begin
        ";
        option: "prctl option_str=PR_SET_CHILD_SUBREAPER";
        undumpable [Root]: "
            prctl option_str=PR_SET_DUMPABLE
            chdir file.path=/ syscall.path=/
        ";
        vma: "";
        denied [Root]: "prctl option_str=PR_CAPBSET_DROP retval=-1 process.uid=65534";
    }
    ptrace {
        traceme @ptrace: "
            fork pid=$child
            ptrace request_str=PTRACE_TRACEME pid=0 retval=-1 process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        traceme_untraced @kernel: "
            fork pid=$child
            ptrace request_str=PTRACE_TRACEME pid=0 process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        attach @ptrace [Root]: "ptrace request_str=PTRACE_ATTACH pid=$target tracee.pid=$target retval=-1";
        attach_untraced @kernel [Root]: "ptrace request_str=PTRACE_ATTACH pid=$target tracee.pid=$target";
    }
    fchdir {
        success: "chdir file.path=$DIR/sub";
        denied [Root]: "chdir file.path=$DIR/sub retval=-13 process.uid=65534";
    }
    chdir {
        absent: "";
        then_relative: "
            chdir file.path=$DIR/sub syscall.path=sub
            open file.path=$DIR/sub/file flags_str=O_RDONLY syscall.path=file retval=0..
            open file.path=$DIR/sub/file flags_str=O_RDONLY syscall.path=../sub/./file retval=0..
        ";
        shared: "
            fork pid=$child
            chdir file.path=$DIR/sub syscall.path=sub process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
            open file.path=$DIR/sub/file flags_str=O_RDONLY syscall.path=file retval=0..
        ";
    }
}
