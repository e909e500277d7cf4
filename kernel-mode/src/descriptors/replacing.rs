//! From one plan to another while the programs run.
//!
//! A program reads a descriptor member by member and may do so in the middle of a change, so that a change is made in
//! steps of which each leaves a descriptor under which no call is missed that both plans want: what is new is enabled
//! when the rest of it is there, what is obsolete is disabled and else left alone, and what stays takes any argument
//! while its tests are replaced.

use std::collections::BTreeMap;

use lapwing_common::backend::FilterPlan;

use super::{Unsupported, table, when_seen};
use crate::abi::Descriptor;

/// Every descriptor of a plan, those of operations included if they are seen.
pub(crate) fn whole(plan: &FilterPlan, sees_operations: bool) -> Result<BTreeMap<u32, Descriptor>, Unsupported> {
    let mut whole: BTreeMap<_, _> = table(plan)?.into_iter().collect();
    if sees_operations {
        whole.extend(when_seen(plan)?);
    }
    Ok(whole)
}

/// What to write where, in order, to come from one table to another.
pub(crate) fn steps(old: &BTreeMap<u32, Descriptor>, new: &BTreeMap<u32, Descriptor>) -> Vec<(u32, Descriptor)> {
    let mut steps = Vec::new();
    for (place, next) in new {
        match old.get(place).filter(|before| before.flags != 0) {
            Some(before) if before == next => {}
            Some(before) => {
                steps.push((*place, Descriptor { tests_count: 0, ..*before }));
                steps.push((*place, Descriptor { tests_count: 0, ..*next }));
                steps.push((*place, *next));
            }
            None => {
                steps.push((*place, Descriptor { flags: 0, ..*next }));
                steps.push((*place, *next));
            }
        }
    }
    for (place, before) in old {
        if !new.contains_key(place) {
            steps.push((*place, Descriptor { flags: 0, ..*before }));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use lapwing_common::engine::EventSet;
    use lapwing_common::event::EventType::{Connect, Exec, Open, Rmdir, Unlink};

    use super::*;

    fn of(events: &[lapwing_common::event::EventType]) -> BTreeMap<u32, Descriptor> {
        let events: EventSet = events.iter().copied().collect();
        whole(&FilterPlan { events, ..FilterPlan::default() }, true).unwrap()
    }

    /// What a program sees after each of the steps.
    fn states(old: &BTreeMap<u32, Descriptor>, new: &BTreeMap<u32, Descriptor>) -> Vec<BTreeMap<u32, Descriptor>> {
        let mut state = old.clone();
        let mut states = vec![state.clone()];
        for (place, descriptor) in steps(old, new) {
            state.insert(place, descriptor);
            states.push(state.clone());
        }
        states
    }

    fn enabled(table: &BTreeMap<u32, Descriptor>) -> BTreeMap<u32, Descriptor> {
        table.iter().filter(|(_, one)| one.flags != 0).map(|(place, one)| (*place, *one)).collect()
    }

    #[test]
    fn the_last_step_is_the_new_table() {
        for (old, new) in [
            (of(&[Exec]), of(&[Exec, Open, Unlink])),
            (of(&[Open, Unlink, Connect]), of(&[Rmdir])),
            (of(&[Unlink]), of(&[Unlink, Rmdir])),
        ] {
            assert_eq!(enabled(states(&old, &new).last().unwrap()), enabled(&new));
        }
    }

    #[test]
    fn what_both_want_is_captured_at_every_step() {
        // `unlinkat` is either, by its flags.
        let (old, new) = (of(&[Unlink, Open]), of(&[Unlink, Rmdir, Connect]));
        let states = states(&old, &new);
        assert!(states.len() > 5);
        let mut compared = 0;
        for state in states {
            for (place, before) in &old {
                // That a ring is set up is described, and disabled, where its operations are seen.
                let Some(after) = new.get(place).filter(|after| after.flags != 0 && before.flags != 0) else {
                    continue;
                };
                let now = &state[place];
                compared += 1;
                assert_ne!(now.flags, 0);
                let takes_all = now.tests_count == 0;
                assert!(takes_all || now == before || now == after, "{now:?}");
            }
        }
        assert!(compared > 5);
    }
}
