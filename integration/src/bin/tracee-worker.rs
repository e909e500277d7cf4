//! Threads and children that work when told to: the subject of attaching, detaching and of the
//! tracer's death.
//!
//! `tracee-worker DIR` reads lines from its standard input. At each, say `2`, every thread of every
//! process of it makes a file whose name ends with `-2`, and so do a new thread and a new process; then
//! it prints `done 2`. It ends with 7 at the end of its input.

#![allow(unsafe_code, reason = "fork")]
#![allow(clippy::print_stdout, reason = "what it prints is waited for")]

use std::fs::File;
use std::io::{BufRead as _, BufReader, PipeReader, PipeWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};

/// Threads of each process besides the leader, and children.
const THREADS: usize = 3;
const CHILDREN: usize = 2;

fn main() -> ExitCode {
    let directory = PathBuf::from(std::env::args_os().nth(1).unwrap_or_default());
    let mut children: Vec<_> = (0..CHILDREN).filter_map(|index| child(&directory, &format!("child{index}"))).collect();
    let workers = Workers::start(&directory, "parent");
    println!("ready");
    for order in std::io::stdin().lines().map_while(Result::ok) {
        workers.work(&order);
        make(&directory, "leader", &order);
        for (tell, told) in &mut children {
            if writeln!(tell, "{order}").is_ok() {
                let _ = told.read_line(&mut String::new());
            }
        }
        let (theirs, name) = (directory.clone(), order.clone());
        let _ = std::thread::spawn(move || make(&theirs, "newthread", &name)).join();
        let _ = std::process::Command::new("touch").arg(directory.join(format!("newprocess-{order}"))).status();
        println!("done {order}");
    }
    println!("end");
    ExitCode::from(7)
}

/// A child with threads, and the two ends of pipes to talk to it.
fn child(directory: &Path, name: &str) -> Option<(PipeWriter, BufReader<PipeReader>)> {
    let (orders, tell) = std::io::pipe().ok()?;
    let (told, mut answer) = std::io::pipe().ok()?;
    // SAFETY: there is one thread here, so that the child may do anything.
    if unsafe { libc::fork() } == 0 {
        drop((tell, told));
        let workers = Workers::start(directory, name);
        for order in BufReader::new(orders).lines().map_while(Result::ok) {
            workers.work(&order);
            make(directory, &format!("{name}-leader"), &order);
            if writeln!(answer, "done").is_err() {
                break;
            }
        }
        std::process::exit(0);
    }
    Some((tell, BufReader::new(told)))
}

/// Threads that wait for orders.
struct Workers {
    orders: Vec<Sender<String>>,
    done: Receiver<()>,
}

impl Workers {
    fn start(directory: &Path, name: &str) -> Self {
        let (finished, done) = channel();
        let orders = (0..THREADS)
            .map(|index| {
                let (sender, orders) = channel::<String>();
                let (directory, name, finished) =
                    (directory.to_owned(), format!("{name}-thread{index}"), finished.clone());
                std::thread::spawn(move || {
                    for order in orders {
                        make(&directory, &name, &order);
                        let _ = finished.send(());
                    }
                });
                sender
            })
            .collect();
        Self { orders, done }
    }

    fn work(&self, order: &str) {
        for sender in &self.orders {
            let _ = sender.send(order.to_owned());
        }
        for _ in &self.orders {
            let _ = self.done.recv();
        }
    }
}

fn make(directory: &Path, who: &str, order: &str) {
    let _ = File::create(directory.join(format!("{who}-{order}")));
}
