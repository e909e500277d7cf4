//! What programs find in their directories.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
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
        symlink("busybox", directory.join("root/bin").join(name)).unwrap();
    }
    fs::write(directory.join("root/etc/passwd"), "root:x:0:0:::\n").unwrap();
}

/// A root of its own with busybox and no package, the configuration of an `apt-get` that works on it and gets packages
/// from a directory, and what the only package of that directory is made of.
pub(super) fn apt_root(directory: &Path) {
    busybox_root(directory);
    for place in [
        "repository",
        "package/DEBIAN",
        "package/usr/share/tiny",
        "root/etc/apt/apt.conf.d",
        "root/etc/apt/preferences.d",
        "root/var/cache/apt/archives/partial",
        "root/var/lib/apt/lists/partial",
        "root/var/lib/dpkg/info",
        "root/var/lib/dpkg/updates",
        "root/var/log/apt",
    ] {
        fs::create_dir_all(directory.join(place)).unwrap();
    }
    let write = |name: &str, text: &str| fs::write(directory.join(name), text).unwrap();
    write("root/var/lib/dpkg/status", "");
    write("package/usr/share/tiny/file", "made\n");
    write(
        "package/DEBIAN/control",
        "Package: tiny\nVersion: 1\nArchitecture: all\nMaintainer: N <n@e>\nDescription: tiny\n",
    );
    write(
        "package/DEBIAN/postinst",
        "#!/bin/sh\nset -e\nmkdir -p /var/lib/tiny\ncat /usr/share/tiny/file > /var/lib/tiny/made\n",
    );
    write("package/DEBIAN/postrm", "#!/bin/sh\nset -e\nif [ $1 = purge ]; then rm -r /var/lib/tiny; fi\n");
    for script in ["package/DEBIAN/postinst", "package/DEBIAN/postrm"] {
        fs::set_permissions(directory.join(script), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let here = directory.display();
    write("root/etc/apt/sources.list", &format!("deb [trusted=yes] file:{here}/repository ./\n"));
    // Nothing of the machine's own apt but its programs, and nobody else's rights, who could not read the directory.
    let configuration = format!(
        "Dir \"{here}/root\"; Dir::State::status \"{here}/root/var/lib/dpkg/status\";\n\
         Dir::Bin::dpkg \"/usr/bin/dpkg\"; Dir::Bin::methods \"/usr/lib/apt/methods\";\n\
         APT::Sandbox::User \"root\"; APT::Get::Assume-Yes \"true\"; Acquire::Languages \"none\";\n\
         DPkg::Options {{ \"--root={here}/root\"; \"--log=/dev/null\"; }}; DPkg::Use-Pty \"false\";\n"
    );
    write("apt.conf", &configuration);
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
