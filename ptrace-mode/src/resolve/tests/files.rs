//! Descriptors.

use super::puppet::{Arg, int};
use super::{Puppet, Resolver, found, inode, stage, symlink, text};

#[test]
fn regular_file_and_directory() {
    let (_guard, dir, puppet) = stage();
    let thread = puppet.thread();
    let fd = puppet.fd("file", libc::O_CREAT | libc::O_RDWR);
    let mut resolver = Resolver::new().unwrap();
    let file = resolver.fd_file(thread, fd);
    found(&file, &format!("{dir}/file"));
    let inode = file.inode.unwrap();
    assert_eq!(u32::from(inode.mode), libc::S_IFREG | 0o600);
    assert!(inode.mount_id != 0 && inode.modified.is_known() && inode.changed >= inode.modified);
    assert_eq!(inode.filesystem.as_deref(), Some(filesystem(&dir).as_str()));
    found(&resolver.fd_file(thread, puppet.fd(".", libc::O_RDONLY)), &dir);
    found(&resolver.cwd(thread), &dir);
}

/// Of the mount that holds the path, by the longest mount point.
fn filesystem(path: &str) -> String {
    let table = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let mounts = table.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let holds = |point: &str| path.starts_with(point) && (point == "/" || path[point.len()..].starts_with('/'));
    mounts.filter(|mount| holds(mount[1])).max_by_key(|mount| mount[1].len()).unwrap()[2].to_owned()
}

#[test]
fn deleted_files_have_the_path_they_had() {
    let (_guard, dir, puppet) = stage();
    let mut resolver = Resolver::new().unwrap();
    let mut path_of = |fd| text(&resolver.fd_file(puppet.thread(), fd)).to_owned();

    let gone = puppet.fd("gone", libc::O_CREAT | libc::O_RDWR);
    std::fs::remove_file(format!("{dir}/gone")).unwrap();
    assert_eq!(path_of(gone), format!("{dir}/gone"));

    // A name that only looks deleted, then really is.
    let odd = puppet.fd("odd (deleted)", libc::O_CREAT | libc::O_RDWR);
    assert_eq!(path_of(odd), format!("{dir}/odd (deleted)"));
    std::fs::remove_file(format!("{dir}/odd (deleted)")).unwrap();
    assert_eq!(path_of(odd), format!("{dir}/odd (deleted)"));

    // Still linked elsewhere: the link count says nothing.
    let first = puppet.fd("first", libc::O_CREAT | libc::O_RDWR);
    std::fs::hard_link(format!("{dir}/first"), format!("{dir}/second")).unwrap();
    std::fs::remove_file(format!("{dir}/first")).unwrap();
    assert_eq!(path_of(first), format!("{dir}/first"));
    // Someone else's file takes the very name that the suffix makes.
    std::fs::write(format!("{dir}/first (deleted)"), "").unwrap();
    assert_eq!(path_of(first), format!("{dir}/first"));

    std::fs::create_dir(format!("{dir}/old")).unwrap();
    let old = puppet.fd("old", libc::O_RDONLY);
    std::fs::remove_dir(format!("{dir}/old")).unwrap();
    assert_eq!(path_of(old), format!("{dir}/old"));
}

#[test]
fn what_has_no_path() {
    let puppet = Puppet::new();
    let mut resolver = Resolver::new().unwrap();
    let mut look = |fd: i64| resolver.fd_file(puppet.thread(), i32::try_from(fd).unwrap());

    let memfd = look(puppet.call(libc::SYS_memfd_create, &[Arg::Path("payload"), int(0)]));
    assert_eq!(text(&memfd), "memfd:payload");
    assert_eq!(memfd.inode.unwrap().filesystem.as_deref(), Some("tmpfs"));

    let socket = look(puppet.call(libc::SYS_socket, &[int(libc::AF_UNIX), int(libc::SOCK_STREAM), int(0)]));
    let number = socket.inode.as_ref().unwrap().number;
    assert_eq!(text(&socket), format!("socket:[{number}]"));
    assert_eq!(socket.inode.unwrap().filesystem.as_deref(), Some("sockfs"));

    assert_eq!(puppet.call(libc::SYS_pipe2, &[Arg::Room(8), int(0)]), 0);
    let pipe = look(i32::from_ne_bytes(puppet.answer()[..4].try_into().unwrap()).into());
    assert!(text(&pipe).starts_with("pipe:["));
    assert_eq!(pipe.inode.unwrap().filesystem.as_deref(), Some("pipefs"));

    let event = look(puppet.call(libc::SYS_eventfd2, &[int(0), int(0)]));
    assert_eq!(text(&event), "anon_inode:[eventfd]");
    assert_eq!(event.inode.unwrap().filesystem.as_deref(), Some("anon_inodefs"));

    let closed = look(999);
    assert!(closed.unresolved && closed.path.is_empty() && closed.inode.is_none());
    assert!(look(-1).unresolved);
}

#[test]
fn a_real_file_called_like_a_memfd() {
    let (_guard, dir, puppet) = stage();
    let fd = puppet.fd("memfd:x", libc::O_CREAT | libc::O_RDWR);
    std::fs::remove_file(format!("{dir}/memfd:x")).unwrap();
    assert_eq!(text(&Resolver::new().unwrap().fd_file(puppet.thread(), fd)), format!("{dir}/memfd:x"));
}

#[test]
fn places() {
    let (_guard, dir, puppet) = stage();
    symlink("nowhere", &format!("{dir}/link"));
    let link = puppet.fd("link", libc::O_PATH | libc::O_NOFOLLOW);
    let file = Resolver::new().unwrap().fd_file(puppet.thread(), link);
    found(&file, &format!("{dir}/link"));
    assert_eq!(file.inode.unwrap().number, inode(format!("{dir}/link")));
}

#[test]
fn the_reused_descriptor_is_the_new_file() {
    let (_guard, dir, puppet) = stage();
    let mut resolver = Resolver::new().unwrap();
    for name in ["one", "two"] {
        let fd = puppet.fd(name, libc::O_CREAT | libc::O_RDWR);
        found(&resolver.fd_file(puppet.thread(), fd), &format!("{dir}/{name}"));
        puppet.close(fd);
    }
}
