//! Random trees and random paths: whatever the process gets by opening a path, the resolver says.

use std::fs;

use super::puppet::{Arg, int};
use super::{Last, Puppet, named, resolvers, skip, stage, text};

/// xorshift64: the same trees on every run, without a dependency.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// A path of a few components; absolute ones start at one of `roots`.
fn path(random: &mut Random, roots: &[&str]) -> String {
    let mut path = match random.below(4) {
        0 => format!("{}/", random.pick(roots)),
        _ => String::new(),
    };
    for _ in 0..=random.below(5) {
        path += match random.below(8) {
            0 => "..",
            1 => ".",
            _ => random.pick(&NAMES),
        };
        path += random.pick(&["/", "/", "/", "//"]);
    }
    if random.below(4) > 0 {
        path.truncate(path.trim_end_matches('/').len());
    }
    path
}

/// Fills a directory with directories, files and links to anywhere.
fn grow(random: &mut Random, dir: &str, roots: &[&str], depth: u32) {
    for name in NAMES {
        let at = format!("{dir}/{name}");
        match random.below(5) {
            0 | 1 if depth > 0 => {
                fs::create_dir(&at).unwrap();
                grow(random, &at, roots, depth - 1);
            }
            0 | 1 => fs::write(&at, "").unwrap(),
            2 | 3 => std::os::unix::fs::symlink(path(random, roots), &at).unwrap(),
            _ => {}
        }
    }
}

/// Compares every answer for many random paths; returns how many led somewhere. Directories are made
/// below `home` only. `inside`: the working directory is below the root.
fn compare(random: &mut Random, puppet: &Puppet, fds: i32, roots: &[&str], home: &str, inside: bool) -> u32 {
    let mut resolvers = resolvers();
    let mut led = 0;
    for _ in 0..400 {
        let path = path(random, roots);
        for (last, flag) in [(Last::Follow, 0), (Last::Keep, libc::O_NOFOLLOW)] {
            let opened = puppet.open(&path, libc::O_PATH | libc::O_CLOEXEC | flag);
            let expected = i32::try_from(opened).ok().filter(|fd| *fd >= 0).map(|fd| {
                let expected = (puppet.path_of(fds, fd), puppet.inode_of(fd));
                puppet.close(fd);
                expected
            });
            led += u32::from(expected.is_some());
            for resolver in &mut resolvers {
                let file = resolver.at(puppet.thread(), named(&path), last);
                let got = file.inode.as_ref().map(|inode| (text(&file).to_owned(), inode.number));
                assert_eq!(got, expected, "{path} {last:?} {opened} openat2: {}", resolver.openat2);
                assert!(!file.unresolved || (expected.is_none() && file.inode.is_none()), "{path} {last:?}");
                assert!(file.path.starts_with(b"/"), "{path} {last:?}: {}", text(&file));
            }
        }
        // Where it can be created, it has to be where it was said to be.
        let said = resolvers.each_mut().map(|resolver| resolver.create(puppet.thread(), named(&path)));
        if inside {
            assert_eq!(said[0], said[1], "{path}");
        }
        if !text(&said[0]).starts_with(home) {
            continue;
        }
        if puppet.call(libc::SYS_mkdirat, &[int(libc::AT_FDCWD), Arg::Path(&path), int(0o700)]) == 0 {
            let fd = puppet.fd(&path, libc::O_PATH);
            assert_eq!((text(&said[0]), said[0].unresolved), (puppet.path_of(fds, fd).as_str(), false), "{path}");
            // A path from outside of the root means something else inside of it.
            let mut file = said[0].clone();
            for resolver in resolvers.iter_mut().filter(|_| inside) {
                resolver.refresh(puppet.thread(), &mut file);
                assert_eq!(file.inode.as_ref().map(|inode| inode.number), Some(puppet.inode_of(fd)), "{path}");
            }
            puppet.close(fd);
            let removed =
                puppet.call(libc::SYS_unlinkat, &[int(libc::AT_FDCWD), Arg::Path(&path), int(libc::AT_REMOVEDIR)]);
            assert_eq!(removed, 0, "{path}");
        }
    }
    led
}

fn own_fds(puppet: &Puppet) -> i32 {
    puppet.fd("/proc/self/fd", libc::O_RDONLY)
}

#[test]
fn with_the_root_of_lapwing() {
    for seed in 1..=6 {
        let (_guard, dir, puppet) = stage();
        let mut random = Random(seed);
        let tree = format!("{dir}/tree");
        fs::create_dir(&tree).unwrap();
        let fds = own_fds(&puppet);
        let rooted = format!("/proc/self/root{tree}");
        let roots = [tree.as_str(), "/proc/self/cwd", "/proc/thread-self/cwd/..", rooted.as_str(), "/dev/fd/.."];
        grow(&mut random, &tree, &roots, 2);
        assert_eq!(puppet.chdir(&tree), 0);
        let inner = ["a", "b", "c", "d"].into_iter().find(|name| puppet.chdir(name) == 0);
        let led = compare(&mut random, &puppet, fds, &roots, &dir, true);
        assert!(led > 40, "seed {seed} in {inner:?}: only {led} paths led anywhere");
    }
}

#[test]
fn with_a_root_of_its_own() {
    for seed in 101..=106 {
        let (_guard, dir, _puppet) = stage();
        // Without privileges, a user namespace allows it.
        let root = nix::unistd::geteuid().is_root();
        let Some(puppet) = Puppet::with(if root { 0 } else { libc::CLONE_NEWUSER }) else {
            return skip("neither root nor user namespaces");
        };
        let mut random = Random(seed);
        let jail = format!("{dir}/jail");
        fs::create_dir_all(format!("{jail}/tree")).unwrap();
        let fds = own_fds(&puppet);
        let roots = ["", "/tree", "/..", "/tree/../tree"];
        grow(&mut random, &format!("{jail}/tree"), &roots, 2);
        if puppet.call(libc::SYS_chroot, &[Arg::Path(&jail)]) != 0 {
            return skip("chroot is not allowed");
        }
        assert_eq!(puppet.chdir("/tree"), 0);
        let led = compare(&mut random, &puppet, fds, &roots, "", true);
        assert!(led > 40, "seed {seed}: only {led} paths led anywhere");
        // The way out of a chroot: a working directory outside of it.
        let out = puppet.fd("/", libc::O_RDONLY);
        let mut inner = ["/tree/a", "/tree/b", "/tree/c", "/tree/d", "/tree/e"].into_iter();
        let is_dir = |name: &&str| fs::symlink_metadata(format!("{jail}{name}")).is_ok_and(|found| found.is_dir());
        if let Some(inner) = inner.find(is_dir) {
            assert_eq!(puppet.call(libc::SYS_chroot, &[Arg::Path(inner)]), 0);
            assert_eq!(puppet.call(libc::SYS_fchdir, &[int(out)]), 0);
            compare(&mut random, &puppet, fds, &["", "/a", "tree", "../jail/tree"], &dir, false);
        }
    }
}
