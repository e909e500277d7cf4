//! Terminals and job control: shells with jobs under Lapwing, and Lapwing as a job of a shell.

use std::process::Command;

use lapwing_integration::harness::{Backend, Lapwing};
use lapwing_integration::need::installed;
use lapwing_integration::run::shell_status;
use lapwing_integration::under_each_backend;

use super::both::Both;
use super::pty::Terminal;

under_each_backend!(
    a_shell_controls_its_jobs,
    lapwing_is_a_job_of_a_shell,
    a_terminal_in_between,
    a_full_screen_program,
    a_key_arrives_once,
);

/// A way in which a backend watches; none is without Lapwing.
type Way = Option<&'static [&'static str]>;

/// Each way of the backend, and none.
fn ways(backend: Backend) -> impl Iterator<Item = Way> {
    [None].into_iter().chain(backend.ways().iter().copied().map(Some))
}

/// What job control is tried on: says that it runs, and then waits.
const JOB: &str = "bash -c 'echo run\"\"ning; exec sleep 1000'";

fn under(backend: Backend, way: Way, command: &[&str], directory: &std::path::Path) -> Command {
    match way {
        None => {
            let mut alone = Command::new(command[0]);
            alone.args(&command[1..]);
            alone
        }
        Some(options) => {
            let lapwing = Lapwing::with(backend).options(options);
            lapwing.command(command, &directory.join("events.json"))
        }
    }
}

fn interactive_shell(backend: Backend, way: Way, directory: &std::path::Path) -> Terminal {
    let shell = ["bash", "--norc", "--noprofile", "--noediting", "-i"];
    Terminal::start(
        under(backend, way, &shell, directory).env("PS1", "<$?> ").env("TERM", "dumb").env("HISTFILE", "/dev/null"),
    )
}

/// Stop, background, foreground, interrupt: a day in the life of a shell, under Lapwing.
fn a_shell_controls_its_jobs(backend: Backend) {
    let directory = tempfile::tempdir().unwrap();
    for way in ways(backend) {
        eprintln!("{backend:?} {way:?}");
        let mut shell = interactive_shell(backend, way, directory.path());
        shell.expect("<0> ");
        let own = shell.foreground();
        shell.ask(JOB, "\nrunning");
        shell.send("\x1a");
        shell.expect("Stopped");
        shell.expect("<148> ");
        shell.ask("jobs | sed 's/Stop*ed/is held/'", "]+  is held");
        shell.expect("<0> ");
        shell.ask("bg", "]+ bash");
        shell.expect("<0> ");
        shell.ask("jobs | sed 's/Run*ing/goes on/'", "]+  goes on");
        shell.expect("<0> ");
        shell.ask("fg", "\nbash");
        shell.await_other_foreground(own);
        shell.send("\x1a");
        shell.expect("Stopped");
        shell.expect("<148> ");
        shell.ask("fg", "\nbash");
        shell.await_other_foreground(own);
        shell.send("\x03");
        shell.expect("<130> ");
        // A pipeline is one job, with several processes.
        shell.ask("(echo run''ning; sleep 1000) | cat", "\nrunning");
        shell.send("\x1a");
        shell.expect("Stopped");
        shell.expect("<148> ");
        shell.ask("fg", "\n(");
        shell.await_other_foreground(own);
        shell.send("\x1c");
        shell.expect("<131> ");
        shell.send("exit 6\n");
        let (status, all) = shell.end();
        assert_eq!(shell_status(status), 6, "{way:?}\n{all}");
    }
}

/// ^Z on Lapwing itself: the whole job stops, the shell says so, and `fg` continues it.
fn lapwing_is_a_job_of_a_shell(backend: Backend) {
    let directory = tempfile::tempdir().unwrap();
    for options in backend.ways() {
        let job = ["bash", "-c", "echo running; read line; echo \"got $line\"; exit 5"];
        let line = shell_line(&under(backend, Some(options), &job, directory.path()));
        let mut shell = interactive_shell(backend, None, directory.path());
        shell.expect("<0> ");
        for _ in 0..2 {
            shell.ask(&line, "\nrunning");
            shell.send("\x1a");
            shell.expect("Stopped");
            // Lapwing stops by SIGSTOP, and so the number is not always that of the key.
            shell.expect("<14");
            shell.ask("fg", "exit 5'");
            shell.ask("typed", "\ngot typed");
            shell.expect("<5> ");
        }
        // In the background it stops when it reads, as any job does.
        shell.ask(&format!("{line} &"), "running\r\n");
        shell.ask("wait %1; jobs | sed 's/Stop*ed/is held/'", "  is held");
        shell.ask("fg", "exit 5'");
        shell.ask("again", "\ngot again");
        shell.expect("<5> ");
        // ^C ends the command, and so Lapwing.
        shell.ask(&line, "\nrunning");
        shell.send("\x03");
        shell.expect("<130> ");
        shell.send("exit\n");
        shell.end();
    }
}

fn shell_line(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| format!("'{}'", word.to_str().unwrap().replace('\'', "'\\''"))).collect::<Vec<_>>().join(" ")
}

/// `script` gives a command a terminal of its own.
fn a_terminal_in_between(backend: Backend) {
    if !installed(&["script"]) {
        return;
    }
    let did = Both::new(&[
        "script",
        "-qec",
        "tty | sed 's/[0-9]*$//'; test -t 0 && stty -echo && echo terminal; exit 9",
        "/dev/null",
    ])
    .agree(backend);
    assert_eq!((did.status, did.stdout.as_str()), (9, "/dev/pts/\r\nterminal\r\n"));
}

/// The terminal's own signals and sizes reach the command.
fn a_full_screen_program(backend: Backend) {
    let directory = tempfile::tempdir().unwrap();
    for way in ways(backend) {
        let script = "trap 'echo resized $(stty size)' WINCH; stty rows 10 cols 20; stty size; stty rows 11 cols 21; echo rea\"\"dy; read line; echo \"[$line]\"";
        let mut terminal = Terminal::start(&mut under(backend, way, &["bash", "-c", script], directory.path()));
        terminal.expect("10 20");
        terminal.expect("ready");
        terminal.send("text\n");
        terminal.expect("[text]");
        let (status, all) = terminal.end();
        assert_eq!(shell_status(status), 0, "{all}");
        assert!(all.contains("resized 11 21"), "{all}");
    }
}

/// What a key sends goes to the whole foreground group: the command has it already when Lapwing gets it.
fn a_key_arrives_once(backend: Backend) {
    let directory = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_tracee-signals");
    for way in ways(backend) {
        let mut terminal = Terminal::start(&mut under(backend, way, &[program, "outside", "0"], directory.path()));
        terminal.expect("pid ");
        for (key, signal) in [("\x03", libc::SIGINT), ("\x1c", libc::SIGQUIT), ("\x03", libc::SIGINT)] {
            terminal.send(key);
            // By the kernel, and on the terminal's behalf.
            terminal.expect(&format!("signal {signal} code 128 "));
        }
        terminal.signal(64);
        terminal.expect("signal 64 ");
        let (status, all) = terminal.end();
        assert_eq!((shell_status(status), all.matches("signal").count()), (0, 4), "{all}");
    }
}
