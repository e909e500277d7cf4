//! `{"Entries":[…]}`: a line a process.
//!
//! The first eleven members are those of the reference's plain form. What follows them is ours: the pid namespace,
//! without which a pid names nothing, and what one looks for in such a dump.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Put, ShowArguments};
use crate::ids::Timestamp;
use crate::json::{rfc3339, string};
use crate::process::{Process, Source};

pub(super) fn write<E>(processes: &[Arc<Process>], arguments: ShowArguments, put: &mut Put<'_, E>) -> Result<(), E> {
    put(b"{\"Entries\":[")?;
    let mut line = Vec::new();
    for (index, process) in processes.iter().enumerate() {
        line.clear();
        line.extend_from_slice(if index == 0 { b"\n" } else { b",\n" });
        entry(&mut line, process, arguments);
        put(&line)?;
    }
    put(b"\n]}\n")
}

fn entry(out: &mut Vec<u8>, process: &Process, arguments: ShowArguments) {
    let (image, credentials) = (process.image(), process.credentials());
    let inode = image.file.inode.as_ref();
    let number = inode.map_or(0, |inode| inode.number);
    let mut object = Object::begin(out);
    object.number("PID", process.key().pid.0);
    object.number("PPID", process.ppid().0);
    object.text("Path", &image.file.path);
    object.number("Inode", number);
    object.number("MountID", inode.map_or(0, |inode| inode.mount_id));
    object.text("Source", source(process.source()).as_bytes());
    object.number("ExecInode", number);
    object.truth("IsExec", process.is_exec());
    object.truth("IsParentMissing", process.parent_missing());
    object.text("CGroup", process.cgroup().map_or(&[], |cgroup| &cgroup.path));
    object.text("ContainerID", process.container_id());
    object.number("PIDNamespace", process.key().namespace.0);
    object.text("Comm", process.comm().as_bytes());
    object.text("TTY", process.tty().as_bytes());
    object.number("UID", credentials.uid);
    object.text("User", process.naming().user(credentials.uid));
    object.number("GID", credentials.gid);
    object.text("Group", process.naming().group(credentials.gid));
    object.time("ForkTime", process.forked());
    object.time("ExecTime", process.executed());
    object.time("ExitTime", process.exited());
    if let Some(interpreter) = &image.interpreter {
        object.text("Interpreter", &interpreter.path);
    }
    if arguments == ShowArguments::Yes {
        object.texts("Args", image.arguments.all());
        object.truth("ArgsTruncated", image.arguments.truncated);
    }
    object.end();
}

/// The reference's words, and one that it has no word for.
fn source(source: Source) -> &'static str {
    match source {
        Source::Event => "event",
        Source::Snapshot => "snapshot",
        Source::Kernel => "kernel_maps",
        Source::Procfs => "procfs",
        Source::Placeholder => "placeholder",
    }
}

struct Object<'a> {
    out: &'a mut Vec<u8>,
    separator: u8,
}

impl<'a> Object<'a> {
    fn begin(out: &'a mut Vec<u8>) -> Self {
        Self { out, separator: b'{' }
    }

    fn key(&mut self, name: &str) {
        self.out.push(self.separator);
        self.separator = b',';
        string(self.out, name.as_bytes());
        self.out.push(b':');
    }

    fn number(&mut self, name: &str, number: impl itoa::Integer) {
        self.key(name);
        self.out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
    }

    fn text(&mut self, name: &str, text: &[u8]) {
        self.key(name);
        string(self.out, text);
    }

    fn truth(&mut self, name: &str, truth: bool) {
        self.key(name);
        self.out.extend_from_slice(if truth { b"true" } else { b"false" });
    }

    /// RFC 3339; left out if it is not known.
    fn time(&mut self, name: &str, time: Timestamp) {
        if time.is_known() {
            self.key(name);
            self.out.push(b'"');
            rfc3339(self.out, time);
            self.out.push(b'"');
        }
    }

    fn texts(&mut self, name: &str, texts: &[Box<[u8]>]) {
        self.key(name);
        self.out.push(b'[');
        for (index, text) in texts.iter().enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            string(self.out, text);
        }
        self.out.push(b']');
    }

    fn end(self) {
        self.out.push(b'}');
    }
}
