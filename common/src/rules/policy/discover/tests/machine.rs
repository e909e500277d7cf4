//! What stands for a backend, and for a file system whose files have names that change.

use super::*;

/// A backend of which only the tables are there.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) discarders: RefCell<Discarders>,
    approvers: RefCell<Approvers>,
    pub(super) now: core::cell::Cell<u64>,
}

impl Tables {
    pub(super) fn now(&self) -> Ktime {
        Ktime(self.now.get())
    }
}

impl Filters for Tables {
    type Error = Refusal;

    fn push(&self, key: InodeKey, event: EventType, timeout: Option<Duration>) -> Result<Pushed, Refusal> {
        self.discarders.borrow_mut().push(key, event, timeout, self.now())
    }

    fn moment(&self) -> Result<Moment, Refusal> {
        Ok(self.discarders.borrow().moment())
    }

    fn push_since(&self, moment: Moment, key: InodeKey, event: EventType) -> Result<Pushed, Refusal> {
        self.discarders.borrow_mut().push_since(moment, key, event, self.now())
    }

    fn push_pid(&self, pid: Pid, event: EventType, timeout: Option<Duration>) -> Result<Pushed, Refusal> {
        self.discarders.borrow_mut().push_pid(pid, event, timeout, self.now())
    }

    fn expire(&self, inode: u64, mount: u32) -> Result<(), Refusal> {
        self.discarders.borrow_mut().expire(inode, mount, self.now());
        Ok(())
    }

    fn flush(&self) -> Result<(), Refusal> {
        self.discarders.borrow_mut().flush();
        Ok(())
    }

    fn list(&self) -> Result<Listing, Refusal> {
        Ok(self.discarders.borrow().list())
    }

    fn set_policy(&self, event: EventType, policy: FilePolicy) -> Result<(), Refusal> {
        self.approvers.borrow_mut().set(event, &policy)
    }

    fn policies(&self) -> Result<Vec<(EventType, FilePolicy)>, Refusal> {
        Ok(self.approvers.borrow().list())
    }

    fn statistics(&self) -> Result<(Statistics, ApproverStatistics), Refusal> {
        let (mut discarders, mut approvers) = (self.discarders.borrow_mut(), self.approvers.borrow_mut());
        Ok((discarders.statistics().sum(), approvers.statistics().sum()))
    }

    fn take_statistics(&self) -> Result<(Statistics, ApproverStatistics), Refusal> {
        let (mut discarders, mut approvers) = (self.discarders.borrow_mut(), self.approvers.borrow_mut());
        Ok((discarders.statistics().take(), approvers.statistics().take()))
    }
}

/// A file system of one mount: inodes by path. Numbers are given out again, the lowest first.
#[derive(Clone, Default)]
pub(super) struct Disk {
    pub(super) names: BTreeMap<String, u64>,
    pub(super) directories: Vec<u64>,
}

impl Disk {
    pub(super) fn links(&self, inode: u64) -> usize {
        self.names.values().filter(|one| **one == inode).count()
    }

    pub(super) fn is_directory(&self, path: &str) -> bool {
        path.is_empty() || self.names.get(path).is_some_and(|inode| self.directories.contains(inode))
    }

    pub(super) fn is_free(&self, path: &str) -> bool {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.is_directory(parent) && !self.names.contains_key(path)
    }

    pub(super) fn make(&mut self, path: &str, directory: bool) -> bool {
        let free = self.is_free(path);
        if free {
            let number = (2..).find(|number| self.links(*number) == 0).unwrap_or(0);
            self.directories.retain(|one| *one != number);
            if directory {
                self.directories.push(number);
            }
            self.names.insert(path.to_owned(), number);
        }
        free
    }

    pub(super) fn below(&self, path: &str) -> Vec<String> {
        let start = format!("{path}/");
        self.names.keys().filter(|name| name.starts_with(&start)).cloned().collect()
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) {
        for old in self.below(from).into_iter().chain([from.to_owned()]) {
            let inode = self.names.remove(&old).unwrap();
            self.names.insert(format!("{to}{}", &old[from.len()..]), inode);
        }
    }

    pub(super) fn inode(&self, path: &str) -> Option<Inode> {
        let number = *self.names.get(path)?;
        let mode = if self.directories.contains(&number) { S_IFDIR } else { S_IFREG };
        Some(Inode { number, mount_id: MOUNT, mode, filesystem: Some("ext4".into()), ..Inode::default() })
    }

    pub(super) fn file(&self, path: &str) -> File {
        File { inode: self.inode(path), ..File::at(path.as_bytes()) }
    }
}

impl Places for &Disk {
    fn look(&mut self, path: &[u8]) -> Option<Place> {
        let path = core::str::from_utf8(path).unwrap();
        let inode = *self.names.get(path)?;
        let is_directory = self.is_directory(path);
        let links = self.links(inode).try_into().unwrap();
        Some(Place { inode, mount: MOUNT, links, is_directory, is_mount_root: false })
    }
}
