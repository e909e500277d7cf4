//! Rights that beginning a watch takes and going on does not: given up, so that a defect in reading what
//! workloads wrote is not one in a process that may load programs into the kernel.

use caps::errors::CapsError;
use caps::{CapSet, Capability, CapsHashSet};

/// What loads and attaches programs. Not what reading `/proc` and sending signals may take.
const TO_BEGIN: [Capability; 3] = [Capability::CAP_BPF, Capability::CAP_PERFMON, Capability::CAP_SYS_ADMIN];

/// Takes them from the calling thread for good, if what is still to be done works without them: that is tried
/// before there is no way back. Says whether it does.
///
/// With `unprivileged_bpf_disabled` set, kernels before 5.19 want `CAP_BPF` even to look into a map that one
/// has open (since c8644cd0efe7 they want it to make one).
pub(crate) fn give_up(still_works: impl FnOnce() -> bool) -> Result<bool, CapsError> {
    let effective = caps::read(None, CapSet::Effective)?;
    caps::set(None, CapSet::Effective, &without(&effective))?;
    if !still_works() {
        caps::set(None, CapSet::Effective, &effective)?;
        return Ok(false);
    }
    let permitted = caps::read(None, CapSet::Permitted)?;
    caps::set(None, CapSet::Permitted, &without(&permitted))?;
    Ok(true)
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

    /// In a thread of its own, whose rights are nobody else's.
    fn after(still_works: bool) -> ([CapsHashSet; 2], bool, [CapsHashSet; 2]) {
        std::thread::spawn(move || (sets(), give_up(|| still_works).unwrap(), sets())).join().unwrap()
    }

    #[test]
    fn those_and_no_others_are_given_up() {
        let (before, given, after) = after(true);
        assert!(given);
        assert_eq!(after, before.map(|set| without(&set)));
        assert!(after.iter().all(|set| TO_BEGIN.iter().all(|capability| !set.contains(capability))));
    }

    #[test]
    fn what_is_still_needed_is_kept() {
        let (before, given, after) = after(false);
        assert!(!given);
        assert_eq!(after, before);
    }

    #[test]
    fn it_is_tried_without_them() {
        std::thread::spawn(|| {
            let mut tried = None;
            give_up(|| {
                tried = Some(caps::has_cap(None, CapSet::Effective, Capability::CAP_SYS_ADMIN).unwrap());
                false
            })
            .unwrap();
            assert_eq!(tried, Some(false));
        })
        .join()
        .unwrap();
    }
}
