//! Programs executed, and who a process is after one was not.

use crate::cases;

cases! {
    execve {
        arguments: "
            fork pid=$child
            exec comm=program argv0=zero file.path=$DIR/program argv=[\"one%20two\",\"\",\"ü\"] \
                syscall.path=$DIR/program process.pid=$child process.comm=program process.file.path=$DIR/program
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        no_arguments: "
            fork pid=$child
            exec comm=program file.path=$DIR/program argv0=- argv=[] syscall.path=$DIR/program process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        environment: "
            fork pid=$child
            exec comm=program argv0=p file.path=$DIR/program argv=[] envs=[\"PATH\",\"SECRET\",\"EMPTY\"] \
                envp=[\"PATH=/bin\"] syscall.path=$DIR/program process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        script: "
            fork pid=$child
            exec comm=script argv0=$DIR/interpreter file.path=$DIR/script interpreter.file.path=$DIR/interpreter \
                argv=[\"-x\",\"$DIR/script\",\"argument\"] syscall.path=$DIR/script process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        script_of_script: "
            fork pid=$child
            exec comm=outer argv0=$DIR/interpreter file.path=$DIR/outer interpreter.file.path=$DIR/interpreter \
                argv=[\"$DIR/inner\",\"$DIR/outer\"] syscall.path=$DIR/outer process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        absent: "
            fork pid=$child
            exit cause_str=EXITED code=2 process.pid=$child
        ";
        no_program: "
            fork pid=$child
            exit cause_str=EXITED code=8 process.pid=$child
        ";
        denied_then_look: "
            exec file.path=$DIR/text syscall.path=$DIR/text retval=-13 process.file.path=$BIN process.comm=lw-begin
            chdir file.path=$DIR syscall.path=. process.file.path=$BIN process.comm=lw-begin
        ";
        directory: "exec file.path=$DIR/sub syscall.path=$DIR/sub retval=-13";
        set_id [Root]: "
            fork pid=$child process.uid=65534
            exec comm=program argv0=program file.path=$DIR/program argv=[] syscall.path=$DIR/program \
                uid=65534 euid=1000 egid=2000 process.pid=$child process.uid=65534 process.euid=1000
            exit cause_str=EXITED code=0 process.pid=$child process.uid=65534
        ";
        from_a_thread: "
            fork pid=$child
            exec comm=program argv0=threaded file.path=$DIR/program argv=[] syscall.path=$DIR/program \
                process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        failing_thread: "
            exec file.path=$DIR/text syscall.path=$DIR/text retval=-13 process.file.path=$BIN process.comm=lw-begin
            chdir file.path=$DIR syscall.path=. process.file.path=$BIN process.comm=lw-begin
        ";
        after_vfork: "
            fork pid=$child
            exec comm=program file.path=$DIR/program argv=[] syscall.path=$DIR/program process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        of_32_bits [Ia32]: "
            fork pid=$child
            exec comm=program argv0=zero file.path=$DIR/program argv=[\"one\"] syscall.path=$DIR/program \
                process.pid=$child
            exit cause_str=EXITED code=3 process.pid=$child
        ";
        killed_while_waiting: "
            fork pid=$child
            exec comm=program argv0=program file.path=$DIR/program argv=[] syscall.path=$DIR/program \
                process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
    }
    execveat {
        empty: "
            fork pid=$child
            exec comm=program file.path=$DIR/program argv=[] syscall.path= process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        memfd: "
            fork pid=$child
            exec comm=memfd:hidden file.path=memfd:hidden argv=[] syscall.path= process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        deleted: "
            fork pid=$child
            exec comm=gone file.path=$DIR/gone argv=[] syscall.path= process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        empty_denied [Root]: "exec file.path=$DIR/text syscall.path= retval=-13 process.uid=65534";
    }
}
