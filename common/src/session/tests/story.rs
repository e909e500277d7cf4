//! What a tracer might see: processes that fork, run programs, open files, change their user, and end.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use super::NAMESPACE;
use crate::event::{ExitCause, File, Origin, Text};
use crate::ids::{Pid, Tid, Timestamp};
use crate::process::Credentials;
use crate::record::{Observation, Program, Record, Running, Sighting, Task};
use crate::schema::Short;
use crate::syscall::{Arch, Slot, Syscall};
use crate::wire::tests::random::Random;

pub(super) struct Story {
    random: Random,
    living: Vec<i32>,
    next: i32,
    now: u64,
}

impl Story {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Random(seed), living: Vec::new(), next: 100, now: 1000 }
    }

    pub(super) fn take(&mut self, count: usize) -> Vec<Observation> {
        (0..count).map(|_| self.next()).collect()
    }

    fn observation(&mut self, pid: i32, what: Sighting) -> Observation {
        self.now += 1;
        let task = Task { pid: Pid(pid), tid: Tid(pid), namespace: NAMESPACE, mark: None };
        Observation { timestamp: Timestamp(self.now), origin: Origin::Ptrace, task, what }
    }

    pub(super) fn next(&mut self) -> Observation {
        if self.living.is_empty() {
            self.living = vec![1];
            let program = program("/sbin/init", 0);
            let running = Running { ppid: Pid(0), started: Timestamp(1), program };
            return self.observation(1, Sighting::Running(Box::new(running)));
        }
        let at = self.random.below(self.living.len());
        let pid = self.living[at];
        match self.random.below(20) {
            0..3 => {
                let child = self.next;
                self.next += 1;
                self.living.push(child);
                self.observation(pid, Sighting::Fork { child: Pid(child) })
            }
            3..5 => {
                let number = self.random.below(50);
                let mut record = call("execve");
                record.program = Some(Box::new(program(&format!("/bin/p{number}"), 0)));
                self.observation(pid, Sighting::Exec(Box::new(record)))
            }
            5 | 6 if at > 0 => {
                self.living.swap_remove(at);
                self.observation(pid, Sighting::Exit { cause: ExitCause::Exited, code: 0 })
            }
            7 => {
                let uid = u32::try_from(self.random.below(1000)).unwrap();
                let mut record = call("setuid");
                record.credentials = Some(Credentials { uid, ..Credentials::default() });
                self.observation(pid, Sighting::Call(Box::new(record)))
            }
            _ => {
                let path = format!("/tmp/{}", self.random.below(1000));
                let mut record = call("openat");
                record.result = 3;
                record.texts.push((1, Text { bytes: path.as_bytes().into(), truncated: false }));
                record.set_file(Slot::File, File::at(path.into_bytes()));
                self.observation(pid, Sighting::Call(Box::new(record)))
            }
        }
    }
}

fn call(name: &str) -> Record {
    Record::new(Syscall::named(name).unwrap(), Arch::X86_64, [0; 6])
}

fn program(path: &str, uid: u32) -> Program {
    let file = File::at(path.as_bytes());
    let comm = Short::new(file.name());
    Program { file, comm, credentials: Credentials { uid, ..Credentials::default() }, ..Program::default() }
}
