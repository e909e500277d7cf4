//! Modules and BPF.

use crate::cases;

cases! {
    init_module {
        denied [Root, Modules]: "
            load_module loaded_from_memory=true args=a=1%20b=2 retval=-1 process.uid=65534
        ";
    }
    finit_module {
        denied [Root, Modules]: "
            load_module file.path=$DIR/some-module.ko.zst name=some_module loaded_from_memory=false args=- retval=-1 \
                process.uid=65534
        ";
    }
    delete_module {
        denied [Root, Modules]: "unload_module name=lw_none retval=-1 process.uid=65534";
    }
    bpf {
        map [Root]: "bpf cmd_str=BPF_MAP_CREATE map.type_str=BPF_MAP_TYPE_ARRAY map.name=lwmap retval=0..";
        program [Root]: "
            bpf cmd_str=BPF_PROG_LOAD prog.type_str=BPF_PROG_TYPE_SOCKET_FILTER \
                prog.attach_type_str=BPF_CGROUP_INET_INGRESS prog.name=lw_prog retval=0..
        ";
        denied [Root]: "
            bpf cmd_str=BPF_PROG_LOAD prog.type_str=BPF_PROG_TYPE_TRACEPOINT \
                prog.attach_type_str=BPF_CGROUP_INET_INGRESS prog.name= retval=-1 process.uid=65534
        ";
    }
}
