//! Processes that see another root, other mounts or other pids than Lapwing; and places where Lapwing
//! may not look.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::puppet::{Arg, int};
use super::{Last, Puppet, Resolver, below, inode, lost, missing, named, resolvers, seen, skip, stage, symlink, text};

/// Namespaces of one's own take privileges, or a user namespace to have them in.
fn with_namespaces(flags: i32) -> Option<Puppet> {
    let user = if nix::unistd::geteuid().is_root() { 0 } else { libc::CLONE_NEWUSER };
    let puppet = Puppet::with(flags | user);
    let Some(puppet) = puppet else {
        skip("namespaces are not allowed");
        return None;
    };
    if user != 0 {
        // It can create files only as a user that has a number outside.
        let ids = [("uid_map", nix::unistd::geteuid().as_raw()), ("gid_map", nix::unistd::getegid().as_raw())];
        let proc = format!("/proc/{}", puppet.thread().pid);
        fs::write(format!("{proc}/setgroups"), "deny").unwrap();
        ids.into_iter().for_each(|(map, id)| fs::write(format!("{proc}/{map}"), format!("0 {id} 1")).unwrap());
    }
    Some(puppet)
}

fn mount(puppet: &Puppet, source: &str, target: &str, kind: &str, flags: libc::c_ulong) -> i64 {
    let flags = Arg::Int(i64::try_from(flags).unwrap());
    puppet.call(libc::SYS_mount, &[Arg::Path(source), Arg::Path(target), Arg::Path(kind), flags, int(0)])
}

#[test]
fn a_root_of_its_own() {
    let (_guard, dir, _) = stage();
    let Some(puppet) = with_namespaces(0) else { return };
    let jail = format!("{dir}/jail");
    fs::create_dir_all(format!("{jail}/sub")).unwrap();
    fs::write(format!("{jail}/sub/file"), "").unwrap();
    symlink("/sub/file", &format!("{jail}/abs"));
    symlink("/../../../sub", &format!("{jail}/up"));
    let outside = puppet.fd(&dir, libc::O_RDONLY);

    // What is remembered of a root holds until it is said to have changed.
    let mut before = resolvers();
    for resolver in &mut before {
        super::found(&resolver.at(puppet.thread(), named(&jail), Last::Keep), &jail);
    }
    assert_eq!(puppet.call(libc::SYS_chroot, &[Arg::Path(&jail)]), 0);
    assert_eq!(puppet.chdir("/sub"), 0);
    let fd = puppet.fd("/abs", libc::O_RDONLY);
    before.iter_mut().for_each(Resolver::forget_roots);

    let file = inode(format!("{jail}/sub/file"));
    for mut resolver in before.into_iter().chain(resolvers()) {
        let thread = puppet.thread();
        for path in ["/sub/file", "file", "../abs", "/abs", "/up/file", "/../../sub/../abs", "../../../sub/file"] {
            let got = resolver.at(thread, named(path), Last::Follow);
            assert_eq!(seen(&got), ("/sub/file", Some(file)), "{path}");
        }
        assert_eq!(text(&resolver.at(thread, named("/"), Last::Follow)), "/");
        assert_eq!(text(&resolver.at(thread, named(".."), Last::Follow)), "/");
        assert_eq!(text(&resolver.fd_file(thread, fd)), "/sub/file");
        assert_eq!(text(&resolver.cwd(thread)), "/sub");
        missing(&resolver.at(thread, named(&jail[..4]), Last::Keep), &jail[..4]);
        missing(&resolver.create(thread, named("/up/new")), "/sub/new");
        // What is outside has the path that the kernel would give it: from the outermost root.
        assert_eq!(text(&resolver.fd_file(thread, outside)), dir);
        assert_eq!(text(&resolver.at(thread, below(outside, "jail/sub/file"), Last::Keep)), "/sub/file");
        assert_eq!(text(&resolver.at(thread, below(outside, ".."), Last::Keep)), parent(&dir));
        missing(&resolver.create(thread, below(outside, "new")), &format!("{dir}/new"));

        let mut new = resolver.create(thread, named("/up/new"));
        fs::write(format!("{jail}/sub/new"), "").unwrap();
        resolver.refresh(thread, &mut new);
        assert_eq!(new.inode.unwrap().number, inode(format!("{jail}/sub/new")));
        fs::remove_file(format!("{jail}/sub/new")).unwrap();
        let exe = resolver.executable(thread);
        assert_eq!(text(&exe), fs::read_link("/proc/self/exe").unwrap().to_str().unwrap());
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent })
}

#[test]
fn an_inherited_root_is_verified() {
    let (_guard, dir, _) = stage();
    let (Some(puppet), Some(same)) = (with_namespaces(0), with_namespaces(0)) else { return };
    for jailed in [&puppet, &same] {
        assert_eq!(jailed.call(libc::SYS_chroot, &[Arg::Path(&dir)]), 0);
    }
    for mut resolver in resolvers() {
        assert_eq!(seen(&resolver.at(puppet.thread(), named("/"), Last::Keep)), ("/", Some(inode(&dir))));
        resolver.inherit(puppet.thread().pid, same.thread().pid);
        assert_eq!(seen(&resolver.at(same.thread(), named("/"), Last::Keep)), ("/", Some(inode(&dir))));
        let other = Puppet::new();
        resolver.inherit(same.thread().pid, other.thread().pid);
        super::found(&resolver.at(other.thread(), named("/"), Last::Keep), "/");
    }
}

#[test]
fn a_removed_root() {
    let (_guard, dir, _) = stage();
    let Some(puppet) = with_namespaces(0) else { return };
    fs::create_dir(format!("{dir}/jail")).unwrap();
    assert_eq!(puppet.call(libc::SYS_chroot, &[Arg::Path(&format!("{dir}/jail"))]), 0);
    assert_eq!(puppet.chdir("/"), 0);
    fs::remove_dir(format!("{dir}/jail")).unwrap();
    for mut resolver in resolvers() {
        missing(&resolver.at(puppet.thread(), named("/x"), Last::Keep), "/x");
        missing(&resolver.at(puppet.thread(), named("x"), Last::Keep), "/x");
        assert_eq!(text(&resolver.cwd(puppet.thread())), "/");
    }
}

#[test]
fn mounts_of_its_own() {
    let (_guard, dir, _) = stage();
    let Some(puppet) = with_namespaces(libc::CLONE_NEWNS) else { return };
    fs::create_dir_all(format!("{dir}/top/under")).unwrap();
    symlink("/top", &format!("{dir}/under"));
    assert_eq!(puppet.chdir(&format!("{dir}/top")), 0);
    if mount(&puppet, "", "/", "", libc::MS_REC | libc::MS_PRIVATE) != 0
        || mount(&puppet, "none", &format!("{dir}/top"), "tmpfs", 0) != 0
    {
        return skip("mounting is not allowed");
    }
    let path = format!("{dir}/top/inside");
    let fd = puppet.fd(&path, libc::O_CREAT | libc::O_RDWR);
    let (thread, number) = (puppet.thread(), puppet.inode_of(fd));
    let parent = Puppet::new();
    for mut resolver in resolvers() {
        // As after clone with CLONE_NEWNS, which looks like any fork.
        super::found(&resolver.at(parent.thread(), named("/"), Last::Keep), "/");
        resolver.inherit(parent.thread().pid, thread.pid);
        // Only it has such a file: Lapwing's own look at the path would find none.
        assert!(fs::metadata(&path).is_err());
        let file = resolver.at(thread, named(&path), Last::Follow);
        assert_eq!(seen(&file), (path.as_str(), Some(number)));
        assert_eq!(file.inode.unwrap().filesystem.as_deref(), Some("tmpfs"));
        let file = resolver.fd_file(thread, fd);
        assert_eq!(seen(&file), (path.as_str(), Some(number)));
        // Its working directory is covered by the mount, and still what relative paths start from.
        let under = resolver.at(thread, named("under"), Last::Follow);
        assert_eq!(under.inode.unwrap().number, inode(format!("{dir}/top/under")));
        missing(&resolver.at(thread, named("inside"), Last::Follow), &path);
        // Unlike `.`, `..` enters what is mounted where it arrives.
        let back = resolver.at(thread, named("./under/../inside"), Last::Follow);
        assert_eq!(seen(&back), (path.as_str(), Some(number)));
        missing(&resolver.at(thread, named("./inside"), Last::Follow), &path);
        assert!(puppet.open("under/../inside", libc::O_PATH) >= 0 && puppet.open("./inside", libc::O_PATH) < 0);
    }
    // A root inside of the namespace.
    assert_eq!(puppet.call(libc::SYS_chroot, &[Arg::Path(&format!("{dir}/top"))]), 0);
    for mut resolver in resolvers() {
        let file = resolver.at(thread, named("/inside"), Last::Follow);
        assert_eq!(seen(&file), ("/inside", Some(number)));
        assert_eq!(text(&resolver.fd_file(thread, fd)), "/inside");
    }
}

#[test]
fn self_in_a_pid_namespace() {
    let Some(puppet) = with_namespaces(libc::CLONE_NEWPID | libc::CLONE_NEWNS) else { return };
    let thread = puppet.thread();
    // With Lapwing's procfs still in place it goes by Lapwing's number.
    for mut resolver in resolvers() {
        let file = resolver.at(thread, named("/proc/self/status"), Last::Follow);
        assert_eq!(text(&file), format!("/proc/{}/status", thread.pid));
    }
    if mount(&puppet, "", "/", "", libc::MS_REC | libc::MS_PRIVATE) != 0
        || mount(&puppet, "proc", "/proc", "proc", 0) != 0
    {
        return skip("mounting is not allowed");
    }
    let fds = puppet.fd("/proc/self/fd", libc::O_RDONLY);
    for mut resolver in resolvers() {
        for (path, shown) in [
            ("/proc/self", "/proc/1"),
            ("/proc/self/status", "/proc/1/status"),
            ("/proc/thread-self/status", "/proc/1/task/1/status"),
            ("/proc/self/cwd", puppet.path_of(fds, puppet.fd(".", libc::O_PATH)).as_str()),
        ] {
            let fd = puppet.fd(path, libc::O_PATH);
            let file = resolver.at(thread, named(path), Last::Follow);
            assert_eq!(puppet.path_of(fds, fd), shown);
            assert_eq!(seen(&file), (shown, Some(puppet.inode_of(fd))), "{path}");
        }
        assert_eq!(text(&resolver.fd_file(thread, fds)), "/proc/1/fd");
    }
}

#[test]
fn where_lapwing_may_not_look() {
    if !nix::unistd::geteuid().is_root() {
        return skip("only root can give up its right to look everywhere, for one thread");
    }
    let (_guard, dir, puppet) = stage();
    fs::create_dir_all(format!("{dir}/shut/sub")).unwrap();
    fs::write(format!("{dir}/shut/file"), "").unwrap();
    symlink("shut/file", &format!("{dir}/link"));
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(puppet.call(libc::SYS_setresuid, &[int(65534), int(65534), int(65534)]), 0);
    assert_eq!(puppet.call(libc::SYS_prctl, &[int(libc::PR_SET_DUMPABLE), int(1)]), 0);
    let fd = puppet.fd("shut", libc::O_RDONLY);
    fs::set_permissions(format!("{dir}/shut"), fs::Permissions::from_mode(0o0)).unwrap();
    let thread = puppet.thread();
    // Of this thread alone, and for good: hence one of its own.
    let looks = std::thread::spawn(move || {
        nix::unistd::setfsuid(nix::unistd::Uid::from_raw(65534));
        for mut resolver in resolvers() {
            let shut = format!("{dir}/shut");
            for dirfd in [None, Some(fd)] {
                let path = if dirfd.is_some() { "file" } else { "shut/file" };
                let name = super::Name { dirfd, ..named(path) };
                missing(&resolver.at(thread, name, Last::Keep), &format!("{shut}/file"));
                missing(&resolver.create(thread, name), &format!("{shut}/file"));
                lost(&resolver.at(thread, name, Last::Follow), &format!("{shut}/file"));
            }
            lost(&resolver.at(thread, named("shut/sub/x"), Last::Keep), &format!("{shut}/sub/x"));
            lost(&resolver.at(thread, named("link"), Last::Follow), &format!("{shut}/file"));
            super::found(&resolver.at(thread, named("shut"), Last::Follow), &shut);
        }
    });
    looks.join().unwrap();
}

/// Mounts a FUSE file system that nobody serves; every request to it would wait for good.
fn mount_unserved(puppet: &Puppet, target: &str) -> bool {
    let fd = puppet.open("/dev/fuse", libc::O_RDWR);
    let options = format!("fd={fd},rootmode=40000,user_id=0,group_id=0");
    let args = [Arg::Path("x"), Arg::Path(target), Arg::Path("fuse"), int(0), Arg::Path(&options)];
    fd >= 0
        && mount(puppet, "", "/", "", libc::MS_REC | libc::MS_PRIVATE) == 0
        && puppet.call(libc::SYS_mount, &args) == 0
}

#[test]
fn nothing_waits_for_a_fuse_server() {
    if !nix::unistd::geteuid().is_root() {
        return skip("only root can mount FUSE without a helper");
    }
    // Once with mounts of its own, once with those of Lapwing.
    for flags in [libc::CLONE_NEWNS, 0] {
        let (done, waiting) = std::sync::mpsc::channel();
        // A thread, to be left behind should it wait; its mounts are its own.
        std::thread::spawn(move || {
            nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).unwrap();
            let (_guard, dir, _) = stage();
            let puppet = Puppet::with(flags).unwrap();
            assert_eq!(puppet.chdir(&dir), 0);
            fs::create_dir(format!("{dir}/fuse")).unwrap();
            fs::write(format!("{dir}/file"), "").unwrap();
            symlink("fuse/x", &format!("{dir}/link"));
            symlink("file", &format!("{dir}/other"));
            let mut all = resolvers();
            if !mount_unserved(&puppet, &format!("{dir}/fuse")) {
                skip("no FUSE");
                return done.send(()).unwrap();
            }
            all.iter_mut().for_each(Resolver::forget_mounts);
            let mount = puppet.fd("fuse", libc::O_PATH);
            for resolver in &mut all {
                let thread = puppet.thread();
                for path in ["fuse/x", "./fuse/x", "link", &format!("{dir}/fuse/x"), &format!("{dir}/link")] {
                    lost(&resolver.at(thread, named(path), Last::Follow), &format!("{dir}/fuse/x"));
                }
                missing(&resolver.at(thread, below(mount, "x"), Last::Keep), &format!("{dir}/fuse/x"));
                missing(&resolver.create(thread, below(mount, "x")), &format!("{dir}/fuse/x"));
                missing(&resolver.create(thread, named("fuse/x")), &format!("{dir}/fuse/x"));
                let mut file = resolver.create(thread, named("fuse/x"));
                resolver.refresh(thread, &mut file);
                assert_eq!(file.inode, None);
                let root = resolver.fd_file(thread, mount);
                assert_eq!(text(&root), format!("{dir}/fuse"));
                assert_eq!(root.inode.unwrap().filesystem.as_deref(), Some("fuse"));
                // What is not on it is found as ever.
                for path in ["file", "other", "./other", &format!("{dir}/file")] {
                    super::found(&resolver.at(thread, named(path), Last::Follow), &format!("{dir}/file"));
                }
                missing(&resolver.at(thread, named("gone"), Last::Follow), &format!("{dir}/gone"));
                let mut file = resolver.create(thread, named("./file"));
                resolver.refresh(thread, &mut file);
                super::found(&file, &format!("{dir}/file"));
            }
            done.send(()).unwrap();
        });
        waiting.recv_timeout(std::time::Duration::from_secs(20)).expect("a lookup waits, or failed");
    }
}
