//! Roots and namespaces.

use crate::cases;

cases! {
    chroot {
        then_open [Root]: "
            chroot file.path=$DIR/root syscall.path=$DIR/root
            open file.path=/inside flags_str=O_RDONLY syscall.path=/inside retval=0..
            open file.path=/inside flags_str=O_RDONLY syscall.path=/way retval=0..
            open file.path=/inside flags_str=O_RDONLY syscall.path=/out retval=0..
            open file.path=/inside flags_str=O_RDONLY syscall.path=/../../inside retval=0..
            open file.path=$DIR/inside flags_str=O_RDONLY syscall.path=inside retval=0..
            chdir file.path=/ syscall.path=/
            open file.path=/inside flags_str=O_RDONLY syscall.path=inside retval=0..
        ";
        denied_eperm [Root]: "chroot file.path=/ syscall.path=/ retval=-1 process.uid=65534";
        inherited [Root]: "
            fork pid=$child
            open file.path=/inside flags_str=O_RDONLY syscall.path=/inside retval=0.. process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
        ";
        of_a_sibling [Root]: "
            fork pid=$child
            chroot file.path=$DIR/root syscall.path=$DIR/root process.pid=$child
            exit cause_str=EXITED code=0 process.pid=$child
            open file.path=/inside flags_str=O_RDONLY syscall.path=/inside retval=0..
        ";
    }
    unshare {
        success [Root]: "unshare flags_str=CLONE_FILES|CLONE_NEWUTS";
        denied [Root]: "unshare flags_str=CLONE_NEWNET retval=-1 process.uid=65534";
        mounts [Root]: "
            unshare flags_str=CLONE_NEWNS
            open file.path=$DIR/file flags_str=O_RDONLY syscall.path=$DIR/file retval=0..
        ";
    }
    setns {
        success [Root]: "setns namespace=uts:[* flags_str=CLONE_NEWUTS";
        pidfd [Root]: "setns namespace=anon_inode:[pidfd] flags_str=CLONE_NEWUTS|CLONE_NEWIPC";
        denied [Root]: "setns namespace=net:[* retval=-1 process.uid=65534";
        back [Root]: "
            setns namespace=mnt:[* flags_str=CLONE_NEWNS
            open file.path=$DIR/file flags_str=O_RDONLY syscall.path=$DIR/file retval=0..
        ";
    }
}
