//! What variables hold at this moment.
//!
//! Lists are sets with a bound: a value that comes again is only refreshed, and the one that was not seen for
//! longest gives way. Values of a process go with the process ([`Variables::release`]); those of
//! containers and control groups, which nobody reports the end of, are bounded in number.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroUsize;

use lru::LruCache;

use super::{Declarations, MOST_OWNERS, VariableId};
use crate::ids::{ProcessKey, Timestamp};
use crate::rules::Cidr;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Int(i64),
    Text(Box<[u8]>),
    Ip(Cidr),
}

/// A value or a list of values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    Bool(bool),
    One(Scalar),
    List(Vec<Scalar>),
}

/// Whose a value is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    Process(ProcessKey),
    Container(Box<[u8]>),
    Cgroup(Box<[u8]>),
}

#[derive(Clone, Debug)]
enum Cell {
    Bool(bool, Timestamp),
    One(Scalar, Timestamp),
    /// The one that was written last stands last.
    List(Vec<(Scalar, Timestamp)>),
}

type Cells = Vec<(VariableId, Cell)>;

/// All values.
#[derive(Debug)]
pub(crate) struct Variables {
    global: Cells,
    owned: LruCache<Owner, Cells>,
    /// Owners that gave way before they ended.
    pub(crate) evicted: u64,
}

impl Default for Variables {
    fn default() -> Self {
        let most = NonZeroUsize::new(3 * MOST_OWNERS).unwrap_or(NonZeroUsize::MIN);
        Self { global: Vec::new(), owned: LruCache::unbounded(), evicted: 0 }.bounded(most)
    }
}

/// When a value that is written now is unset: at the end of time without a limit.
fn deadline(now: Timestamp, ttl: u64) -> Timestamp {
    Timestamp(if ttl == 0 { u64::MAX } else { now.0.saturating_add(ttl) })
}

impl Variables {
    fn bounded(mut self, most: NonZeroUsize) -> Self {
        self.owned.resize(most);
        self
    }

    fn cells(&self, owner: Option<&Owner>) -> &[(VariableId, Cell)] {
        match owner {
            None => &self.global,
            Some(owner) => self.owned.peek(owner).map_or(&[], |cells| cells),
        }
    }

    fn cell(&self, id: VariableId, owner: Option<&Owner>) -> Option<&Cell> {
        self.cells(owner).iter().find(|(candidate, _)| *candidate == id).map(|(_, cell)| cell)
    }

    /// Whether the owner has one of its own.
    pub(crate) fn has(&self, id: VariableId, owner: Option<&Owner>) -> bool {
        self.cell(id, owner).is_some()
    }

    /// The truth that it holds.
    pub(crate) fn flag(&self, id: VariableId, owner: Option<&Owner>, now: Timestamp) -> Option<bool> {
        match self.cell(id, owner)? {
            Cell::Bool(value, until) if now < *until => Some(*value),
            _ => None,
        }
    }

    /// Calls back with each value that it holds, until one is what is looked for; `None` if it holds none.
    pub(crate) fn any(
        &self,
        id: VariableId,
        owner: Option<&Owner>,
        now: Timestamp,
        test: &mut dyn FnMut(&Scalar) -> bool,
    ) -> Option<bool> {
        match self.cell(id, owner)? {
            Cell::One(value, until) if now < *until => Some(test(value)),
            Cell::List(values) if values.iter().any(|(_, until)| now < *until) => {
                Some(values.iter().any(|(value, until)| now < *until && test(value)))
            }
            _ => None,
        }
    }

    /// Writes a value. `append` adds to numbers and texts; to lists everything is added.
    pub(crate) fn write(
        &mut self,
        declarations: &Declarations,
        id: VariableId,
        owner: Option<Owner>,
        data: Data,
        append: bool,
        now: Timestamp,
    ) {
        let Some(declaration) = declarations.get(id) else { return };
        let until = deadline(now, declaration.ttl);
        let cells = match owner {
            None => &mut self.global,
            Some(owner) => {
                if self.owned.len() == self.owned.cap().get() && !self.owned.contains(&owner) {
                    self.evicted += 1;
                }
                self.owned.get_or_insert_mut(owner, Vec::new)
            }
        };
        let cell = match cells.iter().position(|(candidate, _)| *candidate == id) {
            Some(index) => &mut cells[index].1,
            None => {
                cells
                    .push((id, if declaration.ty.is_list() { Cell::List(Vec::new()) } else { Cell::Bool(false, now) }));
                let last = cells.len() - 1;
                &mut cells[last].1
            }
        };
        match (data, cell) {
            (Data::List(values), Cell::List(list)) => {
                values.into_iter().for_each(|value| insert(list, value, until, declaration.size));
            }
            (Data::One(value), Cell::List(list)) => insert(list, value, until, declaration.size),
            (Data::One(value), Cell::One(old, old_until)) if append && now < *old_until => {
                add(old, value);
                *old_until = until;
            }
            (Data::One(value), cell) => *cell = Cell::One(value, until),
            (Data::Bool(value), cell) => *cell = Cell::Bool(value, until),
            (Data::List(_), _) => {}
        }
    }

    /// The same where variables have other numbers now; what has none is gone.
    pub(crate) fn moved(mut self, number: impl Fn(VariableId) -> Option<VariableId>) -> Self {
        let renumber = |cells: &mut Cells| {
            cells.retain_mut(|(id, _)| match number(*id) {
                Some(new) => {
                    *id = new;
                    true
                }
                None => false,
            });
        };
        renumber(&mut self.global);
        self.owned.iter_mut().for_each(|(_, cells)| renumber(cells));
        self
    }

    /// Forgets what an owner had.
    pub(crate) fn release(&mut self, owner: &Owner) {
        self.owned.pop(owner);
    }

    /// Forgets what has been unset by time.
    pub(crate) fn purge(&mut self, now: Timestamp) {
        let purge = |cells: &mut Cells| {
            cells.retain_mut(|(_, cell)| match cell {
                Cell::Bool(_, until) | Cell::One(_, until) => now < *until,
                Cell::List(values) => {
                    values.retain(|(_, until)| now < *until);
                    !values.is_empty()
                }
            });
        };
        purge(&mut self.global);
        let mut empty = Vec::new();
        for (owner, cells) in &mut self.owned {
            purge(cells);
            if cells.is_empty() {
                empty.push(owner.clone());
            }
        }
        for owner in empty {
            self.owned.pop(&owner);
        }
    }
}

fn insert(list: &mut Vec<(Scalar, Timestamp)>, value: Scalar, until: Timestamp, size: usize) {
    list.retain(|(known, _)| *known != value);
    list.push((value, until));
    if list.len() > size.max(1) {
        list.remove(0);
    }
}

fn add(old: &mut Scalar, value: Scalar) {
    match (old, value) {
        (Scalar::Int(old), Scalar::Int(value)) => *old = old.wrapping_add(value),
        (Scalar::Text(old), Scalar::Text(value)) => *old = [&**old, &*value].concat().into(),
        (old, value) => *old = value,
    }
}
