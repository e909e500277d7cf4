//! Mounts.

use crate::cases;

cases! {
    mount {
        tmpfs [MountNamespace]: "
            mount fs_type=tmpfs mountpoint.path=$DIR/place source.path=any%20word flags_str=MS_NOSUID|MS_NODEV \
                root.path=/ detached=- \
                syscall.source.path=any%20word syscall.mountpoint.path=place syscall.fs_type=tmpfs
        ";
        bind [MountNamespace]: "
            mount fs_type=bind mountpoint.path=$DIR/place source.path=$DIR/source flags_str=MS_BIND \
                syscall.source.path=$DIR/source syscall.mountpoint.path=link
        ";
        remount [MountNamespace]: "
            mount mountpoint.path=$DIR/place flags_str=MS_RDONLY|MS_REMOUNT syscall.mountpoint.path=$DIR/place
        ";
        propagation [MountNamespace]: "
            mount mountpoint.path=$DIR/place source.path=none flags_str=MS_SLAVE syscall.source.path=none \
                syscall.mountpoint.path=$DIR/place
        ";
        denied [MountNamespace]: "
            mount fs_type=tmpfs mountpoint.path=$DIR/place source.path=source syscall.source.path=source \
                syscall.mountpoint.path=$DIR/place syscall.fs_type=tmpfs retval=-1 process.uid=65534
        ";
        then_open [MountNamespace]: "
            mount fs_type=bind mountpoint.path=$DIR/place source.path=$DIR/source flags_str=MS_BIND \
                syscall.source.path=$DIR/source syscall.mountpoint.path=$DIR/place
            open file.path=$DIR/place/file flags_str=O_RDONLY syscall.path=place/file retval=0..
        ";
        types [MountNamespace]: "
            mount fs_type=tmpfs mountpoint.path=$DIR/place source.path=none syscall.source.path=none \
                syscall.mountpoint.path=$DIR/place syscall.fs_type=tmpfs
            open file.path=$DIR/place/file file.filesystem=tmpfs file.destination.mode=0o600 \
                flags_str=O_WRONLY|O_CREAT|O_TRUNC syscall.path=$DIR/place/file retval=0..
            umount mountpoint.path=$DIR/place syscall.path=$DIR/place
            mount fs_type=ramfs mountpoint.path=$DIR/place source.path=none syscall.source.path=none \
                syscall.mountpoint.path=$DIR/place syscall.fs_type=ramfs
            open file.path=$DIR/place/file file.filesystem=ramfs file.destination.mode=0o600 \
                flags_str=O_WRONLY|O_CREAT|O_TRUNC syscall.path=$DIR/place/file retval=0..
            umount mountpoint.path=$DIR/place syscall.path=$DIR/place
        ";
    }
    clone {
        new_mounts [MountNamespace]: "
            fork pid=$child
            mount mountpoint.path=/ flags_str=MS_REC|MS_PRIVATE syscall.mountpoint.path=/ process.pid=$child
            mount fs_type=tmpfs mountpoint.path=$DIR/place source.path=none syscall.source.path=none \
                syscall.mountpoint.path=$DIR/place syscall.fs_type=tmpfs process.pid=$child
            mkdir file.path=$DIR/place/sub file.filesystem=tmpfs file.destination.mode=0o700 \
                syscall.path=$DIR/place/sub process.pid=$child
            chmod file.path=$DIR/place/sub file.filesystem=tmpfs file.destination.mode=0o750 \
                syscall.path=$DIR/place/sub process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
            chmod file.path=$DIR/place/file file.mode=0o100600 file.destination.mode=0o640 syscall.path=$DIR/place/file
        ";
    }
    fsmount {
        success [MountNamespace]: "
            mount fs_type=tmpfs mountpoint.path=/ root.path=/ detached=true syscall.mountpoint.path=- retval=0..
        ";
        denied [MountNamespace]: "mount fs_type=- mountpoint.path=- detached=- retval=-1 process.uid=65534";
        used [MountNamespace]: "
            open file.path=/program file.filesystem=tmpfs file.mount_detached=true flags_str=O_RDONLY \
                syscall.path=program retval=0..
            fork pid=$child
            exec file.path=/program file.mount_detached=true argv=[] syscall.path=program process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
    }
    open_tree {
        clone [MountNamespace]: "
            mount fs_type=tmpfs mountpoint.path=/ source.path=$DIR/place/sub root.path=/sub detached=true \
                syscall.source.path=place/sub retval=0..
        ";
        no_clone [MountNamespace]: "";
        denied [MountNamespace]: "
            mount mountpoint.path=- source.path=$DIR/place root.path=- syscall.source.path=place retval=-1 \
                process.uid=65534
        ";
    }
    open_tree_attr {
        clone [MountNamespace, OpenTreeAttr]: "
            mount fs_type=tmpfs mountpoint.path=/ source.path=$DIR/place root.path=/ detached=true \
                syscall.source.path=place retval=0..
        ";
    }
    move_mount {
        tmpfs [MountNamespace]: "
            mount fs_type=tmpfs mountpoint.path=$DIR/place source.path=/ root.path=/ detached=- syscall.source.path= \
                syscall.mountpoint.path=$DIR/place
            open file.path=$DIR/place/program file.mount_detached=- flags_str=O_RDONLY syscall.path=program retval=0..
        ";
        success [MountNamespace]: "
            mount mountpoint.path=$DIR/place source.path=/ syscall.source.path= syscall.mountpoint.path=$DIR/place
        ";
        by_path [MountNamespace]: "
            mount mountpoint.path=$DIR/other source.path=$DIR/place syscall.source.path=$DIR/place \
                syscall.mountpoint.path=$DIR/other
        ";
        denied [MountNamespace]: "
            mount mountpoint.path=$DIR/other source.path=$DIR/place syscall.source.path=$DIR/place \
                syscall.mountpoint.path=$DIR/other retval=-1 process.uid=65534
        ";
    }
    umount2 {
        used [MountNamespace]: "
            open file.path=$DIR/place/file file.mount_detached=- flags_str=O_RDONLY syscall.path=file retval=0..
            umount mountpoint.path=$DIR/place flags_str=MNT_DETACH syscall.path=$DIR/place
            open file.path=/file file.filesystem=tmpfs file.mount_detached=true flags_str=O_RDONLY syscall.path=file \
                retval=0..
        ";
        success [MountNamespace]: "umount mountpoint.path=$DIR/place flags_str=MNT_DETACH syscall.path=place";
        denied [MountNamespace]: "
            umount mountpoint.path=$DIR/place syscall.path=$DIR/place retval=-1 process.uid=65534
        ";
        none [MountNamespace]: "";
    }
    pivot_root {
        success [MountNamespace]: "
            pivot_root file.path=$DIR/place file.destination.path=$DIR/place/old syscall.path=$DIR/place \
                syscall.destination.path=$DIR/place/old
            open file.path=/file flags_str=O_RDONLY syscall.path=/file retval=0..
        ";
        denied [MountNamespace]: "
            pivot_root file.path=$DIR/place file.destination.path=$DIR/place/old syscall.path=$DIR/place \
                syscall.destination.path=$DIR/place/old retval=-1 process.uid=65534
        ";
    }
}
