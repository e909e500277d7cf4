//! Signals.

use crate::cases;

cases! {
    kill {
        success: "
            signal type_str=SIGKILL pid=$child target.pid=$child
            exit cause_str=SIGNALED code=9 process.pid=$child
        ";
        denied [Root]: "signal type_str=SIGTERM pid=$child target.pid=$child retval=-1 process.uid=65534";
        probe: "signal type=0 pid=$PID target.pid=$PID";
        absent: "";
        group: "
            exit cause_str=SIGNALED code=9 process.pid=$child
            signal type_str=SIGKILL pid=-$child
        ";
        own_group: "signal type=0 pid=0";
    }
    tkill {
        success: "signal type=0 pid=$PID target.pid=$PID";
        thread: "signal type=0 pid=$thread target.pid=$PID process.tid=$thread";
        denied [Root]: "signal type_str=SIGTERM pid=$child target.pid=$child retval=-1 process.uid=65534";
    }
    tgkill {
        success: "
            signal type_str=SIGABRT pid=$child target.pid=$child
            exit cause_str=SIGNALED code=6 process.pid=$child
        ";
        denied [Root]: "signal type_str=SIGTERM pid=$child target.pid=$child retval=-1 process.uid=65534";
    }
    rt_sigqueueinfo {
        success: "
            signal type_str=SIGUSR1 pid=$child target.pid=$child
            exit cause_str=SIGNALED code=10 process.pid=$child
        ";
        denied [Root]: "signal type_str=SIGUSR1 pid=$child target.pid=$child retval=-1 process.uid=65534";
    }
    rt_tgsigqueueinfo {
        success: "
            signal type_str=SIGRTMIN+2 pid=$child target.pid=$child
            exit cause_str=SIGNALED code=34 process.pid=$child
        ";
        denied [Root]: "signal type_str=SIGRTMIN+2 pid=$child target.pid=$child retval=-1 process.uid=65534";
    }
    pidfd_send_signal {
        success: "
            signal type_str=SIGKILL pid=$child target.pid=$child
            exit cause_str=SIGNALED code=9 process.pid=$child
        ";
        denied [Root]: "signal type_str=SIGTERM pid=$child target.pid=$child retval=-1 process.uid=65534";
    }
}
