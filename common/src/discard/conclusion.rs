//! What rules say of a path, and the file that it leads to.
//!
//! That no rule can match under a path follows from the rules alone: it stays true whatever becomes of the file that an
//! event was about. So it can be said late and from afar, and only whoever keeps the discarders looks up what the
//! path leads to, and discards that unless something was invalidated meanwhile ([`Filters::push_since`]).

use alloc::boxed::Box;

use super::{DEPTH, Filters, InodeKey, Moment, Pushed, parents};
use crate::event::EventType;

/// What a path leads to at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the inode.
    pub inode: u64,
    /// The mount that it is reached through.
    pub mount: u32,
    /// Its names, if it is no directory.
    pub links: u32,
    /// Whether it is a directory.
    pub is_directory: bool,
    /// Whether it is the root of the mount.
    pub is_mount_root: bool,
}

/// Where paths lead, as the processes whose events are looked at see them.
pub trait Places {
    /// What is at an absolute path now. `None` if nothing is, if a component is a symbolic link, or if that cannot
    /// be told at once.
    fn look(&mut self, path: &[u8]) -> Option<Place>;
}

/// Places that cannot be looked at lead nowhere.
impl<P: Places> Places for Option<P> {
    fn look(&mut self, path: &[u8]) -> Option<Place> {
        self.as_mut()?.look(path)
    }
}

/// Paths under which no rule can match events of a type, found from an event that none matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// The type.
    pub event: EventType,
    /// The event's path.
    pub path: Box<[u8]>,
    /// The directories above it below which no rule can match: bit 0 for the nearest, and so on up to [`DEPTH`].
    pub below: u8,
    /// No rule can match under the path itself either, and it is worth a discarder.
    pub itself: bool,
    /// The inode that the event saw.
    pub inode: u64,
    /// The mount through which it saw it.
    pub mount: u32,
    /// Inodes of its file system keep their numbers as long as they have a name; otherwise only roots of mounts do.
    pub lasting: bool,
}

/// A file that can be discarded, unless something has been invalidated since it was looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding<'a> {
    moment: Moment,
    event: EventType,
    /// What is discarded.
    pub key: InodeKey,
    /// Where it is.
    pub path: &'a [u8],
}

impl Conclusion {
    /// All bits of [`Self::below`].
    pub const ALL_ABOVE: u8 = (1 << DEPTH) - 1;

    /// Looks up what there is to discard: the widest directory that is one, else the file itself.
    ///
    /// # Errors
    ///
    /// The backend's own.
    pub fn find<F: Filters>(&self, filters: &F, places: &mut impl Places) -> Result<Option<Finding<'_>>, F::Error> {
        let above: smallvec::SmallVec<[&[u8]; DEPTH]> = parents(&self.path).collect();
        let is_on_mount = |place: &Place| self.mount != 0 && place.mount == self.mount;
        for (height, directory) in above.into_iter().enumerate().rev() {
            if self.below & (1 << height) == 0 {
                continue;
            }
            let moment = filters.moment()?;
            let fits =
                |place: &Place| is_on_mount(place) && place.is_directory && (self.lasting || place.is_mount_root);
            if let Some(place) = places.look(directory).filter(fits) {
                let key = InodeKey { inode: place.inode, mount: place.mount, leaf: false };
                return Ok(Some(Finding { moment, event: self.event, key, path: directory }));
            }
        }
        if !self.itself || !self.lasting {
            return Ok(None);
        }
        let moment = filters.moment()?;
        let only =
            |place: &Place| is_on_mount(place) && place.inode == self.inode && (place.is_directory || place.links == 1);
        Ok(places.look(&self.path).filter(only).map(|place| {
            let key = InodeKey { inode: place.inode, mount: place.mount, leaf: true };
            Finding { moment, event: self.event, key, path: &self.path }
        }))
    }
}

impl Finding<'_> {
    /// Discards what was found, unless something has become invalid since.
    ///
    /// # Errors
    ///
    /// As for [`Filters::push`].
    pub fn push<F: Filters>(&self, filters: &F) -> Result<Pushed, F::Error> {
        filters.push_since(self.moment, self.key, self.event)
    }
}
