//! Processes that see another root, other mounts or other pids than Lapwing; and places where Lapwing
//! may not look.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::puppet::{Arg, int};
use super::{Last, Puppet, Resolver, below, inode, lost, missing, named, resolvers, skip, stage, symlink, text};

/// Namespaces of one's own take privileges, or a user namespace to have them in.
fn with_namespaces(flags: i32) -> Option<Puppet> {
    let user = if nix::unistd::geteuid().is_root() { 0 } else { libc::CLONE_NEWUSER };
    let puppet = Puppet::with(flags | user);
    if puppet.is_none() {
        skip("namespaces are not allowed");
    }
    puppet
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
            assert_eq!((text(&got), got.inode.unwrap().number), ("/sub/file", file), "{path}");
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
fn a_child_inherits_its_root() {
    let (_guard, dir, _) = stage();
    let Some(puppet) = with_namespaces(0) else { return };
    assert_eq!(puppet.call(libc::SYS_chroot, &[Arg::Path(&dir)]), 0);
    let mut resolver = Resolver::new().unwrap();
    assert_eq!(text(&resolver.at(puppet.thread(), named("/"), Last::Keep)), "/");
    let other = Puppet::new();
    resolver.inherit(puppet.thread().pid, other.thread().pid);
    let got = resolver.at(other.thread(), named("/"), Last::Keep);
    assert_eq!(got.inode.unwrap().number, inode(&dir));
    resolver.forget(other.thread().pid);
    super::found(&resolver.at(other.thread(), named("/"), Last::Keep), "/");
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
    for mut resolver in resolvers() {
        // Only it has such a file: Lapwing's own look at the path would find none.
        assert!(fs::metadata(&path).is_err());
        let file = resolver.at(thread, named(&path), Last::Follow);
        assert_eq!((text(&file), file.inode.as_ref().unwrap().number), (path.as_str(), number));
        assert_eq!(file.inode.unwrap().filesystem.as_deref(), Some("tmpfs"));
        let file = resolver.fd_file(thread, fd);
        assert_eq!((text(&file), file.inode.unwrap().number), (path.as_str(), number));
        // Its working directory is covered by the mount, and still what relative paths start from.
        let under = resolver.at(thread, named("under"), Last::Follow);
        assert_eq!(under.inode.unwrap().number, inode(format!("{dir}/top/under")));
        missing(&resolver.at(thread, named("inside"), Last::Follow), &path);
        let twice = resolver.at(thread, named("./under/../inside"), Last::Follow);
        missing(&twice, &path);
    }
    // A root inside of the namespace.
    assert_eq!(puppet.call(libc::SYS_chroot, &[Arg::Path(&format!("{dir}/top"))]), 0);
    for mut resolver in resolvers() {
        let file = resolver.at(thread, named("/inside"), Last::Follow);
        assert_eq!((text(&file), file.inode.unwrap().number), ("/inside", number));
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
        // The kernel has no such link for a process of a namespace below: it is empty there.
        assert!(text(&file) == format!("/proc/{}/status", thread.pid), "{file:?}");
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
            assert_eq!((text(&file), file.inode.map(|inode| inode.number)), (shown, Some(puppet.inode_of(fd))), "{path}");
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
    fs::set_permissions(format!("{dir}/shut"), fs::Permissions::from_mode(0)).unwrap();
    let thread = puppet.thread();
    // Of this thread alone, and for good: hence one of its own.
    let looks = std::thread::spawn(move || {
        nix::unistd::setfsuid(nix::unistd::Uid::from_raw(65534));
        resolvers().map(|mut resolver| {
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
        });
    });
    looks.join().unwrap();
}
