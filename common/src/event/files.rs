//! The files of an event, by the names that rules have for them.

use super::{Event, File, Payload};

impl Event {
    /// The file whose fields begin with this name: `open.file`, `rename.file.destination`, `process.file`,
    /// `exec.interpreter.file`. `None` if the event has no such file.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&File> {
        if let Some(of_process) = name.strip_prefix("process.") {
            let (process, name) = match of_process.strip_prefix("parent.") {
                Some(name) => (self.process.parent()?, name),
                None => (&*self.process, of_process),
            };
            return program_file(process, name);
        }
        let name = name.strip_prefix(self.event_type().name())?.strip_prefix('.')?;
        match (&self.payload, name) {
            (Payload::Exec(exec), "file") if exec.refused.is_some() => exec.refused.as_ref(),
            (Payload::Exec(exec), name) => program_file(&exec.process, name),
            (Payload::Exit(_), name) => program_file(&self.process, name),
            (payload, "file") => payload.file(),
            (Payload::Link(link), "file.destination") => Some(&link.destination),
            (Payload::Rename(rename), "file.destination") => Some(&rename.destination),
            _ => None,
        }
    }
}

fn program_file<'a>(process: &'a crate::process::Process, name: &str) -> Option<&'a File> {
    match name {
        "file" => Some(&process.image().file),
        "interpreter.file" => process.image().interpreter.as_ref(),
        _ => None,
    }
}

impl Payload {
    fn file(&self) -> Option<&File> {
        match self {
            Self::Open(event) => Some(&event.file),
            Self::Mkdir(event) => Some(&event.file),
            Self::Rmdir(event) => Some(&event.file),
            Self::Unlink(event) => Some(&event.file),
            Self::Rename(event) => Some(&event.file),
            Self::Link(event) => Some(&event.file),
            Self::Chmod(event) => Some(&event.file),
            Self::Chown(event) => Some(&event.file),
            Self::Utimes(event) => Some(&event.file),
            Self::Setxattr(event) => Some(&event.file),
            Self::Removexattr(event) => Some(&event.file),
            Self::Splice(event) => Some(&event.file),
            Self::PivotRoot(event) => Some(&event.file),
            Self::Chdir(event) => Some(&event.file),
            Self::Chroot(event) => Some(&event.file),
            Self::Mmap(event) => event.file.as_ref(),
            Self::LoadModule(event) => event.file.as_ref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::sync::Arc;
    use alloc::vec::Vec;

    use crate::event::{Chdir, EventType, Exec, File, Origin, Payload, Quality};
    use crate::ids::{Pid, PidNs, ProcessKey, Tid, Timestamp};
    use crate::process::{Cache, Limits};
    use crate::record::Program;
    use crate::schema;

    use super::*;

    fn event(payload: impl Into<Payload>) -> Event {
        let key = ProcessKey { pid: Pid(7), namespace: PidNs(1) };
        let program =
            Program { file: File::at(*b"/bin/script"), interpreter: Some(File::at(*b"/bin/sh")), ..Program::default() };
        let process = Cache::new(Limits::default()).exec(key, program, Timestamp(1));
        Event {
            timestamp: Timestamp(1),
            origin: Origin::Kernel,
            quality: Quality::default(),
            tid: Tid(7),
            process,
            syscall: None,
            payload: payload.into(),
        }
    }

    fn path<'a>(event: &'a Event, name: &str) -> Option<&'a [u8]> {
        event.file(name).map(|file| &*file.path)
    }

    #[test]
    fn files_are_found_by_the_names_of_their_fields() {
        let chdir = event(Chdir { file: File::at(*b"/srv"), path: None, retval: 0 });
        assert_eq!(path(&chdir, "chdir.file"), Some(&b"/srv"[..]));
        assert_eq!(path(&chdir, "process.file"), Some(&b"/bin/script"[..]));
        assert_eq!(path(&chdir, "process.interpreter.file"), Some(&b"/bin/sh"[..]));
        for name in ["open.file", "chdir", "chdir.file.destination", "process.parent.file", "chdirs.file", ""] {
            assert_eq!(path(&chdir, name), None, "{name}");
        }
        let process = Arc::clone(&chdir.process);
        let exec = event(Exec { process: Arc::clone(&process), refused: None, path: None, retval: 0 });
        assert_eq!(path(&exec, "exec.interpreter.file"), Some(&b"/bin/sh"[..]));
        let refused = Some(File::at(*b"/bin/other"));
        let refused = event(Exec { process, refused, path: None, retval: -13 });
        assert_eq!(path(&refused, "exec.file"), Some(&b"/bin/other"[..]));
    }

    /// What has fields of a file has the file, so that no action of a rule is left without one.
    #[test]
    fn every_type_with_fields_of_a_file_is_thought_of() {
        let source = include_str!("files.rs");
        let without: Vec<_> = EventType::ALL
            .into_iter()
            .filter(|event| schema::find::<Event>(&alloc::format!("{event}.file.inode")).is_some())
            .filter(|event| {
                let camel: alloc::string::String = event
                    .name()
                    .split('_')
                    .map(|word| alloc::format!("{}{}", word[..1].to_ascii_uppercase(), &word[1..]))
                    .collect();
                !source.contains(&alloc::format!("::{camel}("))
            })
            .collect();
        assert_eq!(without, []);
    }
}
