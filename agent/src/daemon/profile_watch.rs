//! The directory of profiles, watched: a file that somebody puts there is read without being asked to.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::io::Errno;

/// Bytes for what the kernel tells at once: some hundred names.
const BUFFER: usize = 16 << 10;

/// Notices files that were written or moved into a directory.
#[derive(Debug)]
pub(super) struct ProfileWatch {
    inotify: OwnedFd,
}

impl ProfileWatch {
    /// Watches from now on.
    pub(super) fn new(directory: &Path) -> io::Result<Self> {
        let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        inotify::add_watch(&inotify, directory, WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO)?;
        Ok(Self { inotify })
    }

    /// Readable when there is something to notice.
    pub(super) fn descriptor(&self) -> RawFd {
        self.inotify.as_raw_fd()
    }

    /// Whether a profile may have been put there since the last time.
    pub(super) fn has_news(&mut self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); BUFFER];
        let mut reader = Reader::new(&self.inotify, &mut buffer);
        let mut news = false;
        loop {
            match reader.next() {
                // Without a name it is about the queue, which may have lost some.
                Ok(event) => {
                    news |= event.file_name().is_none_or(|name| name.to_bytes().ends_with(b".profile"));
                }
                Err(Errno::INTR) => {}
                Err(_) => return news,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_that_are_whole_are_noticed_once() {
        let directory = tempfile::TempDir::new().unwrap();
        let at = |name: &str| directory.path().join(name);
        let mut watch = ProfileWatch::new(directory.path()).unwrap();
        assert!(!watch.has_news());
        fs::write(at("note"), "").unwrap();
        fs::write(at(".web.profile.1.tmp"), "").unwrap();
        assert!(!watch.has_news(), "no profiles");
        fs::rename(at(".web.profile.1.tmp"), at("web.profile")).unwrap();
        assert!(watch.has_news() && !watch.has_news());
        fs::write(at("web.profile"), "other").unwrap();
        assert!(watch.has_news());
        fs::remove_file(at("web.profile")).unwrap();
        assert!(!watch.has_news());
        assert!(ProfileWatch::new(&at("missing")).is_err());
    }
}
