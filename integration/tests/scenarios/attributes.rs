//! Permissions, owners, times and extended attributes.

use crate::cases;

cases! {
    fchmod {
        success [Root]: "chmod file.path=$DIR/file file.mode=0o100600 file.destination.mode=0o6755";
        denied [Root]: "chmod file.path=$DIR/file file.destination.mode=0o777 retval=-1 process.uid=65534";
        deleted [Root]: "chmod file.path=$DIR/file file.destination.mode=0o640";
        called_deleted: "chmod file.path=$DIR/x%20(deleted) file.destination.mode=0o640";
        reused [Root]: "chmod file.path=$DIR/second file.destination.mode=0o640";
        after_exec: "chmod file.path=$DIR/second file.destination.mode=0o640";
        not_open: "";
    }
    fchmodat2 {
        empty [Root, Fchmodat2]: "chmod file.path=$DIR/file file.destination.mode=0o640 syscall.path=";
    }
    fchown {
        success [Root]: "chown file.path=$DIR/file file.uid=0 file.gid=0 file.destination.uid=12 file.destination.gid=34";
        denied [Root]: "
            chown file.path=$DIR/file file.destination.uid=65534 file.destination.gid=-1 retval=-1 process.uid=65534
        ";
    }
    fchownat {
        empty [Root]: "chown file.path=$DIR/file file.destination.uid=12 file.destination.gid=-1 syscall.path=";
        empty_cwd [Root]: "chown file.path=$DIR file.destination.uid=-1 file.destination.gid=34 syscall.path=";
        opath [Root]: "chown file.path=$DIR/hop file.destination.uid=12 file.destination.gid=34 syscall.path=";
    }
    utime {
        null: "utimes file.path=$DIR/file syscall.path=$DIR/file";
    }
    utimes {
        null: "utimes file.path=$DIR/file syscall.path=$DIR/file";
    }
    futimesat {
        null_path [Root]: "
            utimes file.path=$DIR/file access_time=1970-01-01T00:00:01.000001000Z \
                modification_time=1970-01-01T00:00:02.999999000Z
        ";
    }
    utimensat {
        null_path [Root]: "
            utimes file.path=$DIR/file access_time=1970-01-01T00:00:01.000000001Z \
                modification_time=1970-01-01T00:00:02.999999999Z
        ";
        null_times: "utimes file.path=$DIR/file syscall.path=$DIR/file";
        empty [Root]: "
            utimes file.path=$DIR/file access_time=1970-01-01T00:00:03.000000000Z \
                modification_time=1970-01-01T00:00:04.000000000Z syscall.path=
        ";
        now_and_omit: "
            utimes file.path=$DIR/file syscall.path=$DIR/file
            utimes file.path=$DIR/file access_time=2004-01-10T13:37:03.000000000Z syscall.path=$DIR/file
            utimes file.path=$DIR/file modification_time=2004-01-10T13:37:02.000000001Z syscall.path=$DIR/file
        ";
        before_1970: "
            utimes file.path=$DIR/file modification_time=1970-01-01T00:00:01.000000000Z syscall.path=$DIR/file
        ";
    }
    fsetxattr {
        success [Root]: "
            setxattr file.path=$DIR/file file.destination.namespace=trusted file.destination.name=trusted.lw
        ";
        denied [Root]: "
            setxattr file.path=$DIR/file file.destination.namespace=trusted file.destination.name=trusted.lw \
                retval=-1 process.uid=65534
        ";
    }
    setxattr {
        security [Root]: "
            setxattr file.path=$DIR/file file.destination.namespace=security \
                file.destination.name=security.lw.more syscall.path=$DIR/file
        ";
        no_namespace: "";
    }
    setxattrat {
        empty [Root, XattrAt]: "
            setxattr file.path=$DIR/file file.destination.namespace=trusted file.destination.name=trusted.lw \
                syscall.path=
        ";
        nofollow [Root, XattrAt]: "
            setxattr file.path=$DIR/hop file.destination.namespace=trusted file.destination.name=trusted.lw \
                syscall.path=$DIR/hop
        ";
    }
    fremovexattr {
        success [Root]: "
            removexattr file.path=$DIR/file file.destination.namespace=trusted file.destination.name=trusted.lw
        ";
        denied [Root]: "
            removexattr file.path=$DIR/file file.destination.namespace=trusted file.destination.name=trusted.lw \
                retval=-1 process.uid=65534
        ";
    }
    removexattr {
        absent [Root]: "";
    }
    removexattrat {
        empty [Root, XattrAt]: "
            removexattr file.path=$DIR/file file.destination.namespace=trusted file.destination.name=trusted.lw \
                syscall.path=
        ";
    }
}
