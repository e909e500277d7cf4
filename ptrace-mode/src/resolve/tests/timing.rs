//! What the answers cost. Run with `cargo test --release timing -- --ignored --nocapture`.

use std::fs;
use std::time::Instant;

use super::puppet::int;
use super::{Last, Resolver, below, named, stage, symlink};

const ROUNDS: u32 = 50_000;

fn time(what: &str, mut run: impl FnMut()) {
    for _ in 0..ROUNDS / 10 {
        run();
    }
    let start = Instant::now();
    for _ in 0..ROUNDS {
        run();
    }
    println!("{what:<40} {:6.2} µs", start.elapsed().as_secs_f64() * 1e6 / f64::from(ROUNDS));
}

#[test]
#[ignore = "measures, and asserts nothing"]
fn timing() {
    let (_guard, dir, puppet) = stage();
    fs::create_dir_all(format!("{dir}/real/sub")).unwrap();
    fs::write(format!("{dir}/real/sub/file"), "").unwrap();
    symlink("real", &format!("{dir}/link"));
    let thread = puppet.thread();
    let fd = puppet.fd("real/sub/file", libc::O_RDONLY);
    let dirfd = puppet.fd("real/sub", libc::O_RDONLY);
    let socket = puppet.call(libc::SYS_socket, &[int(libc::AF_INET), int(libc::SOCK_STREAM), int(0)]);
    let socket = i32::try_from(socket).unwrap();
    let (plain, linked) = (format!("{dir}/real/sub/file"), format!("{dir}/link/sub/file"));
    let (gone, new) = (format!("{dir}/real/sub/gone"), format!("{dir}/link/sub/new"));
    for openat2 in [true, false] {
        let mut resolver = Resolver { openat2, ..Resolver::new().unwrap() };
        println!("openat2: {openat2}");
        let r = &mut resolver;
        time("fd_file", || drop(r.fd_file(thread, fd)));
        time("at absolute", || drop(r.at(thread, named(&plain), Last::Follow)));
        time("at absolute, through a link", || drop(r.at(thread, named(&linked), Last::Follow)));
        time("at absolute, missing", || drop(r.at(thread, named(&gone), Last::Keep)));
        time("at relative, one component", || drop(r.at(thread, below(dirfd, "file"), Last::Follow)));
        time("at relative, three components", || drop(r.at(thread, named("real/sub/file"), Last::Follow)));
        time("at /dev/fd/N (walked)", || drop(r.at(thread, named("/dev/fd/3"), Last::Follow)));
        time("create absolute, through a link", || drop(r.create(thread, named(&new))));
        time("create relative, one component", || drop(r.create(thread, named("new"))));
        time("create relative, three components", || drop(r.create(thread, named("real/sub/new"))));
        let mut file = r.create(thread, named("real/sub/file"));
        time("refresh", || r.refresh(thread, &mut file));
        time("executable", || drop(r.executable(thread)));
        time("status", || drop(r.status(thread.tid)));
        time("stat", || _ = r.stat(thread.tid));
        time("credentials", || _ = r.credentials(thread.tid));
        time("cgroup", || drop(r.cgroup(thread.tid)));
        time("is_thread", || _ = r.is_thread(thread.pid, thread.tid));
        time("socket", || _ = r.socket(thread, socket));
        time("first sight of a process", || {
            r.forget(thread.pid);
            drop(r.at(thread, named(&plain), Last::Follow));
        });
    }
}
