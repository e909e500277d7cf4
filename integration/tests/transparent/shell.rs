//! Shells: pipelines, subshells, traps, and what they inherit and report.

use lapwing_integration::harness::Backend;
use lapwing_integration::need::installed;
use lapwing_integration::under_each_backend;

use super::both::Both;

under_each_backend!(
    pipelines,
    subshells_and_substitution,
    background_jobs,
    traps,
    a_closed_pipe_ends_the_writer,
    many_processes,
    time_limits,
    ignored_signals_stay_ignored,
    input_passes_through,
    both_outputs_are_the_commands_own,
    files_and_directories,
);

fn agrees(backend: Backend, script: &str) -> String {
    let did = Both::script(script).agree(backend);
    assert!(did.stderr.is_empty() || script.contains("2>"), "{did:?}");
    did.stdout
}

fn pipelines(backend: Backend) {
    assert_eq!(agrees(backend, "seq 1 2000 | grep 7 | sort -rn | head -3 | tr '\\n' ' '"), "1997 1987 1979 ");
    agrees(backend, "printf 'b\\na\\nc\\n' | sort | tee copy | wc -l; cat copy; rm copy; ls");
    agrees(backend, "for i in 1 2 3 4 5; do echo $i | cat | cat | cat; done");
    agrees(backend, "set -o pipefail; true | false | true; echo ${PIPESTATUS[@]}; false | true; echo $?");
}

fn subshells_and_substitution(backend: Backend) {
    agrees(backend, "x=1; (x=2; (x=3; echo $x); echo $x); echo $x $(echo $(echo deep $(echo deeper)))");
    agrees(backend, "diff <(seq 1 5) <(seq 2 6); echo $?");
    agrees(backend, "seq 1 3 > >(cat > out; echo written > done); while [ ! -e done ]; do :; done; cat out");
    agrees(backend, "cat <<< here; cat <<END\n$(seq 3)\nEND");
    agrees(
        backend,
        "coproc cat; echo through >&${COPROC[1]}; read -u ${COPROC[0]} line; echo $line; eval \"exec ${COPROC[1]}>&-\"; wait",
    );
}

fn background_jobs(backend: Backend) {
    agrees(backend, "for i in 1 2 3 4 5 6 7 8; do (exit $i) & done; wait; echo all");
    agrees(backend, "(exit 7) & wait $!; echo $?; (kill -TERM $BASHPID) & wait $!; echo $?");
    agrees(backend, "sleep 1000 & kill $!; wait $! 2>/dev/null; echo $?");
    // Bash may forget those that end before it waits.
    agrees(backend, "(sleep 0.5; exit 3) & (sleep 1.5; exit 4) & wait -n; echo $?; wait -n; echo $?; wait -n; echo $?");
    agrees(
        backend,
        "sleep 1000 & pid=$!; kill -STOP $pid; kill -CONT $pid; kill -KILL $pid; wait $pid 2>/dev/null; echo $?",
    );
}

fn traps(backend: Backend) {
    agrees(backend, "trap 'echo exit $?' EXIT; trap 'echo usr1' USR1; kill -USR1 $$; kill -USR1 $$; exit 3");
    agrees(backend, "trap 'echo err' ERR; false; (false); true");
    agrees(backend, "trap 'echo chld' CHLD; /bin/true; /bin/true; trap - CHLD; echo end");
    agrees(backend, "trap '' TERM; kill -TERM $$; echo alive; bash -c 'kill -TERM $$; echo inherited'");
    // A wait that a trap interrupts. The first signal may come before it.
    agrees(
        backend,
        "trap got=1 USR2; sleep 1000 & pid=$!; (while sleep 0.01; do kill -USR2 $$; done) & wait $pid; \
         echo $(($? > 128)) $got; kill $!; wait $! 2>/dev/null; kill $pid",
    );
    agrees(
        backend,
        "for s in {1..8} {10..16} {18..18} {20..31} {34..64}; do trap \"echo -n '$s '\" $s; kill -$s $$; done; echo",
    );
}

fn a_closed_pipe_ends_the_writer(backend: Backend) {
    assert_eq!(agrees(backend, "yes | head -1"), "y\n");
    agrees(backend, "set -o pipefail; yes | head -1; echo ${PIPESTATUS[@]} $?");
    agrees(
        backend,
        "(trap '' PIPE; yes 2>/dev/null; echo $? >status) | head -1; while [ ! -s status ]; do :; done; cat status",
    );
}

fn many_processes(backend: Backend) {
    agrees(backend, "f() { [ $1 = 0 ] || { f $(($1 - 1)) & f $(($1 - 1)) & wait; }; }; f 6; echo end");
    agrees(
        backend,
        "for i in {1..100}; do /bin/true; done; echo $?; seq 100 | xargs -n 1 -P 8 echo | sort -n | md5sum",
    );
    agrees(backend, "find /etc -maxdepth 1 -type d -exec sh -c 'basename \"$1\"' _ {} \\; | sort | head -5");
}

fn time_limits(backend: Backend) {
    if !installed(&["timeout"]) {
        return;
    }
    assert_eq!(Both::new(&["timeout", "1", "sleep", "1000"]).agree(backend).status, 124);
    assert_eq!(Both::new(&["timeout", "-s", "KILL", "1", "sleep", "1000"]).agree(backend).status, 137);
    // Bash says which process was killed, with its number.
    agrees(
        backend,
        "exec 2>/dev/null; timeout 1 sleep 1000; echo $?; timeout -s KILL 1 sleep 1000; echo $?; \
         timeout 1000 sh -c 'exit 3'; echo $?",
    );
    agrees(
        backend,
        "exec 2>/dev/null; timeout --preserve-status 1 sleep 1000; echo $?; \
         timeout -k 1 1 bash -c 'trap \"\" TERM; while :; do :; done'; echo $?",
    );
}

fn ignored_signals_stay_ignored(backend: Backend) {
    agrees(backend, "trap '' HUP; bash -c 'kill -HUP $$; echo alive'");
    if installed(&["nohup"]) {
        agrees(backend, "nohup bash -c 'kill -HUP $$; echo alive' 2>/dev/null");
    }
}

fn input_passes_through(backend: Backend) {
    let input: String = (0..20_000).map(|number| format!("line {number}\n")).collect();
    let did = Both::new(&["md5sum"]).input(input.clone()).agree(backend);
    assert_eq!(did.status, 0);
    let did = Both::script("read first; echo $first; head -n 2; wc -l").input(input).agree(backend);
    assert!(did.stdout.starts_with("line 0\n"), "{did:?}");
    let did = Both::new(&["cat"]).agree(backend);
    assert_eq!(did.stdout, "");
}

fn both_outputs_are_the_commands_own(backend: Backend) {
    let did = Both::script("for i in {1..500}; do echo out $i; echo err $i >&2; done; exit 9").agree(backend);
    assert_eq!((did.status, did.stderr.lines().count()), (9, 500));
}

fn files_and_directories(backend: Backend) {
    agrees(
        backend,
        "mkdir -p a/b/c; cd a/b; pwd | sed 's/.*work/work/'; echo x > c/f; ln -s ../b l; cat l/c/f; mv c d; rm -r d; ls -l | wc -l",
    );
    agrees(backend, "umask 027; touch f; mkdir d; stat -c '%a %n' f d; chmod 4711 f; stat -c %a f");
    agrees(backend, "mkfifo p; cat p & echo through > p; wait; exec 3<>p; echo x >&3; read -u 3 y; echo $y");
    agrees(backend, "flock lock -c 'echo locked'; (flock 9; echo again) 9>lock");
}
