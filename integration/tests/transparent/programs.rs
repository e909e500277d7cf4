//! Programs that people use, doing what they do all day.

use std::fs;
use std::path::Path;

use lapwing_integration::harness::Backend;
use lapwing_integration::need::installed;
use lapwing_integration::under_each_backend;

use super::both::{Both, Did};

under_each_backend!(
    python_tests_of_the_standard_library,
    python_tests_of_threads_and_processes,
    git_clone_commit_and_collect,
    make_and_gcc,
    cargo_build,
    archives_and_streams,
);

fn script(script: &str) -> Both {
    Both::script(&format!("set -e -o pipefail; export HOME=$PWD LC_ALL=C TZ=UTC; {script}"))
}

/// Without durations: `Ran 178 tests in 0.345s`.
fn without_seconds(text: String) -> String {
    text.lines().map(|line| line.split(" in ").next().unwrap_or_default().to_owned() + "\n").collect()
}

fn succeeds(backend: Backend, case: &Both) -> Did {
    let did = case.agree(backend);
    assert_eq!(did.status, 0, "{did:?}");
    did
}

fn python_tests_of_the_standard_library(backend: Backend) {
    if !installed(&["python3"]) {
        return;
    }
    let present =
        std::process::Command::new("python3").args(["-c", "import test.test_json"]).output().unwrap().status.success();
    if present {
        let case = Both::new(&[
            "python3",
            "-m",
            "unittest",
            "test.test_json",
            "test.test_queue",
            "test.test_signal.PosixTests",
        ]);
        succeeds(backend, &case.scrub(without_seconds).usual_way_only());
    }
}

/// Threads, processes and pipes from Python.
fn python_tests_of_threads_and_processes(backend: Backend) {
    if !installed(&["python3"]) {
        return;
    }
    let tests = |directory: &Path| fs::write(directory.join("test_all.py"), PYTHON).unwrap();
    let case = Both::new(&["python3", "-B", "-m", "unittest", "-v", "test_all"]).files(tests);
    succeeds(backend, &case.scrub(without_seconds));
}

const PYTHON: &str = r#"
import concurrent.futures, json, multiprocessing, os, signal, socket, subprocess, sys, tempfile, threading, time, unittest

def square(n):
    return n * n

class Everything(unittest.TestCase):
    def test_json(self):
        value = {"a": [1, 2.5, None, True], "b": {"c": "\u00fc"}}
        self.assertEqual(json.loads(json.dumps(value)), value)

    def test_threads(self):
        total, lock = [0], threading.Lock()
        def add():
            for _ in range(1000):
                with lock:
                    total[0] += 1
        threads = [threading.Thread(target=add) for _ in range(8)]
        [t.start() for t in threads]; [t.join() for t in threads]
        self.assertEqual(total, [8000])

    def test_subprocesses(self):
        done = [subprocess.run(["cat"], input=str(n), capture_output=True, text=True) for n in range(10)]
        self.assertEqual([int(d.stdout) for d in done], list(range(10)))
        self.assertEqual(subprocess.call(["sh", "-c", "kill -9 $$"]), -9)
        with self.assertRaises(FileNotFoundError):
            subprocess.run(["/nonexistent"])
        with self.assertRaises(subprocess.TimeoutExpired):
            subprocess.run(["sleep", "1000"], timeout=0.2)

    def test_pools(self):
        with multiprocessing.get_context("fork").Pool(3) as pool:
            self.assertEqual(pool.map(square, range(50)), [n * n for n in range(50)])
        with multiprocessing.get_context("spawn").Pool(2) as pool:
            self.assertEqual(pool.map(abs, range(5)), list(range(5)))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            self.assertEqual(list(pool.map(square, range(50))), [n * n for n in range(50)])

    def test_signals(self):
        seen = []
        signal.signal(signal.SIGUSR1, lambda *a: seen.append(a[0]))
        for _ in range(50):
            os.kill(os.getpid(), signal.SIGUSR1)
        self.assertEqual(seen, [signal.SIGUSR1] * 50)
        signal.signal(signal.SIGALRM, lambda *a: seen.append("alarm"))
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        time.sleep(0.3)
        self.assertEqual(seen[-1], "alarm")

    def test_sockets(self):
        server = socket.create_server(("127.0.0.1", 0))
        def serve():
            connection, _ = server.accept()
            with connection:
                connection.sendall(connection.recv(100).upper())
        thread = threading.Thread(target=serve); thread.start()
        with socket.create_connection(server.getsockname()) as client:
            client.sendall(b"hello")
            self.assertEqual(client.recv(100), b"HELLO")
        thread.join(); server.close()

    def test_files(self):
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "x")
            with open(path, "w") as file:
                file.write("text")
            os.chmod(path, 0o400); os.rename(path, path + "y"); os.symlink(path + "y", path)
            with open(path) as file:
                self.assertEqual(file.read(), "text")
            self.assertEqual(sorted(os.listdir(directory)), ["x", "xy"])
"#;

fn git_clone_commit_and_collect(backend: Backend) {
    if !installed(&["git"]) {
        return;
    }
    let case = script(
        r#"
        export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
        export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' GIT_CONFIG_NOSYSTEM=1
        git init -q -b main one; cd one
        for n in 1 2 3 4 5; do seq $n 100 > f$n; mkdir -p d/$n; echo $n > d/$n/x; git add .; git commit -q -m "c$n"; done
        git checkout -q -b side HEAD~2; echo side > s; git add s; git commit -q -m side
        git checkout -q main; git merge -q -m merge side; git tag t
        cd ..; git clone -q one two 2>&1; cd two
        git rm -q f1; git mv f2 g2; git commit -q -m renamed; git stash list; echo dirty >> f3; git stash -q; git stash pop -q
        git status --short; git diff --stat; git log --oneline --graph | cat; git rev-parse HEAD HEAD^{tree}
        git gc -q; git repack -q -a -d; git fsck --strict 2>&1; git count-objects -v | grep -v size; git archive HEAD | md5sum
        "#,
    );
    assert!(succeeds(backend, &case.usual_way_only()).stdout.contains("renamed"));
}

fn make_and_gcc(backend: Backend) {
    if !installed(&["make", "gcc"]) {
        return;
    }
    let files = |directory: &Path| {
        let mut main = String::from("#include <stdio.h>\n");
        for n in 0..8 {
            fs::write(
                directory.join(format!("f{n}.c")),
                format!("#include <stdlib.h>\nint f{n}(int x) {{ return abs(x) * {n}; }}\n"),
            )
            .unwrap();
            main += &format!("int f{n}(int);\n");
        }
        main += "int main(void) { int sum = 0;\n";
        main += &(0..8).map(|n| format!("sum += f{n}(-{n});\n")).collect::<String>();
        fs::write(directory.join("main.c"), main + "printf(\"%d\\n\", sum); return sum != 140; }\n").unwrap();
        let make = "OBJ := main.o $(patsubst %,f%.o,0 1 2 3 4 5 6 7)\nprogram: $(OBJ)\n\t@gcc -o $@ $(OBJ)\n%.o: %.c\n\t@gcc -O1 -c -o $@ $<\n\
                    check: program\n\t@./program\n\t@$(MAKE) --no-print-directory again\nagain:\n\t@echo again\nfails:\n\t@false\n";
        fs::write(directory.join("Makefile"), make).unwrap();
    };
    let did = script("make -s -j4 check; md5sum program; make -s -j4 check; make fails || echo $?")
        .files(files)
        .usual_way_only()
        .agree(backend);
    assert!(did.stdout.starts_with("140\nagain\n"), "{did:?}");
}

fn cargo_build(backend: Backend) {
    if !installed(&["cargo"]) {
        return;
    }
    let files = |directory: &Path| {
        fs::create_dir(directory.join("src")).unwrap();
        let manifest = "[package]\nname = \"tiny\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n";
        fs::write(directory.join("Cargo.toml"), manifest).unwrap();
        fs::write(directory.join("src/main.rs"), "fn main() { println!(\"{}\", tiny::answer()); }\n").unwrap();
        let library = "pub fn answer() -> u32 { 42 }\n#[test]\nfn works() { assert_eq!(answer(), 42); }\n";
        fs::write(directory.join("src/lib.rs"), library).unwrap();
    };
    // Cargo finds its tool chain in the user's home.
    let case = Both::script("cargo build -q --offline --target-dir target && target/debug/tiny && cargo test -q --offline --target-dir target")
        .files(files)
        .prepare(|command| {
            for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CARGO_")) {
                if name != "CARGO_HOME" {
                    command.env_remove(name);
                }
            }
        })
        .scrub(|text| text.lines().map(|line| line.split("finished in").next().unwrap_or_default().to_owned() + "\n").collect());
    let did = succeeds(backend, &case.usual_way_only());
    assert!(did.stdout.starts_with("42\n"), "{did:?}");
}

fn archives_and_streams(backend: Backend) {
    let case = script(
        "seq 1 20000 > data; gzip -k data; gunzip -c data.gz | cmp - data; tar cf - data data.gz | tar tf -; \
         dd if=data bs=1k count=3 2>/dev/null | wc -c; split -n 4 data part; cat part* | md5sum; sort -R data | sort -n | md5sum; \
         awk '{s += $1} END {print s}' data; sed -n '5,7p' data; find . -type f | sort",
    );
    succeeds(backend, &case);
}
