//! Rights that beginning a watch takes and going on does not: given up, so that a defect in reading what
//! workloads wrote is not one in a process that may load programs into the kernel.

use caps::errors::CapsError;
use caps::{CapSet, Capability, CapsHashSet};

/// What loads and attaches programs. Not what reading `/proc` and sending signals may take.
const TO_BEGIN: [Capability; 3] = [Capability::CAP_BPF, Capability::CAP_PERFMON, Capability::CAP_SYS_ADMIN];

/// What is kept if not everything can be given up: the least that may do comes first.
const TO_GO_ON: [Option<Capability>; 3] = [None, Some(Capability::CAP_BPF), Some(Capability::CAP_SYS_ADMIN)];

/// Takes from the calling thread for good as many of them as what is still to be done works without: that is tried
/// before there is no way back. Returns those that are kept.
///
/// With `unprivileged_bpf_disabled` set, kernels before 5.19 want `CAP_BPF` even to look into a map that one has open,
/// or `CAP_SYS_ADMIN` in its place (since c8644cd0efe7 they want it to make one, and to load a program).
pub(crate) fn give_up(mut still_works: impl FnMut() -> bool) -> Result<Vec<Capability>, CapsError> {
    let effective = caps::read(None, CapSet::Effective)?;
    let permitted = caps::read(None, CapSet::Permitted)?;
    for keep in TO_GO_ON {
        if keep.is_some_and(|keep| !effective.contains(&keep)) {
            continue;
        }
        let with_it = |set: &CapsHashSet| without(set).into_iter().chain(keep).collect::<CapsHashSet>();
        caps::set(None, CapSet::Effective, &with_it(&effective))?;
        if still_works() {
            caps::set(None, CapSet::Permitted, &with_it(&permitted))?;
            return Ok(keep.into_iter().collect());
        }
    }
    caps::set(None, CapSet::Effective, &effective)?;
    Ok(TO_BEGIN.into_iter().filter(|capability| permitted.contains(capability)).collect())
}

fn without(set: &CapsHashSet) -> CapsHashSet {
    set.iter().copied().filter(|capability| !TO_BEGIN.contains(capability)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets() -> [CapsHashSet; 2] {
        [CapSet::Effective, CapSet::Permitted].map(|set| caps::read(None, set).unwrap())
    }

    fn has(capability: Capability) -> bool {
        caps::has_cap(None, CapSet::Effective, capability).unwrap()
    }

    type Sets = [CapsHashSet; 2];

    /// What is done by a thread of its own, whose rights are nobody else's.
    fn after(still_works: impl FnMut() -> bool + Send + 'static) -> (Sets, Vec<Capability>, Sets) {
        std::thread::spawn(move || (sets(), give_up(still_works).unwrap(), sets())).join().unwrap()
    }

    #[test]
    fn those_and_no_others_are_given_up() {
        let (before, kept, after) = after(|| TO_BEGIN.into_iter().all(|capability| !has(capability)));
        assert_eq!((kept, after), (Vec::new(), before.map(|set| without(&set))));
    }

    #[test]
    fn one_is_enough() {
        for needed in [Capability::CAP_BPF, Capability::CAP_SYS_ADMIN] {
            if !has(needed) {
                continue;
            }
            let (before, kept, after) = after(move || has(needed));
            assert_eq!(kept, [needed]);
            assert_eq!(after, before.map(|set| without(&set).into_iter().chain([needed]).collect()));
        }
    }

    #[test]
    fn what_is_still_needed_is_kept() {
        let (before, kept, after) = after(|| false);
        assert_eq!(after, before);
        assert!(kept.iter().all(|capability| before[1].contains(capability)));
    }
}
