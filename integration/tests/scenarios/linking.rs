//! Files made, named and removed.

use crate::cases;

cases! {
    mkdir {
        exists: "";
        trailing: "mkdir file.path=$DIR/sub file.destination.mode=0o1777 syscall.path=$DIR/sub///";
    }
    rmdir {
        not_empty: "";
    }
    unlink {
        absent: "";
        directory: "";
        one_of_two: "unlink file.path=$DIR/one syscall.path=$DIR/one";
    }
    rename {
        replacing: "
            rename file.path=$DIR/old file.destination.path=$DIR/new syscall.path=$DIR/old \
                syscall.destination.path=$DIR/new
        ";
        directory: "
            rename file.path=$DIR/old file.destination.path=$DIR/new syscall.path=$DIR/old \
                syscall.destination.path=$DIR/new/
        ";
        absent: "";
    }
    renameat {
        two_dirfds: "
            rename file.path=$DIR/a/file file.destination.path=$DIR/b/moved syscall.path=file \
                syscall.destination.path=moved
        ";
    }
    renameat2 {
        exchange: "
            rename file.path=$DIR/one file.destination.path=$DIR/two flags_str=RENAME_EXCHANGE \
                syscall.path=$DIR/one syscall.destination.path=$DIR/two
        ";
        exists: "";
    }
    linkat {
        empty: "
            link file.path=$DIR/file file.destination.path=$DIR/new symbolic=false syscall.path= \
                syscall.destination.path=$DIR/new
        ";
        magic: "
            link file.path=$DIR/file file.destination.path=$DIR/new symbolic=false syscall.path=/proc/self/fd/3 \
                syscall.destination.path=$DIR/new
        ";
        two_dirfds: "
            link file.path=$DIR/a/file file.destination.path=$DIR/b/linked symbolic=false syscall.path=file \
                syscall.destination.path=linked
        ";
    }
    link {
        exists: "";
    }
    symlink {
        absolute_text: "
            link file.path=$DIR/file file.destination.path=$DIR/sub/link symbolic=true syscall.path=$DIR/file \
                syscall.destination.path=$DIR/sub/link
        ";
        relative_text: "
            link file.path=$DIR/sub/file file.destination.path=$DIR/sub/link symbolic=true syscall.path=file \
                syscall.destination.path=$DIR/sub/link
        ";
        nowhere: "
            link file.path=$DIR/no%20where file.destination.path=$DIR/link symbolic=true syscall.path=no%20where \
                syscall.destination.path=$DIR/link
        ";
    }
    symlinkat {
        dirfd_elsewhere: "
            link file.path=$DIR/sub/file file.destination.path=$DIR/sub/link symbolic=true syscall.path=file \
                syscall.destination.path=link
        ";
    }
}
