//! The programs.

use lapwing_integration::equivalence::Program;
use lapwing_integration::need::Need;

use super::{ground, same};

/// Each program: its name, what it needs of the machine and which programs, what it finds in its directory, how
/// processes are told apart, and a script for bash.
macro_rules! programs {
    ($($name:ident [$($need:ident),*] [$($installed:literal),*] $ground:ident $processes:ident $script:literal)*) => {
        /// Of all programs.
        pub(super) const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(#[test]
        fn $name() {
            let program = Program {
                name: stringify!($name),
                ground: ground::$ground,
                script: $script,
                processes: stringify!($processes),
            };
            same(&program, &[$(Need::$need),*], &[$($installed),*]);
        })*
    };
}

programs! {
    pipelines [] [] nothing tree "
        seq 1000 | grep 7 | sort -r | tee found | wc -l
        sort /etc/passwd | cut -d: -f1 | head -3 > names
        for name in $(cat names); do echo \"$name\" >> twice; done
        (cd /; ls | wc -l); test -f twice && rm twice
        echo end | (exec cat) > /dev/null
        find /etc -maxdepth 1 -name 'host*' -print0 | xargs -0 -n 1 cat > hosts
        # Killed where it waits, so that it has done the same by then.
        mkfifo ready never; bash -c 'echo yes > ready; read < never' & read < ready; kill -9 $!; wait $! || true
        umask 077; mkdir -p a/b/c; ln -s b a/link; mv a/link a/moved; touch -d 2020-01-01 a/old; chmod 600 a/old
        rm -r a
    "
    git [] ["git"] nothing tree "
        export GIT_AUTHOR_DATE='2026-01-01 00:00 +0000' GIT_COMMITTER_DATE='2026-01-01 00:00 +0000'
        # Maintenance in the background is done by who comes first.
        export GIT_CONFIG_NOSYSTEM=1; git config --global maintenance.auto false; git config --global gc.auto 0
        git init -q repository; cd repository; git config user.name N; git config user.email n@e
        seq 100 > file; mkdir sub; seq 9 > sub/file
        # A file as young as the index is read again, by timing: so none is.
        touch -d 2020-01-01 file sub/file; git add .; git commit -qm one
        echo more >> file; touch -d 2020-01-02 file; git commit -qam two
        git checkout -q -b side HEAD~1; echo side > sub/file; touch -d 2020-01-03 file sub/file
        git commit -qam three; git log --stat --all | cat; git diff HEAD~1 | wc -l; git status --short
        git gc -q; git fsck --full; git clone -q . ../clone
    "
    python_unittest [PythonTests] ["python3"] nothing tree "
        python3 -m unittest -q test.test_glob test.test_textwrap
    "
    make_jobs [] ["make", "gcc"] c_program tree "
        make -s -j4; ./prog; touch main.c; make -s -j4; make -s -j4
    "
    cargo_build [] ["cargo"] rust_crate paths "
        export CARGO_INCREMENTAL=0 CARGO_HOME=$PWD/cargo CARGO_TARGET_DIR=$PWD/target RUSTFLAGS='-C codegen-units=1'
        cargo build --quiet --offline --jobs 1; target/debug/tiny
    "
    curl [] ["curl", "python3"] web_server tree "
        mkfifo port; cd www; python3 ../server.py ../port 2>../log & read port < ../port
        for number in 1 2 3; do curl -s -o got$number http://127.0.0.1:$port/$number; done
        curl -s http://127.0.0.1:$port/none | wc -c; curl -sI http://127.0.0.1:$port/4 | wc -l
        kill $!; wait $! || true
    "
    threads [] ["python3"] web_server tree "
        mkfifo port; (cd www; exec python3 ../server.py ../port 2>../log) &
        python3 download.py; cmp www/19 got19; kill $!; wait $! || true
    "
    nginx [] ["nginx", "curl"] nginx paths "
        nginx -p $PWD -c nginx.conf -e error
        for round in 1 2 3; do curl -s --unix-socket socket http://x/[0-19] | wc -c; done
        nginx -p $PWD -c nginx.conf -e error -s quit
    "
    busybox_container [Root, MountNamespace] ["unshare", "busybox"] busybox_root tree "
        unshare --mount --pid --fork --uts --ipc --net chroot root /bin/sh -ec '
            mount -t proc proc /proc; ls -l /proc/self/exe | grep -c busybox; mkdir -p /tmp/a/b
            ln -s b /tmp/a/link; cat /etc/passwd > /tmp/a/link/copy; rm -r /tmp/a; kill -0 1; umount /proc'
    "
    redis [] ["redis-server", "redis-cli", "redis-benchmark"] nothing tree "
        mkfifo log
        # A log that is read tells when it serves.
        redis-server --port 0 --unixsocket $PWD/socket --save '' --hz 1 --daemonize no > log & exec 3< log
        while read -u 3 line; do case $line in *'ready to accept'*|*'now ready'*) break;; esac; done
        redis-cli -s socket set name value; redis-cli -s socket get name; redis-cli -s socket --csv config get maxmemory
        redis-benchmark -s socket -q -c 4 -n 200 -t ping,set,get,lpush > figures
        redis-cli -s socket save; redis-cli -s socket shutdown nosave; wait $!; cat <&3 | wc -l
    "
    apt [Root] ["apt-get", "dpkg-deb", "busybox"] apt_root tree "
        # Made now, a package would have other times in each run.
        export APT_CONFIG=$PWD/apt.conf SOURCE_DATE_EPOCH=1577836800
        dpkg-deb --root-owner-group --build package repository/tiny.deb
        (dpkg-deb --field repository/tiny.deb; echo Filename: ./tiny.deb
        stat --format 'Size: %s' repository/tiny.deb; sha256sum < repository/tiny.deb | sed 's/ .*//; s/^/SHA256: /'
        ) > repository/Packages
        apt-get -q update; apt-get -q install tiny; cat root/var/lib/tiny/made; apt-get -q purge tiny
    "
}
