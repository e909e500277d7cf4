//! How an event gets into a tree.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::counters::Dropped;
use super::file::Opened;
use super::network::{AF_INET, AF_INET6, BindKey, BindNode, Family, Ip, place};
use super::process::{Facts, ProcessId};
use super::seen::Seen;
use super::size;
use super::tree::{ActivityTree, Mark, Novelty, Syscalls};
use crate::event::{Bind, Event, Exec, Open, Payload};
use crate::ids::Timestamp;
use crate::process::Process;
use crate::syscall::{Arch, CallSet};

impl ActivityTree {
    /// Puts an event in its place. What is there already is only marked.
    ///
    /// # Errors
    ///
    /// Why the event is not in the tree. The tree is then as before, except that an event whose entry has no room may
    /// have added its process.
    pub fn insert(&mut self, event: &Event, mark: &Mark<'_>) -> Result<Novelty, Dropped> {
        let at = event.timestamp;
        match &event.payload {
            Payload::Exit(_) => {
                let node = self.locate(&event.process)?.ok_or(Dropped::UnknownProcess)?;
                self.end(node, &event.process, at);
                return Ok(Novelty::default());
            }
            Payload::Exec(exec) if exec.refused.is_some() => return Err(Dropped::Failed),
            Payload::Bind(bind) => drop(bind_key(bind)?),
            Payload::Open(open) if open.file.path.is_empty() => return Err(Dropped::BrokenEvent),
            Payload::Exec(_) | Payload::Open(_) => {}
            _ if self.options.syscalls == Syscalls::OfEvents && event.syscall.is_some() => {}
            _ => return Err(Dropped::EventType),
        }
        let (node, process) = self.process_of(&event.process, at, mark)?;
        let mut entry = false;
        match &event.payload {
            Payload::Exec(exec) => self.exec(node, exec, at, mark),
            Payload::Open(open) => entry |= self.open(node, &event.process, open, at, mark)?,
            Payload::Bind(bind) => entry |= self.bind(node, bind_key(bind)?, at, mark)?,
            _ => {}
        }
        if self.options.syscalls == Syscalls::OfEvents
            && let Some(number) = event.syscall.and_then(|call| call.number(Arch::NATIVE))
        {
            entry |= self.syscall(node, number.cast_signed(), at, mark)?;
        }
        Ok(Novelty { process, entry })
    }

    /// Adds a process, at its place, of which no event has told.
    ///
    /// # Errors
    ///
    /// As [`Self::insert`].
    pub fn insert_process(
        &mut self,
        process: &Arc<Process>,
        at: Timestamp,
        mark: &Mark<'_>,
    ) -> Result<Novelty, Dropped> {
        let (_, process) = self.process_of(process, at, mark)?;
        Ok(Novelty { process, entry: false })
    }

    /// Adds system calls that a process made, whether they made events or not.
    ///
    /// # Errors
    ///
    /// As [`Self::insert`]. Of calls for which there is no room, the first are in the tree.
    pub fn insert_calls(
        &mut self,
        process: &Arc<Process>,
        calls: &CallSet,
        at: Timestamp,
        mark: &Mark<'_>,
    ) -> Result<Novelty, Dropped> {
        if self.options.syscalls != Syscalls::All {
            return Err(Dropped::EventType);
        }
        let (node, process) = self.process_of(process, at, mark)?;
        let mut entry = false;
        for number in calls.native() {
            entry |= self.syscall(node, number.cast_signed(), at, mark)?;
        }
        Ok(Novelty { process, entry })
    }

    fn exec(&mut self, node: ProcessId, exec: &Exec, at: Timestamp, mark: &Mark<'_>) {
        self.change(node, |node| node.rules.add(mark.rules));
        // What the process ran before ended here.
        if let Some(before) = exec.process.ancestor().filter(|before| before.key() == exec.process.key())
            && let Ok(Some(ended)) = self.locate(before)
            && ended != node
        {
            self.end(ended, before, at);
        }
    }

    /// Notes the end of the process that a node was made of; others share it.
    pub(super) fn end(&mut self, node: ProcessId, process: &Process, at: Timestamp) {
        if let Some(Facts::Seen(seen)) = self.processes.get_mut(node.0).map(|node| &mut node.facts)
            && seen.pid == process.key().pid
        {
            seen.exited = at;
        }
    }

    fn open(
        &mut self,
        id: ProcessId,
        process: &Process,
        open: &Open,
        at: Timestamp,
        mark: &Mark<'_>,
    ) -> Result<bool, Dropped> {
        let mut scratch = core::mem::take(&mut self.scratch);
        let path = reduced(open, process.key().pid.0, &mut scratch);
        let known = self.files.follow(id, path);
        let mut file = self.files.whole(&known, path);
        let is_open = |at| self.files.get(at).is_some_and(|node| node.opened.is_some());
        let is_new = !file.is_some_and(is_open);
        let room = if is_new { self.make_room(self.files.cost(&known, path)) } else { Ok(()) };
        if is_new && room.is_ok() {
            let Self { processes, files, heap, .. } = self;
            if let Some(node) = processes.get_mut(id.0) {
                file = files.complete(known, path, &mut node.files, heap);
            }
        }
        self.scratch = scratch;
        room?;
        let Some(node) = file.and_then(|file| self.files.get_mut(file)) else { return Ok(is_new) };
        match &mut node.opened {
            Some(opened) => {
                let before = opened.heap();
                opened.again(open, at, mark.tag);
                opened.rules.add(mark.rules);
                self.heap = self.heap + opened.heap() - before;
            }
            none => {
                let opened = none.insert(Opened::new(open, at, mark.generation).into());
                opened.seen.see(mark.tag, at);
                opened.rules.add(mark.rules);
                self.heap += opened.heap();
            }
        }
        Ok(is_new)
    }

    fn bind(&mut self, id: ProcessId, key: BindKey, at: Timestamp, mark: &Mark<'_>) -> Result<bool, Dropped> {
        let Some(node) = self.processes.get_mut(id.0) else { return Ok(false) };
        let found = place(&node.binds, |known| known.key.cmp(&key));
        if found.is_err() {
            let growth = size::doubling(&node.binds) + 64;
            self.make_room(growth)?;
        }
        let Some(node) = self.processes.get_mut(id.0) else { return Ok(false) };
        let before = size::vec(&node.binds);
        let index = found.unwrap_or_else(|index| {
            node.binds.insert(index, BindNode::new(key));
            index
        });
        let bind = &mut node.binds[index];
        let before = before + if found.is_ok() { bind.heap() } else { 0 };
        bind.seen.see(mark.tag, at);
        bind.rules.add(mark.rules);
        self.heap = self.heap + bind.heap() + size::vec(&node.binds) - before;
        Ok(found.is_err())
    }

    fn syscall(&mut self, id: ProcessId, number: i32, at: Timestamp, mark: &Mark<'_>) -> Result<bool, Dropped> {
        let Some(node) = self.processes.get_mut(id.0) else { return Ok(false) };
        match place(&node.syscalls, |(known, _)| known.cmp(&number)) {
            Ok(index) => {
                let seen = &mut node.syscalls[index].1;
                let before = seen.heap();
                seen.see(mark.tag, at);
                self.heap = self.heap + seen.heap() - before;
                Ok(false)
            }
            Err(index) => {
                let growth = size::doubling(&node.syscalls);
                self.make_room(growth)?;
                self.change(id, |node| {
                    let mut seen = Seen::default();
                    seen.see(mark.tag, at);
                    node.syscalls.insert(index, (number, seen));
                });
                Ok(true)
            }
        }
    }
}

/// The path as the tree holds it.
pub(super) fn reduced<'a>(open: &'a Open, own: i32, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let filesystem = open.file.inode.as_ref().and_then(|inode| inode.filesystem.as_deref()).unwrap_or_default();
    if super::reduce::reduce(&open.file.path, own, filesystem, scratch) { scratch } else { &open.file.path }
}

/// What a bound socket goes by.
pub(super) fn bind_key(bind: &Bind) -> Result<BindKey, Dropped> {
    let family = match bind.address.family {
        AF_INET => Family::V4,
        AF_INET6 => Family::V6,
        _ => return Err(Dropped::BindFamily),
    };
    if bind.retval != 0 {
        return Err(Dropped::Failed);
    }
    let ip = bind.address.ip.ok_or(Dropped::BrokenEvent)?;
    let protocol = bind.socket.map_or(0, |socket| socket.protocol.into());
    Ok(BindKey { family, port: bind.address.port.into(), ip: Ip::Known(ip), protocol })
}
