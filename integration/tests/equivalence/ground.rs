//! What programs find in their directories.

use std::fs;
use std::path::Path;

pub(super) fn nothing(_: &Path) {}

/// A program of several files.
pub(super) fn c_program(directory: &Path) {
    let units = ["a", "b", "c", "d", "e", "f"];
    for unit in units {
        fs::write(directory.join(format!("{unit}.c")), format!("int {unit}(void) {{ return 1; }}\n")).unwrap();
    }
    fs::write(directory.join("main.c"), "int main(void) { return 0; }\n").unwrap();
    let objects = units.map(|unit| format!("{unit}.o")).join(" ");
    let makefile = format!("prog: main.o {objects}\n\tgcc -o $@ $^\n%.o: %.c\n\tgcc -c -o $@ $<\n");
    fs::write(directory.join("Makefile"), makefile).unwrap();
}

/// A crate without dependencies.
pub(super) fn rust_crate(directory: &Path) {
    fs::create_dir(directory.join("src")).unwrap();
    fs::write(directory.join("Cargo.toml"), "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2021\"\n")
        .unwrap();
    fs::write(directory.join("src/main.rs"), "fn main() { println!(\"tiny\"); }\n").unwrap();
}

/// A directory `www` with 20 files, and a server of it, which writes its port where it is told to.
pub(super) fn web_server(directory: &Path) {
    www(directory);
    fs::write(directory.join("server.py"), SERVER).unwrap();
    fs::write(directory.join("download.py"), DOWNLOAD).unwrap();
}

/// The directory `www` and a configuration of nginx with two workers on a Unix socket.
pub(super) fn nginx(directory: &Path) {
    www(directory);
    fs::create_dir(directory.join("temporary")).unwrap();
    let root = directory.display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {root}/temporary/{kind};"))
        .join("\n");
    let configuration = format!(
        "daemon on; master_process on; worker_processes 2; pid {root}/pid; error_log {root}/error;\n\
         events {{ worker_connections 64; }}\n\
         http {{ {temporary} access_log {root}/access; server {{ listen unix:{root}/socket; root {root}/www; }} }}\n"
    );
    fs::write(directory.join("nginx.conf"), configuration).unwrap();
}

/// A root of its own with nothing but busybox.
pub(super) fn busybox_root(directory: &Path) {
    for place in ["root/bin", "root/proc", "root/tmp", "root/etc"] {
        fs::create_dir_all(directory.join(place)).unwrap();
    }
    let busybox = lapwing_integration::need::path_of("busybox").unwrap();
    fs::copy(busybox, directory.join("root/bin/busybox")).unwrap();
    for name in ["sh", "ls", "cat", "mkdir", "ln", "rm", "grep", "mount", "umount"] {
        std::os::unix::fs::symlink("busybox", directory.join("root/bin").join(name)).unwrap();
    }
    fs::write(directory.join("root/etc/passwd"), "root:x:0:0:::\n").unwrap();
}

fn www(directory: &Path) {
    fs::create_dir(directory.join("www")).unwrap();
    for number in 0..20 {
        fs::write(directory.join(format!("www/{number}")), "x".repeat(1000 * number)).unwrap();
    }
}

/// Any free port, told when it is bound: nobody has to wait or to guess.
const SERVER: &str = r#"
import http.server, mimetypes, sys
mimetypes.init()  # or as many threads do as happen to need it first
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
with open(sys.argv[1], "w") as port:
    print(server.server_address[1], file=port)
server.serve_forever()
"#;

const DOWNLOAD: &str = r#"
import threading, urllib.request
with open("port") as told:
    port = told.read().strip()
def download(number):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{number}") as page, open(f"got{number}", "wb") as out:
        out.write(page.read())
threads = [threading.Thread(target=download, args=(number,)) for number in range(20)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"#;
