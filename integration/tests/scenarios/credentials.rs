//! Who a process is, and when a change shows: never in its own event, always in the next.

use crate::cases;

cases! {
    setuid {
        success [Root]: "
            setuid uid=65534 euid=65534 fsuid=65534 process.uid=0 process.euid=0 process.gid=0
            chdir file.path=$DIR syscall.path=. process.uid=65534 process.euid=65534
        ";
        denied [Root]: "
            setuid uid=0 euid=-1 fsuid=-1 retval=-1 process.uid=65534
            chdir file.path=$DIR syscall.path=. process.uid=65534
        ";
        invalid: "";
        of_a_thread [Root]: "
            setuid uid=65534 euid=65534 fsuid=65534 process.uid=0 process.euid=0 process.gid=0
            chdir file.path=$DIR syscall.path=. process.uid=0 process.euid=0
        ";
    }
    setreuid {
        success [Root]: "
            setuid uid=0 euid=1000 fsuid=1000 process.uid=0 process.euid=0 process.gid=0
            chdir file.path=$DIR syscall.path=. process.uid=0 process.euid=1000
        ";
        denied [Root]: "
            setuid uid=0 euid=-1 fsuid=-1 retval=-1 process.uid=65534
            chdir file.path=$DIR syscall.path=. process.uid=65534
        ";
    }
    setresuid {
        success [Root]: "
            setuid uid=1 euid=2 fsuid=2 process.uid=0 process.euid=0 process.gid=0
            chdir file.path=$DIR syscall.path=. process.uid=1 process.euid=2 process.fsuid=2
        ";
        unchanged [Root]: "
            setuid uid=0 euid=0 fsuid=0 process.uid=0 process.euid=0 process.gid=0
            chdir file.path=$DIR syscall.path=. process.uid=0 process.euid=0
        ";
        denied [Root]: "
            setuid uid=-1 euid=0 fsuid=-1 retval=-1 process.uid=65534
            chdir file.path=$DIR syscall.path=. process.uid=65534
        ";
    }
    setfsuid {
        success [Root]: "
            setuid uid=0 euid=0 fsuid=1000 process.uid=0 process.euid=0 process.gid=0
            chdir file.path=$DIR syscall.path=. process.euid=0 process.fsuid=1000
        ";
        denied [Root]: "
            setuid uid=65534 euid=65534 fsuid=65534 retval=65534 process.uid=65534
            chdir file.path=$DIR syscall.path=. process.uid=65534
        ";
    }
    setgid {
        success [Root]: "
            setgid gid=65534 egid=65534 fsgid=65534 process.uid=0 process.euid=0 process.gid=0
            chdir file.path=$DIR syscall.path=. process.gid=65534 process.egid=65534
        ";
        denied [Root]: "
            setgid gid=0 egid=-1 fsgid=-1 retval=-1 process.uid=65534
            chdir file.path=$DIR syscall.path=. process.uid=65534
        ";
    }
    setregid {
        success [Root]: "
            setgid gid=1000 egid=0 fsgid=0 process.uid=0 process.euid=0 process.gid=0
            chdir file.path=$DIR syscall.path=. process.gid=1000 process.egid=0
        ";
        denied [Root]: "
            setgid gid=-1 egid=0 fsgid=-1 retval=-1 process.uid=65534
            chdir file.path=$DIR syscall.path=. process.uid=65534
        ";
    }
    setresgid {
        success [Root]: "
            setgid gid=1 egid=2 fsgid=2 process.uid=0 process.euid=0 process.gid=0
            chdir file.path=$DIR syscall.path=. process.gid=1 process.egid=2
        ";
        denied [Root]: "
            setgid gid=0 egid=0 fsgid=-1 retval=-1 process.uid=65534
            chdir file.path=$DIR syscall.path=. process.uid=65534
        ";
    }
    setfsgid {
        success [Root]: "
            setgid gid=0 egid=0 fsgid=1000 process.uid=0 process.euid=0 process.gid=0
            chdir file.path=$DIR syscall.path=. process.egid=0 process.fsgid=1000
        ";
        denied [Root]: "
            setgid gid=65534 egid=65534 fsgid=65534 retval=65534 process.uid=65534
            chdir file.path=$DIR syscall.path=. process.uid=65534
        ";
    }
    capset {
        success [Root]: "
            capset cap_effective_str=CAP_CHOWN|CAP_DAC_OVERRIDE \
                cap_permitted_str=CAP_CHOWN|CAP_DAC_OVERRIDE|CAP_SYS_ADMIN|CAP_PERFMON
            chdir file.path=$DIR syscall.path=. process.cap_effective=3 process.cap_permitted=274880004099
        ";
        denied [Root]: "
            capset cap_effective_str=CAP_SYS_ADMIN cap_permitted_str=CAP_SYS_ADMIN retval=-1 process.uid=65534
            chdir file.path=$DIR syscall.path=. process.uid=65534
        ";
        null: "";
    }
}
