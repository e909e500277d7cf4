//! A server is learned, and then held against what was learned: the same work departs from nothing, and what an intruder
//! would do departs, once each.

use std::fs::{self, Permissions};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

use lapwing_integration::harness::{Backend, binary};
use lapwing_integration::need::{Need, installed, path_of};
use lapwing_integration::run::{end_of, finish, until};
use lapwing_integration::under_each_backend;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tempfile::TempDir;

/// Whoever has no rights.
const NOBODY: u32 = 65534;
/// Requests of each load.
const REQUESTS: usize = 300;

/// A directory with nginx's configuration and pages, and Lapwing.
struct Ground {
    directory: TempDir,
    backend: Backend,
}

impl Ground {
    fn new(backend: Backend) -> Self {
        let ground = Self { directory: TempDir::new().unwrap(), backend };
        fs::create_dir(ground.at("www")).unwrap();
        fs::create_dir(ground.at("temporary")).unwrap();
        (0..10).for_each(|page| fs::write(ground.at(&format!("www/{page}")), "x".repeat(page * 1000)).unwrap());
        // By another process: what this one has open for writing, a child of another test could hold open.
        let installed = finish(Command::new(binary()).arg("install").arg(ground.directory.path()), b"");
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        ground.configure("");
        ground.call_server(&path_of("nginx").unwrap());
        fs::set_permissions(ground.directory.path(), Permissions::from_mode(0o755)).unwrap();
        if ground.is_unprivileged() {
            for name in ["", "temporary"] {
                chown(ground.at(name), Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        ground
    }

    /// ptrace needs no rights, and gets none, whoever runs the tests.
    fn is_unprivileged(&self) -> bool {
        self.backend == Backend::Ptrace && Need::Root.missing().is_none()
    }

    fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn configure(&self, more: &str) {
        let root = self.directory.path().display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {root}/temporary/{kind};"))
            .concat();
        let text = format!(
            "worker_processes 2; pid {root}/pid; error_log {root}/error notice; events {{ worker_connections 64; }}\n\
             http {{ {temporary} access_log {root}/access; server {{ listen unix:{root}/socket; {more} root {root}/www; }} }}\n"
        );
        fs::write(self.at("nginx.conf"), text).unwrap();
    }

    /// What nginx is started as, and starts when it is told to replace itself.
    fn call_server(&self, program: &Path) {
        let _ = fs::remove_file(self.at("server"));
        symlink(program, self.at("server")).unwrap();
    }

    /// Runs nginx under Lapwing, has something done to it, and ends it.
    fn serve(&self, options: &[&str], work: impl FnOnce(&Self)) -> Output {
        let _ = fs::remove_file(self.at("error"));
        let mut command = Command::new(self.at("lapwing"));
        command.args(["run", "--backend", self.backend.name()]).args(options).arg("--").arg(self.at("server"));
        command.arg("-p").arg(self.directory.path()).args(["-c", "nginx.conf", "-e", "error"]);
        command.current_dir(self.directory.path()).stdout(std::process::Stdio::piped());
        if self.is_unprivileged() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let server: Child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        until("nginx serves", || self.get("/0").is_some() && self.logged("start worker process ") == 2);
        work(self);
        self.tell(Signal::SIGQUIT);
        let output = end_of(server);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Pages, and a reload in between.
    fn usual_work(&self) {
        let load = || (0..REQUESTS).for_each(|page| drop(self.get(&format!("/{}", page % 10)).unwrap()));
        load();
        self.reload();
        load();
    }

    fn reload(&self) {
        let workers = self.logged("start worker process ");
        self.tell(Signal::SIGHUP);
        until("nginx has new workers", || self.logged("start worker process ") == workers + 2);
    }

    fn tell(&self, signal: Signal) {
        let pid = fs::read_to_string(self.at("pid")).unwrap();
        kill(Pid::from_raw(pid.trim().parse().unwrap()), signal).unwrap();
    }

    fn logged(&self, words: &str) -> usize {
        fs::read_to_string(self.at("error")).unwrap_or_default().matches(words).count()
    }

    fn get(&self, page: &str) -> Option<String> {
        let mut socket = UnixStream::connect(self.at("socket")).ok()?;
        write!(socket, "GET {page} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    fn events(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.at("events.json")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn what_was_learned_is_normal_and_an_intruder_is_not(backend: Backend) {
    if !installed(&["nginx"]) {
        return;
    }
    let ground = Ground::new(backend);
    ground.serve(&["--quiet", "--dump", "web.profile"], Ground::usual_work);
    let watched = ["--quiet", "-o", "events.json", "--profile", "web.profile"];
    ground.serve(&watched, Ground::usual_work);
    assert_eq!(ground.events(), [] as [Value; 0]);

    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    ground.serve(&watched, |ground| {
        ground.usual_work();
        // nginx replaces its program by whatever has its name: a shell, which fails at once.
        let ended = ground.logged("exited with code");
        ground.call_server(Path::new("/bin/sh"));
        ground.tell(Signal::SIGUSR2);
        until("the shell has ended", || ground.logged("exited with code") > ended);
        until("nginx has its name again", || ground.at("pid").exists());
        ground.configure(&format!("listen 127.0.0.1:{port}; location = /shadow {{ alias /etc/shadow; }}"));
        ground.reload();
        until("nginx serves the port", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        // By a worker that knows the new configuration; those before answer that there is no such page.
        until("nginx refuses the file", || ground.get("/shadow").is_some_and(|answer| answer.contains(" 403 ")));
        ground.call_server(&path_of("nginx").unwrap());
    });
    let [nginx, shell] = ["nginx", "sh"].map(|name| fs::canonicalize(path_of(name).unwrap()).unwrap());
    let anomaly = |what: &str, lineage: &[&Path]| json!({"profile": "server:latest", "new": what, "lineage": lineage});
    let events = ground.events();
    let told: Vec<_> = events.iter().map(|event| &event["anomaly"]).collect();
    let expected = [anomaly("program", &[&nginx, &shell]), anomaly("port", &[&nginx]), anomaly("file", &[&nginx])];
    assert_eq!(told, expected.iter().collect::<Vec<_>>());
    let [program, bound, file] = [0, 1, 2].map(|index| &events[index]);
    assert_eq!(program["exec"]["file"]["path"], shell.to_str().unwrap());
    assert_eq!(program["process"]["ancestors"][0]["file"]["path"], nginx.to_str().unwrap());
    assert_eq!(bound["bind"]["addr"]["port"], port);
    assert_eq!(file["open"]["file"]["path"], "/etc/shadow");
}

fn a_system_call_that_was_never_made_departs(backend: Backend) {
    let directory = TempDir::new().unwrap();
    let run = |options: &[&str], script: &str| {
        let mut command = Command::new(binary());
        command.args(["run", "--quiet", "--backend", backend.name()]).args(options).args(["--", "sh", "-c", script]);
        let output = finish(command.current_dir(directory.path()), b"");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let usual = "cat /etc/hostname >/dev/null; :";
    assert!(run(&["--dump", "few.profile"], usual).0);
    assert!(run(&["--dump", "all.profile", "--syscalls"], usual).0);
    let refused = run(&["--profile", "few.profile", "--syscalls"], usual);
    assert!(refused.1.contains("tells only of system calls that make events"), "{refused:?}");
    let departs = |script: &str| -> Vec<Value> {
        assert!(run(&["-o", "events.json", "--profile", "all.profile", "--syscalls"], script).0);
        let text = fs::read_to_string(directory.path().join("events.json")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    assert_eq!(departs(usual), [] as [Value; 0]);
    let told = departs("umask 22; cat /etc/hostname >/dev/null; umask 22");
    let shell = fs::canonicalize(path_of("sh").unwrap()).unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    let expected = json!({"profile": "sh:latest", "new": "system call", "lineage": [shell]});
    assert_eq!((&told[0]["anomaly"], &told[0]["type"]), (&expected, &"syscalls".into()));
    assert_eq!(told[0]["syscalls"], json!({"names": ["umask"]}));
}

under_each_backend!(what_was_learned_is_normal_and_an_intruder_is_not, a_system_call_that_was_never_made_departs);

#[test]
fn the_command_keeps_its_status_and_the_summary_counts() {
    let directory = TempDir::new().unwrap();
    let run = |options: &[&str], script: &str| {
        let mut command = Command::new(binary());
        command.args(["run", "--backend", "ptrace"]).args(options).args(["--", "sh", "-c", script]);
        let output = finish(command.current_dir(directory.path()), b"");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let missing = run(&["--profile", "x.profile"], ":");
    assert_eq!(missing.0, Some(1));
    assert!(missing.1.contains("there is no x.profile; what CMD does"), "{}", missing.1);
    assert_eq!(run(&["--quiet", "--dump", "x.profile"], "exit 3").0, Some(3));
    let (status, text) = run(&["--profile", "x.profile"], "cat /etc/passwd; cat /etc/group; exit 4");
    assert_eq!(status, Some(4));
    assert!(text.contains("anomaly: new program sh:latest by "), "{text}");
    assert!(text.contains("profile    1 anomalies, "), "{text}");
    assert!(text.contains("  anomalies told less than a minute before"), "{text}");
    assert!(text.contains("  events of programs that are anomalies themselves"), "{text}");
}
