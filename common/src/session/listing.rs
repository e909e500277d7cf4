//! What a tracer leaves out, as messages: for an agent's dump, in parts that fit, and put together again.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use lapwing_proto::tracer::v1 as proto;
use prost::Message as _;

use super::LONGEST_OTHER;
use crate::discard::{
    ApproverCounts, ApproverStatistics, Counts, EventMask, InodeDiscarder, InodeKey, Ktime, MOST_INODES, MOST_PIDS,
    Params, Statistics,
};
use crate::event::EventType;
use crate::ids::Pid;

/// Bytes after which a part is full: one more entry, whatever its path, still fits into a message.
const FULL: usize = LONGEST_OTHER / 2;
/// Bytes of paths that are taken of one tracer.
const MOST_PATHS: usize = 8 << 20;

/// What is left out at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Discarded files and directories, with the path under which each was discarded; empty if that is not known.
    pub inodes: Vec<(InodeKey, InodeDiscarder, Box<[u8]>)>,
    /// Discarded processes.
    pub pids: Vec<(Pid, Params)>,
    /// What discarders have done.
    pub discarders: Statistics,
    /// What approvers have done.
    pub approvers: ApproverStatistics,
}

/// The messages that tell it, in order; at least one.
#[must_use]
pub fn parts(id: u64, left: &Left) -> VecDeque<proto::Discarders> {
    let mut parts = VecDeque::new();
    let mut part = proto::Discarders { id, counts: counts(left), ..proto::Discarders::default() };
    let mut room = FULL;
    for (key, discarder, path) in &left.inodes {
        let message = proto::DiscardedInode {
            inode: key.inode,
            mount: key.mount,
            below: !key.leaf,
            what: Some(said(&discarder.params)),
            mount_revision: discarder.mount_revision,
            path: path.to_vec(),
        };
        turn(id, message.encoded_len(), &mut room, &mut part, &mut parts);
        part.inodes.push(message);
    }
    for (pid, params) in &left.pids {
        let message = proto::DiscardedPid { pid: pid.0, what: Some(said(params)) };
        turn(id, message.encoded_len(), &mut room, &mut part, &mut parts);
        part.pids.push(message);
    }
    part.end = true;
    parts.push_back(part);
    parts
}

/// Begins another part if this one is full.
fn turn(
    id: u64,
    length: usize,
    room: &mut usize,
    part: &mut proto::Discarders,
    parts: &mut VecDeque<proto::Discarders>,
) {
    if *room < length {
        let next = proto::Discarders { id, ..proto::Discarders::default() };
        parts.push_back(core::mem::replace(part, next));
        *room = FULL;
    }
    *room = room.saturating_sub(length);
}

fn said(params: &Params) -> proto::Discarded {
    let types = EventType::ALL.into_iter().filter(|event| params.event_mask.contains(*event));
    proto::Discarded {
        events: types.map(|event| event.name().to_string()).collect(),
        expire_at: params.expire_at.0,
        is_retained: params.is_retained,
        revision: params.revision,
    }
}

fn counts(left: &Left) -> Vec<proto::FilterCounts> {
    let row = |event: String, counts: Counts, approved: ApproverCounts| proto::FilterCounts {
        event,
        added: counts.added,
        discarded: counts.discarded,
        by_basename: approved.by_basename,
        by_flags: approved.by_flags,
        rejected: approved.rejected,
    };
    let types = EventType::ALL.into_iter().filter(|event| event.is_filtered());
    let rows = types.map(|event| row(event.name().to_string(), left.discarders.of(event), left.approvers.of(event)));
    let all = rows.chain([row(String::new(), left.discarders.of_pids(), ApproverCounts::default())]);
    all.filter(|row| *row != proto::FilterCounts { event: row.event.clone(), ..proto::FilterCounts::default() })
        .collect()
}

/// An answer that comes in parts.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    left: Left,
    paths: usize,
    /// What was over the bounds.
    surplus: bool,
}

impl Answer {
    /// Takes the next part. Returns whether it was the last. What is more than a tracer can have is passed over.
    pub fn take(&mut self, part: proto::Discarders) -> bool {
        for inode in part.inodes {
            self.paths += inode.path.len();
            if self.left.inodes.len() >= MOST_INODES || self.paths > MOST_PATHS {
                self.surplus = true;
                break;
            }
            let key = InodeKey { inode: inode.inode, mount: inode.mount, leaf: !inode.below };
            let params = params(inode.what.unwrap_or_default());
            let discarder = InodeDiscarder { params, mount_revision: inode.mount_revision };
            self.left.inodes.push((key, discarder, inode.path.into()));
        }
        for pid in part.pids {
            if self.left.pids.len() >= MOST_PIDS {
                self.surplus = true;
                break;
            }
            self.left.pids.push((Pid(pid.pid), params(pid.what.unwrap_or_default())));
        }
        let mut cells = [Counts::default(); EventType::FILTERED];
        let mut approved = [ApproverCounts::default(); EventType::FILTERED];
        let has_counts = !part.counts.is_empty();
        for row in part.counts {
            let place =
                if row.event.is_empty() { Some(0) } else { EventType::named(&row.event).map(|one| one as usize) };
            let Some(place) = place.filter(|place| *place < EventType::FILTERED) else { continue };
            cells[place] = Counts { added: row.added, discarded: row.discarded };
            approved[place] =
                ApproverCounts { by_basename: row.by_basename, by_flags: row.by_flags, rejected: row.rejected };
        }
        if has_counts {
            self.left.discarders = Statistics::from_cells(cells);
            self.left.approvers = ApproverStatistics::from_cells(approved);
        }
        part.end
    }

    /// What has come.
    #[must_use]
    pub fn left(self) -> Left {
        self.left
    }

    /// Whether some of it was passed over.
    #[must_use]
    pub fn has_surplus(&self) -> bool {
        self.surplus
    }
}

fn params(said: proto::Discarded) -> Params {
    let types = said.events.iter().filter_map(|name| EventType::named(name)).filter(|event| event.is_filtered());
    Params {
        event_mask: types.fold(EventMask::NONE, EventMask::with),
        expire_at: Ktime(said.expire_at),
        is_retained: said.is_retained,
        revision: said.revision,
        ..Params::default()
    }
}
