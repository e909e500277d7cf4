//! Observations of every kind with values of every size, the same in every run.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use smallvec::SmallVec;

use crate::accounts::Naming;
use crate::event::{Attachment, BlindCause, ExitCause, File, Inode, Origin, Text};
use crate::ids::{Pid, PidNs, Tid, Timestamp};
use crate::process::{Arguments, Credentials, Environment};
use crate::record::{Cgroup, Observation, Program, Record, Running, Sighting, SocketKind, Task};
use crate::schema::Short;
use crate::syscall::{Arch, CATALOGUE, CallSet, Product};

pub(crate) const NAMESPACE: PidNs = PidNs(4_026_531_836);

/// xorshift64.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn chance(&mut self) -> bool {
        self.below(2) == 0
    }

    /// Small values and large ones alike.
    fn value(&mut self) -> u64 {
        let bits = self.below(64);
        self.next() >> bits
    }

    fn word(&mut self) -> u32 {
        u32::try_from(self.value() & 0xffff_ffff).unwrap()
    }

    fn half(&mut self) -> u16 {
        u16::try_from(self.value() & 0xffff).unwrap()
    }

    fn pid(&mut self) -> i32 {
        self.word().cast_signed()
    }

    pub(crate) fn bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most + 1);
        (0..length).map(|_| self.next().to_le_bytes()[0]).collect()
    }

    fn short(&mut self) -> Short {
        let length = self.below(17);
        let text: Vec<u8> = (0..length).map(|_| self.next().to_le_bytes()[0].max(1)).collect();
        Short::new(&text)
    }

    fn time(&mut self) -> Timestamp {
        Timestamp(self.value())
    }

    fn maybe<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.chance().then(|| make(self))
    }

    fn list(&mut self, most: usize, each: usize) -> Vec<Box<[u8]>> {
        (0..self.below(most)).map(|_| self.bytes(each).into()).collect()
    }

    pub(crate) fn file(&mut self) -> File {
        let inode = self.maybe(|random| Inode {
            number: random.value(),
            mount_id: random.word(),
            attachment: [Attachment::Visible, Attachment::Elsewhere, Attachment::Detached][random.below(3)],
            mode: random.half(),
            uid: random.word(),
            gid: random.word(),
            modified: random.time(),
            changed: random.time(),
            filesystem: random.maybe(|random| ["ext4", "", "overlay", "tmpfs"][random.below(4)].into()),
            naming: Naming::default(),
        });
        File { path: self.bytes(300).into(), inode, unresolved: self.chance() }
    }

    fn credentials(&mut self) -> Credentials {
        Credentials {
            uid: self.word(),
            euid: self.word(),
            fsuid: self.word(),
            gid: self.word(),
            egid: self.word(),
            fsgid: self.word(),
            auid: self.word(),
            cap_effective: self.value(),
            cap_permitted: self.value(),
        }
    }

    pub(crate) fn program(&mut self) -> Program {
        Program {
            file: self.file(),
            interpreter: self.maybe(Self::file),
            arguments: Arguments::scrubbed(self.list(20, 100), self.chance()).unwrap(),
            environment: Environment { names: self.list(20, 40), kept: self.list(5, 100), truncated: self.chance() },
            comm: self.short(),
            tty: self.short(),
            credentials: self.credentials(),
            cgroup: self
                .maybe(|random| Arc::new(Cgroup { path: random.bytes(40).into(), container: random.bytes(3).into() })),
            ppid: Pid(self.pid()),
            naming: Naming::default(),
            hashing: crate::hashes::OfProgram::default(),
        }
    }

    /// A record of a row: all that a record can hold, whether or not the call would have it.
    pub(crate) fn record(&mut self, row: &'static crate::syscall::Syscall, arch: Arch) -> Record {
        let mut args = [0; 6];
        args.iter_mut().take(self.below(7)).for_each(|arg| *arg = self.value());
        let mut record = Record::new(row, arch, args);
        record.result = self.value().cast_signed();
        for arg in 0..u8::try_from(self.below(4)).unwrap() {
            record.texts.push((arg, Text { bytes: self.bytes(60).into(), truncated: self.chance() }));
            record.data.push((5 - arg, SmallVec::from_vec(self.bytes(130))));
        }
        record.files = [self.maybe(Self::file), self.maybe(Self::file)];
        record.mount_root = self.maybe(|random| random.bytes(40).into());
        record.socket =
            self.maybe(|random| SocketKind { family: random.half(), kind: random.half(), protocol: random.half() });
        record.credentials = self.maybe(Self::credentials);
        record.target = self.maybe(|random| Pid(random.pid()));
        record.program = self.maybe(|random| Box::new(random.program()));
        record.unreadable = self.next().to_le_bytes()[0];
        (record.copied, record.assumed) = (self.chance(), self.chance());
        record
    }

    fn call(&mut self) -> Sighting {
        let row = &CATALOGUE[self.below(CATALOGUE.len())];
        let arch = Arch::ALL[self.below(Arch::ALL.len())];
        let record = Box::new(self.record(row, arch));
        if row.product == Product::Program { Sighting::Exec(record) } else { Sighting::Call(record) }
    }

    pub(crate) fn observation(&mut self) -> Observation {
        let what = match self.below(9) {
            0 => Sighting::Running(Box::new(Running {
                ppid: Pid(self.pid()),
                started: self.time(),
                program: self.program(),
            })),
            1 => Sighting::Fork { child: Pid(self.pid()) },
            2 => Sighting::Exit {
                cause: [ExitCause::Exited, ExitCause::CoreDumped, ExitCause::Signaled][self.below(3)],
                code: self.word(),
            },
            3 => Sighting::Blind {
                cause: [BlindCause::IoUring, BlindCause::CloneUntraced, BlindCause::ForeignAbi][self.below(3)],
                refused: self.chance(),
            },
            4 => {
                let mut calls = CallSet::new(Arch::ALL[self.below(Arch::ALL.len())]);
                for _ in 0..self.below(20) {
                    calls.insert(self.word() % 1100);
                }
                Sighting::Calls(Box::new(calls))
            }
            _ => self.call(),
        };
        let task = Task { pid: Pid(self.pid()), tid: Tid(self.pid()), namespace: NAMESPACE, mark: None };
        Observation { timestamp: self.time(), origin: Origin::Ptrace, task, what }
    }
}
