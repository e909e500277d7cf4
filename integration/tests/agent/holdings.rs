//! What processes hold that only their tracer can look at: tracer and agent each have a pid namespace of their own.

use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Command;

use lapwing_integration::agent::Home;
use lapwing_integration::harness::binary;
use lapwing_integration::need::{Need, installed, require};
use lapwing_integration::run::until;
use tempfile::TempDir;

use super::observing::Shell;
use super::recordings::{all_opened, for_each_file, read, told};

/// Opens all files of a directory, says so, and stays.
const HOLDER: &str = "import os, sys, time; held = [open(one.path) for one in os.scandir(sys.argv[1])]; \
                      open(sys.argv[2], \"w\").close(); time.sleep(600)";

/// Lapwing as the first process of a pid namespace, where `/proc` shows nobody else.
fn apart(words: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]).arg(binary()).args(words);
    command
}

#[test]
fn a_tracer_tells_what_processes_hold_that_the_agent_does_not_see() {
    if !require(&[Need::MountNamespace]) || !installed(&["unshare"]) {
        return;
    }
    let (home, to) = (Home::new(), TempDir::new().unwrap());
    let (sockets, dumps) = (home.path().to_str().unwrap(), to.path().to_str().unwrap());
    let words = ["agent", "--backend", "none", "--socket-dir", sockets, "--dump-dir", dumps];
    let _agent = home.start_by(&mut apart(&words));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = u32::from(listener.local_addr().unwrap().port());
    let words = ["trace", "--quiet", "--socket-dir", sockets, "--", "sh"];
    let mut shell = Shell::by(apart(&words).stderr(OwnedFd::from(listener)));
    let log = home.path().join("log");
    // More than one message holds, each under a long name.
    let many = home.path().join("x".repeat(200));
    fs::create_dir(&many).unwrap();
    let names: Vec<String> = (0..200).map(|number| format!("{number:0>200}")).collect();
    names.iter().for_each(|name| fs::write(many.join(name), "").unwrap());
    let ready = home.path().join("ready");
    shell.tell(&format!("exec 7>>{}; echo $$ >{}", log.display(), home.path().join("pid").display()));
    let pid = fs::read_to_string(home.path().join("pid")).unwrap();
    let pid = pid.trim();
    shell.tell(&format!("python3 -c '{HOLDER}' {} {} & holder=$!", many.display(), ready.display()));
    until("they are open", || ready.exists());
    told(&home, &["start", "--pid", pid, "--format", "protobuf"]);
    let files = told(&home, &["stop", "--pid", pid]);
    let dump = read(Path::new(&files[0]));
    let [root] = dump.tree.as_slice() else { panic!("{:?}", dump.tree) };
    let mut held = Vec::new();
    for_each_file(root, &mut |file| held.push((file.file.clone().unwrap().path, file.generation_type, file.open)));
    let opened = held.iter().find(|(path, ..)| *path == log.to_str().unwrap());
    let append = u32::try_from(libc::O_WRONLY | libc::O_APPEND).unwrap();
    assert_eq!(opened.map(|(_, how, open)| (*how, open.unwrap().flags)), Some((2, append)), "{held:?}");
    let all = all_opened(std::slice::from_ref(&dump));
    let missing = names.iter().filter(|name| !all.contains(many.join(name).to_str().unwrap())).count();
    assert_eq!(missing, 0, "{all:?}");
    let bound = root.sockets.iter().flat_map(|socket| &socket.bind);
    assert_eq!(bound.map(|bind| (bind.port, &*bind.ip, bind.protocol)).collect::<Vec<_>>(), [(port, "127.0.0.1", 6)]);
    shell.tell("kill $holder");
}
