//! Paths, where the process has the root that Lapwing has.

use std::fs;

use super::puppet::{Arg, int};
use super::{Last, Name, Resolver, below, found, lost, missing, named, resolvers, stage, symlink, text};

#[test]
fn plain_paths() {
    let (_guard, dir, puppet) = stage();
    fs::create_dir_all(format!("{dir}/a/b")).unwrap();
    fs::write(format!("{dir}/a/b/file"), "").unwrap();
    let file = format!("{dir}/a/b/file");
    let fd = puppet.fd("a/b", libc::O_RDONLY);
    for mut resolver in resolvers() {
        for last in [Last::Follow, Last::Keep] {
            for path in ["a/b/file", "./a//b/../b/./file", "a/../a/b/file"] {
                found(&resolver.at(puppet.thread(), named(path), last), &file);
                let absolute = format!("//{dir}/{path}");
                found(&resolver.at(puppet.thread(), named(&absolute), last), &file);
                found(&resolver.at(puppet.thread(), named(&absolute[2..]), last), &file);
            }
            let mut at = |name| resolver.at(puppet.thread(), name, last);
            found(&at(below(fd, "file")), &file);
            found(&at(below(fd, "../b/file")), &file);
            found(&at(below(fd, "..")), &format!("{dir}/a"));
            found(&at(below(999, &file)), &file);
            found(&at(named("a")), &format!("{dir}/a"));
            found(&at(named("a/")), &format!("{dir}/a"));
            found(&at(named(".")), &dir);
            found(&at(named("/")), "/");
            found(&at(named("/..")), "/");
            found(&at(named("/../..//tmp/..")), "/");
            found(&at(Name { dirfd: Some(libc::AT_FDCWD), ..named("a") }), &format!("{dir}/a"));
        }
    }
}

#[test]
fn links_are_followed_or_kept() {
    let (_guard, dir, puppet) = stage();
    fs::create_dir_all(format!("{dir}/real/sub")).unwrap();
    fs::write(format!("{dir}/real/file"), "").unwrap();
    symlink("real", &format!("{dir}/rel"));
    symlink(&format!("{dir}/rel"), &format!("{dir}/abs"));
    symlink("abs/file", &format!("{dir}/chain"));
    // B6: relative to the link's directory, not to the working directory.
    symlink("../file", &format!("{dir}/real/sub/up"));
    let real = format!("{dir}/real");
    for mut resolver in resolvers() {
        let mut at = |path: &str, last| resolver.at(puppet.thread(), named(path), last);
        for link in ["rel", "abs", &format!("{dir}/abs")] {
            found(&at(link, Last::Follow), &real);
            // A trailing slash follows even where the link itself is wanted.
            found(&at(&format!("{link}/"), Last::Keep), &real);
            found(&at(&format!("{link}/."), Last::Keep), &real);
            found(&at(&format!("{link}/file"), Last::Keep), &format!("{real}/file"));
        }
        found(&at("abs", Last::Keep), &format!("{dir}/abs"));
        found(&at(&format!("{dir}/abs"), Last::Keep), &format!("{dir}/abs"));
        found(&at("chain", Last::Follow), &format!("{real}/file"));
        found(&at("chain", Last::Keep), &format!("{dir}/chain"));
        found(&at("abs/sub/up", Last::Follow), &format!("{real}/file"));
        found(&at("rel/sub/../../chain", Last::Follow), &format!("{real}/file"));
    }
}

#[test]
fn what_does_not_exist() {
    let (_guard, dir, puppet) = stage();
    fs::create_dir(format!("{dir}/real")).unwrap();
    fs::write(format!("{dir}/file"), "").unwrap();
    symlink("real", &format!("{dir}/link"));
    symlink("link/gone", &format!("{dir}/dangling"));
    symlink("loop", &format!("{dir}/loop"));
    for mut resolver in resolvers() {
        let mut at = |path: &str, last| resolver.at(puppet.thread(), named(path), last);
        for last in [Last::Follow, Last::Keep] {
            missing(&at("gone", last), &format!("{dir}/gone"));
            missing(&at("gone/", last), &format!("{dir}/gone"));
            missing(&at("link/gone", last), &format!("{dir}/real/gone"));
            missing(&at(&format!("{dir}/link/gone"), last), &format!("{dir}/real/gone"));
            lost(&at("link/gone/../x//y", last), &format!("{dir}/real/x/y"));
            lost(&at(&format!("{dir}/gone/x"), last), &format!("{dir}/gone/x"));
            lost(&at("file/x", last), &format!("{dir}/file/x"));
            lost(&at("file/", last), &format!("{dir}/file"));
            lost(&at("loop/x", last), &format!("{dir}/loop/x"));
            lost(&at("", last), &dir);
        }
        missing(&at("dangling", Last::Follow), &format!("{dir}/real/gone"));
        found(&at("dangling", Last::Keep), &format!("{dir}/dangling"));
        lost(&at("loop", Last::Follow), &format!("{dir}/loop"));
        found(&at("loop", Last::Keep), &format!("{dir}/loop"));
        let long = "x".repeat(300);
        lost(&at(&long, Last::Keep), &format!("{dir}/{long}"));
        let file = resolver.at(puppet.thread(), below(999, "x"), Last::Keep);
        lost(&file, "x");
        // Only the kernel can say in one call that a directory is missing.
        let helped = resolver.openat2;
        let mut leads_nowhere = |path: &str| resolver.leads_nowhere(puppet.thread(), path.as_bytes());
        assert_eq!(leads_nowhere(&format!("{dir}/gone/x")), helped);
        assert_eq!(leads_nowhere(&format!("{dir}/real/gone/../x")), helped);
        for path in ["file/x", "loop/x", "link/gone", "real", ""] {
            assert!(!leads_nowhere(&format!("{dir}/{path}")), "{path}");
        }
        assert!(!leads_nowhere("gone/x"));
    }
}

#[test]
fn link_chains_end_where_the_kernel_ends_them() {
    let (_guard, dir, puppet) = stage();
    fs::write(format!("{dir}/0"), "").unwrap();
    for number in 1..=41 {
        symlink(&format!("{}", number - 1), &format!("{dir}/{number}"));
    }
    assert!(puppet.open("40", libc::O_PATH) >= 0);
    assert_eq!(puppet.open("41", libc::O_PATH), -i64::from(libc::ELOOP));
    for mut resolver in resolvers() {
        found(&resolver.at(puppet.thread(), named("40"), Last::Follow), &format!("{dir}/0"));
        assert!(resolver.at(puppet.thread(), named("41"), Last::Follow).unresolved);
    }
}

#[test]
fn the_empty_path() {
    let (_guard, dir, puppet) = stage();
    let fd = puppet.fd("file", libc::O_CREAT | libc::O_RDWR);
    for mut resolver in resolvers() {
        // B13: AT_EMPTY_PATH is the descriptor itself.
        let mut at = |dirfd, empty_ok| resolver.at(puppet.thread(), Name { dirfd, path: b"", empty_ok }, Last::Follow);
        found(&at(Some(fd), true), &format!("{dir}/file"));
        found(&at(None, true), &dir);
        lost(&at(Some(fd), false), &format!("{dir}/file"));
    }
}

#[test]
fn self_is_the_process_and_not_lapwing() {
    let (_guard, dir, puppet) = stage();
    fs::create_dir(format!("{dir}/sub")).unwrap();
    symlink("/proc/self/fd", &format!("{dir}/fds"));
    symlink("/proc/self/../self/cwd", &format!("{dir}/here"));
    let fd = puppet.fd("file", libc::O_CREAT | libc::O_RDWR);
    let pid = puppet.thread().pid;
    let exe = fs::read_link("/proc/self/exe").unwrap().to_str().unwrap().to_owned();
    for mut resolver in resolvers() {
        let mut at = |path: &str, last| resolver.at(puppet.thread(), named(path), last);
        found(&at("/proc/self", Last::Keep), "/proc/self");
        found(&at("/proc/self", Last::Follow), &format!("/proc/{pid}"));
        found(&at("/proc/self/status", Last::Follow), &format!("/proc/{pid}/status"));
        found(&at("/proc/self/status", Last::Keep), &format!("/proc/{pid}/status"));
        found(&at("/proc/thread-self", Last::Follow), &format!("/proc/{pid}/task/{pid}"));
        found(&at("/proc/mounts", Last::Follow), &format!("/proc/{pid}/mounts"));
        found(&at("/proc/self/cwd", Last::Follow), &dir);
        found(&at("/proc/self/cwd/sub", Last::Keep), &format!("{dir}/sub"));
        found(&at("/proc/self/root/tmp", Last::Keep), "/tmp");
        found(&at("/proc/self/exe", Last::Follow), &exe);
        found(&at("/proc/self/exe", Last::Keep), &format!("/proc/{pid}/exe"));
        found(&at("here/sub", Last::Follow), &format!("{dir}/sub"));
        for path in [format!("/proc/self/fd/{fd}"), format!("/dev/fd/{fd}"), format!("fds/{fd}")] {
            found(&at(&path, Last::Follow), &format!("{dir}/file"));
            found(&at(&path, Last::Keep), &format!("/proc/{pid}/fd/{fd}"));
        }
        missing(&at("/proc/self/fd/999", Last::Follow), &format!("/proc/{pid}/fd/999"));
        // B14 and the like: what fd 0 of Lapwing is does not matter.
        assert_eq!(at("/dev/stdin", Last::Follow).path, Resolver::new().unwrap().fd_file(puppet.thread(), 0).path);
    }
    // From a directory inside of procfs.
    assert_eq!(puppet.chdir("/proc"), 0);
    for mut resolver in resolvers() {
        found(&resolver.at(puppet.thread(), named("self"), Last::Follow), &format!("/proc/{pid}"));
        found(&resolver.at(puppet.thread(), named("self/cwd"), Last::Follow), "/proc");
        found(&resolver.at(puppet.thread(), named("self"), Last::Keep), "/proc/self");
    }
    assert_eq!(puppet.chdir("self/task"), 0);
    for mut resolver in resolvers() {
        found(&resolver.at(puppet.thread(), named("../exe"), Last::Follow), &exe);
        found(&resolver.at(puppet.thread(), named(&format!("{pid}/exe")), Last::Follow), &exe);
    }
}

#[test]
fn a_pipe_through_a_magic_link() {
    let (_guard, _dir, puppet) = stage();
    assert_eq!(puppet.call(libc::SYS_pipe2, &[Arg::Room(8), int(0)]), 0);
    let fd = i32::from_ne_bytes(puppet.answer()[..4].try_into().unwrap());
    for mut resolver in resolvers() {
        let file = resolver.at(puppet.thread(), named(&format!("/dev/fd/{fd}")), Last::Follow);
        assert!(text(&file).starts_with("pipe:["), "{}", text(&file));
        assert!(file.inode.is_some() && !file.unresolved);
        let lost = resolver.at(puppet.thread(), below(fd, "x"), Last::Follow);
        assert!(lost.unresolved && lost.inode.is_none());
    }
}

#[test]
fn created_names() {
    let (_guard, dir, puppet) = stage();
    fs::create_dir(format!("{dir}/real")).unwrap();
    symlink("real", &format!("{dir}/link"));
    symlink("gone", &format!("{dir}/real/dangling"));
    let fd = puppet.fd("real", libc::O_RDONLY);
    for mut resolver in resolvers() {
        let absolute = format!("{dir}/link/new");
        let mut create = |name| resolver.create(puppet.thread(), name);
        missing(&create(named("new")), &format!("{dir}/new"));
        missing(&create(named("new/")), &format!("{dir}/new"));
        missing(&create(named("link/new")), &format!("{dir}/real/new"));
        missing(&create(named("link/../new//")), &format!("{dir}/new"));
        missing(&create(named(&absolute)), &format!("{dir}/real/new"));
        missing(&create(below(fd, "new")), &format!("{dir}/real/new"));
        missing(&create(below(fd, "../link/new")), &format!("{dir}/real/new"));
        // What exists is named as it would be created: rename replaces a link, and does not follow it.
        missing(&create(named("link/dangling")), &format!("{dir}/real/dangling"));
        missing(&create(named("/new")), "/new");
        missing(&create(named("link/.")), &format!("{dir}/real"));
        missing(&create(named("/")), "/");
        lost(&create(named("gone/new")), &format!("{dir}/gone/new"));
        lost(&create(below(999, "new")), "new");

        let mut file = resolver.create(puppet.thread(), named("link/new"));
        resolver.refresh(puppet.thread(), &mut file);
        missing(&file, &format!("{dir}/real/new"));
        symlink("nowhere", &format!("{dir}/real/new"));
        resolver.refresh(puppet.thread(), &mut file);
        found(&file, &format!("{dir}/real/new"));
        fs::remove_file(format!("{dir}/real/new")).unwrap();
    }
}

#[test]
fn removed_working_directory() {
    let (_guard, dir, puppet) = stage();
    fs::create_dir_all(format!("{dir}/a/b")).unwrap();
    let fd = puppet.fd("a/b", libc::O_RDONLY);
    assert_eq!(puppet.chdir("a/b"), 0);
    fs::remove_dir(format!("{dir}/a/b")).unwrap();
    for mut resolver in resolvers() {
        missing(&resolver.at(puppet.thread(), named("x"), Last::Follow), &format!("{dir}/a/b/x"));
        missing(&resolver.at(puppet.thread(), below(fd, "x"), Last::Keep), &format!("{dir}/a/b/x"));
        missing(&resolver.create(puppet.thread(), named("x")), &format!("{dir}/a/b/x"));
        lost(&resolver.at(puppet.thread(), named("x/y"), Last::Keep), &format!("{dir}/a/b/x/y"));
        found(&resolver.at(puppet.thread(), named(".."), Last::Keep), &format!("{dir}/a"));
        found(&resolver.at(puppet.thread(), named("../../a"), Last::Keep), &format!("{dir}/a"));
        assert_eq!(text(&resolver.cwd(puppet.thread())), format!("{dir}/a/b"));
    }
}
